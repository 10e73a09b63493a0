"""Orders for seasons, and what their computation reports: everything that it is given, and everything that it says."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, ConfigDict

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.indices import names_in_order
from ndvi_core.models.season_part import SeasonPart
from ndvi_core.season.rules import SeasonRules

SEASON_VERSION = "1"
"""Version of the computation; another one makes all seasons be computed anew."""

WORTH_PROCESSES = 20_000
"""Seasons of an order from which on they are computed in processes of their own, which are worth their start then."""


class _Strict(Frozen):
    model_config = ConfigDict(extra="forbid")


class PartOrder(_Strict):
    """A part that is to be computed anew."""

    part: SeasonPart
    uri: str
    """Parquet file of its seasons with their observations, see `ndvi_core.storage.season_orders`."""
    seasons: int


class SeasonPolicy(_Strict):
    """All that decides the numbers of seasons besides their observations."""

    version: str = SEASON_VERSION
    rules: SeasonRules
    indices: Annotated[tuple[str, ...], AfterValidator(names_in_order)]


class SeasonOrder(_Strict):
    """The parts of a run, in the order of years and parts."""

    policy: SeasonPolicy
    last_day: date
    """Last day that is recorded."""
    parts: tuple[PartOrder, ...]
    others: tuple[SeasonPart, ...]
    """Further parts of the same years: their seasons stay as they are, and may stand otherwise among their peers."""
    earlier_years: tuple[int, ...]
    """Years of all seasons that there are, with which later ones are compared."""
    seasons: str
    """URL of the files of seasons that there are."""
    results: str
    """URL of the folder that those of the order's parts are written to, by the same names."""
    manifest: str
    """URI of the manifest."""

    @property
    def years(self) -> tuple[int, ...]:
        """Years of the parts."""
        return tuple(sorted({order.part.year for order in self.parts}))


class SeasonManifest(_Strict):
    """What the computation of an order has written, and that it has come to its end."""

    order_sha256: str
    files: tuple[str, ...]
    """Names below `results`, as they will be among the files of seasons."""
    empty: tuple[str, ...]
    """Names of files of which nothing is left."""
    found: tuple[SeasonPart, ...]
    """Parts in which events were looked for; each has a file below `found/`."""

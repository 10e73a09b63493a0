"""Scenes: Sentinel-2 L2A items of a catalogue, reduced to what the computation needs."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AwareDatetime, model_validator
from pydantic import Field as Attribute

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import Geometry
from ndvi_core.models.indices import Band

Asset = Literal[Band, "scl", "visual"]
"""The files of a scene that are read: its bands, its classification (SCL), and its true-colour image (TCI)."""

BOA_ADD_OFFSET = -1000
"""Added to the digital numbers of all bands to undo their shift since processing baseline 04.00 (25 January 2022).

Source: `BOA_ADD_OFFSET` in ESA's product metadata (MTD_MSIL2A.xml), the same for all bands so far.
"""


MAX_DIGITAL_NUMBER = 32767
"""Greatest digital number of a reflectance. A greater one is saturated, or a negative number that lost its sign.

Source: Sentinel-2 Products Specification Document, L2A surface reflectance: 0 is no data, values run from 1 to 32767.
"""

OFFSET_SINCE = (4, 0)
"""The first processing baseline whose digital numbers ESA has shifted, see `baseline_number`."""

PASS_GAP = timedelta(minutes=30)
"""Scenes of one satellite and place that are further apart in time are of different passes.

An orbit takes 100 minutes; some catalogues state when a tile was acquired, others when the pass began.
"""


def _is_empty(of_bands: dict[Band, object]) -> bool:
    """Return whether a scene says nothing of further bands, and its JSON need not say so."""
    return not of_bands


_Added = Annotated[int, Attribute(ge=-MAX_DIGITAL_NUMBER, le=MAX_DIGITAL_NUMBER)]


class Offset(Frozen):
    """How digital numbers become reflectance: `reflectance * 10000 = DN + offset`."""

    rule: str
    """Name and version of the catalogue's rule that gave these numbers, e.g. `planetary-computer@1`."""
    red: _Added = 0
    """Added to the digital numbers of the red band: `BOA_ADD_OFFSET`, or 0 if there is no shift in the pixels."""
    nir: _Added = 0
    """Added to the digital numbers of the near infrared band."""
    others: dict[Band, _Added] = Attribute(default_factory=dict, exclude_if=_is_empty)
    """Likewise for each further band of the scene."""

    def of(self, band: Band) -> int:
        """Return what is added to the digital numbers of a band that the scene has."""
        if band == "red":
            return self.red
        return self.nir if band == "nir" else self.others[band]


class Scene(Frozen):
    """One tile of one Sentinel-2 acquisition, as a catalogue offers it."""

    id: str
    collection: str
    time: AwareDatetime
    """Acquisition, UTC."""
    tile: str = Attribute(pattern=r"^\d{2}[C-X][A-Z]{2}$")
    """MGRS tile, e.g. `30UXV`."""
    datatake: str
    """The same for all scenes of one pass, e.g. relative orbit and sensing start; with `tile` it finds duplicates."""
    baseline: str = Attribute(pattern=r"^\d{1,2}\.\d{1,2}$")
    """Processing baseline, e.g. `05.11`."""
    updated: AwareDatetime | None = None
    """When the catalogue last changed the item, UTC; None if it does not say."""
    epsg: int | None = None
    """Code of the bands' CRS; None if the catalogue does not say."""
    footprint: Geometry
    """Where the scene has data, as the catalogue says: WGS84, approximate."""
    red: str
    """Href of B04, 10 m: `https://`, `s3://` or a path. It is signed when it is read, and never stored signed."""
    nir: str
    """Href of B08, 10 m."""
    scl: str
    """Href of the scene classification, 20 m."""
    bands: dict[Band, str] = Attribute(default_factory=dict, exclude_if=_is_empty)
    """Hrefs of the bands beside red and NIR that indices need, as far as the item has them."""
    visual: str | None = Attribute(default=None, exclude_if=lambda href: href is None)
    """Href of the true-colour image (TCI), 10 m; None if the catalogue has none that can be read in parts."""
    signing: str | None = None
    """How hrefs have to be signed: None for not at all, or `planetary-computer`."""
    offset: Offset
    nodata: int | None = None
    """Digital number of pixels without data, as the item says; the file may name another. 0 is one in any case."""
    platform: str | None = None
    """The satellite, e.g. `sentinel-2a`."""
    relative_orbit: int | None = None
    """1 to 143."""
    sun_zenith: float | None = None
    """Mean angle between the sun and the vertical, degrees."""
    view_zenith: float | None = None
    """Mean angle between the line of sight and the vertical, degrees."""

    @model_validator(mode="after")
    def _has_an_offset_of_each_band(self) -> "Scene":
        if missing := self.bands.keys() - self.offset.others.keys():
            raise ValueError(f"no offset of the bands {', '.join(sorted(missing))}")
        return self

    def href(self, asset: Asset) -> str:
        """Return where an asset is.

        Raises:
            SceneUnreadable: the catalogue's item lacks it, or it is a band that no index of the deployment needs.
        """
        match asset:
            case "red":
                return self.red
            case "nir":
                return self.nir
            case "scl":
                return self.scl
            case "visual":
                return self._found(self.visual, "true-colour image")
        return self._found(self.bands.get(asset), f"band {asset}")

    def _found(self, href: str | None, what: str) -> str:
        if href is None:
            raise SceneUnreadable(f"scene {self.id}: its item has no usable asset of the {what}")
        return href

    @property
    def is_shifted(self) -> bool:
        """Whether ESA's product has shifted digital numbers, by its baseline; a catalogue may have undone it."""
        return baseline_number(self.baseline) >= OFFSET_SINCE

    @property
    def day(self) -> date:
        """Solar day of the acquisition at the tile, see `solar_day`."""
        return solar_day(self.time, self.tile)

    def day_at(self, longitude: float) -> date:
        """Return the solar day of the acquisition at a place that the scene shows.

        It is the tile's, but beyond the antimeridian: a pass over both of its sides is on two days, and one observation
        of a field that lies across.
        """
        eastwards = longitude - _longitude(self.tile)
        return self.day + timedelta(days=(eastwards > 180) - (eastwards < -180))

    @property
    def days(self) -> set[date]:
        """The solar days of the acquisition at all places that the scene shows."""
        west, _, east, _ = self.footprint.bounds
        return {self.day, self.day_at(west), self.day_at(east)}


class UnreadableItem(Frozen):
    """An item of the catalogue that may be a scene but cannot be read: nobody knows what it shows."""

    id: str
    reason: str
    """Catalogue, item, and what is wrong with it."""
    footprint: Geometry | None
    """Where it has data, as far as it says so; None is anywhere in the searched area."""
    day: date | None
    """Its solar day; None is any day of the searched period."""


def baseline_number(baseline: str) -> tuple[int, ...]:
    """Return the baseline as numbers that compare as baselines do: 05.09 is older than 05.10, and 5.9 is 05.09."""
    return tuple(int(part) for part in baseline.split("."))


def number_passes(scenes: Sequence[Scene]) -> list[int]:
    """Return for each scene the number of its pass: of one satellite, without a gap of more than `PASS_GAP`."""
    order = sorted(range(len(scenes)), key=lambda index: (_satellite(scenes[index]), scenes[index].time))
    numbers = [0] * len(scenes)
    for before, index in pairwise(order):
        first, second = scenes[before], scenes[index]
        is_same = _satellite(first) == _satellite(second) and second.time - first.time <= PASS_GAP
        numbers[index] = numbers[before] + (not is_same)
    return numbers


def _satellite(scene: Scene) -> str:
    return scene.datatake.partition("_")[0]


def solar_day(time: datetime, tile: str) -> date:
    """Return the solar day of an acquisition where it was made: UTC shifted by four minutes a degree of longitude.

    Over Europe and Africa this is the UTC date; over New Zealand a pass at 22:30 UTC belongs to the next day.
    The longitude is that of the tile's UTM zone: the centre of a footprint that the antimeridian cuts is elsewhere.
    """
    return (time + timedelta(hours=_longitude(tile) / 15)).date()


def _longitude(tile: str) -> int:
    """Return the middle of the tile's UTM zone, degrees."""
    return int(tile[:2]) * 6 - 183

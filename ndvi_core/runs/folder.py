"""A run's folder in the bucket: the keys and schemas of its files."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import Geometry
from ndvi_core.models.scene import Scene, UnreadableItem
from ndvi_core.models.season_part import SeasonPart
from ndvi_core.models.work_order import Written
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store


class SceneList(Frozen):
    """The scenes that a search found, with its area and period: outside of these, nothing is known of scenes."""

    area: Geometry | None
    """WGS84; None when there was nothing to look for."""
    period: tuple[date, date] | None
    scenes: tuple[Scene, ...] = ()
    older: tuple[Scene, ...] = ()
    """Older products of the same acquisitions."""
    unreadable: tuple[UnreadableItem, ...] = ()
    """Items that may be further scenes."""


class PlannedOrder(Frozen):
    """A work order of a run."""

    uri: str
    manifest: str
    label: str
    sha256: str
    cells: int
    """Number of cells; 0 for an order that an earlier plan of the run had and this one does not need."""
    days: tuple[date, date] | None = None
    """First and last; None without cells."""
    memory: int = 0
    """Bytes, see `WorkOrder.memory`."""


class SeasonPlan(Frozen):
    """The plan of a run of seasons."""

    order: PlannedOrder
    """Its cells are seasons."""
    parts: tuple[SeasonPart, ...]
    """That are computed anew."""
    notes: tuple[int, ...]
    """By which these parts were noted; later ones stay."""
    behind: tuple[int, ...] = ()
    """Sequences of the fields that were not caught up: days of theirs are missing, so their events stay as they are."""


class RunPlan(Frozen):
    """The plan of a run, by which its results are recorded."""

    orders: tuple[PlannedOrder, ...]
    settled: tuple[Written, ...]
    """Parquet files of the observations that needed no pixel."""
    day: date | None
    """The day that counts as recorded afterwards."""
    planned_at: datetime
    """Time by the registry's clock. If two runs have rows for a cell, that of the run that was planned later stays."""
    catches_up: dict[str, datetime]
    """Fields that may have all days they are owed once the run is recorded: by id, when they last changed."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run. Keys hold only letters, digits and `-_.=`, on which all S3 clients agree."""

    store: Store
    prefix: str

    @classmethod
    def of(cls, store: Store, settings: Settings, pipeline: str, run_id: str) -> "RunFolder":
        """Return the folder of a run of a pipeline; characters that are not for keys become hyphens."""
        return cls(store, f"{settings.runs_prefix}{pipeline}/{re.sub(r'[^A-Za-z0-9_.=-]', '-', run_id)}/")

    @property
    def scenes_key(self) -> str:
        """Key of the scenes that the search found."""
        return f"{self.prefix}scenes.json"

    @property
    def plan_key(self) -> str:
        """Key of the plan."""
        return f"{self.prefix}plan.json"

    def settled_key(self, number: int) -> str:
        """Return the key of a Parquet file of observations that needed no pixel."""
        return f"{self.prefix}results/settled-{number}.parquet"

    def order_key(self, number: int) -> str:
        """Return the key of a work order."""
        return f"{self.prefix}orders/{number}.parquet"

    def results_key(self, number: int) -> str:
        """Return the key of the Parquet file of a work order's observations."""
        return f"{self.prefix}results/{number}.parquet"

    def manifest_key(self, number: int) -> str:
        """Return the key of a work order's manifest."""
        return f"{self.prefix}manifests/{number}.json"

    @property
    def season_order_key(self) -> str:
        """Key of the order of a run of seasons."""
        return f"{self.prefix}order.json"

    @property
    def seasons_prefix(self) -> str:
        """Beginning of the keys of what a run of seasons computes."""
        return f"{self.prefix}seasons/"

    def read_scenes(self) -> SceneList:
        """Read what the search found.

        Raises:
            NotFound: there was no search.
        """
        return SceneList.model_validate_json(self.store.read(self.scenes_key))

    def read_plan(self) -> RunPlan:
        """Read the run's plan.

        Raises:
            NotFound: there is none yet.
        """
        return RunPlan.model_validate_json(self.store.read(self.plan_key))

    def read_season_plan(self) -> SeasonPlan:
        """Read the plan of a run of seasons.

        Raises:
            NotFound: there is none yet.
        """
        return SeasonPlan.model_validate_json(self.store.read(self.plan_key))

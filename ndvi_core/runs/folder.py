"""A run's folder in the bucket: the keys and schemas of its files."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from ndvi_core.models.geometry import Geometry
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import Written
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)


class SceneList(_Frozen):
    """What a search found, and where and when it looked: beyond that, no scene does not mean that there is none."""

    area: Geometry | None
    """WGS84; None when there was nothing to look for."""
    period: tuple[date, date] | None
    scenes: tuple[Scene, ...] = ()


class PlannedOrder(_Frozen):
    """A work order of a run."""

    uri: str
    manifest: str
    label: str
    sha256: str
    cells: int
    """None are left to do for an order that an earlier plan of the run had and this one does not need."""
    days: tuple[date, date] | None = None
    """First and last; None without cells."""
    memory: int = 0
    """Bytes, see `WorkOrder.memory`."""


class RunPlan(_Frozen):
    """All that a run is to do; what `record` goes by."""

    orders: tuple[PlannedOrder, ...]
    settled: tuple[Written, ...]
    """Parquet files of the observations that needed no pixel."""
    day: date | None
    """The day that counts as recorded afterwards."""
    planned_at: datetime
    """By the registry's clock; of two runs' rows for a cell, those of the one that was planned later stay."""
    catches_up: dict[str, datetime]
    """When they last changed, by id, of the fields that may have all they are owed once this is recorded."""


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps its files. Keys hold only letters, digits and `-_.=`, on which all S3 clients agree."""

    store: Store
    prefix: str

    @classmethod
    def of(cls, store: Store, settings: Settings, dag_id: str, run_id: str) -> "RunFolder":
        return cls(store, f"{settings.runs_prefix}{dag_id}/{re.sub(r'[^A-Za-z0-9_.=-]', '-', run_id)}/")

    @property
    def scenes_key(self) -> str:
        return f"{self.prefix}scenes.json"

    @property
    def plan_key(self) -> str:
        return f"{self.prefix}plan.json"

    def settled_key(self, number: int) -> str:
        return f"{self.prefix}results/settled-{number}.parquet"

    def order_key(self, number: int) -> str:
        return f"{self.prefix}orders/{number}.json"

    def results_key(self, number: int) -> str:
        return f"{self.prefix}results/{number}.parquet"

    def manifest_key(self, number: int) -> str:
        return f"{self.prefix}manifests/{number}.json"

    def read_scenes(self) -> SceneList:
        return SceneList.model_validate_json(self.store.read(self.scenes_key))

    def read_plan(self) -> RunPlan:
        return RunPlan.model_validate_json(self.store.read(self.plan_key))

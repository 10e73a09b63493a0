"""A run's folder in the bucket: the scenes that were found, the plan, the work orders and what came of them."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime

import shapely
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, func, select

from ndvi_core import ledger
from ndvi_core.errors import NotFound
from ndvi_core.extent import Extent, clip, load_extent
from ndvi_core.geometry import Geometry
from ndvi_core.observation import Observation
from ndvi_core.order import WorkOrder, Written
from ndvi_core.plan import Batch, DueCell, keep_places, make_plan, order_parts, pack
from ndvi_core.scene import Scene
from ndvi_core.selection import Selection, Wanted
from ndvi_core.settings import Settings
from ndvi_core.store import Store

_PARALLEL_WRITES = 16

_SLICE = 20_000
"""Fields that are planned at once: what there is to know of the others takes no memory meanwhile."""


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


def find_scenes(folder: RunFolder, settings: Settings, selection: Selection) -> SceneList:
    """Search the catalogue once for all selected cells and keep what it found in the run's folder."""
    from ndvi_core.catalogue import search_scenes

    extent = load_extent(folder.store, settings.extent_key)
    clipped = (clip(field.geometry, extent) for field, _ in selection.wanted)
    inside = [geometry for geometry in clipped if geometry is not None]
    if selection.period is None or not inside:
        found = SceneList(area=None, period=selection.period)
    else:
        area = shapely.box(*shapely.total_bounds(inside))
        found = SceneList(
            area=area, period=selection.period, scenes=tuple(search_scenes(settings, area, *selection.period))
        )
    folder.store.write(folder.scenes_key, found.model_dump_json().encode(), "application/json")
    return found


def plan_run(folder: RunFolder, settings: Settings, selection: Selection, connection: Connection) -> RunPlan:
    """Plan the selected cells with the scenes found before, and write the run's work orders.

    Fields that were registered after the search are left to the catch-up, since nobody has looked for their scenes.
    """
    extent = load_extent(folder.store, settings.extent_key)
    found = folder.read_scenes()
    planned_at = connection.execute(select(func.clock_timestamp())).scalar_one()
    due: list[DueCell] = []
    settled: list[Written] = []
    left_out: set[str] = set()
    for start in range(0, len(selection.wanted), _SLICE):
        wanted, unsearched = _within_search(selection.wanted[start : start + _SLICE], found, extent)
        left_out |= unsearched
        part = replace(selection, wanted=tuple(wanted))
        known = _known(connection, part)
        plan = make_plan(part, found.scenes, known, extent, settings.policy)
        due.extend(plan.due)
        if plan.settled:
            settled.append(_write_settled(folder, len(settled), plan.settled))
    batches = keep_places(pack(due, settings.max_tasks), _labels_before(folder))
    run_plan = RunPlan(
        orders=_write_orders(folder, settings, batches),
        settled=tuple(settled),
        day=selection.day,
        planned_at=planned_at,
        catches_up={key: changed for key, changed in selection.catches_up.items() if key not in left_out},
    )
    folder.store.write(folder.plan_key, run_plan.model_dump_json().encode(), "application/json")
    return run_plan


def _known(connection: Connection, selection: Selection) -> dict[tuple[int, date], ledger.Entry]:
    if selection.period is None:
        return {}
    return ledger.load_entries(connection, [field.sequence for field, _ in selection.wanted], *selection.period)


def _write_settled(folder: RunFolder, number: int, rows: Sequence[Observation]) -> Written:
    from ndvi_core.parquet import write_observations

    data = write_observations(rows)
    key = folder.settled_key(number)
    sha256 = folder.store.write(key, data, "application/vnd.apache.parquet")
    return Written(uri=folder.store.uri(key), sha256=sha256, size=len(data))


def _labels_before(folder: RunFolder) -> list[str]:
    """Return the labels of the orders that the run was planned with before; none for a new run."""
    try:
        return [order.label for order in folder.read_plan().orders]
    except NotFound:
        return []


def _within_search(wanted: Sequence[Wanted], found: SceneList, extent: Extent) -> tuple[list[Wanted], set[str]]:
    """Return what of the wanted cells has been searched scenes for, and the ids of the fields of the others."""
    start, end = found.period or (date.max, date.min)
    clipped = [clip(field.geometry, extent) for field, _ in wanted]
    # Of None, which has no area inside the extent, nobody has to look for scenes.
    searched = [inside is None for inside in clipped] | shapely.covers(found.area, clipped)
    within: list[Wanted] = []
    left_out = set()
    for (field, days), looked_for in zip(wanted, searched, strict=True):
        kept = tuple(day for day in days if looked_for and start <= day <= end)
        if kept:
            within.append((field, kept))
        if kept != days:
            left_out.add(field.field_id)
    return within, left_out


def _write_orders(folder: RunFolder, settings: Settings, batches: Sequence[Batch]) -> tuple[PlannedOrder, ...]:
    def write(number: int) -> PlannedOrder:
        batch = batches[number]
        fields, scenes, cells = order_parts(batch.cells)
        order = WorkOrder(
            label=batch.label,
            results=folder.store.uri(folder.results_key(number)),
            manifest=folder.store.uri(folder.manifest_key(number)),
            products=folder.store.uri(settings.products_prefix.rstrip("/")),
            pictures=settings.pictures,
            memory_mb=settings.memory_mb,
            policy=settings.policy,
            fields=fields,
            scenes=scenes,
            cells=cells,
        )
        key = folder.order_key(number)
        sha256 = folder.store.write(key, order.model_dump_json().encode(), "application/json")
        days = [cell.date for cell in cells]
        return PlannedOrder(
            uri=folder.store.uri(key),
            manifest=order.manifest,
            label=batch.label,
            sha256=sha256,
            cells=len(cells),
            days=(min(days), max(days)) if days else None,
            memory=order.memory,
        )

    with ThreadPoolExecutor(_PARALLEL_WRITES) as pool:
        return tuple(pool.map(write, range(len(batches))))

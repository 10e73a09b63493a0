"""Preparing a run: which area and period to search, the scenes found there, the plan and its work orders."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import shapely
from sqlalchemy import Connection, func, select

from ndvi_core.errors import NotFound
from ndvi_core.intake.extent_file import load_extent
from ndvi_core.models.entry import Entry
from ndvi_core.models.extent import Extent, clip
from ndvi_core.models.observation import Observation
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import PLANNED_AT, Cell, Passes, Products, WorkOrder, Written
from ndvi_core.registry import claims, extents, ledger
from ndvi_core.registry import fields as registry
from ndvi_core.registry.database import lock_claims
from ndvi_core.runs.batches import Batch, keep_places, pack
from ndvi_core.runs.folder import PlannedOrder, RunFolder, RunPlan, SceneList
from ndvi_core.runs.planner import DueCell, make_plan, order_parts
from ndvi_core.runs.scope import SearchScope, first_and_last_days, scope_of
from ndvi_core.runs.selection import Selection, Wanted
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.parquet import PARQUET
from ndvi_core.support.concurrency import map_bounded
from ndvi_core.support.garbage import relaxed_gc

log = logging.getLogger(__name__)

_PARALLEL_WRITES = 16


def search_scope(folder: RunFolder, settings: Settings, selection: Selection, connection: Connection) -> SearchScope:
    """Return the area and period of all selected cells.

    Args:
        folder: of the run.
        settings: the extent's key.
        selection: the cells.
        connection: in a transaction: an extent that is new is noted.
    """
    return scope_of(selection, current_extent(folder.store, settings, connection))


def current_extent(store: Store, settings: Settings, connection: Connection) -> Extent:
    """Read the extent from its file, and note it with today's date if it is a new one.

    Args:
        store: the bucket.
        settings: the extent's key.
        connection: in a transaction.

    Raises:
        NotFound, BadInput: see `load_extent`.
    """
    extent = load_extent(store, settings.extent_key)
    if extents.register_extent(connection, extent):
        log.info("the extent is %s from now on; what was computed for another one stays", extent)
    return extent


def find_scenes(folder: RunFolder, settings: Settings, scope: SearchScope) -> SceneList:
    """Search the catalogue once for all selected cells, and write the scenes to the run's folder."""
    from ndvi_core.catalog.search import search_scenes

    found = SceneList(area=scope.area, period=scope.period)
    if scope.area is not None and scope.period is not None:
        of_search = search_scenes(settings, scope.area, *scope.period)._asdict()
        found = found.model_copy(update={name: tuple(items) for name, items in of_search.items()})
    folder.store.write(folder.scenes_key, found.model_dump_json().encode(), "application/json")
    return found


@relaxed_gc()
def plan_run(folder: RunFolder, settings: Settings, selection: Selection, connection: Connection) -> RunPlan:
    """Plan the selected cells with the scenes found before, and write the run's work orders.

    Fields that were registered after the search are left to the catch-up, since it did not cover them.
    """
    extent = current_extent(folder.store, settings, connection)
    found = folder.read_scenes()
    if selection.claims:
        lock_claims(connection)
    planned_at = connection.execute(select(func.clock_timestamp())).scalar_one()  # once it need not wait
    due: list[DueCell] = []
    settled: list[Written] = []
    catches_up: dict[str, datetime] = {}
    for part in selection.slices():
        wanted, left_out = _within_search(part, found, extent)
        known = _known(connection, wanted, extent)
        plan = make_plan(
            replace(selection, wanted=wanted),
            found.scenes,
            known,
            extent,
            settings.policy,
            older=found.older,
            unreadable=found.unreadable,
        )
        due.extend(_not_claimed(connection, folder, plan.due) if selection.claims else plan.due)
        if plan.settled:
            settled.append(_write_settled(folder, len(settled), plan.settled))
        if selection.catches_up:
            catches_up |= {field.field_id: field.changed_at for field, _ in part if field.field_id not in left_out}
    if selection.claims:
        claims.take(connection, folder.prefix, ((cell.field.sequence, cell.date) for cell in due))
    batches = keep_places(pack(due, settings), _labels_before(folder))
    run_plan = RunPlan(
        orders=_write_orders(folder, settings, batches, extent, connection, planned_at),
        settled=tuple(settled),
        day=selection.day,
        planned_at=planned_at,
        catches_up=catches_up,
    )
    folder.store.write(folder.plan_key, run_plan.model_dump_json().encode(), "application/json")
    return run_plan


def _known(connection: Connection, wanted: Sequence[Wanted], extent: Extent) -> dict[tuple[int, date], Entry]:
    ends = first_and_last_days(wanted)
    if not ends:
        return {}
    return ledger.load_entries(connection, [field.sequence for field, _ in wanted], min(ends), max(ends), extent)


def _not_claimed(connection: Connection, folder: RunFolder, due: Sequence[DueCell]) -> list[DueCell]:
    """Return the cells that no other run is computing at the moment."""
    elsewhere = claims.claimed_elsewhere(connection, folder.prefix, {cell.field.sequence for cell in due})
    cells = [(cell.field.sequence, cell.date) for cell in due]
    left = [one for one, cell in zip(due, cells, strict=True) if cell not in elsewhere]
    if len(left) < len(due):
        runs = ", ".join(sorted({elsewhere[cell] for cell in cells if cell in elsewhere}))
        log.info("%d cells are left to %s, which is computing them", len(due) - len(left), runs)
    return left


def _write_settled(folder: RunFolder, number: int, rows: Sequence[Observation]) -> Written:
    from ndvi_core.storage.geoparquet import write_observations

    data = write_observations(rows)
    key = folder.settled_key(number)
    sha256 = folder.store.write(key, data, PARQUET)
    return Written(uri=folder.store.uri(key), sha256=sha256, size=len(data))


def _labels_before(folder: RunFolder) -> list[str]:
    """Return the labels of the orders that the run was planned with before; none for a new run."""
    try:
        return [order.label for order in folder.read_plan().orders]
    except NotFound:
        return []


def _within_search(wanted: Sequence[Wanted], found: SceneList, extent: Extent) -> tuple[list[Wanted], set[str]]:
    """Return the cells that the search covers, and the ids of fields with cells that it does not."""
    start, end = found.period or (date.max, date.min)
    clipped = clip([field.geometry for field, _ in wanted], extent)
    shapely.prepare(found.area)
    # None has no area inside the extent, so no scene has to be searched for it.
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


def _passes(
    folder: RunFolder, settings: Settings, scenes: Sequence[Scene], cells: Sequence[Cell], pictured: set[str]
) -> Passes | None:
    """Return which of an order's scenes it draws a picture of: the newest products that no order before it draws.

    Args:
        folder: of the run.
        settings: whether there are pictures of passes, and where.
        scenes: of the order.
        cells: of the order.
        pictured: ids of the scenes that orders before it draw, to which its own are added.
    """
    if not settings.pass_pictures:
        return None
    newest = sorted({number for numbers in {cell.scene_set.scenes for cell in cells} for number in numbers})
    own = [number for number in newest if scenes[number].visual and scenes[number].id not in pictured]
    pictured.update(scenes[number].id for number in own)
    return Passes(uri=folder.store.uri(settings.passes_prefix).rstrip("/"), scenes=tuple(own)) if own else None


def _write_orders(
    folder: RunFolder,
    settings: Settings,
    batches: Sequence[Batch],
    extent: Extent,
    connection: Connection,
    planned_at: datetime,
) -> tuple[PlannedOrder, ...]:
    from ndvi_core.storage.work_orders import write_order

    metadata = {PLANNED_AT: planned_at.astimezone(UTC).isoformat()}
    products = Products.below(folder.store.uri(settings.products_prefix).rstrip("/"), settings.products)
    pictured: set[str] = set()

    def orders() -> Iterator[tuple[int, WorkOrder]]:
        for number, batch in enumerate(batches):
            revisions = {(cell.field.sequence, cell.field.revision) for cell in batch.cells}
            boundaries = registry.load_boundaries(connection, revisions)
            fields, scenes, cells = order_parts(batch.cells, boundaries, extent)
            yield (
                number,
                WorkOrder(
                    label=batch.label,
                    results=folder.store.uri(folder.results_key(number)),
                    manifest=folder.store.uri(folder.manifest_key(number)),
                    products=products,
                    passes=_passes(folder, settings, scenes, cells, pictured),
                    memory_mb=settings.memory_mb,
                    policy=settings.policy,
                    extent=str(extent),
                    fields=fields,
                    scenes=scenes,
                    cells=cells,
                ),
            )

    def write(numbered: tuple[int, WorkOrder]) -> PlannedOrder:
        number, order = numbered
        key = folder.order_key(number)
        sha256 = folder.store.write(key, write_order(order), PARQUET, metadata)
        days = [cell.date for cell in order.cells]
        return PlannedOrder(
            uri=folder.store.uri(key),
            manifest=order.manifest,
            label=order.label,
            sha256=sha256,
            cells=len(order.cells),
            days=(min(days), max(days)) if days else None,
            memory=order.memory,
        )

    return tuple(map_bounded(write, orders(), _PARALLEL_WRITES))

"""Recording: verify what the tasks wrote, bring it into the ledger and publish the days that it touches."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from hashlib import sha256
from itertools import chain

from pydantic import ValidationError
from sqlalchemy import Connection, Engine

from ndvi_core.errors import BadInput, NotFound
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.observation import Observation
from ndvi_core.models.work_order import Manifest, WorkOrder, Written, make_observation
from ndvi_core.registry import claims, due_days, index_sets, ledger, published_days, recorded_days, stale_days
from ndvi_core.registry import fields as registry
from ndvi_core.registry.database import lock_registration
from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.runs.folder import PlannedOrder, RunFolder, RunPlan
from ndvi_core.runs.selection import in_slices
from ndvi_core.settings import Settings
from ndvi_core.storage.geoparquet import read_observations, write_day
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.parquet import PARQUET
from ndvi_core.storage.work_orders import read_order
from ndvi_core.support.concurrency import map_bounded
from ndvi_core.support.garbage import relaxed_gc

_PARALLEL_READS = 4
"""Orders whose rows are read, and are in memory, at once."""


class Recorded(Frozen):
    """The outcome of a run."""

    counts: dict[str, int]
    """Cells by status."""
    days: tuple[date, ...]
    """Days that were published."""
    field_ids: tuple[str, ...]
    """Fields that have new rows."""
    failures: tuple[str, ...]
    """A line for each cell that failed: field, day and why."""
    until: date | None
    """The last day that is recorded."""


@relaxed_gc()
def record_run(folder: RunFolder, settings: Settings, engine: Engine) -> Recorded:
    """Record the rows that a run's tasks have written; cells without a row are recorded as failed.

    May be repeated: the same manifests give the same rows and the same bytes.

    Raises:
        NotFound: when the run has no plan.
    """
    plan = folder.read_plan()
    counts: Counter[str] = Counter()
    fields: dict[str, None] = {}
    failures: list[str] = []

    def tallied() -> Iterator[Observation]:
        for row in _rows(folder.store, plan):
            counts[row.status] += 1
            fields[row.field_id] = None
            if row.status == "failed":
                failures.append(f"{row.field_id} {row.date}: {row.reason}")
            yield row

    with engine.begin() as connection:
        days = ledger.upsert_observations(connection, tallied(), plan.planned_at)
        index_sets.register_indices(connection, settings.indices)
        gap = None
        if plan.day is not None:
            gap = recorded_days.mark_recorded(connection, plan.day, settings.start_date)
    if gap is not None:
        with engine.begin() as connection:
            _note_gap(connection, *gap)
    days = publish_stale_days(folder.store, settings, engine, days)
    with engine.begin() as connection:
        if plan.day is not None:
            recorded_days.mark_published(connection, plan.day)  # also a day of which no row is due
        _mark_caught_up(connection, plan, settings.start_date)
        due_days.mark_caught_up_days(connection)
        claims.release(connection, folder.prefix)
        until = recorded_days.last_recorded_day(connection)
    return Recorded(
        counts=dict(sorted(counts.items())),
        days=tuple(days),
        field_ids=tuple(fields),
        failures=tuple(failures),
        until=until,
    )


def _rows(store: Store, plan: RunPlan) -> Iterator[Observation]:
    """Yield all rows of a run, while those of the next orders are being read."""
    for settled in plan.settled:
        yield from _read_verified(store, settled)
    for rows in map_bounded(partial(_collect, store), [order for order in plan.orders if order.cells], _PARALLEL_READS):
        yield from rows


def publish_stale_days(store: Store, settings: Settings, engine: Engine, others: Sequence[date] = ()) -> list[date]:
    """Publish the days whose files do not have the rows that are due now, and others; return all of them, in order."""
    with engine.connect() as connection:
        days = sorted({*others, *stale_days.stale_days(connection)})
    for day in days:
        with engine.begin() as connection:
            publish_day(store, settings, connection, day)
    return days


def publish_day(store: Store, settings: Settings, connection: Connection, day: date) -> None:
    """Write the day's GeoParquet file from the ledger, whole; remove it if no row is due on the day any more.

    The same rows give the same bytes.
    """
    key = f"{settings.observations_prefix}date={day}/observations.parquet"
    ledger.lock_day(connection, day)
    stale_days.mark_published(connection, day)
    rows = ledger.load_day(connection, day)
    first = next(rows, None)
    if first is None:
        store.delete(key)
        published_days.note_published(connection, day, None)
    else:
        data = write_day(chain([first], rows), index_sets.current_indices(connection))
        checksum = store.write(key, data, PARQUET)
        published_days.note_published(connection, day, checksum)


def _note_gap(connection: Connection, start: date, end: date) -> None:
    """Leave the days between two recorded ones to the catch-up, as far as fields have no answer.

    A run for some fields does not record its day, and a run that failed before it had a plan does not hold back those
    of the days after: nobody would look at these days for the others again.
    """
    lock_registration(connection)  # a field may be about to be marked as caught up
    owed: set[date] = set()
    for part in in_slices(registry.caught_up_between(connection, start, end)):
        missing = due_days.missing_days(connection, part, end, since=start)
        registry.mark_behind(connection, missing)
        owed.update(*missing.values())
    recorded_days.mark_left_out(connection, start, end, owed)


def _mark_caught_up(connection: Connection, plan: RunPlan, first_daily_day: date) -> None:
    """Mark the fields that are owed nothing any more: days may have been recorded since the run was planned.

    Their days are published by then, so that the files of a field that is caught up have its rows.
    """
    lock_registration(connection)  # a gap between recorded days may be about to be noted
    planned = registry.load_fields(connection, plan.catches_up)
    unchanged = [field for field in planned if field.changed_at == plan.catches_up[field.field_id]]
    owed = due_days.missing_days(
        connection,
        [field.sequence for field in unchanged],
        last_owed_day(connection, first_daily_day),
        failed_counts=True,
    )
    registry.mark_caught_up(connection, [field for field in unchanged if field.sequence not in owed])


def _collect(store: Store, order: PlannedOrder) -> list[Observation]:
    """Return the rows of one work order, or failed rows if its task left none that can be trusted."""
    try:
        manifest = Manifest.model_validate_json(store.read(store.key(order.manifest)))
        if manifest.order_sha256 == order.sha256:
            return _read_verified(store, manifest.results)
        reason = f"{order.manifest} belongs to an earlier order; the task of {order.uri} wrote none"
    except NotFound:
        reason = f"the task of {order.uri} wrote no manifest; see its log"
    except (BadInput, ValidationError) as error:
        reason = f"what the task of {order.uri} wrote cannot be used: {error}. Clear the task."
    work = read_order(store.read(store.key(order.uri)))
    return list(_failed(work, reason))


def _read_verified(store: Store, written: Written) -> list[Observation]:
    data = store.read(store.key(written.uri))
    if sha256(data).hexdigest() != written.sha256:
        raise BadInput(f"{written.uri} is not the file that its manifest names")
    return read_observations(data)


def _failed(work: WorkOrder, reason: str) -> Iterator[Observation]:
    for cell in work.cells:
        scenes = [work.scenes[index] for index in cell.scene_set.scenes]
        yield make_observation(
            work.fields[cell.field],
            cell.date,
            work.policy,
            cell.fingerprint,
            "failed",
            reason,
            scenes,
            extent=work.extent,
        )

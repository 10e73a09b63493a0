"""The ledger: what is known of each cell. One row a cell, replaced when the cell is observed anew."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, Date, and_, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import INTERVAL, distinct_on, insert

from ndvi_core.observation import Observation
from ndvi_core.tables import OBSERVATION_COLUMNS, field_revision, recorded_day
from ndvi_core.tables import field as field_table
from ndvi_core.tables import observation as observation_table

_CHUNK = 5_000  # rows a statement


@dataclass(frozen=True, slots=True)
class Entry:
    """What the planner needs of a ledger row."""

    fingerprint: str
    status: str


def load_entries(
    connection: Connection, sequences: Collection[int], start: date, end: date
) -> dict[tuple[int, date], Entry]:
    """Load the rows of some fields between two days (both included) by (sequence, date)."""
    columns = observation_table.c
    query = select(columns.sequence, columns.date, columns.fingerprint, columns.status).where(
        columns.date.between(start, end), columns.sequence == func.any(list(sequences))
    )
    return {(row.sequence, row.date): Entry(row.fingerprint, row.status) for row in connection.execute(query)}


def upsert_observations(connection: Connection, rows: Iterable[Observation]) -> list[date]:
    """Write rows over those of the same cells and return the days they lie on, in order.

    A failed row never replaces one that has an answer for the same geometry: bad input does not cost good data.

    Args:
        connection: in a transaction.
        rows: each cell at most once; their fields are registered.
    """
    rows = list(rows)
    ids = {row.field_id for row in rows}
    query = select(field_table.c.field_id, field_table.c.sequence).where(field_table.c.field_id == func.any(list(ids)))
    sequences = {row.field_id: row.sequence for row in connection.execute(query)}
    statement = insert(observation_table)
    new, old = statement.excluded, observation_table.c
    statement = statement.on_conflict_do_update(
        index_elements=["date", "sequence"],
        set_={
            **{name: new[name] for name in OBSERVATION_COLUMNS if name != "date"},
            "recorded_at": func.now(),
        },
        where=or_(new.status != "failed", old.status == "failed", old.geometry_hash != new.geometry_hash),
    )
    # Sorted, so that two recorders of the same cells lock them in the same order and cannot deadlock.
    values = sorted(
        ({"sequence": sequences[row.field_id], **row.model_dump(exclude={"field_id"})} for row in rows),
        key=itemgetter("date", "sequence"),
    )
    for value in values:
        value["scene_ids"] = list(value["scene_ids"])
    for start in range(0, len(values), _CHUNK):
        connection.execute(statement, values[start : start + _CHUNK])
    return sorted({row.date for row in rows})


@contextmanager
def day_locked(connection: Connection, day: date) -> Iterator[None]:
    """Hold back other publishers of the same day until the transaction ends, so that the last file has all rows."""
    connection.execute(select(func.pg_advisory_xact_lock(literal(0x6E647669), literal(day.toordinal()))))
    yield


def load_day(connection: Connection, day: date) -> tuple[list[Observation], list[BaseGeometry]]:
    """Load a day's rows in the order of the registry, each with the geometry (WGS84) that it was computed for."""
    columns = observation_table.c
    query = (
        select(
            field_table.c.field_id,
            *(columns[name] for name in OBSERVATION_COLUMNS),
            field_revision.c.geometry,
        )
        .join(field_table, field_table.c.sequence == columns.sequence)
        .join(
            field_revision,
            and_(
                field_revision.c.sequence == columns.sequence,
                field_revision.c.geometry_hash == columns.geometry_hash,
            ),
        )
        .where(columns.date == day)
        .order_by(columns.sequence, field_revision.c.revision.desc())
        .ext(distinct_on(columns.sequence))
    )
    rows = connection.execute(query).mappings().all()
    observations = [Observation(**{name: row[name] for name in Observation.model_fields}) for row in rows]
    return observations, list(shapely.from_wkb([row["geometry"] for row in rows]))


def mark_recorded(connection: Connection, day: date) -> None:
    """Note that a daily run has recorded this day."""
    connection.execute(insert(recorded_day).values(date=day).on_conflict_do_nothing())


def recorded_days(connection: Connection, start: date, end: date) -> list[date]:
    """Return the recorded days between two days, both included, in order."""
    query = select(recorded_day.c.date).where(recorded_day.c.date.between(start, end)).order_by(recorded_day.c.date)
    return list(connection.scalars(query))


def last_recorded_day(connection: Connection) -> date | None:
    day: date | None = connection.scalar(select(func.max(recorded_day.c.date)))
    return day


def missing_days(connection: Connection, sequences: Sequence[int], up_to: date) -> dict[int, list[date]]:
    """Return, by sequence, the days from the plant date to `up_to` (or the end date) that have no answer.

    A row of another geometry is no answer, nor is a failed one.
    """
    last = func.least(func.coalesce(field_table.c.end_date, up_to), up_to)
    days = (
        func.generate_series(field_table.c.plant_date, last, cast("1 day", INTERVAL))
        .table_valued("day")
        .render_derived(name="days")
    )
    day = cast(days.c.day, Date)
    columns = observation_table.c
    query = (
        select(field_table.c.sequence, day.label("day"))
        .select_from(field_table)
        .join(days, literal(True))
        .outerjoin(
            observation_table,
            and_(
                columns.sequence == field_table.c.sequence,
                columns.date == day,
                columns.geometry_hash == field_table.c.geometry_hash,
                columns.status != "failed",
            ),
        )
        .where(field_table.c.sequence == func.any(list(sequences)), columns.sequence.is_(None))
        .order_by(field_table.c.sequence, day)
    )
    rows = connection.execute(query)
    return {sequence: [row.day for row in group] for sequence, group in groupby(rows, key=itemgetter(0))}


def days_between(start: date, end: date) -> list[date]:
    """Return all days from `start` to `end`, both included; none when `end` is earlier."""
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]

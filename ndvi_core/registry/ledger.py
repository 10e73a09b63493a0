"""The ledger: what is known of each cell. One row a cell, replaced when the cell is observed anew."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    RowMapping,
    Table,
    Text,
    and_,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on, insert

from ndvi_core.models.observation import Observation
from ndvi_core.registry.tables import OBSERVATION_COLUMNS, field_revision, recorded_day
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import observation as observation_table

_CHUNK = 10_000
"""Rows that are brought from the database at once."""

_WRITTEN = (*OBSERVATION_COLUMNS, "planned_at")
_COPIED = tuple(name for name in OBSERVATION_COLUMNS if name != "scene_ids")
_INCOMING = Table(
    "incoming",
    MetaData(),
    Column("field_id", Text),
    *(Column(name, observation_table.c[name].type) for name in _WRITTEN),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
"""Where rows wait, copied, until all are there."""

_SORTED = (
    # So that two recorders of the same cells lock them in the same order and cannot deadlock.
    select(field_table.c.sequence, *(_INCOMING.c[name] for name in _WRITTEN))
    .join(field_table, field_table.c.field_id == _INCOMING.c.field_id)
    .order_by(_INCOMING.c.date, field_table.c.sequence)
)
_NEW = insert(observation_table).from_select(["sequence", *_WRITTEN], _SORTED)
_OLD = observation_table.c
_UPSERT = _NEW.on_conflict_do_update(
    index_elements=["date", "sequence"],
    set_={
        **{name: _NEW.excluded[name] for name in _WRITTEN if name != "date"},
        "failed_fingerprint": None,
        "recorded_at": func.now(),
    },
    where=and_(
        _NEW.excluded.planned_at >= _OLD.planned_at,
        or_(
            _NEW.excluded.status != "failed",
            _OLD.status == "failed",
            _OLD.geometry_hash != _NEW.excluded.geometry_hash,
        ),
    ),
)
_NOTE_FAILURE = (
    update(observation_table)
    .where(
        _INCOMING.c.status == "failed",
        field_table.c.field_id == _INCOMING.c.field_id,
        _OLD.date == _INCOMING.c.date,
        _OLD.sequence == field_table.c.sequence,
        _OLD.status != "failed",
    )
    .values(failed_fingerprint=_INCOMING.c.fingerprint)
)
_ROWS = (
    select(
        field_table.c.field_id,
        *(_OLD[name] for name in OBSERVATION_COLUMNS),
        field_revision.c.geometry,
    )
    .join(field_table, field_table.c.sequence == _OLD.sequence)
    .join(
        field_revision,
        and_(field_revision.c.sequence == _OLD.sequence, field_revision.c.geometry_hash == _OLD.geometry_hash),
    )
    .order_by(_OLD.sequence, _OLD.date, field_revision.c.revision.desc())
    .ext(distinct_on(_OLD.sequence, _OLD.date))
)
"""Rows of the ledger with the newest of the revisions whose boundary is theirs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the planner needs of a ledger row."""

    fingerprint: str
    status: str
    failed_fingerprint: str | None = None
    """Of a newer attempt that failed, while the row kept its answer."""


def load_entries(
    connection: Connection, sequences: Collection[int], start: date, end: date
) -> dict[tuple[int, date], Entry]:
    """Load the rows of some fields between two days (both included) by (sequence, date)."""
    columns = observation_table.c
    query = select(
        columns.sequence, columns.date, columns.fingerprint, columns.status, columns.failed_fingerprint
    ).where(columns.date.between(start, end), columns.sequence == func.any(list(sequences)))
    return {(sequence, day): Entry(*entry) for sequence, day, *entry in connection.execute(query).all()}


def upsert_observations(connection: Connection, rows: Iterable[Observation], planned_at: datetime) -> list[date]:
    """Write rows over those of the same cells and return the days they lie on, in order.

    A row stays as it is if a run that was planned later wrote it: recording an old run again does not bring back what
    has been superseded. Nor does a failed row replace one that has an answer for the same geometry: bad input does
    not cost good data. That it failed is noted, so that the same attempt is not made day after day.

    Args:
        connection: in a transaction.
        rows: each cell at most once; their fields are registered.
        planned_at: when the run was planned.
    """
    _INCOMING.create(connection)
    days = set()
    columns = ", ".join(("field_id", "planned_at", "scene_ids", *_COPIED))
    values = attrgetter(*_COPIED)
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row((row.field_id, planned_at, list(row.scene_ids), *values(row)))
            days.add(row.date)
    connection.execute(_UPSERT)
    connection.execute(_NOTE_FAILURE)
    _INCOMING.drop(connection)
    return sorted(days)


def lock_day(connection: Connection, day: date) -> None:
    """Hold back other publishers of the same day until the transaction ends, so that the last file has all rows."""
    connection.execute(select(func.pg_advisory_xact_lock(literal(0x6E647669), literal(day.toordinal()))))


def load_day(connection: Connection, day: date) -> Iterator[tuple[list[Observation], list[BaseGeometry]]]:
    """Yield a day's rows, in parts, in the order of the registry, with the geometries that they were computed for.

    Args:
        connection: in a transaction.
        day: the day.
    """
    found = connection.execute(_ROWS.where(_OLD.date == day), execution_options={"yield_per": _CHUNK}).mappings()
    for rows in found.partitions():
        yield _with_geometries(rows)


def load_series(
    connection: Connection, field_ids: Sequence[str], start: date, end: date, limit: int, offset: int = 0
) -> tuple[list[Observation], list[BaseGeometry]]:
    """Load the rows of some fields from `start` to `end`, both included, field by field, as `load_day` does.

    Args:
        connection: to the registry.
        field_ids: unknown ids are passed over.
        start: first day.
        end: last day.
        limit: rows at most.
        offset: rows to pass over.
    """
    query = _ROWS.where(*_of_series(field_ids, start, end)).limit(limit).offset(offset)
    return _with_geometries(connection.execute(query).mappings().all())


def count_series(connection: Connection, field_ids: Sequence[str], start: date, end: date) -> int:
    """Return how many rows `load_series` would load without a limit."""
    query = (
        select(func.count()).select_from(observation_table).join(field_table, field_table.c.sequence == _OLD.sequence)
    )
    return connection.execute(query.where(*_of_series(field_ids, start, end))).scalar_one()


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


def _of_series(field_ids: Sequence[str], start: date, end: date) -> tuple[ColumnElement[bool], ...]:
    return field_table.c.field_id == func.any(list(field_ids)), _OLD.date.between(start, end)


def _with_geometries(rows: Sequence[RowMapping]) -> tuple[list[Observation], list[BaseGeometry]]:
    observations = [Observation(**{name: row[name] for name in Observation.model_fields}) for row in rows]
    return observations, list(shapely.from_wkb([row["geometry"] for row in rows]))

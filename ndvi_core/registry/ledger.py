"""The ledger: the observation of each cell. One row a cell, replaced when the cell is observed anew."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Any

import shapely
from pydantic import TypeAdapter
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Insert,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    Update,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from ndvi_core.models.entry import Entry
from ndvi_core.models.extent import Extent
from ndvi_core.models.field_facts import Crop, FieldFacts, field_facts
from ndvi_core.models.observation import Observation
from ndvi_core.registry import index_rows, revisions, stale_seasons
from ndvi_core.registry.due_days import lies_in_season
from ndvi_core.registry.extents import first_extent
from ndvi_core.registry.tables import OBSERVATION_COLUMNS, field_revision
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import observation as observation_table
from ndvi_core.registry.tables import season as season_table

_CHUNK = 10_000
"""Rows that are brought from the database at once."""


def load_entries(
    connection: Connection, sequences: Collection[int], start: date, end: date, extent: Extent
) -> dict[tuple[int, date], Entry]:
    """Load the rows of some fields between two days (both included) by (sequence, date).

    Args:
        connection: to the registry.
        sequences: of the fields.
        start: first day.
        end: last day.
        extent: that of today.
    """
    columns = observation_table.c
    computed_for = func.coalesce(columns.extent, first_extent())
    is_other = computed_for != str(extent)
    query = select(
        columns.sequence,
        columns.date,
        columns.fingerprint,
        columns.status,
        columns.failed_fingerprint,
        case((is_other, computed_for)),
        case((is_other, columns.geometry_hash)),
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
    days = _copy(connection, rows, planned_at)
    index_rows.REPLACED.create(connection)
    connection.execute(_merge_incoming())
    index_rows.replace(connection, _INCOMING)
    stale_seasons.note_cells(connection, index_rows.REPLACED)
    revisions.note_days(connection, index_rows.REPLACED)
    connection.execute(_note_failures())
    for table in (_INCOMING, index_rows.REPLACED):
        table.drop(connection)
    return sorted(days)


_WRITTEN = (*OBSERVATION_COLUMNS, "planned_at")
_INCOMING = Table(
    "incoming",
    MetaData(),
    Column("field_id", Text),
    *(Column(name, observation_table.c[name].type) for name in _WRITTEN),
    Column("indices", JSONB),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
"""Rows on their way into the ledger wait here until all are there."""


def _copy(connection: Connection, rows: Iterable[Observation], planned_at: datetime) -> set[date]:
    """Copy the rows to `_INCOMING` and return their days."""
    lists = ("scene_ids", "quality")
    scalars = tuple(name for name in OBSERVATION_COLUMNS if name not in lists)
    values = attrgetter(*scalars)
    columns = [_INCOMING.c[name] for name in ("field_id", "planned_at", "indices", *lists, *scalars)]
    names = ", ".join(column.name for column in columns)
    days = set()
    cursor = connection.connection.cursor()
    # In binary: to write the numbers as text takes four times as long.
    with cursor.copy(f"COPY incoming ({names}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([column.type.compile(connection.dialect).lower() for column in columns])
        for row in rows:
            lists_of_row = list(row.scene_ids), list(row.quality)
            copy.write_row((row.field_id, planned_at, index_rows.as_json(row), *lists_of_row, *values(row)))
            days.add(row.date)
    return days


def _merge_incoming() -> Insert:
    """Bring the incoming rows into the ledger, and note the cells that they are written to.

    They are sorted, so that two recorders of the same cells cannot deadlock.
    """
    rows = (
        select(field_table.c.sequence, *(_INCOMING.c[name] for name in _WRITTEN))
        .join(field_table, field_table.c.field_id == _INCOMING.c.field_id)
        .order_by(_INCOMING.c.date, field_table.c.sequence)
    )
    new = insert(observation_table).from_select(["sequence", *_WRITTEN], rows)
    old = observation_table.c
    written = new.on_conflict_do_update(
        index_elements=["date", "sequence"],
        set_={
            **{name: new.excluded[name] for name in _WRITTEN if name != "date"},
            "failed_fingerprint": None,
            "recorded_at": func.now(),
        },
        where=and_(
            new.excluded.planned_at >= old.planned_at,
            or_(
                new.excluded.status != "failed",
                old.status == "failed",
                old.geometry_hash != new.excluded.geometry_hash,
            ),
        ),
    ).returning(old.date, old.sequence)
    return insert(index_rows.REPLACED).from_select(["date", "sequence"], select(written.cte("written")))


def _note_failures() -> Update:
    """Note the failed attempts of the incoming rows where the ledger keeps an answer."""
    old = observation_table.c
    return (
        update(observation_table)
        .where(
            _INCOMING.c.status == "failed",
            field_table.c.field_id == _INCOMING.c.field_id,
            old.date == _INCOMING.c.date,
            old.sequence == field_table.c.sequence,
            old.status != "failed",
        )
        .values(failed_fingerprint=_INCOMING.c.fingerprint)
    )


def lock_day(connection: Connection, day: date) -> None:
    """Hold back other publishers of the same day until the transaction ends, so that the last file has all rows."""
    connection.execute(select(func.pg_advisory_xact_lock(literal(0x6E647669), literal(day.toordinal()))))


def load_day(connection: Connection, day: date) -> Iterator[tuple[list[Observation], list[FieldFacts]]]:
    """Yield a day's rows, in parts, in the order of the registry, each with the facts of its field and season.

    Their geometries are those that the rows were computed for. Rows of fields that have no season on the day any more,
    since a date was corrected, stay in the ledger alone.

    Args:
        connection: in a transaction.
        day: the day.
    """
    query = _rows().where(observation_table.c.date == day)
    found = connection.execute(query, execution_options={"yield_per": _CHUNK})
    for rows in found.partitions():
        yield _with_facts(connection, rows)


@dataclass(frozen=True)
class Series:
    """A page of the rows of some fields and days."""

    rows: list[Observation]
    facts: list[FieldFacts]
    """Of each row's field."""
    has_more: bool
    """Whether there are rows after these."""


def load_series(
    connection: Connection, field_ids: Sequence[str] | None, start: date, end: date, limit: int, offset: int = 0
) -> Series:
    """Load the rows of fields from `start` to `end`, both included, field by field in the order of the registry.

    Args:
        connection: to the registry.
        field_ids: None are all; unknown ids are passed over.
        start: first day.
        end: last day.
        limit: rows at most.
        offset: rows to pass over. They are counted in the index, field by field, and not read.
    """
    wanted = _in_series(field_ids, start, end)
    places = connection.execute(_fields_of_page(wanted, limit, offset)).all()
    if not places:
        return Series([], [], has_more=False)
    query = (
        _rows()
        .where(*wanted, observation_table.c.sequence.between(places[0].sequence, places[-1].sequence))
        .limit(limit)
        .offset(offset - places[0].before)
    )
    rows, facts = _with_facts(connection, connection.execute(query).all())
    return Series(rows, facts, has_more=places[-1].before + places[-1].rows > offset + limit)


def _fields_of_page(wanted: Sequence[ColumnElement[bool]], limit: int, offset: int) -> Select[Any]:
    """Select the fields that the rows of a page, and the one after it, are of; their rows and how many are before."""
    sequence = observation_table.c.sequence
    counts = (
        select(sequence, func.count().label("rows"))
        .select_from(observation_table)
        .join(field_table, field_table.c.sequence == sequence)
        .join(season_table, _its_season())
        .where(*wanted)
        .group_by(sequence)
        .subquery("counts")
    )
    up_to = func.sum(counts.c.rows).over(order_by=counts.c.sequence)
    places = select(counts, cast(up_to - counts.c.rows, BigInteger).label("before")).subquery("places")
    before, rows = places.c.before, places.c.rows
    first, after = literal(offset, BigInteger), literal(offset + limit, BigInteger)
    return select(places).where(before + rows > first, before <= after).order_by(places.c.sequence)


def _rows() -> Select[Any]:
    """Select the rows of the ledger that lie in a season, with their fields, in the order of the registry."""
    rows = observation_table.c
    return (
        select(
            field_table.c.field_id,
            *(rows[name] for name in OBSERVATION_COLUMNS),
            rows.sequence,
            *_OF_SEASON.values(),  # the last, in the order of `Crop`
        )
        .join(field_table, field_table.c.sequence == rows.sequence)
        .join(season_table, _its_season())
        .order_by(rows.sequence, rows.date)
    )


_OF_SEASON = {
    "plant_type": season_table.c.plant_type,
    "plant_date": season_table.c.plant_date,
    "season": season_table.c.name.label("season"),
}
"""The columns of `Crop`."""


def _its_season() -> ColumnElement[bool]:
    """Return whether a row of `season` is that in which a row of the ledger lies."""
    return and_(season_table.c.sequence == observation_table.c.sequence, lies_in_season(observation_table.c.date))


def _in_series(field_ids: Sequence[str] | None, start: date, end: date) -> tuple[ColumnElement[bool], ...]:
    of_fields = [] if field_ids is None else [field_table.c.field_id == func.any(list(field_ids))]
    return observation_table.c.date.between(start, end), *of_fields


def _with_facts(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[list[Observation], list[FieldFacts]]:
    """Return the rows whose boundary the registry has, and the facts of the field of each.

    A boundary is read once, however many rows are of it, and the facts of a season are made once.
    """
    shapes = _geometries(connection, {row.sequence for row in rows})
    located = [row for row in rows if (row.sequence, row.geometry_hash) in shapes]
    keys = [(row.sequence, row.geometry_hash, row.season) for row in located]
    of_key = dict(zip(keys, located, strict=True))
    crops = [Crop(*row[-len(Crop._fields) :]) for row in of_key.values()]
    made = field_facts([shapes[sequence, its_hash] for sequence, its_hash, _ in of_key], crops)
    facts = dict(zip(of_key, made, strict=True))
    indices = index_rows.load(connection, [(row.sequence, row.date) for row in located])
    observations = _observations.validate_python(
        [
            dict(zip(_OF_OBSERVATION, row, strict=False), indices=indices.get((row.sequence, row.date), {}))
            for row in located
        ]
    )
    return observations, [facts[key] for key in keys]


_OF_OBSERVATION = ("field_id", *OBSERVATION_COLUMNS)
"""The first columns of a row."""
_observations = TypeAdapter(list[Observation])


def _geometries(connection: Connection, sequences: Collection[int]) -> dict[tuple[int, str], BaseGeometry]:
    """Return all boundaries of fields by sequence and hash; of revisions with the same content the newest."""
    columns = field_revision.c
    query = (
        select(columns.sequence, columns.geometry_hash, columns.geometry)
        .where(columns.sequence == func.any(list(sequences)))
        .order_by(columns.revision)
    )
    found = connection.execute(query).all()
    shapes = shapely.from_wkb([row.geometry for row in found])
    return {(row.sequence, row.geometry_hash): shape for row, shape in zip(found, shapes, strict=True)}

"""The fields of the registry, in the order in which they came, and which changes are still to be announced."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import Any

import shapely
from pydantic import TypeAdapter
from shapely.geometry.base import BaseGeometry
from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, Row, and_, bindparam, func, select, update

from ndvi_core.models.field import Field, RegisteredField
from ndvi_core.models.season import RegisteredSeason
from ndvi_core.registry.database import lock_registration
from ndvi_core.registry.due_days import first_due_day
from ndvi_core.registry.field_changes import Boundary, change_of
from ndvi_core.registry.field_rows import write_changes
from ndvi_core.registry.rows import as_rows
from ndvi_core.registry.stale_seasons import note_fields
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import field_revision
from ndvi_core.registry.tables import season as season_table

_CHUNK = 10_000
"""Rows that are brought from the database at once."""


@dataclass(frozen=True)
class Upserted:
    """Ids by what a registration did to them."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


def upsert_fields(connection: Connection, fields: Sequence[Field], source: str) -> Upserted:
    """Register fields: new ids get the next sequence numbers; of known ids a season is corrected, or a new one begins.

    `place_season` decides which. A new geometry is a new revision, the boundary of that season: the others keep theirs.
    A field that is added or changed is unannounced and not caught up until `mark_announced` and `mark_caught_up` say
    otherwise. Registering the same again does nothing.

    Args:
        connection: in a transaction; registrations wait for each other until it ends.
        fields: each id at most once.
        source: URI of the file that they come from.
    """
    lock_registration(connection)
    now = connection.execute(select(func.clock_timestamp())).scalar_one()
    known = {field.field_id: field for field in load_fields(connection, [field.field_id for field in fields])}
    boundaries = boundaries_of_seasons(connection, known.values())
    made = (change_of(field, known.get(field.field_id), boundaries, now) for field in fields)
    changes = [change for change in made if change.is_changed]
    if changes:
        write_changes(connection, changes, boundaries, source)
    touched = {change.stated.field_id for change in changes}
    ids = [field.field_id for field in fields]
    return Upserted(
        added=tuple(field_id for field_id in ids if field_id not in known),
        changed=tuple(field_id for field_id in ids if field_id in known and field_id in touched),
        unchanged=tuple(field_id for field_id in ids if field_id not in touched),
    )


def load_fields(
    connection: Connection,
    field_ids: Iterable[str] | None = None,
    caught_up: bool | None = None,
) -> list[RegisteredField]:
    """Load fields in the order of their sequence, see `read_fields`."""
    return list(read_fields(connection, field_ids, caught_up))


def read_fields(
    connection: Connection,
    field_ids: Iterable[str] | None = None,
    caught_up: bool | None = None,
) -> Iterator[RegisteredField]:
    """Yield fields in the order of their sequence, as they are when the first is taken.

    Args:
        connection: to the registry.
        field_ids: only these; unknown ids are passed over.
        caught_up: only fields whose days before their registration are done (True) or still owed (False).
    """
    fields, seasons = field_table.c, season_table.c
    query = (
        select(*(fields[name] for name in _OF_FIELD), *(seasons[name].label(f"season_{name}") for name in _OF_SEASON))
        .join(season_table, seasons.sequence == fields.sequence)
        .order_by(fields.sequence)
    )
    if field_ids is not None:
        query = query.where(fields.field_id == func.any(list(field_ids)))
    if caught_up is not None:
        query = query.where(fields.caught_up == caught_up)
    rows = connection.execute(query, execution_options={"yield_per": _CHUNK})
    # A row a season: one for most fields.
    by_field = (list(its_rows) for _, its_rows in groupby(rows, key=itemgetter(_OF_FIELD.index("sequence"))))
    while part := list(islice(by_field, _CHUNK)):
        shapes = shapely.from_wkb([its_rows[0].geometry for its_rows in part])
        yield from _fields.validate_python(list(map(_attributes, part, shapes)))


def load_boundaries(connection: Connection, revisions: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Boundary]:
    """Load the boundaries that fields had, by (sequence, revision)."""
    pairs = list(revisions)
    wanted = as_rows(
        {
            "sequence": (BigInteger(), [sequence for sequence, _ in pairs]),
            "revision": (Integer(), [revision for _, revision in pairs]),
        }
    )
    columns = field_revision.c
    query = select(columns.sequence, columns.revision, columns.geometry, columns.geometry_hash).join(
        wanted, and_(columns.sequence == wanted.c.sequence, columns.revision == wanted.c.revision)
    )
    rows = connection.execute(query).all()
    shapes = shapely.from_wkb([row.geometry for row in rows])
    return {(row.sequence, row.revision): (shape, row.geometry_hash) for row, shape in zip(rows, shapes, strict=True)}


def load_boundary(connection: Connection, field_id: str, geometry_hash: str) -> BaseGeometry | None:
    """Load the boundary with this hash that a field has or had, None if there is none."""
    columns = field_revision.c
    query = (
        select(columns.geometry)
        .join(field_table, field_table.c.sequence == columns.sequence)
        .where(field_table.c.field_id == field_id, columns.geometry_hash == geometry_hash)
        .limit(1)
    )
    wkb = connection.scalar(query)
    return None if wkb is None else shapely.from_wkb(wkb)


def boundaries_of_seasons(connection: Connection, fields: Iterable[RegisteredField]) -> dict[tuple[int, int], Boundary]:
    """Return the boundaries of all seasons of fields, by (sequence, revision)."""
    found: dict[tuple[int, int], Boundary] = {}
    others: set[tuple[int, int]] = set()
    for field in fields:
        found[field.sequence, field.revision] = field.geometry, field.geometry_hash
        others.update((field.sequence, season.revision) for season in field.seasons)
    others -= found.keys()
    return found | (load_boundaries(connection, others) if others else {})


_OF_FIELD = tuple(name for name in RegisteredField.model_fields if name != "seasons")
_OF_SEASON = tuple(RegisteredSeason.model_fields)
_fields = TypeAdapter(list[RegisteredField])


def _attributes(rows: Sequence[Row[Any]], geometry: BaseGeometry) -> dict[str, Any]:
    """Return the attributes of a field, given its rows, one a season."""
    seasons = [_season(*row[len(_OF_FIELD) :]) for row in rows]
    if len(seasons) > 1:
        seasons.sort(key=attrgetter("plant_date"))
    return dict(zip(_OF_FIELD, rows[0], strict=False), geometry=geometry, seasons=tuple(seasons))


@lru_cache(maxsize=10_000)
def _season(*values: Any) -> RegisteredSeason:
    """Return a season of its columns: the fields of an upload share it, where they are planted alike."""
    return RegisteredSeason(**dict(zip(_OF_SEASON, values, strict=True)))


def first_day(connection: Connection) -> date | None:
    """Return the first day on which a field is due, None if there is no field."""
    day: date | None = connection.scalar(select(func.min(first_due_day())))
    return day


def count_fields(connection: Connection) -> int:
    """Return how many fields there are."""
    return connection.execute(select(func.count()).select_from(field_table)).scalar_one()


def field_ids_within(connection: Connection, box: BaseGeometry | None = None) -> list[str]:
    """Return the ids of all fields, or of those that meet a box (WGS84), in the order of their sequence."""
    if box is None:
        return list(connection.scalars(select(field_table.c.field_id).order_by(field_table.c.sequence)))
    query = select(field_table.c.field_id, field_table.c.geometry).order_by(field_table.c.sequence)
    query = query.where(meets_box(field_table.c, *box.bounds))
    rows = connection.execute(query).all()
    meets = shapely.intersects(box, shapely.from_wkb([row.geometry for row in rows]))
    return [row.field_id for row, inside in zip(rows, meets, strict=True) if inside]


def meets_box(columns: Any, west: Any, south: Any, east: Any, north: Any) -> ColumnElement[bool]:
    """Return whether the bounds of a row of `field` meet a box, in the words of the index by place.

    Args:
        columns: of `field`, or of an alias.
        west: of the box, degrees, as are the others: numbers or columns.
        south: likewise.
        east: likewise.
        north: likewise.
    """
    bounds = func.box(func.point(columns.west, columns.south), func.point(columns.east, columns.north))
    return bounds.bool_op("&&")(func.box(func.point(west, south), func.point(east, north)))


def unannounced(connection: Connection) -> tuple[list[str], datetime]:
    """Return the ids of the fields whose last change is not announced yet, in order, and the time of this answer."""
    lock_registration(connection)
    query = select(field_table.c.field_id).where(~field_table.c.announced).order_by(field_table.c.sequence)
    return list(connection.scalars(query)), connection.execute(select(func.clock_timestamp())).scalar_one()


def mark_announced(connection: Connection, as_of: datetime) -> None:
    """Note that all changes up to the time of an answer of `unannounced` are announced; later ones are not."""
    lock_registration(connection)
    connection.execute(
        update(field_table).where(~field_table.c.announced, field_table.c.changed_at <= as_of).values(announced=True)
    )


def mark_caught_up(connection: Connection, fields: Iterable[RegisteredField]) -> None:
    """Mark fields as caught up, unless they changed since they were loaded; their events may be judged from now on."""
    since = {field.sequence: field.changed_at for field in fields}
    if not since:
        return
    lock_registration(connection)
    connection.execute(
        update(field_table)
        .where(
            field_table.c.sequence == bindparam("number"),
            field_table.c.changed_at == bindparam("unchanged_since"),
        )
        .values(caught_up=True),
        [{"number": sequence, "unchanged_since": changed_at} for sequence, changed_at in since.items()],
    )
    note_fields(connection, since)


def behind(connection: Connection, within: tuple[int, int] | None = None) -> list[int]:
    """Return the sequences of the fields that are not caught up, in order: all, or those from the first to the last."""
    query = select(field_table.c.sequence).where(~field_table.c.caught_up).order_by(field_table.c.sequence)
    if within is not None:
        query = query.where(field_table.c.sequence.between(*within))
    return list(connection.scalars(query))


def mark_behind(connection: Connection, sequences: Iterable[int]) -> None:
    """Mark fields as not caught up, though they have not changed."""
    lock_registration(connection)
    connection.execute(
        update(field_table).where(field_table.c.sequence == func.any(list(sequences))).values(caught_up=False)
    )


def caught_up_between(connection: Connection, start: date, end: date) -> list[int]:
    """Return the sequences of the fields that are caught up and due on one of the days, both ends included."""
    seasons = season_table.c
    of_days = select(seasons.sequence).where(first_due_day() <= end, func.coalesce(seasons.end_date, end) >= start)
    query = select(field_table.c.sequence).where(field_table.c.caught_up, field_table.c.sequence.in_(of_days))
    return list(connection.scalars(query))

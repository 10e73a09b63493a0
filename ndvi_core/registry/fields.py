"""The fields of the registry, in the order in which they came, and which changes are still to be announced."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Insert,
    Integer,
    Row,
    and_,
    bindparam,
    cast,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from ndvi_core.models.field import Field, RegisteredField
from ndvi_core.registry import stale_days
from ndvi_core.registry.database import lock_registration
from ndvi_core.registry.due_days import first_due_day
from ndvi_core.registry.tables import BOUNDS, field_revision
from ndvi_core.registry.tables import field as field_table

_CHUNK = 10_000
"""Rows that are brought from the database at once."""


@dataclass(frozen=True)
class Upserted:
    """Ids by what a registration did to them."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


def upsert_fields(connection: Connection, fields: Sequence[Field], source: str) -> Upserted:
    """Register fields: new ids get the next sequence numbers, known ids with other values are changed in place.

    A new geometry makes a new revision and keeps the old one. A field that is added or changed is unannounced and not
    caught up until `mark_announced` and `mark_caught_up` say otherwise. Registering the same again does nothing.

    Args:
        connection: in a transaction; registrations wait for each other until it ends.
        fields: each id at most once.
        source: URI of the file that they come from.
    """
    lock_registration(connection)
    compared = compare_fields(connection, fields)
    touched = {*compared.added, *compared.changed}
    if touched:
        stale_days.note_changed_fields(connection, [field for field in fields if field.field_id in compared.changed])
        connection.execute(_upsert(), [_values(field, source) for field in fields if field.field_id in touched])
        _keep_revisions(connection, list(touched))
    return compared


def _upsert() -> Insert:
    """Insert fields, or change those that are known; what has changed is neither announced nor caught up."""
    new = insert(field_table)
    changed = ("geometry", "geometry_hash", *BOUNDS, "plant_type", "plant_date", "end_date", "source")
    is_moved = cast(field_table.c.geometry_hash != new.excluded.geometry_hash, Integer)
    return new.on_conflict_do_update(
        index_elements=["field_id"],
        set_={
            **{name: new.excluded[name] for name in changed},
            "revision": field_table.c.revision + is_moved,
            "announced": False,
            "caught_up": False,
            "changed_at": func.clock_timestamp(),
        },
    )


def compare_fields(connection: Connection, fields: Sequence[Field]) -> Upserted:
    """Return what `upsert_fields` would do with these fields, each id at most once, as the registry is now."""
    known = {row.field_id: row for row in _rows(connection, [field.field_id for field in fields])}
    added = [field.field_id for field in fields if field.field_id not in known]
    changed = [field.field_id for field in fields if field.field_id in known and _differs(field, known[field.field_id])]
    touched = {*added, *changed}
    return Upserted(
        added=tuple(added),
        changed=tuple(changed),
        unchanged=tuple(field.field_id for field in fields if field.field_id not in touched),
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
    query = select(*(field_table.c[name] for name in _LOADED)).order_by(field_table.c.sequence)
    if field_ids is not None:
        query = query.where(field_table.c.field_id == func.any(list(field_ids)))
    if caught_up is not None:
        query = query.where(field_table.c.caught_up == caught_up)
    for rows in connection.execute(query, execution_options={"yield_per": _CHUNK}).partitions():
        shapes = shapely.from_wkb([row.geometry for row in rows])
        yield from map(_registered, rows, shapes)


def load_boundaries(connection: Connection, revisions: Mapping[int, int]) -> dict[int, tuple[BaseGeometry, str]]:
    """Load the geometry and its hash that fields had at a revision, both by their sequence."""
    wanted = (
        func.unnest(cast(list(revisions), ARRAY(BigInteger)), cast(list(revisions.values()), ARRAY(Integer)))
        .table_valued("sequence", "revision")
        .render_derived(name="wanted")
    )
    columns = field_revision.c
    query = select(columns.sequence, columns.geometry, columns.geometry_hash).join(
        wanted, and_(columns.sequence == wanted.c.sequence, columns.revision == wanted.c.revision)
    )
    rows = connection.execute(query).all()
    shapes = shapely.from_wkb([row.geometry for row in rows])
    return {row.sequence: (shape, row.geometry_hash) for row, shape in zip(rows, shapes, strict=True)}


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


_LOADED = tuple(RegisteredField.model_fields)
_SET = set(RegisteredField.model_fields)
"""Shared by all fields that are loaded: making a set for each takes long."""


def _registered(row: Row, geometry: BaseGeometry) -> RegisteredField:  # type: ignore[type-arg]
    """Return the field of a row of `_LOADED` as it was registered: it was validated and hashed then."""
    return RegisteredField.model_construct(_SET, **dict(zip(_LOADED, row, strict=True), geometry=geometry))


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
    """Mark fields as caught up, unless they changed since they were loaded."""
    done = [{"number": field.sequence, "unchanged_since": field.changed_at} for field in fields]
    if not done:
        return
    lock_registration(connection)
    connection.execute(
        update(field_table)
        .where(
            field_table.c.sequence == bindparam("number"),
            field_table.c.changed_at == bindparam("unchanged_since"),
        )
        .values(caught_up=True),
        done,
    )


def mark_behind(connection: Connection, sequences: Iterable[int]) -> None:
    """Mark fields as not caught up, though they have not changed."""
    lock_registration(connection)
    connection.execute(
        update(field_table).where(field_table.c.sequence == func.any(list(sequences))).values(caught_up=False)
    )


def caught_up_between(connection: Connection, start: date, end: date) -> list[int]:
    """Return the sequences of the fields that are caught up and due on one of the days, both ends included."""
    query = select(field_table.c.sequence).where(
        field_table.c.caught_up, first_due_day() <= end, func.coalesce(field_table.c.end_date, end) >= start
    )
    return list(connection.scalars(query))


def _rows(connection: Connection, field_ids: list[str]) -> Sequence[Row]:  # type: ignore[type-arg]
    return connection.execute(select(field_table).where(field_table.c.field_id == func.any(field_ids))).all()


def _differs(field: Field, row: Row) -> bool:  # type: ignore[type-arg]
    new = (field.geometry_hash, field.plant_type, field.plant_date, field.end_date)
    return new != (row.geometry_hash, row.plant_type, row.plant_date, row.end_date)


def _values(field: Field, source: str) -> dict[str, object]:
    return {
        "field_id": field.field_id,
        "geometry": shapely.to_wkb(field.geometry),
        "geometry_hash": field.geometry_hash,
        **dict(zip(BOUNDS, field.geometry.bounds, strict=True)),
        "plant_type": field.plant_type,
        "plant_date": field.plant_date,
        "end_date": field.end_date,
        "source": source,
    }


def _keep_revisions(connection: Connection, field_ids: list[str]) -> None:
    columns = ["sequence", "revision", "geometry", "geometry_hash", "source"]
    current = select(*(field_table.c[name] for name in columns)).where(field_table.c.field_id == func.any(field_ids))
    connection.execute(insert(field_revision).from_select(columns, current).on_conflict_do_nothing())

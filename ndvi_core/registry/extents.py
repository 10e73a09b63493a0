"""The extents that there have been, and what a change of the extent did to the rows before it.

A change overwrites no row: each says for which extent it was computed. It opens days on which more of a field is inside
than before, to be computed on demand, and narrows those on which less is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import shapely
from sqlalchemy import Connection, ScalarSelect, Text, and_, cast, func, insert, not_, select

from ndvi_core.models.extent import Extent, clip, is_opened, is_same_part
from ndvi_core.models.frozen import Frozen
from ndvi_core.registry.database import lock_extents
from ndvi_core.registry.due_days import lies_in_season
from ndvi_core.registry.tables import extent as extent_table
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import field_revision
from ndvi_core.registry.tables import observation as observation_table
from ndvi_core.registry.tables import season as season_table


class RegisteredExtent(Frozen):
    """An extent and since when it is the one."""

    extent: Extent
    registered_at: datetime


@dataclass(frozen=True)
class ChangedPart:
    """Days of a season of a field whose rows are for another part of it than lies within the extent now."""

    sequence: int
    field_id: str
    extent: str
    """Extent that the rows were computed for, as `str` gives it."""
    days: tuple[date, ...]
    is_opened: bool
    """Whether a part is inside now that was not; else less of the field is, or none."""


def register_extent(connection: Connection, extent: Extent) -> bool:
    """Note the extent as that of today, unless it is already; return whether it is a new one.

    Args:
        connection: in a transaction.
        extent: as its file states it.
    """
    if _newest(connection) == str(extent):
        return False
    lock_extents(connection)
    if _newest(connection) == str(extent):
        return False
    connection.execute(insert(extent_table).values(bounds=str(extent)))
    return True


def registered_extents(connection: Connection) -> list[RegisteredExtent]:
    """Return all extents, the oldest first; the last is that of today."""
    rows = connection.execute(select(extent_table).order_by(extent_table.c.number)).all()
    return [RegisteredExtent(extent=Extent.parse(row.bounds), registered_at=row.registered_at) for row in rows]


def _newest(connection: Connection) -> str | None:
    bounds: str | None = connection.scalar(
        select(extent_table.c.bounds).order_by(extent_table.c.number.desc()).limit(1)
    )
    return bounds


def first_extent() -> ScalarSelect[str]:
    """Return the extent of rows that are older than the registration of extents."""
    return select(extent_table.c.bounds).order_by(extent_table.c.number).limit(1).scalar_subquery()


def changed_parts(connection: Connection, field_ids: Sequence[str] | None = None) -> list[ChangedPart]:
    """Return the rows with an answer that a change of the extent has left as they were, field by field.

    Args:
        connection: to the registry.
        field_ids: only these; unknown ids are passed over. None is all.
    """
    registered = registered_extents(connection)
    if not registered:
        return []
    *before, now = (one.extent for one in registered)
    found = [
        part
        for then in {str(extent): extent for extent in before if extent != now}.values()
        for part in _changed_since(connection, then, now, field_ids)
    ]
    return sorted(found, key=lambda part: (part.sequence, part.days))


def _changed_since(
    connection: Connection, then: Extent, now: Extent, field_ids: Sequence[str] | None
) -> Iterator[ChangedPart]:
    fields, seasons, rows = field_table.c, season_table.c, observation_table.c
    days = (
        select(func.array_agg(rows.date.distinct()))
        .where(
            rows.sequence == seasons.sequence,
            rows.geometry_hash == seasons.geometry_hash,
            rows.status != "failed",
            func.coalesce(rows.extent, first_extent()) == cast(str(then), Text),
            lies_in_season(rows.date),
        )
        .scalar_subquery()
    )
    # Whatever lies within both is the same part of its field in both.
    within_both = (
        (fields.west >= max(then.west, now.west))
        & (fields.south >= max(then.south, now.south))
        & (fields.east <= min(then.east, now.east))
        & (fields.north <= min(then.north, now.north))
        & (fields.revision == seasons.revision)
    )
    boundaries = field_revision.c
    query = (
        select(fields.sequence, fields.field_id, boundaries.geometry, days.label("days"))
        .join(season_table, seasons.sequence == fields.sequence)
        .join(field_revision, and_(boundaries.sequence == seasons.sequence, boundaries.revision == seasons.revision))
        .where(not_(within_both))
    )
    if field_ids is not None:
        query = query.where(fields.field_id == func.any(list(field_ids)))
    found = [row for row in connection.execute(query.order_by(fields.sequence, seasons.plant_date)) if row.days]
    geometries = list(shapely.from_wkb([row.geometry for row in found]))
    for row, part_then, part_now in zip(found, clip(geometries, then), clip(geometries, now), strict=True):
        if not is_same_part(part_then, part_now):
            opened = is_opened(part_then, part_now)
            yield ChangedPart(row.sequence, row.field_id, str(then), tuple(row.days), opened)

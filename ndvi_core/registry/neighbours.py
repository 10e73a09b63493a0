"""The registered fields around others."""

from collections.abc import Sequence

import shapely
from sqlalchemy import Connection, Double, Text, and_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from ndvi_core.models.field import Field
from ndvi_core.models.neighbour import Neighbour
from ndvi_core.registry.fields import meets_box
from ndvi_core.registry.rows import as_rows
from ndvi_core.registry.tables import BOUNDS, field_revision
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import season as season_table

MAX_NEIGHBOURS = 200
"""Neighbours for each field, at most; of all together, since few have many."""


def load_neighbours(connection: Connection, fields: Sequence[Field]) -> list[Neighbour]:
    """Load the seasons of registered fields whose bounds meet those of others, in the order of the registry.

    Some of them, where they are more than `MAX_NEIGHBOURS` for each: one may be drawn around a country.

    Args:
        connection: to the registry.
        fields: registered or not. Those of the same ids are left out.
    """
    if not fields:
        return []
    bounds = shapely.bounds([field.geometry for field in fields]).T.tolist()
    boxes = as_rows({name: (Double(), edge) for name, edge in zip(BOUNDS, bounds, strict=True)})
    rows = field_table.c
    # Found as a whole before some are taken: a limit alone lets PostgreSQL pass over the index.
    near = (
        select(rows.sequence)
        .join(boxes, meets_box(rows, boxes.c.west, boxes.c.south, boxes.c.east, boxes.c.north))
        .where(rows.field_id != func.all(cast([field.field_id for field in fields], ARRAY(Text))))
        .distinct()
        .cte("near")
        .prefix_with("MATERIALIZED")
    )
    seasons, boundaries = season_table.c, field_revision.c
    query = (
        select(rows.field_id, boundaries.geometry, seasons.plant_date, seasons.end_date)
        .join(season_table, seasons.sequence == rows.sequence)
        .join(
            field_revision,
            and_(boundaries.sequence == seasons.sequence, boundaries.revision == seasons.revision),
        )
        .where(rows.sequence.in_(select(near.c.sequence).limit(MAX_NEIGHBOURS * len(fields))))
        .order_by(rows.sequence, seasons.plant_date)
    )
    found = connection.execute(query).all()
    shapes = shapely.from_wkb([row.geometry for row in found])
    return [
        Neighbour(row.field_id, shape, row.plant_date, row.end_date) for row, shape in zip(found, shapes, strict=True)
    ]

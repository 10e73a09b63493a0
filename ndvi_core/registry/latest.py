"""The last two values of each field in its present season."""

from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, Select, func, literal, select

from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import observation as observation_table
from ndvi_core.registry.tables import season as season_table


class Seen(NamedTuple):
    """A value."""

    day: date
    value: float
    """Mean NDVI."""


class LatestValues(NamedTuple):
    """A field in its present season: the last that has begun by the last recorded day, or else the first."""

    sequence: int
    field_id: str
    geometry: BaseGeometry
    season: str
    plant_type: str
    plant_date: date
    last: Seen | None
    """Of the last day with a value."""
    before: Seen | None
    """Of the day with a value before that."""


def latest_values(connection: Connection, first_daily_day: date) -> list[LatestValues]:
    """Return what was last seen of each field, in the order of the registry.

    Args:
        connection: to the registry.
        first_daily_day: first day that is processed daily.
    """
    found = []
    rows = connection.execute(_newest_two(last_owed_day(connection, first_daily_day)))
    for _, its_rows in groupby(rows, key=attrgetter("sequence")):
        row, *others = its_rows
        last, before = (
            Seen(one.date, one.ndvi_mean) if one is not None and one.date is not None else None
            for one in (row, others[0] if others else None)
        )
        own = row.sequence, row.field_id, shapely.from_wkb(row.geometry), row.season, row.plant_type, row.plant_date
        found.append(LatestValues(*own, last, before))
    return found


def _newest_two(up_to: date) -> Select[Any]:
    """Select a row a field and value, at least one a field, the newest value of each first."""
    fields, seasons, rows = field_table.c, season_table.c, observation_table.c
    # Of seasons that have begun the one planted last is the nearest, and so is the first of the others.
    present = (
        select(season_table)
        .where(seasons.sequence == fields.sequence)
        .order_by((seasons.plant_date <= up_to).desc(), func.abs(seasons.plant_date - up_to))
        .limit(1)
        .lateral("present")
    )
    values = (
        select(rows.date, rows.ndvi_mean)
        .where(
            rows.sequence == present.c.sequence,
            rows.geometry_hash == present.c.geometry_hash,
            rows.date.between(present.c.plant_date, func.least(present.c.end_date, up_to)),
            rows.status == "computed",
        )
        .order_by(rows.date.desc())
        .limit(2)
        .lateral("values")
    )
    own = present.c.name.label("season"), present.c.plant_type, present.c.plant_date
    return (
        select(fields.sequence, fields.field_id, fields.geometry, *own, *values.c)
        .select_from(field_table)
        .join(present, literal(True))
        .outerjoin(values, literal(True))
        .order_by(fields.sequence, values.c.date.desc())
    )

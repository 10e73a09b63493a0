"""A grid of fields by days, packed for a screen: a letter and perhaps a value for each cell."""

from datetime import date
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
)

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.observation import Status
from ndvi_core.registry.due_days import first_due_day, last_due_day, last_owed_day
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import observation as observation_table
from ndvi_core.registry.tables import season as season_table
from ndvi_core.support.days import days_between

MISSING, NOT_DUE = ".", "-"
LETTERS: dict[Status, str] = {
    "computed": "c",
    "no_scene": "n",
    "cloudy": "y",
    "shadow": "h",
    "snow": "w",
    "no_data": "d",
    "undefined": "u",
    "outside_extent": "o",
    "too_small": "s",
    "failed": "x",
}
THOUSAND = 1000


class DayGrid(Frozen):
    """The cells of some fields and days."""

    days: list[date]
    field_ids: list[str]
    """In the order of the registry."""
    status: list[str]
    """For each field a letter a day."""
    ndvi: list[list[int | None]]
    """For each field a number a day: mean NDVI in thousandths, null where nothing was computed."""
    letters: dict[str, Status | Literal["missing", "not_due"]]
    """The status that each letter stands for. A due day without an answer for the boundary of its season is missing; a
    day that lies in no season, or after the last recorded day, is not due."""


def day_grid(
    connection: Connection, first_daily_day: date, start: date, end: date, limit: int, offset: int = 0
) -> DayGrid:
    """Return the cells of a page of fields from `start` to `end`, both included.

    Args:
        connection: to the registry.
        first_daily_day: first day that is processed daily.
        start: first day.
        end: last day.
        limit: fields at most.
        offset: fields of the registry before the first.
    """
    up_to = last_owed_day(connection, first_daily_day)
    days = days_between(start, end)
    field_ids, status, ndvi = [], [], []
    for row in connection.execute(_packed(start, end, up_to, limit, offset)):
        periods = list(zip(row.firsts, row.lasts, strict=True))
        letters = [MISSING if any(first <= day <= last for first, last in periods) else NOT_DUE for day in days]
        values: list[int | None] = [None] * len(days)
        for position, letter, value in zip(row.positions, row.statuses, row.thousandths, strict=True):
            letters[position], values[position] = letter, value
        field_ids.append(row.field_id)
        status.append("".join(letters))
        ndvi.append(values)
    return DayGrid(
        days=days,
        field_ids=field_ids,
        status=status,
        ndvi=ndvi,
        letters={**{letter: name for name, letter in LETTERS.items()}, MISSING: "missing", NOT_DUE: "not_due"},
    )


def _packed(start: date, end: date, up_to: date, limit: int, offset: int) -> Select[Any]:
    """Select a row a field: arrays of the ends of its due periods, and of its answers for the boundaries of seasons."""
    fields, seasons, rows = field_table.c, season_table.c, observation_table.c
    page = select(fields.sequence, fields.field_id).order_by(fields.sequence).limit(limit).offset(offset).cte("page")
    periods = _arrays({"firsts": first_due_day(), "lasts": last_due_day(up_to)})
    answers = _arrays(
        {
            "positions": rows.date - start,
            "statuses": case(LETTERS, value=rows.status),
            "thousandths": case((rows.status == "computed", cast(func.round(rows.ndvi_mean * THOUSAND), Integer))),
        }
    )
    due = periods.select_from(season_table).where(seasons.sequence == page.c.sequence).lateral("due")
    packed = (
        answers.select_from(season_table)
        .join(
            observation_table,
            and_(
                rows.sequence == seasons.sequence,
                rows.geometry_hash == seasons.geometry_hash,
                rows.date.between(func.greatest(first_due_day(), start), func.least(seasons.end_date, end)),
            ),
        )
        .where(seasons.sequence == page.c.sequence)
        .lateral("packed")
    )
    return (
        select(page.c.field_id, *due.c, *packed.c)
        .select_from(page)
        .join(due, literal(True))
        .join(packed, literal(True))
        .order_by(page.c.sequence)
    )


def _arrays(columns: dict[str, Any]) -> Select[Any]:
    """Select columns as arrays, which are empty where there is no row."""
    empty: ColumnElement[Any] = literal_column("'{}'")
    return select(*(func.coalesce(func.array_agg(value), empty).label(name) for name, value in columns.items()))

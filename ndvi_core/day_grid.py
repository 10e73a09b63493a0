"""Fields by days, packed for a screen: a letter and perhaps a value for each cell."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Integer, Select, and_, case, cast, func, select

from ndvi_core import FIRST_IMAGE
from ndvi_core.ledger import days_between
from ndvi_core.observation import Status
from ndvi_core.selection import last_owed_day
from ndvi_core.tables import field as field_table
from ndvi_core.tables import observation as observation_table

MISSING, NOT_DUE = ".", "-"
LETTERS: dict[Status, str] = {
    "computed": "c",
    "no_scene": "n",
    "cloudy": "y",
    "no_data": "d",
    "outside_extent": "o",
    "too_small": "s",
    "failed": "x",
}
THOUSAND = 1000


class DayGrid(BaseModel):
    """The cells of some fields and days."""

    model_config = ConfigDict(frozen=True)

    days: list[date]
    field_ids: list[str]
    """In the order of the registry."""
    status: list[str]
    """For each field a letter a day."""
    ndvi: list[list[int | None]]
    """For each field a number a day: mean NDVI in thousandths, null where nothing was computed."""
    letters: dict[str, Status | Literal["missing", "not_due"]]
    """What the letters mean. A day is missing that should have an answer and has none for the current boundary; one
    before the plant date, after the end date or after the last recorded day is not due."""


def day_grid(
    connection: Connection, first_daily_day: date, start: date, end: date, limit: int, offset: int = 0
) -> DayGrid:
    """Return the cells of a page of fields from `start` to `end`, both included.

    Args:
        connection: to the registry.
        first_daily_day: of `ndvi_daily`.
        start: first day.
        end: last day.
        limit: fields at most.
        offset: fields of the registry before the first.
    """
    up_to = last_owed_day(connection, first_daily_day)
    days = days_between(start, end)
    field_ids, status, ndvi = [], [], []
    for row in connection.execute(_packed(start, end, limit, offset)):
        last = min(row.last or date.max, up_to)
        letters = [MISSING if row.first <= day <= last else NOT_DUE for day in days]
        values: list[int | None] = [None] * len(days)
        for position, letter, value in zip(row.positions, row.statuses, row.thousandths, strict=True):
            if letter:
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


def _packed(start: date, end: date, limit: int, offset: int) -> Select[Any]:
    """Select a row a field, with arrays of its rows for the current boundary; a field without any has one empty row."""
    fields, rows = field_table.c, observation_table.c
    page = (
        select(
            fields.sequence,
            fields.field_id,
            fields.geometry_hash,
            func.greatest(fields.plant_date, FIRST_IMAGE).label("first"),
            fields.end_date.label("last"),
        )
        .order_by(fields.sequence)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    own = and_(
        rows.sequence == page.c.sequence,
        rows.geometry_hash == page.c.geometry_hash,
        rows.date.between(func.greatest(page.c.first, start), func.least(page.c.last, end)),
    )
    arrays = {
        "positions": rows.date - start,
        "statuses": func.coalesce(case(LETTERS, value=rows.status), ""),
        "thousandths": case((rows.status == "computed", cast(func.round(rows.ndvi_mean * THOUSAND), Integer))),
    }
    known = (page.c.field_id, page.c.first, page.c.last)
    return (
        select(*known, *(func.array_agg(value).label(name) for name, value in arrays.items()))
        .select_from(page)
        .outerjoin(observation_table, own)
        .group_by(page.c.sequence, *known)
        .order_by(page.c.sequence)
    )

"""A grid of fields by days, packed for a screen: a letter and perhaps a value for each cell."""

from datetime import date
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, Select, and_, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from ndvi_core.models.arrays import Indexes
from ndvi_core.models.constants import FIRST_IMAGE
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.observation import Status
from ndvi_core.registry.due_days import first_due_day, last_due_day, last_owed_day
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import observation as observation_table
from ndvi_core.registry.tables import season as season_table
from ndvi_core.support.days import days_between

if TYPE_CHECKING:
    from arro3.core import Table

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
MEANINGS: dict[str, Status | Literal["missing", "not_due"]] = {
    **{letter: name for name, letter in LETTERS.items()},
    MISSING: "missing",
    NOT_DUE: "not_due",
}
THOUSAND = 1000

_CODES = np.frombuffer("".join(LETTERS.values()).encode(), np.uint8)
_DAY_BITS, _CODE_BITS, _VALUE_BITS = 16, 4, 12
"""Of a cell's number, from high to low; its field's sequence is before them. Days are counted from the first image."""
_ZERO = 1 << (_VALUE_BITS - 1)


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


class _Cells(NamedTuple):
    """The cells of some fields and days, as arrays: fields by days."""

    field_ids: list[str]
    letters: NDArray[np.uint8]
    ndvi: NDArray[np.int16]
    known: NDArray[np.bool_]
    """Where there is a value."""


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
    cells = _cells(connection, first_daily_day, start, end, limit, offset)
    return DayGrid(
        days=days_between(start, end),
        field_ids=cells.field_ids,
        status=[row.tobytes().decode() for row in cells.letters],
        ndvi=np.where(cells.known, cells.ndvi.astype(object), None).tolist(),  # type: ignore[call-overload]
        letters=MEANINGS,
    )


def grid_columns(connection: Connection, first_daily_day: date, start: date, end: date) -> "Table":
    """Return the cells of all fields as columns: `field_id`, and lists of `status` letters (ASCII) and `ndvi`.

    Args:
        connection: to the registry.
        first_daily_day: first day that is processed daily.
        start: first day.
        end: last day, included.
    """
    from arro3.core import Array, DataType, Table, fixed_size_list_array

    from ndvi_core.storage.arrow_arrays import with_nulls

    cells = _cells(connection, first_daily_day, start, end)
    days = (end - start).days + 1
    return Table.from_pydict(
        {
            "field_id": Array(cells.field_ids, DataType.string()),
            "status": fixed_size_list_array(Array(cells.letters.ravel()), days),
            "ndvi": fixed_size_list_array(with_nulls(cells.ndvi.ravel(), cells.known.ravel()), days),
        }
    )


def _cells(
    connection: Connection, first_daily_day: date, start: date, end: date, limit: int | None = None, offset: int = 0
) -> _Cells:
    fields = field_table.c
    page = select(fields.sequence, fields.field_id).order_by(fields.sequence).limit(limit).offset(offset).subquery()
    # As two lists: numpy would look into each row for an array.
    found, field_ids = connection.execute(
        select(
            func.array_agg(aggregate_order_by(page.c.sequence, page.c.sequence)),
            func.array_agg(aggregate_order_by(page.c.field_id, page.c.sequence)),
        )
    ).one()
    sequences = np.array(found or [], np.int64)
    shape = len(sequences), (end - start).days + 1
    letters = np.full(shape, ord(NOT_DUE), np.uint8)
    ndvi, known = np.zeros(shape, np.int16), np.zeros(shape, np.bool_)
    if found:
        between = found[0], found[-1]
        _mark_due(connection, letters, sequences, between, start, last_owed_day(connection, first_daily_day))
        numbers = _numbers(connection, between, start, end)
        places = np.searchsorted(sequences, numbers >> (_DAY_BITS + _CODE_BITS + _VALUE_BITS))
        days = ((numbers >> (_CODE_BITS + _VALUE_BITS)) & ((1 << _DAY_BITS) - 1)) - (start - FIRST_IMAGE).days
        values = numbers & ((1 << _VALUE_BITS) - 1)
        letters[places, days] = _CODES[(numbers >> _VALUE_BITS) & ((1 << _CODE_BITS) - 1)]
        ndvi[places, days] = np.where(values > 0, values - _ZERO, 0)
        known[places, days] = values > 0
    return _Cells(list(field_ids or []), letters, ndvi, known)


def _mark_due(
    connection: Connection,
    letters: NDArray[np.uint8],
    sequences: Indexes,
    between: tuple[int, int],
    start: date,
    up_to: date,
) -> None:
    """Mark the days that lie in a season as missing, before those are written that are not."""
    seasons = season_table.c
    numbers_of_each = (seasons.sequence, first_due_day() - start, last_due_day(up_to) - start)
    query = select(*map(func.array_agg, numbers_of_each)).where(seasons.sequence.between(*between))
    periods = np.array(connection.execute(query).one(), np.int64).T
    numbers = np.arange(letters.shape[1])
    # Those of a field have no day in common, so that most of many fields are marked at once.
    order = np.argsort(periods[:, 0], kind="stable")
    of_field = np.searchsorted(sequences, periods[order, 0])
    turn = np.arange(len(order)) - np.searchsorted(of_field, of_field)
    for number in range(int(turn.max()) + 1):
        those = order[turn == number]
        due = (numbers >= periods[those, 1, None]) & (numbers <= periods[those, 2, None])
        rows = of_field[turn == number]
        letters[rows] = np.where(due, ord(MISSING), letters[rows])


def _numbers(connection: Connection, between: tuple[int, int], start: date, end: date) -> NDArray[np.int64]:
    """Return a number for each answer of fields: sequence, day, status and value.

    A row for each would take many times as long.
    """
    seasons, rows = season_table.c, observation_table.c
    code = case({status: number for number, status in enumerate(LETTERS)}, value=rows.status)
    value = case((rows.status == "computed", cast(func.round(rows.ndvi_mean * THOUSAND), Integer) + _ZERO))
    number: ColumnElement[int] = cast(rows.sequence, BigInteger)
    parts = ((_DAY_BITS, rows.date - FIRST_IMAGE), (_CODE_BITS, code), (_VALUE_BITS, func.coalesce(value, 0)))
    for bits, part in parts:
        number = number * literal(1 << bits, BigInteger) + part
    query: Select[Any] = (
        select(func.array_send(func.array_agg(number)))
        .select_from(season_table)
        .join(
            observation_table,
            and_(
                rows.sequence == seasons.sequence,
                rows.geometry_hash == seasons.geometry_hash,
                rows.date.between(func.greatest(first_due_day(), start), func.least(seasons.end_date, end)),
            ),
        )
        .where(rows.date.between(start, end), rows.sequence.between(*between))
    )
    sent = connection.scalar(query)
    if sent is None:
        return np.zeros(0, np.int64)
    # As `array_send` writes an array without nulls: a head, then the length and value of each.
    return np.frombuffer(sent, np.dtype([("length", ">i4"), ("value", ">i8")]), offset=20)["value"].astype(np.int64)

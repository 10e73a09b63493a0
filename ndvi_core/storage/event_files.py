"""The Parquet files of events: those that the seasons of a part have, and those that were found in a run."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from ndvi_core.models.event import ReviewedEvent
from ndvi_core.models.observation import Column, columns_of
from ndvi_core.models.season_table import numbers_of
from ndvi_core.storage.parquet import read_table
from ndvi_core.storage.season_files import FOUND, Data, Lists, Spec, Values, write_columns

_DAYS, _TIMES, _NUMBERS = (
    ("first_day", "last_day"),
    ("opened_at", "changed_at", "reviewed_at"),
    ("value", "before", "change"),
)
_NULLABLE = (*_NUMBERS, "note", "reviewed_by", "reviewed_at")


def _specs() -> dict[str, Spec]:
    types = {
        **dict.fromkeys(_DAYS, "date32"),
        **dict.fromkeys(_TIMES, "timestamp"),
        **dict.fromkeys(_NUMBERS, "float64"),
        "dismissed": "bool",
    }
    own = {name: column for name, column in columns_of(ReviewedEvent).items() if name != "evidence"}
    specs = {name: Spec(types.get(name, "string"), column, name in _NULLABLE) for name, column in own.items()}
    return {
        **specs,
        "evidence_days": Spec("list<date32>", Column("Days of the observations that it was found in")),
        "evidence_fingerprints": Spec("list<string>", Column("Fingerprints of these observations")),
    }


EVENTS = _specs()
"""A row for each event, whatever its status is."""


def write_events(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a Parquet file of events: the same rows give the same bytes.

    Args:
        rows: the columns of table `event`, what people said of them, and `field_id`.
    """
    columns: dict[str, Data] = {}
    for name, spec in EVENTS.items():
        values = [row[name] for row in rows]
        if name in _DAYS:
            columns[name] = numbers_of(values)
        elif name in _TIMES:
            times = [((value or _START) - _START) // timedelta(microseconds=1) for value in values]
            columns[name] = Values(np.array(times, np.int64), np.array([value is not None for value in values], bool))
        elif name in _NUMBERS:
            numbers = np.array(values, np.float64)  # None is NaN
            columns[name] = Values(numbers, np.isfinite(numbers))
        elif spec.type.startswith("list"):
            flat = [item for items in values for item in items]
            items = numbers_of(flat) if name == "evidence_days" else flat
            columns[name] = Lists(np.array([len(items) for items in values], np.int64), items)
        else:
            columns[name] = np.array(values) if spec.type == "bool" else values
    return write_columns(columns, EVENTS)


def read_found(data: bytes, year: int) -> list[dict[str, Any]]:
    """Return the events of a file of a run, as rows of table `event` without id, status, times and fingerprints.

    Args:
        data: the file.
        year: of the seasons' plant dates.

    Raises:
        BadInput: it is no Parquet file.
    """
    table = read_table(data)
    columns = {name: table.column(name).to_pylist() for name in FOUND}
    evidence = zip(*(columns.pop(name) for name in FOUND if name.startswith("evidence_")), strict=True)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for row, days in zip(rows, evidence, strict=True):
        row |= {"year": year, "index": "ndvi", "evidence_days": [day for day in days if day is not None]}
    return rows


_START = datetime(1970, 1, 1, tzinfo=UTC)

"""Many values in one statement: columns as arrays, and a row for each place in them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Date, TableValuedAlias, cast, column, func
from sqlalchemy.types import TypeEngine

Cell = tuple[int, date]
"""Sequence of the field, and day."""


def as_rows(columns: Mapping[str, tuple[TypeEngine[Any], Iterable[object]]]) -> TableValuedAlias:
    """Return columns as a table to select from, or to join with: one array each, however many rows they have.

    A further column, `place`, numbers the rows from 1 on.

    Args:
        columns: type and values by name; all have equally many values.
    """
    arrays = (cast(list(values), ARRAY(of)) for of, values in columns.values())
    typed = (column(name, of) for name, (of, _) in columns.items())
    return func.unnest(*arrays).table_valued(*typed, with_ordinality="place").render_derived(name="given")


def cells_as_rows(cells: Sequence[Cell]) -> TableValuedAlias:
    """Return cells as a table with the columns `sequence` and `date`."""
    sequences, days = ([cell[place] for cell in cells] for place in (0, 1))
    return as_rows({"sequence": (BigInteger(), sequences), "date": (Date(), days)})

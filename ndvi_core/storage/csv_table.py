"""Observations and other rows as CSV (RFC 4180), for spreadsheets and for programs that do not read Parquet."""

from collections.abc import Iterable, Sequence
from datetime import date

from ndvi_core.models.field_facts import FieldFacts
from ndvi_core.models.observation import Observation, columns, columns_of, index_columns

OWN, FACTS = tuple(columns()), tuple(columns_of(FieldFacts))


def write_csv(rows: Sequence[Observation], facts: Sequence[FieldFacts], indices: Sequence[str] = ("ndvi",)) -> bytes:
    """Return a CSV file (UTF-8) with the columns of the Parquet files but the geometry, in the order given.

    Text is in quotation marks, whatever it looks like. Scene ids have a space between them, and so have doubts; what
    is not known is empty, without quotation marks. A baseline has the N that it has in ESA's names of products: many
    programs would take 05.11 for a number in spite of the marks.

    Args:
        rows: any number.
        facts: of each row's field.
        indices: those that the file has columns for.
    """
    further = index_columns(indices)
    lines = []
    for row, fact in zip(rows, facts, strict=True):
        values = {name: getattr(row, name) for name in OWN}
        if row.baseline is not None:
            values["baseline"] = f"N{row.baseline}"
        numbers = (column.of(row) for column in further.values())
        lines.append((*values.values(), *numbers, *(getattr(fact, name) for name in FACTS)))
    return write_lines((*OWN, *further, *FACTS), lines)


Cell = str | float | date | tuple[str, ...] | None


def write_lines(names: Iterable[str], rows: Iterable[Iterable[Cell]]) -> bytes:
    """Return a CSV file of any columns, by the same rules.

    Args:
        names: of the columns.
        rows: the values of each, in the order of the columns.
    """
    lines = [",".join(names), *(",".join(map(_cell, row)) for row in rows)]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(value) if isinstance(value, tuple) else str(value)
    if isinstance(value, str | tuple):
        text = text.replace('"', '""')
        return f'"{text}"'
    return text

"""Observations as NDJSON (https://github.com/ndjson/ndjson-spec): an object a line, for programs that read a stream."""

from collections.abc import Mapping, Sequence

from pydantic_core import to_json

from ndvi_core.models.field_facts import FieldFacts
from ndvi_core.models.observation import IndexColumn, Observation, columns, columns_of, index_columns

OWN, FACTS = tuple(columns()), tuple(columns_of(FieldFacts))


def write_ndjson(rows: Sequence[Observation], facts: Sequence[FieldFacts], indices: Sequence[str] = ("ndvi",)) -> bytes:
    """Return a line a row with the columns of the Parquet files but the geometry, in the order given.

    Args:
        rows: any number.
        facts: of each row's field.
        indices: those that the lines have keys for.
    """
    further = index_columns(indices)
    return b"".join(_line(row, fact, further) for row, fact in zip(rows, facts, strict=True))


def _line(row: Observation, fact: FieldFacts, further: Mapping[str, IndexColumn]) -> bytes:
    own = {name: getattr(row, name) for name in OWN}
    numbers = {name: column.of(row) for name, column in further.items()}
    return to_json({**own, **numbers, **{name: getattr(fact, name) for name in FACTS}}) + b"\n"

"""Observations as NDJSON (https://github.com/ndjson/ndjson-spec): an object a line, for programs that read a stream."""

from collections.abc import Sequence

from pydantic_core import to_json

from ndvi_core.models.field_facts import FieldFacts
from ndvi_core.models.observation import Observation, columns, columns_of

OWN, FACTS = tuple(columns()), tuple(columns_of(FieldFacts))


def write_ndjson(rows: Sequence[Observation], facts: Sequence[FieldFacts]) -> bytes:
    """Return a line a row with the columns of the Parquet files but the geometry, in the order given.

    Args:
        rows: any number.
        facts: of each row's field.
    """
    return b"".join(_line(row, fact) for row, fact in zip(rows, facts, strict=True))


def _line(row: Observation, fact: FieldFacts) -> bytes:
    values = {name: getattr(row, name) for name in OWN} | {name: getattr(fact, name) for name in FACTS}
    return to_json(values) + b"\n"

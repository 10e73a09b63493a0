"""The rows of indices other than NDVI: a row of the ledger has one for each index that it has numbers of.

They come and go with the row: it is written with its indices, and replaced with all of them.
"""

from collections.abc import Iterable

from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    MetaData,
    Table,
    and_,
    cast,
    delete,
    func,
    insert,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from ndvi_core.models.observation import IndexStatistics, Observation
from ndvi_core.registry.rows import Cell, cells_as_rows
from ndvi_core.registry.tables import field, observation_index

STATISTICS = tuple(IndexStatistics.model_fields)

REPLACED = Table(
    "replaced",
    MetaData(),
    Column("date", Date),
    Column("sequence", BigInteger),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
"""The cells whose rows a transaction has written."""

_indices = TypeAdapter(dict[str, IndexStatistics])


def as_json(row: Observation) -> dict[str, dict[str, float]] | None:
    """Return the indices of a row for a column of JSON on its way into the database; None if it has none."""
    return _indices.dump_python(row.indices, exclude_none=True) if row.indices else None


def replace(connection: Connection, incoming: Table) -> None:
    """Replace the indices of the cells in `REPLACED` by those that came with their rows.

    Args:
        connection: in a transaction.
        incoming: with the columns `field_id`, `date` and `indices`, of JSON.
    """
    known, cells = observation_index.c, REPLACED.c
    connection.execute(delete(observation_index).where(known.date == cells.date, known.sequence == cells.sequence))
    one = func.jsonb_each(incoming.c.indices).table_valued("key", "value").render_derived(name="one")
    numbers = (
        func.jsonb_to_record(cast(one.c.value, JSONB))
        .table_valued(*(Column(name, known[name].type) for name in STATISTICS))
        .render_derived(name="numbers", with_types=True)
    )
    rows = (
        select(cells.date, cells.sequence, one.c.key, *(numbers.c[name] for name in STATISTICS))
        .select_from(incoming)
        .join(field, field.c.field_id == incoming.c.field_id)
        .join(REPLACED, and_(cells.date == incoming.c.date, cells.sequence == field.c.sequence))
        .join(one, true())
        .join(numbers, true())
    )
    connection.execute(insert(observation_index).from_select(["date", "sequence", "index", *STATISTICS], rows))


def load(connection: Connection, cells: Iterable[Cell]) -> dict[Cell, dict[str, IndexStatistics]]:
    """Return the indices of cells, by cell and name; cells without any are not in it."""
    keys = cells_as_rows(list(cells))
    known = observation_index.c
    query = select(observation_index).join(keys, and_(known.date == keys.c.date, known.sequence == keys.c.sequence))
    found: dict[Cell, dict[str, IndexStatistics]] = {}
    for row in connection.execute(query.order_by(known.index)).mappings():
        numbers = IndexStatistics(**{name: row[name] for name in STATISTICS})
        found.setdefault((row["sequence"], row["date"]), {})[row["index"]] = numbers
    return found

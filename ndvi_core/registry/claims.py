"""Claims: the cells that runs are computing at the moment, so that no two of them compute the same one at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, timedelta

from sqlalchemy import Connection, Date, delete, func, insert, select

from ndvi_core.registry.tables import claim

EXPIRES = timedelta(hours=12)
"""A run that has not ended by then is not waited for: it was given up, or removed."""


def claimed_elsewhere(connection: Connection, run: str, sequences: Collection[int]) -> dict[tuple[int, date], str]:
    """Return the claimed cells of some fields, by (sequence, day), with the other run that computes each.

    Args:
        connection: in a transaction that holds `lock_claims`.
        run: that asks.
        sequences: of the fields.
    """
    day = func.unnest(claim.c.days, type_=Date).label("day")
    query = select(claim.c.sequence, day, claim.c.run).where(
        claim.c.run != run,
        claim.c.sequence == func.any(list(sequences)),
        claim.c.claimed_at > func.clock_timestamp() - EXPIRES,
    )
    return {(row.sequence, row.day): row.run for row in connection.execute(query)}


def take(connection: Connection, run: str, cells: Iterable[tuple[int, date]]) -> None:
    """Claim cells, by (sequence, day), in place of all that the run had claimed before.

    Args:
        connection: in a transaction that holds `lock_claims`.
        run: that is to compute them.
        cells: each once.
    """
    release(connection, run)
    days: dict[int, list[date]] = defaultdict(list)
    for sequence, day in cells:
        days[sequence].append(day)
    if days:
        rows = [{"run": run, "sequence": sequence, "days": its} for sequence, its in days.items()]
        connection.execute(insert(claim), rows)


def release(connection: Connection, run: str) -> None:
    """Give up what a run has claimed, and what has expired."""
    connection.execute(
        delete(claim).where((claim.c.run == run) | (claim.c.claimed_at < func.clock_timestamp() - EXPIRES))
    )

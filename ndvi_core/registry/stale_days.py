"""The days whose published files do not say what is so, since a field's seasons were corrected.

A row that is not due any more stays in the ledger. It is not published, and when the dates are corrected back it is
published again without being computed.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Connection, Date, Insert, Select, and_, delete, select
from sqlalchemy.dialects.postgresql import insert

from ndvi_core.models.season import Season
from ndvi_core.registry.rows import as_rows
from ndvi_core.registry.season_rules import changed_periods
from ndvi_core.registry.tables import observation as observation_table
from ndvi_core.registry.tables import stale_day


def note_changed_seasons(
    connection: Connection, changes: Iterable[tuple[int, Sequence[Season], Sequence[Season]]]
) -> None:
    """Note the days whose files change when fields get other seasons.

    The name, crop and plant date of a season stand in all of its rows; rows come to be due, or cease to be.

    Args:
        connection: in a transaction.
        changes: of each field its sequence, its seasons as they were, and as they become.
    """
    periods = [(sequence, *ends) for sequence, before, after in changes for ends in changed_periods(before, after)]
    if not periods:
        return
    sequences, starts, ends = zip(*periods, strict=True)
    changed = as_rows({"sequence": (BigInteger(), sequences), "start": (Date(), starts), "end": (Date(), ends)})
    rows = observation_table.c
    days = select(rows.date).join(
        changed,
        and_(rows.sequence == changed.c.sequence, rows.date.between(changed.c.start, changed.c.end)),
    )
    connection.execute(note(days))


def note(days: Select[Any]) -> Insert:
    """Return the statement that notes days, of a query for them.

    A day that is noted already is written again: who is about to publish it waits until this transaction ends, and has
    its changes in the file. Else the note would go with a file that does not have them.
    """
    new = insert(stale_day).from_select(["date"], days.distinct())
    return new.on_conflict_do_update(index_elements=["date"], set_={"date": new.excluded.date})


def stale_days(connection: Connection) -> list[date]:
    """Return the days whose files are to be published anew, in order."""
    return list(connection.scalars(select(stale_day.c.date).order_by(stale_day.c.date)))


def mark_published(connection: Connection, day: date) -> None:
    """Note that a day's file says what is so, in the transaction that read its rows."""
    connection.execute(delete(stale_day).where(stale_day.c.date == day))

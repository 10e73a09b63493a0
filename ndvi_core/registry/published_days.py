"""The days' files as they were last published, and which of their changes other DAGs are still to be told of.

A day is noted in the transaction that publishes it, whoever does so: a run, the intake or a command. A file that was
written again with the same bytes has not changed.
"""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from ndvi_core.registry.tables import published_day


def note_published(connection: Connection, day: date, sha256: str | None) -> None:
    """Note what a day's file is now, after it was written or removed.

    Args:
        connection: in a transaction.
        day: of the file.
        sha256: of the file, hexadecimal; None if the day has none any more.
    """
    new = insert(published_day).values(date=day, sha256=sha256)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=["date"],
            set_={"sha256": new.excluded.sha256, "changed_at": func.clock_timestamp(), "announced": False},
            where=published_day.c.sha256.is_distinct_from(new.excluded.sha256),
        )
    )


def unannounced_days(connection: Connection) -> tuple[list[date], datetime]:
    """Return the days whose last change is not announced yet, in order, and the time of this answer."""
    query = select(published_day.c.date).where(~published_day.c.announced).order_by(published_day.c.date)
    as_of = connection.execute(select(func.clock_timestamp())).scalar_one()
    return list(connection.scalars(query)), as_of


def mark_days_announced(connection: Connection, days: Collection[date], as_of: datetime) -> None:
    """Note that days are announced, as they were at the time of an answer of `unannounced_days`.

    A day that has changed since stays unannounced, since who was told of it may have read the file before.
    """
    connection.execute(
        update(published_day)
        .where(published_day.c.date == func.any(list(days)), published_day.c.changed_at <= as_of)
        .values(announced=True)
    )

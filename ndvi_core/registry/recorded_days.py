"""The days that daily runs are done with: up to the last of them, fields are owed an answer."""

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from ndvi_core.registry.tables import published_day, recorded_day
from ndvi_core.support.days import days_between


def mark_recorded(connection: Connection, day: date, first_daily_day: date) -> tuple[date, date] | None:
    """Note that a daily run has recorded this day.

    Args:
        connection: in a transaction.
        day: the day.
        first_daily_day: first day that is processed daily.

    Returns:
        The first and last of the days right before it that no daily run has recorded, None if there is none. They are
        returned again until `mark_left_out` notes them.
    """
    before = connection.scalar(select(func.max(recorded_day.c.date)).where(recorded_day.c.date < day))
    connection.execute(insert(recorded_day).values(date=day).on_conflict_do_nothing())
    start = first_daily_day if before is None else before + timedelta(days=1)
    return (start, day - timedelta(days=1)) if start < day else None


def mark_left_out(connection: Connection, start: date, end: date, owed: Collection[date] = ()) -> None:
    """Note that the days from `start` to `end`, both included, are left to the catch-up: no daily run will record them.

    They count as recorded, so that the look-back goes over them for the fields that have been caught up.

    Args:
        connection: in a transaction.
        start: first day.
        end: last day, included.
        owed: the days that fields have no answer for, so that they are not published whether or not they have a file.
    """
    with_file = connection.scalars(select(published_day.c.date).where(published_day.c.date.between(start, end)))
    published = set(with_file).difference(owed)
    days = [{"date": day, "published": day in published} for day in days_between(start, end)]
    connection.execute(insert(recorded_day).on_conflict_do_nothing(), days)


def mark_published(connection: Connection, day: date) -> None:
    """Note that a day is published, if it is recorded; nothing changes for one that was published before."""
    is_new = ~recorded_day.c.published
    connection.execute(update(recorded_day).where(recorded_day.c.date == day, is_new).values(published=True))


def recorded_days(connection: Connection, start: date, end: date) -> list[date]:
    """Return the days between two days, both included, that were recorded or left out, in order."""
    query = select(recorded_day.c.date).where(recorded_day.c.date.between(start, end)).order_by(recorded_day.c.date)
    return list(connection.scalars(query))


def last_recorded_day(connection: Connection) -> date | None:
    """Return the last day that a daily run has recorded; None before the first."""
    day: date | None = connection.scalar(select(func.max(recorded_day.c.date)))
    return day

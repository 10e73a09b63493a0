"""The days that daily runs are done with: up to the last of them, fields are owed an answer."""

from datetime import date, timedelta

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from ndvi_core.registry.tables import recorded_day
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


def mark_left_out(connection: Connection, start: date, end: date) -> None:
    """Note that the days from `start` to `end`, both included, are left to the catch-up: no daily run will record them.

    They count as recorded, so that the look-back goes over them for the fields that have been caught up.
    """
    days = [{"date": day} for day in days_between(start, end)]
    connection.execute(insert(recorded_day).on_conflict_do_nothing(), days)


def recorded_days(connection: Connection, start: date, end: date) -> list[date]:
    """Return the days between two days, both included, that were recorded or left out, in order."""
    query = select(recorded_day.c.date).where(recorded_day.c.date.between(start, end)).order_by(recorded_day.c.date)
    return list(connection.scalars(query))


def last_recorded_day(connection: Connection) -> date | None:
    """Return the last day that a daily run has recorded; None before the first."""
    day: date | None = connection.scalar(select(func.max(recorded_day.c.date)))
    return day

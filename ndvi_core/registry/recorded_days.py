"""The days that a daily run has recorded: up to the last of them, fields are owed an answer."""

from datetime import date, timedelta

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from ndvi_core.registry.tables import recorded_day


def mark_recorded(connection: Connection, day: date, first_daily_day: date) -> tuple[date, date] | None:
    """Note that a daily run has recorded this day.

    Args:
        connection: in a transaction.
        day: the day.
        first_daily_day: first day that is processed daily.

    Returns:
        The first and last of the days right before it that no daily run has recorded, None if there is none.
    """
    before = connection.scalar(select(func.max(recorded_day.c.date)).where(recorded_day.c.date < day))
    connection.execute(insert(recorded_day).values(date=day).on_conflict_do_nothing())
    start = first_daily_day if before is None else before + timedelta(days=1)
    return (start, day - timedelta(days=1)) if start < day else None


def recorded_days(connection: Connection, start: date, end: date) -> list[date]:
    """Return the recorded days between two days, both included, in order."""
    query = select(recorded_day.c.date).where(recorded_day.c.date.between(start, end)).order_by(recorded_day.c.date)
    return list(connection.scalars(query))


def last_recorded_day(connection: Connection) -> date | None:
    """Return the last day that a daily run has recorded; None before the first."""
    day: date | None = connection.scalar(select(func.max(recorded_day.c.date)))
    return day

"""Periods of days."""

from datetime import date, timedelta


def days_between(start: date, end: date) -> list[date]:
    """Return all days from `start` to `end`, both included; none when `end` is earlier."""
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]

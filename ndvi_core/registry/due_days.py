"""On which days a field is due: those of its seasons, as far as days are recorded."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter

from sqlalchemy import TIMESTAMP, ColumnElement, Connection, Date, and_, cast, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import INTERVAL

from ndvi_core.models.constants import FIRST_IMAGE
from ndvi_core.registry import recorded_days
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import observation as observation_table
from ndvi_core.registry.tables import recorded_day
from ndvi_core.registry.tables import season as season_table


def first_due_day() -> ColumnElement[date]:
    """Return the first day on which a row of `season` is due: its plant date, or the day of the first image."""
    return func.greatest(season_table.c.plant_date, FIRST_IMAGE)


def last_due_day(up_to: date) -> ColumnElement[date]:
    """Return the last day on which a row of `season` is due: its end date, `up_to` at the latest."""
    return func.least(func.coalesce(season_table.c.end_date, up_to), up_to)


def last_owed_day(connection: Connection, first_daily_day: date) -> date:
    """Return the last day that a field which came late is owed: the last recorded one, or the eve of the first."""
    return max(first_daily_day - timedelta(days=1), recorded_days.last_recorded_day(connection) or date.min)


def lies_in_season(day: ColumnElement[date]) -> ColumnElement[bool]:
    """Return whether a day lies in the period of a row of `season`, however far days are recorded."""
    return and_(day >= first_due_day(), day <= func.coalesce(season_table.c.end_date, day))


def mark_caught_up_days(connection: Connection) -> None:
    """Note that those recorded days are published which no field that is not caught up is owed.

    Args:
        connection: in a transaction, after the files of all days that have changed were published.
    """
    is_owed = exists().where(
        season_table.c.sequence == field_table.c.sequence, ~field_table.c.caught_up, lies_in_season(recorded_day.c.date)
    )
    unpublished = ~recorded_day.c.published
    connection.execute(update(recorded_day).where(unpublished, ~is_owed.correlate(recorded_day)).values(published=True))


def missing_days(
    connection: Connection,
    sequences: Sequence[int],
    up_to: date,
    failed_counts: bool = False,
    since: date = FIRST_IMAGE,
) -> dict[int, list[date]]:
    """Return, by sequence, the days up to `up_to` on which fields are due and have no answer.

    Args:
        connection: to the registry.
        sequences: of the fields.
        up_to: last day, included.
        failed_counts: whether a failed row is an answer. One for another geometry is none.
        since: first day, included.
    """
    # Of timestamps without a zone: in the session's zone, a day whose midnight the clocks skip would get lost.
    days = (
        func.generate_series(
            cast(func.greatest(first_due_day(), since), TIMESTAMP),
            cast(last_due_day(up_to), TIMESTAMP),
            cast("1 day", INTERVAL),
        )
        .table_valued("day")
        .render_derived(name="days")
    )
    day = cast(days.c.day, Date)
    columns = observation_table.c
    query = (
        select(season_table.c.sequence, day.label("day"))
        .select_from(season_table)
        .join(days, literal(True))
        .outerjoin(
            observation_table,
            and_(
                columns.sequence == season_table.c.sequence,
                columns.date == day,
                columns.geometry_hash == season_table.c.geometry_hash,
                literal(failed_counts) | (columns.status != "failed"),
            ),
        )
        .where(season_table.c.sequence == func.any(list(sequences)), columns.sequence.is_(None))
        .order_by(season_table.c.sequence, day)
    )
    rows = connection.execute(query)
    return {sequence: [row.day for row in group] for sequence, group in groupby(rows, key=itemgetter(0))}

"""What tells whether something has changed since it was read, without reading it.

Each write of a day's rows is noted in its transaction, in a row of its own, so that nobody who writes waits for
another. Notes are counted, since those of transactions that end later may have lower numbers.
"""

from datetime import date

from sqlalchemy import BigInteger, Connection, FromClause, cast, func, insert, select

from ndvi_core.registry.tables import event_review, field, season_setting, stale_season_part, written_day


def note_days(connection: Connection, cells: FromClause) -> None:
    """Note the days of rows of the ledger.

    Args:
        connection: in the transaction that writes the rows.
        cells: with the column `date`.
    """
    connection.execute(insert(written_day).from_select(["date"], select(cells.c.date).distinct()))


def fields_revision(connection: Connection) -> str:
    """Return a word that is another one after any change of a field or of its seasons.

    Changes are made one after the other, so the last one has the latest time; removals change the count.
    """
    query = select(func.count(), func.coalesce(func.max(field.c.sequence), 0), func.max(field.c.changed_at))
    count, last, changed_at = connection.execute(query.select_from(field)).one()
    return f"{count}-{last}-{0 if changed_at is None else round(changed_at.timestamp() * 1_000_000)}"


def seasons_revision(connection: Connection) -> str:
    """Return a word that is another one after seasons were computed or somebody said something of an event.

    Who computes seasons takes their notes away at the end. Where they came and went between two looks, what they were
    made for tells: a row of the ledger by `rows_revision`, a field by `fields_revision`, and here a setting, a review,
    and fields that were caught up. Two that compute at once would spoil that: they are run one after the other.
    """
    queries = (
        select(func.count(stale_season_part.c.note)),
        select(func.max(stale_season_part.c.note)),
        select(func.max(season_setting.c.number)),
        select(func.count()).select_from(field).where(~field.c.caught_up),
        select(cast(func.extract("epoch", func.max(event_review.c.reviewed_at)) * 1_000_000, BigInteger)),
    )
    words = connection.execute(select(*(query.scalar_subquery() for query in queries))).one()
    return "-".join(str(word or 0) for word in words)


def day_revisions(connection: Connection, start: date, end: date) -> dict[date, int]:
    """Return how often rows of the days from `start` to `end`, both included, were written, where they were."""
    days = written_day.c.date
    query = select(days, func.count().label("times")).where(days.between(start, end)).group_by(days).order_by(days)
    return {row.date: row.times for row in connection.execute(query)}


def rows_revision(connection: Connection, start: date | None = None, end: date | None = None) -> int:
    """Return how often rows of some days were written, or of all: one more after each time."""
    query = select(func.count()).select_from(written_day)
    if start is not None:
        query = query.where(written_day.c.date >= start)
    if end is not None:
        query = query.where(written_day.c.date <= end)
    return connection.execute(query).scalar_one()

"""The progress of fields: for each season, how many of its days have which answer, and how many have none."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, get_args

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, func, literal, select
from sqlalchemy.sql.selectable import LateralFromClause

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.observation import Status
from ndvi_core.registry.due_days import first_due_day, last_due_day, last_owed_day
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import observation as observation_table
from ndvi_core.registry.tables import season as season_table

STATUSES: tuple[Status, ...] = get_args(Status)


class SeasonStatus(Frozen):
    """The days of a season from its plant date to the last recorded day, or to its end date."""

    season: str
    """Its name."""
    plant_type: str
    plant_date: date
    end_date: date | None
    days: int
    """Days of it that are due."""
    counts: dict[Status, int]
    """Due days by the status of their answer. Rows of an earlier boundary do not count."""
    missing: int
    """Due days without an answer."""
    ndvi_mean: float | None
    """Mean of the computed days' means."""
    last_value: float | None
    """Mean NDVI of the last computed day."""
    last_date: date | None
    last_status: Status | None
    """Status of the newest day with a scene, or of the newest day if no day has one: why there is no value (yet)."""
    last_reason: str | None
    """The reason of that day."""

    @property
    def whole(self) -> bool:
        """Whether no day is missing or failed."""
        return self.missing == 0 and self.counts["failed"] == 0


class FieldStatus(SeasonStatus):
    """A field's status in its present season: the last that has begun by the last recorded day, or else the first."""

    field_id: str
    seasons: tuple[SeasonStatus, ...]
    """All, in the order of time."""

    @property
    def whole(self) -> bool:
        """Whether no day of any season is missing or failed."""
        return all(season.whole for season in self.seasons)


def field_statuses(
    connection: Connection, first_daily_day: date, field_ids: Sequence[str] | None = None
) -> list[FieldStatus]:
    """Return the status of fields, in the order of the registry.

    Args:
        connection: to the registry.
        first_daily_day: first day that is processed daily.
        field_ids: only these; unknown ids are passed over. None is all.
    """
    up_to = last_owed_day(connection, first_daily_day)
    found = []
    rows = connection.execute(by_season(up_to, field_ids)).mappings()
    for field_id, its_rows in groupby(rows, key=itemgetter("field_id")):
        seasons = tuple(map(_status, its_rows))
        begun = [season for season in seasons if season.plant_date <= up_to]
        present = begun[-1] if begun else seasons[0]
        found.append(FieldStatus(**dict(present), field_id=field_id, seasons=seasons))
    return found


def _status(row: RowMapping) -> SeasonStatus:
    counts = {status: row[status] for status in STATUSES}
    return SeasonStatus(**row, counts=counts, missing=row["days"] - sum(counts.values()))


def by_season(up_to: date, field_ids: Sequence[str] | None) -> Select[Any]:
    """Select a row a season, field by field in the order of the registry, those of each in the order of time.

    Args:
        up_to: last day that is due.
        field_ids: only these fields; None is all.
    """
    fields, seasons, rows = field_table.c, season_table.c, observation_table.c
    first, last = first_due_day(), last_due_day(up_to)
    computed = rows.status == "computed"
    with_scene = rows.status != "no_scene"
    # All rows in one go, and not field by field, of which each would look up its own.
    summary = (
        select(
            seasons.sequence,
            seasons.number,
            func.avg(rows.ndvi_mean).filter(computed).label("ndvi_mean"),
            *(func.count().filter(rows.status == status).label(status) for status in STATUSES),
            func.max(rows.date).filter(computed).label("last_date"),
            func.coalesce(func.max(rows.date).filter(with_scene), func.max(rows.date)).label("last_day"),
        )
        .select_from(season_table)
        .join(
            observation_table,
            and_(
                rows.sequence == seasons.sequence,
                rows.geometry_hash == seasons.geometry_hash,
                rows.date.between(first, last),
            ),
        )
        .group_by(seasons.sequence, seasons.number)
    )
    query = (
        select(
            fields.field_id,
            seasons.name.label("season"),
            seasons.plant_type,
            seasons.plant_date,
            seasons.end_date,
            func.greatest(last - first + 1, 0).label("days"),
        )
        .select_from(field_table)
        .join(season_table, seasons.sequence == fields.sequence)
        .order_by(fields.sequence, seasons.plant_date)
    )
    if field_ids is not None:
        wanted = fields.field_id == func.any(list(field_ids))
        summary = summary.join(field_table, fields.sequence == seasons.sequence).where(wanted)
        query = query.where(wanted)
    found = summary.cte("summary")
    value, answer = _row_on(found.c.last_date, "value"), _row_on(found.c.last_day, "answer")
    return (
        query.add_columns(
            found.c.ndvi_mean,
            *(func.coalesce(found.c[status], 0).label(status) for status in STATUSES),
            found.c.last_date,
            value.c.ndvi_mean.label("last_value"),
            answer.c.status.label("last_status"),
            answer.c.reason.label("last_reason"),
        )
        .outerjoin(found, and_(found.c.sequence == seasons.sequence, found.c.number == seasons.number))
        .outerjoin(value, literal(True))
        .outerjoin(answer, literal(True))
    )


def _row_on(day: ColumnElement[Any], name: str) -> LateralFromClause:
    """Return the row of a season's field on a day; looked up by the index, where a join would read the whole ledger."""
    rows = observation_table.alias(f"{name}_row").c
    found = select(rows.ndvi_mean, rows.status, rows.reason)
    return found.where(rows.sequence == season_table.c.sequence, rows.date == day).limit(1).lateral(name)

"""How far the fields are: for each, how many of its days have which answer, and which have none."""

from collections.abc import Sequence
from datetime import date
from typing import get_args

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from ndvi_core import FIRST_IMAGE
from ndvi_core.observation import Status
from ndvi_core.selection import last_owed_day
from ndvi_core.tables import field as field_table
from ndvi_core.tables import observation as observation_table

STATUSES: tuple[Status, ...] = get_args(Status)


class FieldStatus(BaseModel):
    """The days of a field from its plant date to the last recorded day, or to its end date."""

    model_config = ConfigDict(frozen=True)

    field_id: str
    plant_type: str
    plant_date: date
    end_date: date | None
    days: int
    """Days that should have an answer."""
    counts: dict[Status, int]
    """Of them, how many have which. Rows of an earlier boundary do not count."""
    missing: int
    """Of them, how many have none."""
    ndvi_mean: float | None
    """Mean of the computed days' means."""
    last_value: float | None
    """Mean NDVI of the last computed day."""
    last_date: date | None
    last_status: Status | None
    """Of the newest day with a scene, or of the newest day if no day has one: why a field has no value (yet)."""
    last_reason: str | None
    """The reason of that day."""

    @property
    def whole(self) -> bool:
        """Whether no day is missing or failed."""
        return self.missing == 0 and self.counts["failed"] == 0


def field_statuses(
    connection: Connection, first_daily_day: date, field_ids: Sequence[str] | None = None
) -> list[FieldStatus]:
    """Return the status of fields, in the order of the registry.

    Args:
        connection: to the registry.
        first_daily_day: of `ndvi_daily`.
        field_ids: only these; unknown ids are passed over. None is all.
    """
    up_to = last_owed_day(connection, first_daily_day)
    fields, rows = field_table.c, observation_table.c
    first = func.greatest(fields.plant_date, FIRST_IMAGE)
    last = func.least(func.coalesce(fields.end_date, up_to), up_to)
    computed = rows.status == "computed"
    newest_value = {"last_value": rows.ndvi_mean, "last_date": rows.date}
    newest_answer = {"last_status": rows.status, "last_reason": rows.reason}
    with_scene_first = (rows.status == "no_scene", rows.date.desc())
    # For each field by itself: over all rows at once the sorting would take most of the time.
    summary = (
        select(
            func.avg(rows.ndvi_mean).filter(computed).label("ndvi_mean"),
            *(func.count().filter(rows.status == status).label(status) for status in STATUSES),
            *(
                func.array_agg(aggregate_order_by(column, rows.date.desc())).filter(computed)[1].label(name)
                for name, column in newest_value.items()
            ),
            *(
                func.array_agg(aggregate_order_by(column, *with_scene_first))[1].label(name)
                for name, column in newest_answer.items()
            ),
        )
        .where(
            rows.sequence == fields.sequence,
            rows.geometry_hash == fields.geometry_hash,
            rows.date.between(first, last),
        )
        .lateral("summary")
    )
    query = (
        select(
            fields.field_id,
            fields.plant_type,
            fields.plant_date,
            fields.end_date,
            func.greatest(last - first + 1, 0).label("days"),
            *summary.c,
        )
        .select_from(field_table)
        .join(summary, literal(True))
        .order_by(fields.sequence)
    )
    if field_ids is not None:
        query = query.where(fields.field_id == func.any(list(field_ids)))
    found = []
    for row in connection.execute(query).mappings():
        counts = {status: row[status] for status in STATUSES}
        found.append(FieldStatus(**row, counts=counts, missing=row["days"] - sum(counts.values())))
    return found

"""Selecting the cells of a run from the registry: those of a day, those that fields are owed, those of a period."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta

from sqlalchemy import Connection

from ndvi_core.errors import BadInput
from ndvi_core.models.constants import FIRST_IMAGE
from ndvi_core.models.field import RegisteredField
from ndvi_core.registry import due_days, recorded_days
from ndvi_core.registry import fields as registry
from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.registry.extents import changed_parts
from ndvi_core.runs.selection import Selection, Wanted, in_slices
from ndvi_core.support.days import days_between


def select_day(
    connection: Connection,
    day: date,
    look_back_days: int,
    field_ids: Collection[str] | None = None,
    force: bool = False,
) -> Selection:
    """Select the cells of a daily run: its day, and the recorded days before it for scenes that came late.

    The days before are selected for caught-up fields only, since those of the others are the catch-up's. Cells that
    failed there are not tried again with the same scenes: one broken scene does not fail the runs of the days after.
    """
    first = day - timedelta(days=look_back_days)
    earlier = [] if force else recorded_days.recorded_days(connection, first, day - timedelta(days=1))
    _require_known(connection, field_ids)
    all_days = [*earlier, day]
    return Selection(
        wanted=_by_boundary(
            connection,
            (
                (field, field.active_days(all_days if field.caught_up else all_days[-1:]))
                for field in registry.read_fields(connection, field_ids)
            ),
        ),
        retried=frozenset([day]),
        force=force,
        day=day if field_ids is None else None,
        claims=False,  # a day waits for nobody; the cells of others that it may meet are as good from either
    )


def select_owed(connection: Connection, first_daily_day: date) -> Selection:
    """Select the days that fields which came or changed late are still owed.

    These are the days of their seasons up to the last that a daily run has recorded, or up to the day before
    the first daily run, whichever is later; days still to come are left to the daily runs.
    """
    up_to = last_owed_day(connection, first_daily_day)

    def wanted() -> Iterator[Wanted]:
        for fields in in_slices(registry.read_fields(connection, caught_up=False)):
            owed = due_days.missing_days(connection, [field.sequence for field in fields], up_to)
            yield from ((field, tuple(owed.get(field.sequence, ()))) for field in fields)

    return Selection(wanted=_by_boundary(connection, wanted()), catches_up=True)


def select_range(
    connection: Connection,
    first_daily_day: date,
    field_ids: Collection[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    force: bool = False,
) -> Selection:
    """Select the days of a period on which fields are processed.

    Args:
        connection: to the registry.
        first_daily_day: first day that is processed daily.
        field_ids: None is all fields.
        start: None is each field's first plant date.
        end: included; None, and a later day, is the last day that catching up would reach, see `select_owed`.
        force: compute again what has an answer already.

    Raises:
        BadInput: for an unknown field or an end before the start.
    """
    if start is not None and end is not None and end < start:
        raise BadInput(f"the end {end} is before the start {start}")
    last = last_owed_day(connection, first_daily_day)
    end = min(end or last, last)
    if start is not None and end < start:
        raise BadInput(f"no day to compute from {start} on: the recorded days end on {last}")
    _require_known(connection, field_ids)
    days = days_between(max(start or registry.first_day(connection) or end, FIRST_IMAGE), end)
    return Selection(
        wanted=_by_boundary(
            connection,
            ((field, field.active_days(days)) for field in registry.read_fields(connection, field_ids)),
        ),
        force=force,
    )


def select_opened(connection: Connection, field_ids: Collection[str] | None = None) -> Selection:
    """Select the days on which more of a field is inside the extent now than its row was computed for."""
    _require_known(connection, field_ids)
    parts = changed_parts(connection, None if field_ids is None else list(field_ids))
    days: dict[str, set[date]] = defaultdict(set)
    for part in parts:
        if part.is_opened:
            days[part.field_id].update(part.days)
    return Selection(
        wanted=_by_boundary(
            connection,
            ((field, tuple(sorted(days[field.field_id]))) for field in registry.read_fields(connection, days)),
        ),
        force=True,
    )


def _by_boundary(connection: Connection, wanted: Iterable[Wanted]) -> Iterator[Wanted]:
    """Yield fields with their days, for each boundary that its seasons have on these days those days alone."""
    for part in in_slices(wanted):
        redrawn = {field.sequence: field for field, _ in part if len(field.seasons) > 1 and _was_redrawn(field)}
        boundaries = registry.boundaries_of_seasons(connection, redrawn.values())
        for field, days in part:
            if field.sequence not in redrawn:
                yield field, days
                continue
            by_revision: dict[int, list[date]] = defaultdict(list)
            for season in field.seasons:
                by_revision[season.revision].extend(season.active_days(days))
            for revision, its_days in by_revision.items():
                geometry, geometry_hash = boundaries[field.sequence, revision]
                changes = {"geometry": geometry, "geometry_hash": geometry_hash, "revision": revision}
                yield field.model_copy(update=changes), tuple(its_days)


def _was_redrawn(field: RegisteredField) -> bool:
    return any(season.revision != field.revision for season in field.seasons)


def _require_known(connection: Connection, field_ids: Collection[str] | None) -> None:
    if field_ids is None:
        return
    known = registry.read_fields(connection, field_ids)
    if unknown := sorted(set(field_ids) - {field.field_id for field in known}):
        raise BadInput(f"no such field in the registry: {', '.join(unknown)}")

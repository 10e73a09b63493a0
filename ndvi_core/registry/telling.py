"""Which events, late days and failed runs each receiver is still to be told of.

A receiver is told of an event that is open, once; and that it has ended, if it was told of it by name. One that comes
new is told of what is open then. What opened since and has ended before it could be told, because the receiver did
not answer, is told as ended; what was withdrawn meanwhile was an error, and is not told at all.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Text, and_, cast, exists, or_, select
from sqlalchemy.dialects.postgresql import insert

from ndvi_core.models.event import Event
from ndvi_core.models.frozen import Frozen
from ndvi_core.registry.due_days import lies_in_season
from ndvi_core.registry.events import event_of, select_events
from ndvi_core.registry.tables import event, failed_run, late_day, receiver, recorded_day, told

COUNTED = "counted"
"""What was said of an event that a digest did not name, since there were too many: nobody has to hear of its end."""


_IS_PUBLISHED = or_(
    recorded_day.c.published, ~exists().where(lies_in_season(recorded_day.c.date)).correlate(recorded_day)
)
"""Whether a recorded day is published, or nothing is due on it that could be."""


_NEWS = timedelta(days=1)
"""A run that failed earlier is no news to a new receiver."""


class FailedRun(Frozen):
    """A run that failed."""

    pipeline: str
    run_id: str
    what: str
    """The tasks that failed, for a person."""

    @property
    def subject(self) -> str:
        """What it is called in the table of what was told."""
        return f"{self.pipeline} {self.run_id}"


class Untold(Frozen):
    """What a receiver is to be told."""

    events: tuple[Event, ...] = ()
    """With the status of today."""
    late_days: tuple[date, ...] = ()
    """Days whose deadline has passed, and that are not published."""
    made_up: tuple[date, ...] = ()
    """Days that it was told are late, and that are published now."""
    failed_runs: tuple[FailedRun, ...] = ()


def note_late_day(connection: Connection, day: date) -> bool:
    """Note that a day's deadline has passed; return whether it is late, which it is not if it was published."""
    if connection.scalar(select(_IS_PUBLISHED).where(recorded_day.c.date == day)):
        return False
    connection.execute(insert(late_day).values(date=day).on_conflict_do_nothing())
    return True


def note_failed_run(connection: Connection, run: FailedRun) -> None:
    """Note that a run failed; one that fails again, after its tasks were cleared, is known."""
    connection.execute(insert(failed_run).values(run.model_dump()).on_conflict_do_nothing())


def note_receiver(connection: Connection, name: str) -> None:
    """Note a receiver, unless it is known: what opens from now on is not lost to it, even if it is away."""
    connection.execute(insert(receiver).values(name=name).on_conflict_do_nothing())


def untold(connection: Connection, name: str) -> Untold:
    """Return what a receiver is to be told, and keep others from telling it until the transaction ends.

    Args:
        connection: in a transaction.
        name: of a receiver that was noted. While somebody else is telling it, there is nothing to tell.
    """
    mine = select(receiver.c.since).where(receiver.c.name == name).with_for_update(skip_locked=True)
    since = connection.execute(mine).scalar_one_or_none()
    if since is None:
        return Untold()
    # What was over when it was found is of a season that is past.
    ended_meanwhile = and_(event.c.status == "closed", event.c.opened_at >= since, event.c.was_open)
    said = and_(told.c.receiver == name, told.c.subject == event.c.event_id)
    query = (
        select_events(with_evidence=False)
        .outerjoin(told, said)
        .where(
            or_(
                and_(told.c.status.is_(None), or_(event.c.status == "open", ended_meanwhile)),
                and_(told.c.status == "open", event.c.status != "open"),
            )
        )
        .order_by(event.c.event_id)
    )
    events = tuple(event_of(row) for row in connection.execute(query).mappings())
    late, made_up = _late_days(connection, name)
    return Untold(events=events, late_days=late, made_up=made_up, failed_runs=_failed_runs(connection, name, since))


def mark_told(connection: Connection, name: str, statuses: Mapping[str, str]) -> None:
    """Note what was said.

    Args:
        connection: in the transaction of `untold`.
        name: of the receiver.
        statuses: by event id, day or run: its status, or `COUNTED`.
    """
    if not statuses:
        return
    new = insert(told)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=["receiver", "subject"],
            set_={"status": new.excluded.status, "told_at": new.excluded.told_at},
        ),
        [{"receiver": name, "subject": subject, "status": status} for subject, status in statuses.items()],
    )


def _failed_runs(connection: Connection, name: str, since: datetime) -> tuple[FailedRun, ...]:
    run = failed_run.c
    subject = run.pipeline + " " + run.run_id
    query = (
        select(run.pipeline, run.run_id, run.what)
        .where(
            run.failed_at > since - _NEWS,
            ~exists().where(told.c.receiver == name, told.c.subject == subject),
        )
        .order_by(run.failed_at, run.pipeline, run.run_id)
    )
    return tuple(FailedRun(**row) for row in connection.execute(query).mappings())


def _late_days(connection: Connection, name: str) -> tuple[tuple[date, ...], tuple[date, ...]]:
    query = (
        select(late_day.c.date, and_(recorded_day.c.date.is_not(None), _IS_PUBLISHED), told.c.status)
        .outerjoin(recorded_day, recorded_day.c.date == late_day.c.date)
        .outerjoin(told, and_(told.c.receiver == name, told.c.subject == cast(late_day.c.date, Text)))
        .order_by(late_day.c.date)
    )
    days: Sequence[Any] = connection.execute(query).all()
    return (
        tuple(day for day, published, said in days if not published and said is None),
        tuple(day for day, published, said in days if published and said == "open"),
    )

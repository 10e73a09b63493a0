"""Events in the registry: reading pages of them, keeping what was found, and what people say of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    false,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from ndvi_core.errors import NotFound
from ndvi_core.models.event import Event, EventKind, EventStatus, Evidence, ReviewedEvent
from ndvi_core.models.season_part import PART_BITS, SeasonPart
from ndvi_core.registry import stale_seasons
from ndvi_core.registry.rows import Cell, cells_as_rows
from ndvi_core.registry.tables import event as event_table
from ndvi_core.registry.tables import event_review
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import observation as observation_table

_OWN = tuple(name for name in Event.model_fields if name not in ("field_id", "evidence"))
"""The attributes that are columns by the same names."""
_EVIDENCE = "evidence_days", "evidence_fingerprints"
_REVIEW = tuple(name for name in ReviewedEvent.model_fields if name not in Event.model_fields)


def load_events(
    connection: Connection,
    field_ids: Sequence[str] | None = None,
    status: EventStatus | None = None,
    kind: EventKind | None = None,
    since: date | None = None,
    limit: int | None = None,
    offset: int = 0,
    dismissed: bool | None = None,
) -> list[ReviewedEvent]:
    """Return events, those with the latest evidence first.

    Args:
        connection: to the registry.
        field_ids: only theirs.
        status: only those that are so.
        kind: only those of this kind.
        since: only those whose evidence is not all before this day.
        limit: events at most; None is all.
        offset: events to pass over.
        dismissed: only those that somebody has dismissed, or that nobody has.
    """
    columns = event_table.c
    order = columns.last_day.desc(), columns.sequence, columns.event_id
    query = _select_reviewed().order_by(*order).offset(offset).limit(limit)
    if field_ids is not None:
        query = query.where(field_table.c.field_id == func.any(list(field_ids)))
    if status is not None:
        query = query.where(columns.status == status)
    if kind is not None:
        query = query.where(columns.kind == kind)
    if since is not None:
        query = query.where(columns.last_day >= since)
    if dismissed is not None:
        query = query.where(_dismissed() == dismissed)
    return [_reviewed(row) for row in connection.execute(query).mappings()]


def count_open(connection: Connection, field_ids: Sequence[str] | None = None) -> dict[EventKind, int]:
    """Return how many events are open, by kind; of some fields alone where their ids are given."""
    kind = event_table.c.kind
    query = select(kind, func.count().label("number")).where(event_table.c.status == "open").group_by(kind)
    if field_ids is not None:
        query = query.join(field_table, field_table.c.sequence == event_table.c.sequence)
        query = query.where(field_table.c.field_id == func.any(list(field_ids)))
    return {row.kind: row.number for row in connection.execute(query)}


def select_events(*, with_evidence: bool = True) -> Select[Any]:
    """Return the query for all events with the ids of their fields, for `event_of` to read its rows."""
    left_out = {"announced"} if with_evidence else {"announced", *_EVIDENCE}
    own = (column for column in event_table.c if column.name not in left_out)
    return select(*own, field_table.c.field_id).join(field_table, field_table.c.sequence == event_table.c.sequence)


def event_of(row: RowMapping) -> Event:
    """Return the event of a row of `select_events`."""
    evidence = map(Evidence, *(row.get(name, ()) for name in _EVIDENCE))
    return Event(**{name: row[name] for name in _OWN}, field_id=row["field_id"], evidence=tuple(evidence))


def _select_reviewed() -> Select[Any]:
    review = (event_review.c[name] for name in _REVIEW if name != "dismissed")
    return (
        select_events()
        .add_columns(*review, _dismissed().label("dismissed"))
        .outerjoin(event_review, event_review.c.event_id == event_table.c.event_id)
    )


def _dismissed() -> ColumnElement[bool]:
    return func.coalesce(event_review.c.dismissed, false())


def _reviewed(row: RowMapping) -> ReviewedEvent:
    return ReviewedEvent(**dict(event_of(row)), **{name: row[name] for name in _REVIEW})


def load_rows(connection: Connection, part: SeasonPart) -> list[dict[str, Any]]:
    """Return the events in the seasons of a part as rows, in the order of the registry and of their days.

    Their fields are kept from being removed until the transaction ends.
    """
    columns, (first, last) = event_table.c, part.sequences
    order = columns.sequence, columns.first_day, columns.kind, columns.event_id
    query = _select_reviewed().where(columns.year == part.year, columns.sequence.between(first, last)).order_by(*order)
    query = query.with_for_update(key_share=True, read=True, of=field_table)
    return [dict(row) for row in connection.execute(query).mappings()]


def keep_events(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write events over those of the same ids; one whose status is another than before is to be announced.

    Args:
        connection: in a transaction.
        rows: the columns of `event`, but `announced`, of events of fields that are registered. What people said of
            them stays as it is.
    """
    if not rows:
        return
    own = [{name: value for name, value in row.items() if name in event_table.c} for row in rows]
    new = insert(event_table)
    changed = {name: new.excluded[name] for name in own[0] if name not in ("event_id", "opened_at")}
    is_told = event_table.c.announced & (event_table.c.status == new.excluded.status)
    statement = new.on_conflict_do_update(index_elements=["event_id"], set_={**changed, "announced": is_told})
    connection.execute(statement, own)


def review_event(connection: Connection, event_id: str, dismissed: bool, note: str | None, by: str) -> ReviewedEvent:
    """Keep what somebody says of an event instead of what was said before, and return the event.

    Args:
        connection: in a transaction.
        event_id: of the event.
        dismissed: whether it needs no attention; false takes that back.
        note: None is none (any more).
        by: name of the user.

    Raises:
        NotFound: there is no such event.
    """
    columns = event_table.c
    known = connection.execute(select(columns.year, columns.sequence).where(columns.event_id == event_id)).one_or_none()
    if known is None:
        raise NotFound(f"no event {event_id} in the registry")
    # Its file says so with the next run of `ndvi_season`.
    stale_seasons.note_part(connection, SeasonPart(known.year, known.sequence >> PART_BITS))
    said = {"dismissed": dismissed, "note": note, "reviewed_by": by, "reviewed_at": func.clock_timestamp()}
    statement = insert(event_review).values(event_id=event_id, **said)
    connection.execute(statement.on_conflict_do_update(index_elements=["event_id"], set_=said))
    return _reviewed(connection.execute(_select_reviewed().where(columns.event_id == event_id)).mappings().one())


def registered(connection: Connection, sequences: Iterable[int]) -> set[int]:
    """Return which fields there are, and keep them from being removed until the transaction ends."""
    query = select(field_table.c.sequence).where(field_table.c.sequence == func.any(list(sequences)))
    return set(connection.scalars(query.with_for_update(key_share=True, read=True)))


def fingerprints(connection: Connection, cells: Iterable[Cell]) -> dict[Cell, str]:
    """Return the fingerprints of rows of the ledger."""
    keys = cells_as_rows(sorted(set(cells)))
    rows = observation_table.c
    query = select(rows.sequence, rows.date, rows.fingerprint).join(
        keys, and_(rows.sequence == keys.c.sequence, rows.date == keys.c.date)
    )
    return {(sequence, day): fingerprint for sequence, day, fingerprint in connection.execute(query)}


def unannounced(connection: Connection) -> tuple[list[tuple[str, str, str]], datetime]:
    """Return field, kind and status of the events whose status is not announced yet, and the time of this answer."""
    now = connection.execute(select(func.clock_timestamp())).scalar_one()
    columns = event_table.c
    query = (
        select(field_table.c.field_id, columns.kind, columns.status)
        .join(field_table, field_table.c.sequence == columns.sequence)
        .where(~columns.announced)
        .order_by(columns.sequence, columns.first_day, columns.event_id)
    )
    return [(field_id, kind, status) for field_id, kind, status in connection.execute(query)], now


def mark_announced(connection: Connection, as_of: datetime) -> None:
    """Note that all changes up to the time of an answer of `unannounced` are announced; later ones are not."""
    connection.execute(
        update(event_table).where(~event_table.c.announced, event_table.c.changed_at <= as_of).values(announced=True)
    )

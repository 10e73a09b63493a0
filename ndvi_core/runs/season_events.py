"""The events that were found in seasons, beside those that are known: which is which, and what has changed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np

from ndvi_core.models.event import EventStatus
from ndvi_core.models.season_table import numbers_of
from ndvi_core.season.event_table import EVIDENCE, KINDS, NO_DAY, OPEN, EventTable
from ndvi_core.season.matching import NEW, match_events

Row = Mapping[str, Any]
"""An event as columns of table `event`."""


def changes(found: Sequence[Row], known: Sequence[Row], now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the events that are new or other than they are known, as rows to write.

    An event keeps its id, and when it was first found. One that is not found any more is withdrawn; it is the same
    again when it is found again.

    Args:
        found: those that the fields' seasons have by today's data, without id, status and times, but with `closed`.
        known: those that the table has of these fields' seasons.
        now: the time.
    """
    matches = match_events(_table(found), _table(known)).tolist()
    taken = {row["event_id"] for row in known}
    for row, match in zip(found, matches, strict=True):
        old = None if match == NEW else known[match]
        values = {name: value for name, value in row.items() if name != "closed"}
        event_id = _new_id(row, taken) if old is None else old["event_id"]
        taken.add(event_id)
        new = _stated(values, "closed" if row["closed"] else "open", old, event_id, now)
        if old is None or any(old[name] != value for name, value in new.items()):
            yield new
    for number in set(range(len(known))) - set(matches):
        old = known[number]
        if old["status"] != "withdrawn":
            values = {name: old[name] for name in old if name not in ("field_id", "status", "changed_at")}
            yield {**values, "status": "withdrawn", "changed_at": now}


def _stated(values: Row, status: EventStatus, old: Row | None, event_id: str, now: datetime) -> dict[str, Any]:
    is_so = old is not None and old["status"] == status
    return {
        **values,
        "event_id": event_id,
        "status": status,
        "was_open": status == "open" or (old is not None and old["was_open"]),
        "opened_at": now if old is None else old["opened_at"],
        "changed_at": old["changed_at"] if old is not None and is_so else now,
    }


def _new_id(row: Row, taken: set[str]) -> str:
    identity = f"{row['sequence']} {row['kind']} {row['index']} {row['first_day']}"
    number = 1
    while (event_id := sha256(f"{identity} {number}".encode()).hexdigest()[:16]) in taken:
        number += 1
    return event_id


def _table(rows: Sequence[Row]) -> EventTable:
    """Return what events are matched by; the number of a season is its field's sequence, and days are since 1970."""
    nothing = np.full(len(rows), np.nan)
    never = np.full((len(rows), EVIDENCE), NO_DAY, np.int32)
    return EventTable(
        season=np.array([row["sequence"] for row in rows], np.intp),
        kind=np.array([KINDS.index(row["kind"]) for row in rows], np.int8),
        first_day=numbers_of([row["first_day"] for row in rows]).astype(np.int32),
        last_day=numbers_of([row["last_day"] for row in rows]).astype(np.int32),
        value=nothing,
        before=nothing,
        evidence=never,
        closed_day=np.full(len(rows), OPEN, np.int32),
    )

"""Events of fields: what is unusual in a season's index, by which rule, and on which evidence."""

from datetime import date, datetime
from typing import Annotated, Literal, NamedTuple, get_args

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.observation import Column

EventKind = Literal["drop", "green_up", "harvest_candidate", "below_peers", "no_value"]
EventStatus = Literal["open", "closed", "withdrawn"]
"""What is so of an event by the data of today:

- `open`: it goes on.
- `closed`: it was, and has ended.
- `withdrawn`: the data that it was found in have changed, and it is not found any more.
"""


class Evidence(NamedTuple):
    """An observation that an event was found in."""

    day: date
    fingerprint: str
    """Of the row of the ledger; another one says that the observation has been replaced since."""


class Event(Frozen):
    """Something unusual in a season of a field."""

    event_id: Annotated[str, Column("Stable id: the event keeps it whatever becomes of its days and numbers")]
    policy: Annotated[str, Column("Name and version of the rule that found it, e.g. drop@1")]
    kind: Annotated[EventKind, Column(", ".join(get_args(EventKind)))]
    field_id: Annotated[str, Column("The field's id")]
    season: Annotated[str, Column("Name of the season")]
    plant_type: Annotated[str, Column("Crop of the season")]
    index: Annotated[str, Column("The index that it was found in")]
    first_day: Annotated[date, Column("First day of the evidence")]
    last_day: Annotated[date, Column("Last day of the evidence")]
    value: Annotated[float | None, Column("What was found; the meaning goes by the kind")] = None
    before: Annotated[float | None, Column("What it is compared with; likewise")] = None
    change: Annotated[float | None, Column("How unusual it is; likewise")] = None
    evidence: Annotated[tuple[Evidence, ...], Column("Days and fingerprints of the observations it was found in")] = ()
    status: Annotated[EventStatus, Column(", ".join(get_args(EventStatus)))]
    opened_at: Annotated[datetime, Column("When it was first found")]
    changed_at: Annotated[datetime, Column("When its status last changed")]


class ReviewedEvent(Event):
    """An event with what people last said of it, if they did."""

    dismissed: Annotated[bool, Column("Somebody has said that it needs no attention")] = False
    note: Annotated[str | None, Column("What somebody has noted on it")] = None
    reviewed_by: Annotated[str | None, Column("Who last dismissed it, took that back or changed the note")] = None
    reviewed_at: Annotated[datetime | None, Column("When")] = None

"""What is found in seasons, as columns."""

from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ndvi_core.models.arrays import Days, Floats, Indexes
from ndvi_core.models.event import EventKind

KINDS = get_args(EventKind)
DROP, GREEN_UP, HARVEST, BELOW_PEERS, NO_VALUE = range(len(KINDS))
POLICIES = tuple(f"{kind}@1" for kind in KINDS)
"""Name and version of the rule of each kind: a changed rule takes a new version."""
OPEN = -1
"""Instead of the day on which an event was over."""
NO_DAY = -1
"""Instead of a further day of evidence."""
EVIDENCE = 4
"""Days of evidence that an event has at most."""


class EventTable(NamedTuple):
    """Events, (n) each, by season, first day and kind; days are those since planting."""

    season: Indexes
    """Row of the season."""
    kind: NDArray[np.int8]
    """Index into `KINDS`."""
    first_day: Days
    """First day of the evidence."""
    last_day: Days
    """Last day of the evidence: on it the rule was fulfilled."""
    value: Floats
    """The second value after the change, of `below_peers` the last smoothed one; NaN for `no_value`."""
    before: Floats
    """The value before the change, of `below_peers` the peers' median on the last day; NaN for `no_value`."""
    evidence: Days
    """(n, `EVIDENCE`) days whose observations it rests on, in order, then `NO_DAY`."""
    closed_day: Days
    """Day on which it was over, or `OPEN`."""

    @property
    def change(self) -> Floats:
        """`value - before`."""
        return np.asarray(self.value - self.before)


def make_events(
    kind: int, season: Indexes, days: Sequence[NDArray[np.integer]], value: ArrayLike, before: ArrayLike
) -> EventTable:
    """Return events of one kind that rest on the observations of `days`, given by column, in order."""
    evidence = np.full((len(season), EVIDENCE), NO_DAY, np.int32)
    for number, column in enumerate(days):
        evidence[:, number] = column
    return EventTable(
        season=season,
        kind=np.full(len(season), kind, np.int8),
        first_day=evidence[:, 0].copy(),
        last_day=evidence[:, len(days) - 1].copy(),
        value=np.broadcast_to(np.asarray(value, float), len(season)),
        before=np.broadcast_to(np.asarray(before, float), len(season)),
        evidence=evidence,
        closed_day=np.full(len(season), OPEN, np.int32),
    )


def joined(tables: Sequence[EventTable]) -> EventTable:
    """Return the events of several tables in one, in order."""
    if not tables:
        return make_events(DROP, np.zeros(0, np.intp), [np.zeros(0, np.int32)], 0.0, 0.0)
    table = EventTable._make(np.concatenate(columns) for columns in zip(*tables, strict=True))
    order = np.lexsort((table.kind, table.first_day, table.season))
    return EventTable._make(column[order] for column in table)

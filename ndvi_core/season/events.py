"""Events of seasons: each a rule with a name and version, found in the values that count.

A rule looks at nothing but the season's own arrays, so that the same data always give the same events. An event is
found as soon as its evidence is there, and later days do not change it but close it. It changes, or is gone, if values
of its evidence change or turn out to be outliers; `below_peers` also if the smoothed curve or the peers do.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ndvi_core.models.arrays import Days, Floats, Indexes, Mask
from ndvi_core.season.blocks import blocks
from ndvi_core.season.event_table import (
    BELOW_PEERS,
    DROP,
    NO_VALUE,
    OPEN,
    EventTable,
    joined,
    make_events,
)
from ndvi_core.season.growth_events import growth_events
from ndvi_core.season.rules import EventRules
from ndvi_core.season.slots import FAR, Slots, make_slots


class Watched(NamedTuple):
    """Seasons in which events are looked for, of NDVI."""

    values: Floats
    """(seasons, days) observed; anything where nothing counts."""
    counts: Mask
    """(seasons, days) whether there is a value that is no outlier."""
    smoothed: Floats
    """(seasons, days) rounded; NaN where there is no series."""
    usual: Floats
    """(seasons, days) median of the peers; NaN where it is not known."""
    z: Floats
    """(seasons, days) robust z against the peers; NaN where it is not known."""
    last_day: Indexes
    """(seasons) last day of the season that is recorded; -1 if none is."""
    ended: Mask
    """(seasons) whether that is the season's last day: its events are over."""

    def only(self, seasons: slice) -> "Watched":
        """Return some of the seasons."""
        return Watched._make(column[seasons] for column in self)


def find_events(watched: Watched, rules: EventRules) -> EventTable:
    """Find the events of seasons, each with its evidence and the day on which it was over, if it is."""
    found = []
    for some in blocks(watched.values):
        table = _find_some(watched.only(some), rules)
        found.append(table._replace(season=table.season + some.start))
    return joined(found)


def _find_some(watched: Watched, rules: EventRules) -> EventTable:
    slots = make_slots(watched.values, watched.counts)
    changes = joined([*growth_events(slots, slots.at(watched.usual), rules)])
    changes = changes._replace(closed_day=_over(changes, slots, rules))
    table = joined([changes, *_below_peers(watched, slots, rules), *_no_value(watched, slots, rules)])
    last_day = watched.last_day[table.season]
    later = np.where(watched.ended[table.season], last_day, OPEN)
    return table._replace(closed_day=np.where(table.closed_day <= last_day, table.closed_day, later).astype(np.int32))


def _over(events: EventTable, slots: Slots, rules: EventRules) -> Days:
    """Return when each fall or rise is over: after `open_days`, or when half of a drop has been made good."""
    own = slots.only(events.season)
    regained = (own.value >= (events.value + events.before) / 2) & (own.day > events.last_day)
    regained &= events.kind == DROP
    return np.minimum(own.first_day(regained), events.last_day + rules.open_days)


def _below_peers(watched: Watched, slots: Slots, rules: EventRules) -> Iterator[EventTable]:
    """Yield `below_peers`: the smoothed value is far below the peers' on `peers_values` days in a row with a value.

    That is at or below `peers_z`, and below their median by `peers_difference` at least. It is over on the second day
    in a row that is not so. Evidence: those days.
    """
    smoothed, usual = slots.at(watched.smoothed), slots.at(watched.usual)
    below = (slots.at(watched.z) <= rules.peers_z) & (usual - smoothed >= rules.peers_difference)
    over = (slots.day < FAR) & ~below
    over[1:] &= ~below[:-1]
    run = np.zeros(below.shape[1], int)
    on = np.zeros(below.shape[1], bool)
    for number in range(len(below)):
        run = np.where(below[number], run + 1, 0)
        on &= ~over[number]
        (season,) = np.nonzero(~on & (run == rules.peers_values))
        if len(season):
            on[season] = True
            days = [slots.day[earlier, season] for earlier in range(number + 1 - rules.peers_values, number + 1)]
            events = make_events(BELOW_PEERS, season, days, smoothed[number, season], usual[number, season])
            own = slots.only(season)
            yield events._replace(closed_day=own.first_day(over[:, season] & (own.day > events.last_day)))


def _no_value(watched: Watched, slots: Slots, rules: EventRules) -> Iterator[EventTable]:
    """Yield `no_value`: `no_value_days` days in a row, of those recorded, without a value that counts.

    First and last day are the first and the last of these; the next value ends it. Evidence: the last value before,
    if there is one.
    """
    before = np.full(slots.day.shape[1], -1, np.int32)
    for day in (*slots.day, np.full_like(before, FAR)):
        last_day = before + rules.no_value_days
        (season,) = np.nonzero((last_day < day) & (last_day <= watched.last_day) & (before < FAR))
        if len(season):
            events = make_events(NO_VALUE, season, [before[season]], np.nan, np.nan)
            yield events._replace(
                first_day=before[season] + 1, last_day=last_day[season], closed_day=day[season].astype(np.int32)
            )
        before = day

"""Which event is which when they are found again."""

from collections import defaultdict

import numpy as np

from ndvi_core.models.arrays import Indexes
from ndvi_core.season.event_table import EventTable

NEW = -1
"""Instead of an index of a known event."""


def match_events(found: EventTable, known: EventTable) -> Indexes:
    """Return for each event that is found the index of the known one that it is, or `NEW`.

    They are the same if field and kind are and the periods from first to last day have a day in common: a late scene
    moves these days, but not to others, and a correction moves the season around them. Of several pairs the one with
    the most days in common is the same, then the one whose known event begins first.
    Known events that nothing matches are withdrawn.

    Args:
        found: What the rules find now; here `season` is the same number for all seasons of a field, and days are
            counted from one day for all.
        known: What they found before, likewise.
    """
    matches = np.full(len(found.season), NEW, np.intp)
    known_of = _by_field_and_kind(known)
    for which, places in _by_field_and_kind(found).items():
        pairs = []
        for place in places:
            for other in known_of.get(which, ()):
                first = max(found.first_day[place], known.first_day[other])
                last = min(found.last_day[place], known.last_day[other])
                if first <= last:
                    pairs.append((first - last, known.first_day[other], other, place))
        taken = set()
        for *_, other, place in sorted(pairs):
            if matches[place] == NEW and other not in taken:
                matches[place] = other
                taken.add(other)
    return matches


def _by_field_and_kind(table: EventTable) -> dict[tuple[int, int], list[int]]:
    """Return the places of the events of each field and kind, in order of time."""
    places: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place in np.argsort(table.first_day, kind="stable").tolist():
        places[int(table.season[place]), int(table.kind[place])].append(place)
    return places

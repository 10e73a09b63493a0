"""Which event is which when they are found again."""

from collections import defaultdict

import numpy as np

from ndvi_core.models.arrays import Indexes
from ndvi_core.season.event_table import EventTable

NEW = -1
"""Instead of an index of a known event."""


def match_events(found: EventTable, known: EventTable) -> Indexes:
    """Return for each event that is found the index of the known one that it is, or `NEW`.

    They are the same if season and kind are and their periods of evidence have a day in common: a late scene moves
    these days, but not to others. Of several the pair with the most days in common is the same, then the earliest.
    Known events that nothing matches are withdrawn.

    Args:
        found: What the rules find now.
        known: What they found before; its seasons have the same numbers, and its days are counted from the same day.
    """
    matches = np.full(len(found.season), NEW, np.intp)
    known_of = _by_season_and_kind(known)
    for which, places in _by_season_and_kind(found).items():
        pairs = []
        for place in places:
            for other in known_of.get(which, ()):
                first = max(found.first_day[place], known.first_day[other])
                last = min(found.last_day[place], known.last_day[other])
                if first <= last:
                    pairs.append((first - last, other, place))
        taken = set()
        for _, other, place in sorted(pairs):
            if matches[place] == NEW and other not in taken:
                matches[place] = other
                taken.add(other)
    return matches


def _by_season_and_kind(table: EventTable) -> dict[tuple[int, int], list[int]]:
    """Return the places of the events of each season and kind, in order of time."""
    places: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place in np.argsort(table.first_day, kind="stable").tolist():
        places[int(table.season[place]), int(table.kind[place])].append(place)
    return places

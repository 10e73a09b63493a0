"""An event stays the same one when a late scene moves its days."""

import numpy as np
from support.seasons import by_hand, watched

from ndvi_core.season.event_table import KINDS, EventTable, joined, make_events
from ndvi_core.season.events import find_events
from ndvi_core.season.matching import NEW, match_events
from ndvi_core.season.rules import EventRules


def events(*found: tuple[int, str, int, int]) -> EventTable:
    """Events by season, kind, first and last day, in this order."""
    tables = [
        make_events(KINDS.index(kind), np.array([season]), [np.array([first]), np.array([last])], 0.0, 0.0)
        for season, kind, first, last in found
    ]
    return EventTable._make(np.concatenate(columns) for columns in zip(*tables, strict=True))


def test_the_same_days() -> None:
    known = events((0, "drop", 10, 20), (0, "green_up", 10, 20), (1, "drop", 10, 20))
    assert match_events(known, known).tolist() == [0, 1, 2]


def test_a_day_in_common_is_enough() -> None:
    known = events((0, "drop", 10, 20))
    assert match_events(events((0, "drop", 20, 28)), known).tolist() == [0]
    assert match_events(events((0, "drop", 21, 28)), known).tolist() == [NEW]
    assert match_events(events((0, "green_up", 10, 20)), known).tolist() == [NEW]
    assert match_events(events((1, "drop", 10, 20)), known).tolist() == [NEW]


def test_each_event_is_matched_once_with_the_nearest() -> None:
    known = events((0, "no_value", 10, 30), (0, "no_value", 40, 60))
    assert match_events(events((0, "no_value", 12, 32), (0, "no_value", 30, 50)), known).tolist() == [0, 1]
    assert match_events(events((0, "no_value", 25, 45)), known).tolist() == [0]  # the earliest of equal ones
    assert match_events(events((0, "no_value", 10, 30), (0, "no_value", 28, 36)), known).tolist() == [0, NEW]


def test_nothing() -> None:
    known = events((0, "drop", 10, 20))
    assert match_events(joined([]), known).tolist() == []
    assert match_events(known, joined([])).tolist() == [NEW]


def test_a_late_scene_moves_a_drop_that_stays_the_same() -> None:
    plateau = dict.fromkeys(range(0, 41, 5), 0.8)
    fallen = plateau | {47: 0.4, 50: 0.41}
    before, after = (find_events(watched(by_hand(fallen | late)), EventRules()) for late in ({}, {43: 0.8, 45: 0.4}))
    assert (before.first_day.tolist(), before.last_day.tolist()) == ([40], [50])
    assert (after.first_day.tolist(), after.last_day.tolist()) == ([43], [47])
    assert match_events(after, before).tolist() == [0]


def test_a_late_scene_that_belies_a_drop_withdraws_it() -> None:
    values = dict.fromkeys(range(0, 41, 5), 0.8) | {45: 0.35, 47: 0.36}
    known = find_events(watched(by_hand(values)), EventRules())
    assert len(known.season) == 1
    found = find_events(watched(by_hand(values | {50: 0.8})), EventRules())
    assert match_events(found, known).tolist() == []

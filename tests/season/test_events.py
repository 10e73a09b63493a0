"""Which events are found in series made by hand, and which are not."""

import numpy as np
import pytest
from support.seasons import Found, Observed, by_hand, clouded, double_logistic, events_of, read, watched

from ndvi_core.season.event_table import DROP, KINDS
from ndvi_core.season.events import find_events
from ndvi_core.season.rules import EventRules

Values = dict[int, float]


def every(days: range, first: float, last: float) -> Values:
    """Values that change evenly."""
    return dict(zip(days, np.linspace(first, last, len(days)).round(3).tolist(), strict=True))


PLATEAU = every(range(0, 41, 5), 0.8, 0.82)
BARLEY = every(range(0, 31, 5), 0.15, 0.15) | every(range(35, 71, 5), 0.22, 0.88) | every(range(75, 101, 5), 0.88, 0.86)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Steep: two values are enough.
        (PLATEAU | {45: 0.4, 47: 0.42}, [Found("drop", (40, 45, 47), None)]),
        (PLATEAU | {42: 0.55, 45: 0.53}, [Found("drop", (40, 42, 45), None)]),
        (PLATEAU | {42: 0.62, 45: 0.4, 47: 0.4}, [Found("drop", (40, 45, 47), None)]),  # half of the field first
        # The same with cloud between.
        (PLATEAU | {42: 0.82, 45: 0.3, 47: 0.8, 50: 0.45, 52: 0.45}, [Found("drop", (47, 50, 52), None)]),
        # Less steep: it has to hold.
        (PLATEAU | every(range(45, 66, 5), 0.62, 0.61), [Found("drop", (40, 45, 50, 55), None)]),
        (PLATEAU | {45: 0.7, 50: 0.62, 55: 0.62, 60: 0.63, 65: 0.6}, [Found("drop", (40, 50, 55, 65), None)]),
        (PLATEAU | {45: 0.62, 47: 0.62, 50: 0.62}, []),  # not long enough yet
        (PLATEAU | {47: 0.54, 50: 0.56, 53: 0.6}, [Found("drop", (40, 47, 50, 53), None)]),  # it grows again
        (PLATEAU | {45: 0.7, 50: 0.62, 55: 0.55, 60: 0.47, 65: 0.4}, []),  # ripening goes on
        # No drops.
        (PLATEAU, []),
        (PLATEAU | {45: 0.3}, []),  # nothing confirms it yet
        (PLATEAU | {45: 0.3, 47: 0.8}, []),  # a cloud's rim
        (PLATEAU | {45: 0.3, 47: 0.35, 50: 0.8}, []),  # two of them
        (PLATEAU | {45: 0.3, 57: 0.75}, []),  # one low value that nothing confirms
        (PLATEAU | {45: 0.71, 50: 0.72, 55: 0.7, 60: 0.71}, []),  # too little
        (PLATEAU | {80: 0.4, 85: 0.4}, [Found("no_value", (40,), 80)]),  # nobody saw how fast it was
        (PLATEAU | {43: 0.97, 48: 0.78, 53: 0.78, 58: 0.79}, []),  # one value that haze has lifted
    ],
)
def test_drops(values: Values, expected: list[Found]) -> None:
    assert events_of(by_hand(values)) == expected


def test_what_a_drop_says() -> None:
    table = find_events(watched(by_hand(PLATEAU | {45: 0.4, 47: 0.42})), EventRules())
    assert KINDS[table.kind[0]] == "drop"
    assert (table.first_day[0], table.last_day[0]) == (40, 47)
    assert (table.before[0], table.value[0]) == (0.82, 0.42)
    assert table.change[0] == pytest.approx(-0.4)


@pytest.mark.parametrize(
    ("later", "last_day", "closed"),
    [
        ({}, 47, None),
        ({}, 76, None),
        ({}, 77, 77),  # thirty days on
        ({50: 0.5, 55: 0.58, 60: 0.65}, 60, 60),  # half of it is made good: 0.61
    ],
)
def test_a_drop_is_over_when_it_is_made_good_or_old(later: Values, last_day: int, closed: int | None) -> None:
    drop = events_of(by_hand(PLATEAU | {45: 0.4, 47: 0.4} | later), last_day)[0]
    assert drop == Found("drop", (40, 45, 47), closed)


def test_what_is_open_is_over_when_the_season_is() -> None:
    low = by_hand(PLATEAU | {45: 0.4, 47: 0.4})
    assert events_of(low, last_day=60, ended=True) == [Found("drop", (40, 45, 47), 60)]


def test_barley_has_a_green_up_and_a_harvest() -> None:
    ripening = every(range(105, 131, 5), 0.75, 0.25)
    expected = [Found("green_up", (30, 45, 50), 80), Found("harvest_candidate", (125, 130, 135), None)]
    assert events_of(by_hand(BARLEY | ripening | {135: 0.22, 140: 0.21})) == expected
    assert events_of(by_hand(BARLEY | ripening)) == expected[:1]


def test_maize_that_is_cut_green_is_a_harvest_and_no_drop() -> None:
    found = events_of(by_hand(BARLEY | {103: 0.85, 105: 0.2, 108: 0.19}))
    assert found == [Found("green_up", (30, 45, 50), 80), Found("harvest_candidate", (103, 105, 108), None)]
    found = events_of(by_hand(BARLEY | {103: 0.55, 105: 0.25, 108: 0.22}))  # in two days' work
    assert [event.kind for event in found] == ["green_up", "harvest_candidate"]


def test_a_crop_after_the_harvest_is_another_green_up() -> None:
    cover_crop = every(range(115, 151, 5), 0.2, 0.6)
    found = events_of(by_hand(BARLEY | {105: 0.2, 108: 0.19} | cover_crop))
    assert [event.kind for event in found] == ["green_up", "harvest_candidate", "green_up"]


def test_a_ley_that_is_mown_twice() -> None:
    growth, regrowth = every(range(0, 41, 5), 0.7, 0.85), every(range(45, 81, 5), 0.45, 0.85)
    again = every(range(85, 121, 5), 0.45, 0.85)
    found = events_of(by_hand(growth | regrowth | again))
    assert [event.kind for event in found] == ["drop", "green_up", "drop", "green_up"]
    assert [event.days[0] for event in found] == [40, 50, 80, 90]
    assert found[0].closed == 65


@pytest.mark.parametrize(
    "values",
    [
        every(range(0, 101, 5), 0.15, 0.17),  # bare
        every(range(0, 101, 5), 0.8, 0.85),  # green from the first day on
        {0: 0.5, 2: 0.85, 5: 0.85, 7: 0.86},  # haze on the first day
        {0: 0.55, 8: 0.82, 10: 0.83, 13: 0.82, 15: 0.83},  # one hazy value, too far away to be an outlier
        every(range(0, 31, 5), 0.15, 0.15) | {35: 0.6},  # nothing confirms it yet
        every(range(0, 31, 5), 0.15, 0.15) | {35: 0.6, 38: 0.15, 40: 0.16},
    ],
)
def test_no_green_up(values: Values) -> None:
    assert events_of(by_hand(values)) == []


@pytest.mark.parametrize(
    ("values", "last_day", "expected"),
    [
        ({5: 0.2, 10: 0.2}, 29, []),
        ({5: 0.2, 10: 0.2}, 30, [Found("no_value", (10,), None)]),
        ({5: 0.2, 10: 0.2, 31: 0.2}, 31, [Found("no_value", (10,), 31)]),
        ({5: 0.2, 10: 0.2, 30: 0.2}, 30, []),
        ({}, 18, []),
        ({}, 19, [Found("no_value", (), None)]),  # since planting
        ({}, -1, []),
        ({20: 0.2}, 40, [Found("no_value", (), 20), Found("no_value", (20,), None)]),
        ({0: 0.8, 10: 0.8, 20: 0.3, 22: 0.8}, 30, []),
        ({0: 0.8, 10: 0.8, 12: 0.8, 30: 0.3, 33: 0.8}, 33, [Found("no_value", (12,), 33)]),  # an outlier is no value
    ],
)
def test_no_value(values: Values, last_day: int, expected: list[Found]) -> None:
    assert events_of(by_hand(values), last_day) == expected


def test_days_without_a_value_are_the_evidence_of_no_value() -> None:
    table = find_events(watched(by_hand({5: 0.2, 10: 0.2}), last_day=50), EventRules())
    assert (table.first_day[0], table.last_day[0]) == (11, 30)
    assert np.isnan([table.value[0], table.before[0]]).all()


LOW = every(range(0, 61, 5), 0.5, 0.5)


@pytest.mark.parametrize(
    ("usual", "z", "expected"),
    [
        (0.75, -3.0, [Found("below_peers", (0, 5, 10, 15), None)]),
        (0.75, -1.9, []),
        (0.58, -3.0, []),  # peers are so alike that it means nothing
        (np.nan, np.nan, []),
    ],
)
def test_below_peers(usual: float, z: float, expected: list[Found]) -> None:
    assert events_of(by_hand(LOW), usual=usual, z=z) == expected


def below_on(slots: str) -> list[Found]:
    """Events when z is -3 at the slots marked with x."""
    seasons = watched(by_hand(LOW), usual=0.75)
    for slot, mark in enumerate(slots):
        seasons.z[0, 5 * slot] = -3.0 if mark == "x" else -1.0
    return read(find_events(seasons, EventRules()))


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        ("xxx.xxx.xxx..", []),
        ("..xxxx.......", [Found("below_peers", (10, 15, 20, 25), 35)]),
        ("xxxx.xxxx....", [Found("below_peers", (0, 5, 10, 15), 50)]),  # a day between does not end it
        ("xxxx..xxxx...", [Found("below_peers", (0, 5, 10, 15), 25), Found("below_peers", (30, 35, 40, 45), 55)]),
    ],
)
def test_below_peers_begins_and_ends_with_several_days(slots: str, expected: list[Found]) -> None:
    assert below_on(slots) == expected


def test_days_between_values_are_no_evidence() -> None:
    seasons = watched(by_hand({0: 0.5, 5: 0.5, 60: 0.5}), usual=0.75, z=-3.0)
    assert "below_peers" not in [event.kind for event in read(find_events(seasons, EventRules()))]


def test_a_fall_that_peers_have_too_is_no_drop_unless_it_is_steep() -> None:
    """Rape in flower: all fields of it turn yellow."""
    flowering = watched(by_hand(PLATEAU | every(range(45, 66, 5), 0.62, 0.61)))
    flowering.usual[0] = np.interp(np.arange(200), [40, 45], [0.82, 0.65])
    assert read(find_events(flowering, EventRules())) == []
    mown = watched(by_hand(PLATEAU | {45: 0.4, 47: 0.42}))
    mown.usual[0] = np.interp(np.arange(200), [40, 45], [0.82, 0.4])
    assert read(find_events(mown, EventRules())) == [Found("drop", (40, 45, 47), None)]


@pytest.mark.parametrize("down_rate", [0.06, 0.1, 0.15, 0.2])
@pytest.mark.parametrize("days_between", [2.6, 4.0, 6.0])
def test_growth_and_ripening_alone_give_next_to_no_drops(down_rate: float, days_between: float) -> None:
    """The steepest ripens from 90 to 10 % in 22 days."""
    curve = double_logistic(220, 0.17, 0.87, 40, 0.12, 130, down_rate, 0.22)
    table = find_events(watched(clouded(curve, 500, days_between, seed=7), ended=True), EventRules())
    falls = np.bincount(table.kind, minlength=len(KINDS))
    assert falls[DROP] <= 500 * 0.04
    assert falls[KINDS.index("green_up")] >= 500 * 0.95
    assert falls[KINDS.index("harvest_candidate")] >= 500 * 0.95


@pytest.mark.parametrize("depth", [0.25, 0.4])
def test_most_falls_that_are_seen_are_found(depth: float) -> None:
    curve = np.full(180, 0.82)
    curve[90:] -= depth
    table = find_events(watched(clouded(curve, 500, 2.6, seed=8)), EventRules())
    drops = table.kind == DROP
    assert drops.sum() > 500 * 0.9
    assert (table.first_day[drops] < 90).mean() > 0.99
    assert (table.evidence[drops, 1] >= 90).mean() > 0.99


def test_other_thresholds() -> None:
    fall = by_hand(PLATEAU | {42: 0.65, 45: 0.65})
    assert events_of(fall) == []
    table = find_events(watched(fall), EventRules(drop_fall=0.1))
    assert read(table) == [Found("drop", (40, 42, 45), None)]


def test_no_season_has_no_event() -> None:
    assert read(find_events(watched(Observed(np.zeros((0, 5)), np.zeros((0, 5)))), EventRules())) == []

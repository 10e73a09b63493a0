"""Falls of the values that are no ripening: steep ones, and such as stop half-way.

A cereal that ripens loses 0.6 in four weeks, and more than 0.15 in twelve days. What tells a drop from it is either
that it is steeper than ripening ever is, which two values show, or that it comes to a halt while the field is still
green, which takes longer to show.
"""

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Days, Floats, Indexes
from ndvi_core.season.rules import EventRules
from ndvi_core.season.slots import FAR, Slots

NOWHERE = -1
"""Instead of the slot that a fall begins with, where there is none."""


def tops(values: Floats) -> Floats:
    """Return what a fall from each value is measured from: it, or the median of it and the two before if that is lower.

    So that one value that noise or haze has lifted makes no fall.
    """
    lowered = values.copy()
    if len(values) > 2:
        first, second, third = values[:-2], values[1:-1], values[2:]
        median = np.maximum(np.minimum(first, second), np.minimum(np.maximum(first, second), third))
        np.minimum(third, median, out=lowered[2:])
    return lowered


def highest_before(day: Days, tops: Floats, days: int) -> Indexes:
    """Return for each slot that of the highest top within so many days before it, the latest of equal ones."""
    found = np.full(day.shape, NOWHERE, np.intp)
    for number in range(1, len(day)):
        highest = np.full(day.shape[1], -np.inf)
        for earlier in range(number - 1, -1, -1):
            near = (day[number] < FAR) & (day[number] - day[earlier] <= days)
            if not near.any():
                break
            higher = near & (tops[earlier] > highest)
            highest = np.where(higher, tops[earlier], highest)
            found[number] = np.where(higher, earlier, found[number])
    return found


def steep_fall(slots: Slots, tops: Floats, number: int, not_before: NDArray[np.integer], rules: EventRules) -> Indexes:
    """Return the slot from which this value and the one before it have fallen more steeply than a crop ripens.

    Both are lower than its top by `drop_fall`, and by `ripening` for each of the days from it to the first of them,
    which are `drop_days` at most. Of several slots it is the latest; `NOWHERE` if there is none.

    Args:
        slots: The values that count.
        tops: Of these, by `tops`.
        number: Slot of the value.
        not_before: (seasons) first day that the fall may begin on.
        rules: Thresholds.
    """
    day = slots.day[number - 1]
    upper = np.maximum(slots.value[number - 1], slots.value[number])
    since = np.full(len(upper), NOWHERE, np.intp)
    for earlier in range(number - 2, -1, -1):
        days = day - slots.day[earlier]
        near = (days <= rules.drop_days) & (slots.day[number] < FAR)
        if not near.any():
            break
        near &= slots.day[earlier] >= not_before
        fallen = tops[earlier] - upper >= rules.drop_fall + rules.ripening * days
        since = np.where((since == NOWHERE) & near & fallen, earlier, since)
    return since


def held_fall(
    slots: Slots,
    tops: Floats,
    sources: Indexes,
    usual: Floats,
    number: int,
    not_before: NDArray[np.integer],
    rules: EventRules,
) -> tuple[Indexes, Indexes]:
    """Return the slot from which values have fallen to where they stay up to this one, and the first that is there.

    From the first to this one it is `hold_days` for the first time, with three values at least. All of them are lower
    by `drop_fall` than the highest top of the `drop_days` before the first, and by so much more as the peers' median
    has fallen meanwhile. None is lower than the first by more than `hold_fall`, or than `ripe`. `NOWHERE` if there is
    none.

    Args:
        slots: The values that count.
        tops: Of these, by `tops`.
        sources: Slots of the highest tops, by `highest_before`.
        usual: The peers' median at the slots; NaN where it is not known.
        number: Slot of the last value.
        not_before: (seasons) first day that the fall may begin on.
        rules: Thresholds.
    """
    seasons = np.arange(slots.day.shape[1])
    since = np.full(len(seasons), NOWHERE, np.intp)
    held_from = since.copy()
    there = slots.day[number] < FAR
    upper = np.maximum(slots.value[number], slots.value[number - 1])
    lower = np.minimum(slots.value[number], slots.value[number - 1])
    for first in range(number - 2, -1, -1):
        days_before = slots.day[number - 1] - slots.day[first]
        if not (there & (days_before < rules.hold_days)).any():
            break
        upper, lower = np.maximum(upper, slots.value[first]), np.minimum(lower, slots.value[first])
        held = there & (days_before < rules.hold_days) & (slots.day[number] - slots.day[first] >= rules.hold_days)
        held &= lower >= np.maximum(slots.value[first] - rules.hold_fall, rules.ripe)
        source = np.maximum(sources[first], 0)
        expected = np.fmax(usual[source, seasons] - usual[first], 0.0)
        held &= tops[source, seasons] - upper >= rules.drop_fall + expected
        held &= (sources[first] != NOWHERE) & (slots.day[source, seasons] >= not_before)
        since, held_from = np.where(held, sources[first], since), np.where(held, first, held_from)
    return since, held_from

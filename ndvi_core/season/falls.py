"""Falls of the values that are no ripening: steep ones, and such as stop half-way.

A cereal that ripens loses 0.6 in four weeks, and so more than 0.15 in twelve days. What tells a drop from it is either
that it is steeper than ripening ever is, which two values show, or that it comes to a halt while the field is still
green, which takes longer to show.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.season.rules import EventRules
from ndvi_core.season.slots import FAR, Slots

NOWHERE = -1
"""Instead of a slot, where there is no fall."""


@dataclass(frozen=True)
class Falls:
    """Seasons in which falls are looked for."""

    slots: Slots
    usual: Floats
    """The peers' median at the slots; NaN where it is not known."""
    rules: EventRules

    @cached_property
    def tops(self) -> Floats:
        """What a fall from each value is measured from: it, or the median of it and the two before if that is lower.

        So one value that noise or haze has lifted makes no fall.
        """
        tops = self.slots.value.copy()
        if len(tops) > 2:
            first, second, third = self.slots.value[:-2], self.slots.value[1:-1], self.slots.value[2:]
            median = np.maximum(np.minimum(first, second), np.minimum(np.maximum(first, second), third))
            np.minimum(third, median, out=tops[2:])
        return tops

    @cached_property
    def highest(self) -> Floats:
        """The highest of the tops of the `drop_days` before each value, minus infinity where there is none."""
        day = self.slots.day
        highest = np.full(day.shape, -np.inf)
        for number in range(1, len(day)):
            for earlier in range(number - 1, -1, -1):
                near = (day[number] < FAR) & (day[number] - day[earlier] <= self.rules.drop_days)
                if not near.any():
                    break
                highest[number] = np.where(near, np.fmax(highest[number], self.tops[earlier]), highest[number])
        return highest

    def steep(self, number: int, not_before: NDArray[np.integer]) -> Indexes:
        """Return the slot from which a value and the one before it have fallen more steeply than a crop ripens.

        Both are lower than its top by `drop_fall`, and by `ripening` for each of the days from it to the first of them,
        which are `drop_days` at most. Of several it is the latest slot; `NOWHERE` if there is none.

        Args:
            number: Slot of the value.
            not_before: (seasons) first day that the fall may begin on.
        """
        day, value = self.slots
        upper = np.maximum(value[number - 1], value[number])
        since = np.full(len(upper), NOWHERE, np.intp)
        for earlier in range(number - 2, -1, -1):
            days = day[number - 1] - day[earlier]
            near = (days <= self.rules.drop_days) & (day[number] < FAR)
            if not near.any():
                break
            near &= (day[earlier] >= not_before) & (since == NOWHERE)
            near &= self.tops[earlier] - upper >= self.rules.drop_fall + self.rules.ripening * days
            since = np.where(near, earlier, since)
        return since

    def held(self, number: int, not_before: NDArray[np.integer]) -> tuple[Indexes, Indexes]:
        """Return the slot from which values have fallen to where they stay up to this one, and the first that is there.

        At least three values are there, from the first to this one. All are lower by `drop_fall` than an earlier top,
        which is `drop_days` at most before the first, and by so much more as the peers' median has fallen meanwhile.
        They are there for so long that at the pace of the fall `hold` times `drop_fall` more would have followed, or
        this one is higher than the first by `hold_fall`, since what ripens does not grow again; and none is lower than
        the first by more than `hold_fall`, nor lower than `ripe`. It is the latest top to the earliest first one;
        `NOWHERE` if there is none.

        Args:
            number: Slot of the last value.
            not_before: (seasons) first day that the fall may begin on.
        """
        rules = self.rules
        day, value = self.slots
        since = np.full(day.shape[1], NOWHERE, np.intp)
        held_from = since.copy()
        upper, lower = np.maximum(value[number], value[number - 1]), np.minimum(value[number], value[number - 1])
        for first in range(number - 2, -1, -1):
            days = day[number] - day[first]
            near = (days <= rules.hold * rules.drop_days) & (day[number] < FAR)
            if not near.any():
                break
            upper, lower = np.maximum(upper, value[first]), np.minimum(lower, value[first])
            held = near & (lower >= np.maximum(value[first] - rules.hold_fall, rules.ripe))
            held &= self.highest[first] - upper >= rules.drop_fall
            if held.any():
                source = self._source(first, number, upper, not_before)
                held &= source != NOWHERE
                since, held_from = np.where(held, source, since), np.where(held, first, held_from)
        return since, held_from

    def _source(self, first: int, number: int, upper: Floats, not_before: NDArray[np.integer]) -> Indexes:
        """Return the latest slot from which values have fallen, fast enough, to those that have held or grow again.

        Args:
            first: Slot of the first that is there.
            number: Slot of the last.
            upper: (seasons) the highest that is there.
            not_before: (seasons) first day that the fall may begin on.
        """
        rules, (day, value) = self.rules, self.slots
        days = day[number] - day[first]
        grows = value[number] - value[first] >= rules.hold_fall
        since = np.full(len(upper), NOWHERE, np.intp)
        for earlier in range(first - 1, -1, -1):
            days_of_fall = day[first] - day[earlier]
            near = days_of_fall <= rules.drop_days
            if not near.any():
                break
            fall = self.tops[earlier] - upper
            near &= (day[earlier] >= not_before) & (since == NOWHERE)
            near &= fall >= rules.drop_fall + np.fmax(self.usual[earlier] - self.usual[first], 0.0)
            near &= grows | (fall * days >= rules.hold * rules.drop_fall * days_of_fall)
            since = np.where(near, earlier, since)
        return since

"""The values that count of each season, one after the other."""

from typing import NamedTuple

import numpy as np

from ndvi_core.models.arrays import Days, Floats, Indexes, Mask

FAR = 1_000_000
"""Day of a slot that has no value: after all others."""


class Slots(NamedTuple):
    """Values of seasons in order, (slots, seasons) each: the first value that counts, the second, and so on."""

    day: Days
    """`FAR` where a season has no more."""
    value: Floats
    """NaN there."""

    def at(self, values: Floats) -> Floats:
        """Return the slots' values of another array, (seasons, days); NaN where there is no slot."""
        there = self.day < FAR
        seasons = np.arange(self.day.shape[1])
        return np.where(there, values[seasons, np.where(there, self.day, 0)], np.nan)

    def only(self, seasons: Indexes) -> "Slots":
        """Return the slots of some seasons, in that order; one may be named more than once."""
        return Slots(self.day[:, seasons], self.value[:, seasons])

    def first_day(self, where: Mask) -> Days:
        """Return for each season the day of its first slot `where` something is so, or `FAR`."""
        day: Days = np.where(where, self.day, FAR).min(axis=0, initial=FAR)
        return day


def make_slots(values: Floats, counts: Mask) -> Slots:
    """Return the values that count, given (seasons, days) of all and which of them do."""
    days, seasons = np.nonzero(counts.T)
    numbers = np.cumsum(counts.T, axis=0, dtype=np.int32)[days, seasons] - 1
    shape = (int(numbers.max(initial=-1)) + 1, len(values))
    slots = Slots(np.full(shape, FAR, np.int32), np.full(shape, np.nan))
    slots.day[numbers, seasons] = days
    slots.value[numbers, seasons] = values[seasons, days]
    return slots

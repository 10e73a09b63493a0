"""Falls and rises of the values: `drop`, `harvest_candidate`, `green_up`."""

from collections.abc import Iterator

import numpy as np

from ndvi_core.models.arrays import Floats, Indexes, Mask
from ndvi_core.season.event_table import DROP, GREEN_UP, HARVEST, EventTable, make_events
from ndvi_core.season.falls import NOWHERE, Falls
from ndvi_core.season.rules import EventRules
from ndvi_core.season.slots import Slots


def growth_events(slots: Slots, usual: Floats, rules: EventRules) -> Iterator[EventTable]:
    """Yield the events of seasons; each needs two values in a row.

    - `harvest_candidate`: both are bare, and lower by `harvest_fall` than two in a row before, which are of the season
      or, after a harvest, since then. Evidence: the last value that was not bare, and the two.
    - `drop`: a steep or a held fall (`ndvi_core.season.falls`) that begins after the evidence of the last drop or
      harvest, and cannot become a harvest with the next value. Evidence: the value before, the first two after, and of
      a held fall the last.
    - `green_up`: both are above the lowest two in a row so far by `green_up_rise`. There is one in a season, and
      another one after each drop and harvest, whose two values are then the lowest so far. Evidence: the last value
      that was as low (within a quarter of the rise), and the two.

    Args:
        slots: The values that count.
        usual: Their peers' median on these days, of the same shape; NaN where it is not known.
        rules: Thresholds.
    """
    watch = _Watch(slots, usual, rules)
    for number in range(1, len(slots.day)):
        yield from watch.judge(number)


class _Watch:
    """What is known of each season, (seasons) each, while its values are gone through in order."""

    def __init__(self, slots: Slots, usual: Floats, rules: EventRules) -> None:
        seasons = slots.day.shape[1]
        self.slots, self.rules = slots, rules
        self.falls = Falls(slots, usual, rules)
        self.greenest = np.full(seasons, -np.inf)
        """The highest that two values in a row have reached."""
        self.green = np.zeros(seasons, np.intp)
        """Slot of the last that was not bare."""
        self.lowest = np.full(seasons, np.inf)
        """The lowest that two values in a row have been, while a rise is looked for."""
        self.low = np.zeros(seasons, np.intp)
        """Slot of the last that was about as low."""
        self.risen = np.zeros(seasons, bool)
        self.fallen_until = np.full(seasons, -1)
        """Last day of the evidence of the last fall."""

    def judge(self, number: int) -> Iterator[EventTable]:
        """Yield what a value shows with the one before, and keep in mind what they change."""
        rules, before, value = self.rules, self.slots.value[number - 1], self.slots.value[number]
        upper, lower = np.maximum(before, value), np.minimum(before, value)
        self.green = np.where(before > rules.bare, number - 1, self.green)
        harvest = (upper <= rules.bare) & (self.greenest - upper >= rules.harvest_fall)
        undecided = (value <= rules.bare) & (self.greenest - value >= rules.harvest_fall)
        steep = self.falls.steep(number, self.fallen_until)
        is_steep = (steep != NOWHERE) & ~undecided
        held, held_from = self.falls.held(number, self.fallen_until)
        is_held = (held != NOWHERE) & ~is_steep
        rise = ~self.risen & (lower >= self.lowest + rules.green_up_rise)
        latest = np.full(len(upper), number)
        yield self._found(HARVEST, harvest, self.green, latest - 1, latest)
        yield self._found(DROP, is_steep, steep, latest - 1, latest)
        yield self._found(DROP, is_held, held, held_from, held_from + 1, latest)
        yield self._found(GREEN_UP, rise, self.low, latest - 1, latest)
        after = np.where(is_held, held_from + 1, number)
        self._remember(number, harvest, harvest | is_steep | is_held, after, rise)

    def _found(self, kind: int, where: Mask, *evidence: Indexes) -> EventTable:
        """Return the events of the seasons `where` there is one, given the slots of the evidence."""
        (season,) = np.nonzero(where)
        slots = [slot[season] for slot in evidence]
        days = [self.slots.day[slot, season] for slot in slots]
        return make_events(kind, season, days, self.slots.value[slots[2], season], self.slots.value[slots[0], season])

    def _remember(self, number: int, harvest: Mask, fall: Mask, after: Indexes, rise: Mask) -> None:
        """Keep in mind what has been found; `after` is the slot of the second value after a fall."""
        seasons = np.arange(len(after))
        before, value = self.slots.value[number - 1], self.slots.value[number]
        upper, lower = np.maximum(before, value), np.minimum(before, value)
        self.greenest = np.where(harvest, upper, np.fmax(self.greenest, lower))
        self.fallen_until = np.where(fall, self.slots.day[number], self.fallen_until)
        self.risen = (self.risen | rise) & ~fall
        fallen_to = np.maximum(self.slots.value[after, seasons], self.slots.value[after - 1, seasons])
        self.lowest = np.where(fall, fallen_to, np.where(self.risen, self.lowest, np.fmin(self.lowest, upper)))
        as_low = ~self.risen & (value <= self.lowest + self.rules.green_up_rise / 4)
        self.low = np.where(as_low, number, np.where(fall, after, self.low))

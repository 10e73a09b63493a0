"""What was put into the sample season to be found in it: events of its fields, as a person would tell them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from ndvi_core.models.event import EventKind
from ndvi_core.sample.fields import ALL_FIELDS, BANKS, DROUGHT_DAYS, Bank, SampleField
from ndvi_core.support.days import days_between

UP = 0.25
"""By so much the green share of the ground has to rise for a crop to be up, or grass to have grown again."""
TOLERANCE = timedelta(5)
"""Passes are days apart, and some are clouded."""


UNSEEN = timedelta(20)
"""A field of which nothing is seen for longer than this is told of."""


@dataclass(frozen=True)
class TrueEvent:
    """Something that befell a field."""

    kind: EventKind
    field_id: str
    day: date
    tolerance: timedelta = TOLERANCE
    """By so much the days on which it is seen may miss the day."""

    def is_seen(self, first_day: date, last_day: date) -> bool:
        """Return whether evidence of these days can be of it."""
        return first_day - self.tolerance <= self.day <= last_day + self.tolerance


def true_events(start: date, end: date) -> list[TrueEvent]:
    """Return what befell the fields on the days from `start` to `end`, in order of time.

    The banks of cloud that the scene classification misses are not among them: they are no event of a field.
    """
    found = [event for field in ALL_FIELDS for event in _of_field(field, start, end)]
    found += [TrueEvent("no_value", bank.field_id, bank.first) for bank in BANKS if is_long(bank)]
    return sorted((event for event in found if start <= event.day <= end), key=lambda event: event.day)


def is_long(bank: Bank) -> bool:
    """Return whether a bank of cloud hides its field for so long that this is an event."""
    return bank.noticed and bank.last - bank.first > UNSEEN


def _of_field(field: SampleField, start: date, end: date) -> Iterator[TrueEvent]:
    for crop in field.crops:
        if crop.harvest is not None:
            yield TrueEvent("harvest_candidate", field.field_id, crop.harvest)
    for mown in field.mown:
        yield TrueEvent("drop", field.field_id, mown)
    if field.drought_since is not None:
        half = timedelta(DROUGHT_DAYS // 2)
        yield TrueEvent("below_peers", field.field_id, field.drought_since + half, half)
    begins = [*(crop.plant_date for crop in field.crops), *field.mown, end + timedelta(1)]
    for begin, until in pairwise(sorted(max(day, start) for day in begins)):
        up = _up(field, days_between(begin, until - timedelta(1)))
        if up is not None:
            yield TrueEvent("green_up", field.field_id, up)


def _up(field: SampleField, days: list[date]) -> date | None:
    """Return the first day that is greener by `UP` than the least green one before, if there is one."""
    lowest = 1.0
    for day in days:
        green = field.green(day)
        if green >= lowest + UP:
            return day
        lowest = min(lowest, green)
    return None

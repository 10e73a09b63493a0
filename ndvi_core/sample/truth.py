"""What was put into the sample season to be found in it: events of its fields, as a person would tell them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from ndvi_core.sample.fields import ALL_FIELDS, BANKS, DROUGHT_DAYS, Crop, SampleField
from ndvi_core.support.days import days_between

EventKind = Literal["drop", "green_up", "harvest_candidate", "below_peers", "no_value"]

BARE = 0.2
"""Green share of the ground below which a crop is still to come up; a perennial one never is."""
UP = 0.3
"""Green share at which a crop is up."""


@dataclass(frozen=True)
class TrueEvent:
    """Something that befell a field."""

    kind: EventKind
    field_id: str
    day: date
    """When it began."""
    tolerance: int
    """Days before and after within which it may be seen to begin: passes are days apart, and some are clouded."""


def true_events(start: date, end: date) -> list[TrueEvent]:
    """Return what befell the fields on the days from `start` to `end`, in order of time.

    The banks of cloud that the scene classification misses are not among them: they are no event of a field.
    """
    found = [event for field in ALL_FIELDS for crop in field.crops for event in _of_crop(field, crop)]
    found += [TrueEvent("drop", field.field_id, mown, 10) for field in ALL_FIELDS for mown in field.mown]
    found += [TrueEvent("no_value", bank.field_id, bank.first, 5) for bank in BANKS if bank.noticed]
    return sorted((event for event in found if start <= event.day <= end), key=lambda event: event.day)


def _of_crop(field: SampleField, crop: Crop) -> Iterator[TrueEvent]:
    up = _up(field, crop)
    if up is not None:
        yield TrueEvent("green_up", field.field_id, up, 12)
    if crop.harvest is not None:
        yield TrueEvent("harvest_candidate", field.field_id, crop.harvest, 12)
    if field.drought_since is not None and crop is field.crops[0]:
        half = DROUGHT_DAYS // 2
        yield TrueEvent("below_peers", field.field_id, field.drought_since + timedelta(half), half)


def _up(field: SampleField, crop: Crop) -> date | None:
    """Return the day on which a crop is up, None if it was not bare before."""
    if field.green(crop.plant_date) > BARE:
        return None
    days = days_between(crop.plant_date, crop.plant_date + timedelta(120))
    return next((day for day in days if field.green(day) >= UP), None)

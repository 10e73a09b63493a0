"""Fields that stand better or worse among others, with a season whose numbers are known.

Eleven fields of maize grow alike but for `slow`, which stays behind from day 70 on and bore barley before. Of three of
wheat `wheat_2` is struck on day 85. `lupin` has a single value, and `rye` is not planted yet.
"""

from datetime import date, timedelta

from support.country import Country, Curve, crop, grown, struck
from support.models import a_field, square

from ndvi_core.models.field import Field

BARLEY, PLANTED = date(2024, 10, 1), date(2025, 4, 1)
DAYS = range(0, 101, 5)
LAST = PLANTED + timedelta(days=DAYS[-1])


def a_crop(name: str, number: int, plant_type: str = "silage_maize", **changes: object) -> Field:
    return a_field(name, square(number * 0.02), **{"plant_type": plant_type, "plant_date": PLANTED, **changes})


MAIZE = [a_crop(f"maize_{number}", number) for number in range(1, 11)]
SLOW = a_crop("slow", 11)
WHEAT = [a_crop(f"wheat_{number}", 20 + number, "wheat") for number in range(1, 4)]
LUPIN, RYE = a_crop("lupin", 30, "lupin"), a_crop("rye", 31, "rye", plant_date=LAST + timedelta(days=100))


def behind(day: int) -> float:
    return crop(day) - max(day - 70, 0) * 0.012


def shifted(number: int) -> Curve:
    """Maize that is a little greener or paler than others."""
    return lambda day: crop(day) + (number - 5) * 0.012


def grow(country: Country) -> None:
    """Register and record them, and compute their seasons."""
    before = a_crop("slow", 11, "barley", plant_date=BARLEY, end_date=date(2025, 3, 20))
    country.register(before)
    country.register(*MAIZE, SLOW, *WHEAT, LUPIN, RYE)
    rows = [row for number, field in enumerate(MAIZE, 1) for row in grown(field, DAYS, shifted(number))]
    wheat = [row for field in (WHEAT[0], WHEAT[2]) for row in grown(field, DAYS)]
    hit = grown(WHEAT[1], DAYS, struck)
    country.record([*rows, *wheat, *hit, *grown(SLOW, DAYS, behind), *grown(LUPIN, [60])], until=LAST)
    country.record(grown(before, range(0, 171, 6)), until=LAST)
    country.season_run()

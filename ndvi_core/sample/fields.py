"""The fields of the sample's farm: where they lie, what grows on them in 2025 and 2026, and what befalls it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import shapely
from shapely.affinity import affine_transform, rotate, translate
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from ndvi_core.sample.landscape import COVERS, SLANT

EPSG = 32630
PIXEL = 10
WEST, NORTH = 653_640, 5_469_120
"""Upper left corner of the land, metres: near 49.35 N 0.88 W."""
CENTRE = (657_160.0, 5_467_200.0)
"""The middle of the overlap of both tiles, metres: the fields lie around it."""
STUBBLE = 0.06
"""Green share of the ground before a crop comes up and after its harvest."""
MOWN = 0.55
"""Share of the green that mowing takes."""
REGROWTH_DAYS = 35
DROUGHT_DAYS = 50
"""Days within which a drought has done its worst: so slowly that only a comparison with others shows it."""
DROUGHT_LOSS = 0.6
"""Share of the green that it takes."""
BANK_MARGIN = 4
"""Pixels by which a bank of cloud reaches beyond its field."""
_COVER = {cover.name: cover for cover in COVERS}


@dataclass(frozen=True)
class Crop:
    """What the farmer states of a season of a field, and how it really grows."""

    plant_type: str
    cover: str
    """Name of its curve over the year, see `landscape.COVERS`."""
    plant_date: date
    ahead: int = 0
    """Days by which it is ahead of that curve."""
    harvest: date | None = None
    """From this day on there is stubble."""
    end_date: date | None = None
    """As the farmer states it: last day of the season."""


@dataclass(frozen=True)
class SampleField:
    """A rectangle in metres along and across the parcels' direction, from `CENTRE`."""

    field_id: str
    along: tuple[int, int]
    across: tuple[int, int]
    crops: tuple[Crop, ...]
    """In order of time; the second is what an upload of the next season states."""
    mown: tuple[date, ...] = ()
    drought_since: date | None = None
    """It lasts until the harvest."""

    @property
    def polygon(self) -> BaseGeometry:
        """In metres, EPSG:32630."""
        upright = box(self.along[0], self.across[0], self.along[1], self.across[1])
        return translate(rotate(upright, -np.degrees(SLANT), origin=(0, 0)), *CENTRE)

    @property
    def in_pixels(self) -> BaseGeometry:
        """In columns and rows of the land."""
        return in_pixels(self.polygon)

    def green(self, day: date) -> float:
        """Return the green share of the ground on a day."""
        crop = next((crop for crop in reversed(self.crops) if crop.plant_date <= day), None)
        if crop is None or (crop.harvest is not None and day >= crop.harvest):
            return STUBBLE
        day_of_year = np.array([day.timetuple().tm_yday + crop.ahead], np.float32)
        green = float(_COVER[crop.cover].green(day_of_year)[0])
        last_mown = max((mown for mown in self.mown if mown <= day), default=None)
        if last_mown is not None:
            green *= 1 - MOWN * (1 - _ramp((day - last_mown).days / REGROWTH_DAYS))
        if self.drought_since is not None and crop is self.crops[0]:
            green *= 1 - DROUGHT_LOSS * _ramp((day - self.drought_since).days / DROUGHT_DAYS)
        return green


@dataclass(frozen=True)
class Bank:
    """A bank of cloud over a field that chance did not bring."""

    field_id: str
    first: date
    last: date
    opacity: float
    """1 hides all, a rim of cloud 0.1."""
    noticed: bool
    """Whether the scene classification shows it; otherwise it takes it for what lies below."""
    east: int = 0
    """Pixels by which it lies to the east of the field."""


def in_pixels(metres: BaseGeometry) -> BaseGeometry:
    """Return a geometry in EPSG:32630 in columns and rows of the land."""
    return affine_transform(metres, [1 / PIXEL, 0, 0, -1 / PIXEL, -WEST / PIXEL, NORTH / PIXEL])


def _ramp(part: float) -> float:
    """Rise smoothly from 0 to 1 while `part` does."""
    part = min(max(part, 0.0), 1.0)
    return part * part * (3 - 2 * part)


def _barley_then_maize(shift: int) -> tuple[Crop, Crop]:
    """Return two years of a field that is worked `shift` days later than field_1."""
    later = timedelta(shift)
    return (
        Crop("spring_barley", "spring_barley", date(2025, 4, 2) + later, -20 - shift, date(2025, 8, 12) + later),
        Crop("maize", "maize", date(2026, 5, 4) + later, -shift, date(2026, 9, 16) + later),
    )


FIELDS = (
    SampleField("field_1", (-160, 140), (-110, 130), _barley_then_maize(0)),  # in both tiles
    SampleField(  # in the western tile alone
        "field_2",
        (-1150, -760),
        (-60, 240),
        (Crop("grass_ley", "grassland", date(2024, 8, 25)),),
        mown=(
            date(2025, 5, 20),
            date(2025, 7, 8),
            date(2025, 9, 10),
            date(2026, 5, 18),
            date(2026, 7, 6),
            date(2026, 9, 8),
        ),
    ),
    SampleField(  # in no single tile
        "field_3",
        (-430, 430),
        (-440, -150),
        (
            Crop("flax", "flax", date(2025, 4, 20), -28, date(2025, 8, 18)),
            Crop("sugar_beet", "sugar_beet", date(2026, 4, 8), -5, date(2026, 10, 20)),
        ),
    ),
)
NEIGHBOURS = (
    *(
        SampleField(
            f"field_{6 + number}",
            along,
            across,
            _barley_then_maize(shift),
            drought_since=date(2025, 5, 18) if number == 3 else None,
        )
        for number, (along, across, shift) in enumerate(
            (
                ((-700, -480), (300, 440), -2),
                ((-450, -240), (300, 440), 1),
                ((-210, -20), (300, 440), 0),
                ((10, 230), (300, 440), 2),
                ((260, 460), (300, 440), -1),
                ((-700, -510), (480, 610), 3),
                ((-480, -260), (480, 610), -3),
                ((-230, 0), (480, 610), 2),
                ((30, 240), (480, 610), -1),
                ((270, 460), (480, 610), 0),
            )
        )
    ),
    SampleField(  # two harvests in one year
        "field_16",
        (220, 560),
        (-100, 110),
        (
            Crop("forage_rye", "winter_wheat", date(2024, 10, 12), 25, date(2025, 5, 12), end_date=date(2025, 5, 17)),
            Crop("maize", "maize", date(2025, 5, 18), -14, date(2025, 9, 25), end_date=date(2025, 10, 10)),
        ),
    ),
    SampleField("field_17", (-1480, -1280), (380, 540), (Crop("pasture", "grassland", date(2023, 4, 1)),)),
)
LATE_FIELDS = (
    SampleField(  # partly outside the extent
        "field_4",
        (700, 1150),
        (160, 470),
        (
            Crop("sugar_beet", "sugar_beet", date(2025, 4, 18), -14, date(2025, 10, 25)),
            Crop("spring_barley", "spring_barley", date(2026, 3, 25), -10, date(2026, 8, 3)),
        ),
    ),
    SampleField(  # undersown in field_1's barley, whose ground it is
        "field_5",
        (-160, 140),
        (-110, 130),
        (Crop("clover", "spring_barley", date(2025, 4, 22), -20, date(2025, 8, 12), end_date=date(2025, 9, 15)),),
    ),
)
ALL_FIELDS = (*FIELDS, *NEIGHBOURS, *LATE_FIELDS)
BANKS = (
    Bank("field_17", date(2025, 5, 8), date(2025, 6, 22), opacity=1.0, noticed=True),
    Bank("field_3", date(2025, 6, 25), date(2025, 6, 25), opacity=1.0, noticed=True, east=-50),
    Bank("field_12", date(2025, 6, 13), date(2025, 6, 13), opacity=0.12, noticed=False),
    Bank("field_8", date(2026, 8, 2), date(2026, 8, 2), opacity=0.12, noticed=False),
)


def banks(day: date) -> Iterator[tuple[Bank, shapely.Polygon]]:
    """Yield the banks of a day with the ground that each hides, in pixels of the land."""
    places = {field.field_id: field.in_pixels for field in ALL_FIELDS}
    for bank in BANKS:
        if bank.first <= day <= bank.last:
            yield bank, translate(places[bank.field_id].buffer(BANK_MARGIN), xoff=bank.east)

"""What the farm's fields bear over two years, as NDVI of pixels under a clear sky."""

from datetime import date, timedelta

import numpy as np
import pytest
import shapely

from ndvi_core.sample.fields import ALL_FIELDS
from ndvi_core.sample.landscape import make_ground, make_sky, reflectance
from ndvi_core.sample.truth import true_events

FIELDS = {field.field_id: field for field in ALL_FIELDS}
PLOT = (40, 40)


def ndvi(field_id: str, day: date) -> float:
    field = FIELDS[field_id]
    ground = make_ground(PLOT, [(shapely.box(0, 0, *PLOT), field.crops[0].cover)], np.random.default_rng(1))
    seen = reflectance(
        ground, make_sky(PLOT, 0.0, np.random.default_rng(1)), day, np.random.default_rng(1), [field.green(day)]
    )
    return float(((seen["nir"] - seen["red"]) / (seen["nir"] + seen["red"])).mean())


@pytest.mark.parametrize(
    ("field_id", "day", "low", "high"),
    [
        ("field_1", date(2025, 4, 10), 0.15, 0.30),  # barley, just sown
        ("field_1", date(2025, 6, 25), 0.80, 0.90),  # in full canopy
        ("field_1", date(2025, 8, 20), 0.15, 0.30),  # stubble
        ("field_1", date(2026, 1, 15), 0.15, 0.30),
        ("field_1", date(2026, 8, 10), 0.80, 0.90),  # maize
        ("field_2", date(2026, 1, 15), 0.60, 0.75),  # the ley in winter
        ("field_2", date(2025, 5, 19), 0.75, 0.90),  # before it is mown
        ("field_2", date(2025, 7, 1), 0.75, 0.90),  # grown again
        ("field_16", date(2025, 5, 10), 0.80, 0.90),  # rye
        ("field_16", date(2025, 5, 17), 0.15, 0.30),  # cut
        ("field_16", date(2025, 8, 20), 0.80, 0.90),  # and maize after it
    ],
)
def test_levels_are_those_of_real_crops(field_id: str, day: date, low: float, high: float) -> None:
    assert low < ndvi(field_id, day) < high


@pytest.mark.parametrize("mown", FIELDS["field_2"].mown)
def test_mowing_takes_what_it_does_of_real_leys(mown: date) -> None:
    assert -0.37 < ndvi("field_2", mown) - ndvi("field_2", mown - timedelta(1)) < -0.22


def test_the_field_in_drought_falls_behind_gradually() -> None:
    day = date(2025, 5, 18)
    behind = [ndvi("field_1", day + timedelta(n)) - ndvi("field_9", day + timedelta(n)) for n in range(0, 51, 5)]
    assert behind[0] < 0.03
    assert np.all(np.diff(behind[1:]) > 0)
    assert 0.25 < behind[-1] < 0.45


def test_enough_fields_of_a_crop_are_there_for_a_comparison() -> None:
    first, second = (
        [field.crops[year].plant_type for field in ALL_FIELDS if len(field.crops) > year] for year in (0, 1)
    )
    assert first.count("spring_barley") >= 10
    assert second.count("maize") >= 10


def test_events_of_a_period_are_those_that_begin_in_it() -> None:
    start = date(2025, 4, 1)
    both, year = (true_events(start, end) for end in (date(2026, 12, 31), date(2025, 12, 31)))
    assert [event for event in both if event.day.year == 2025] == year
    grass = [(event.day, event.field_id, event.kind) for event in year if event.field_id in ("field_2", "field_17")]
    assert [event for event in grass if event[2] != "green_up"] == [
        (date(2025, 5, 8), "field_17", "no_value"),
        (date(2025, 5, 20), "field_2", "drop"),
        (date(2025, 7, 8), "field_2", "drop"),
        (date(2025, 9, 10), "field_2", "drop"),
    ]
    regrowth = [
        day - mown
        for (day, _, kind), mown in zip(
            [event for event in grass if event[2] == "green_up"], FIELDS["field_2"].mown[:3], strict=True
        )
    ]
    assert all(timedelta(10) < days < timedelta(30) for days in regrowth)

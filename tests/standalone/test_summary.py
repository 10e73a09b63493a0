"""The table of what was observed, as a person reads it."""

from datetime import date, timedelta
from typing import get_args

from support.models import a_field, an_observation

from ndvi_core.models.observation import Status
from ndvi_core.standalone.summary import MAX_FIELDS, table

DAY = date(2025, 4, 20)


def test_a_line_a_field_with_its_last_value_and_the_statuses_that_occur() -> None:
    first, second = a_field("north"), a_field("south")
    rows = [
        an_observation(first, DAY, ndvi_mean=0.4),
        an_observation(first, DAY + timedelta(1), ndvi_mean=0.61249),
        an_observation(first, DAY + timedelta(2), "cloudy", ndvi_mean=0.1),
        an_observation(second, DAY, "no_scene"),
    ]
    assert table(rows).splitlines() == [
        "field   NDVI  on          computed  no_scene  cloudy",
        "north  0.612  2025-04-21         2         0       1",
        "south      -  -                  0         1       0",
        "",
        "2 fields, 4 field-days: 2 computed, 1 no_scene, 1 cloudy",
    ]


def test_many_fields_and_long_ids_stay_readable() -> None:
    statuses = [status for status in get_args(Status) if status != "outside_extent"]
    rows = [
        an_observation(a_field(f"{number}-{'x' * 60}"), DAY + timedelta(offset), status, ndvi_mean=-0.5)
        for number in range(MAX_FIELDS + 5)
        for offset, status in enumerate(statuses)
    ]
    lines = table(rows).splitlines()
    assert max(map(len, lines[:-1])) <= 100
    assert lines[MAX_FIELDS].startswith(f"{MAX_FIELDS - 1}-xxx")
    assert lines[MAX_FIELDS + 1] == "... and 5 more fields"
    assert lines[-1].startswith(f"{MAX_FIELDS + 5} fields, {len(rows)} field-days: {MAX_FIELDS + 5} computed")

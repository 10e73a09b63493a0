"""Every correction of a season, and the same correction back: nothing but what is corrected becomes another."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import pytest
from support.models import a_field

from ndvi_core.models.field import Field
from ndvi_core.models.season import RegisteredSeason
from ndvi_core.registry.season_rules import place_season

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Stated(NamedTuple):
    """A season as an upload states it."""

    plant_type: str
    plant_date: str
    end_date: str | None = None

    @property
    def field(self) -> Field:
        end = None if self.end_date is None else date.fromisoformat(self.end_date)
        return a_field(plant_type=self.plant_type, plant_date=date.fromisoformat(self.plant_date), end_date=end)


def uploaded(*uploads: Stated, first: datetime = NOW) -> tuple[RegisteredSeason, ...]:
    """Return the seasons of a field after uploads, one an hour."""
    seasons: tuple[RegisteredSeason, ...] = ()
    given = 0
    for hours, upload in enumerate(uploads):
        placed = place_season(seasons, upload.field, given, first + timedelta(hours=hours))
        seasons, given = placed.seasons, max(given, placed.season.number)
    return seasons


def told(seasons: Sequence[RegisteredSeason]) -> list[Stated]:
    """Return seasons as they were stated."""
    return [Stated(one.plant_type, str(one.plant_date), one.stated_end and str(one.stated_end)) for one in seasons]


ROTATIONS = {
    "rye and maize": (Stated("rye", "2026-02-01", "2026-05-05"), Stated("maize", "2026-05-11")),
    "two sets of lettuce": (
        Stated("lettuce", "2026-04-01", "2026-05-20"),
        Stated("lettuce", "2026-06-01", "2026-07-20"),
    ),
    "maize each year": tuple(Stated("maize", f"{year}-05-01", f"{year}-09-30") for year in (2023, 2024, 2025)),
    "maize each year, without end dates": tuple(Stated("maize", f"{year}-05-01") for year in (2023, 2024, 2025)),
    "a ley between cereals": (
        Stated("wheat", "2023-10-05", "2024-07-30"),
        Stated("ley", "2024-08-20"),
        Stated("wheat", "2026-10-05"),
    ),
}
"""What is uploaded within a day, by its name."""

CORRECTIONS = [
    ("rye and maize", 1, Stated("maize", "2026-05-01")),
    ("rye and maize", 1, Stated("maize", "2026-05-21")),
    ("rye and maize", 1, Stated("maize", "2026-05-11", "2026-10-01")),
    ("rye and maize", 1, Stated("sorghum", "2026-05-11")),
    ("rye and maize", 0, Stated("rye", "2026-02-01", "2026-05-08")),
    ("rye and maize", 0, Stated("rye", "2026-02-11", "2026-05-05")),
    ("rye and maize", 0, Stated("rye", "2026-01-01", "2026-05-05")),
    ("two sets of lettuce", 0, Stated("lettuce", "2026-04-01", "2026-05-22")),
    ("two sets of lettuce", 0, Stated("lettuce", "2026-04-01", "2026-05-10")),
    ("two sets of lettuce", 0, Stated("lettuce", "2026-04-11", "2026-05-20")),
    ("two sets of lettuce", 0, Stated("lettuce", "2026-03-01", "2026-05-20")),
    ("two sets of lettuce", 1, Stated("lettuce", "2026-06-11", "2026-07-20")),
    ("two sets of lettuce", 1, Stated("lettuce", "2026-06-01", "2026-07-25")),
    *(
        ("maize each year", place, Stated("maize", f"{2023 + place}-{planted}", f"{2023 + place}-{ended}"))
        for place in range(3)
        for planted, ended in [
            ("05-01", "10-05"),
            ("05-01", "09-20"),
            ("05-11", "09-30"),
            ("04-01", "09-30"),
            ("05-10", "09-30"),
        ]
    ),
    *(
        (
            "maize each year, without end dates",
            place,
            Stated("maize", f"{2023 + place}-05-01", f"{2023 + place}-{ended}"),
        )
        for place in range(3)
        for ended in ("10-05", "09-30")
    ),
    ("maize each year, without end dates", 0, Stated("sorghum", "2023-05-01")),
    ("maize each year, without end dates", 2, Stated("sorghum", "2025-05-01")),
    ("maize each year, without end dates", 0, Stated("maize", "2023-05-11")),
    ("maize each year, without end dates", 2, Stated("maize", "2025-05-11")),
    ("a ley between cereals", 0, Stated("wheat", "2023-10-15", "2024-07-30")),
    ("a ley between cereals", 1, Stated("ley", "2024-08-25")),
    ("a ley between cereals", 2, Stated("wheat", "2026-10-15")),
]
"""Of a rotation, which season, and how it should have been."""


@pytest.mark.parametrize(("rotation", "place", "right"), CORRECTIONS, ids=lambda value: str(value))
def test_a_correction_changes_its_season_alone_there_and_back(rotation: str, place: int, right: Stated) -> None:
    before = ROTATIONS[rotation]
    seasons = uploaded(*before)
    assert told(seasons) == list(before)

    corrected = uploaded(*before, right)
    assert told(corrected) == [*before[:place], right, *before[place + 1 :]]
    assert [one.number for one in corrected] == [one.number for one in seasons]
    assert all(one.end_date is not None and one.end_date < next_.plant_date for one, next_ in pairwise(corrected))

    back = uploaded(*before, right, before[place])
    assert told(back) == list(before)
    assert [one.end_date for one in back] == [one.end_date for one in seasons]


@pytest.mark.parametrize("rotation", [name for name in ROTATIONS if name != "maize each year, without end dates"])
def test_the_files_of_a_rotation_once_more_change_nothing(rotation: str) -> None:
    before = ROTATIONS[rotation]
    assert uploaded(*before, *before) == uploaded(*before)


@pytest.mark.parametrize(
    ("before", "slip", "right", "after"),
    [
        # the year, the month or two digits of the first season's own date
        ([], Stated("maize", "2026-05-01"), Stated("maize", "2025-05-01"), ["2025-05-01"]),
        ([], Stated("maize", "2026-05-01", "2026-09-30"), Stated("maize", "2025-05-01", "2025-09-30"), ["2025-05-01"]),
        # of a season that grows on
        ([Stated("maize", "2025-05-01")], Stated("maize", "2026-05-01"), Stated("maize", "2025-05-01"), ["2025-05-01"]),
        ([Stated("maize", "2025-05-01")], Stated("maize", "2026-05-20"), Stated("maize", "2025-05-20"), ["2025-05-20"]),
        ([Stated("maize", "2025-05-01")], Stated("maize", "2026-04-20"), Stated("maize", "2025-04-20"), ["2025-04-20"]),
        # of the next crop
        (
            [Stated("rye", "2024-10-01", "2025-04-20")],
            Stated("maize", "2026-05-01"),
            Stated("maize", "2025-05-01"),
            ["2024-10-01", "2025-05-01"],
        ),
        (
            [Stated("rye", "2024-10-01", "2025-04-20")],
            Stated("maize", "2025-12-05"),
            Stated("maize", "2025-05-12"),
            ["2024-10-01", "2025-05-12"],
        ),
    ],
    ids=lambda value: str(value),
)
def test_a_slip_is_taken_back_by_what_was_meant(
    before: list[Stated], slip: Stated, right: Stated, after: list[str]
) -> None:
    assert [one.plant_date for one in told(uploaded(*before, slip, right))] == after


@pytest.mark.parametrize(
    ("before", "upload", "after"),
    [
        # a year before all others
        (
            ROTATIONS["maize each year"],
            Stated("maize", "2022-05-01", "2022-09-30"),
            ["2022-05-01", "2023-05-01", "2024-05-01", "2025-05-01"],
        ),
        # a crop that becomes that of the next season
        (
            (Stated("sorghum", "2024-05-01"), Stated("maize", "2025-05-01")),
            Stated("maize", "2024-05-01"),
            ["2024-05-01", "2025-05-01"],
        ),
        # a year that was forgotten, and ended on another day than that of the last one
        (
            (Stated("maize", "2023-05-01", "2023-09-30"), Stated("maize", "2025-05-01", "2025-09-30")),
            Stated("maize", "2024-05-01", "2024-10-05"),
            ["2023-05-01", "2024-05-01", "2025-05-01"],
        ),
    ],
    ids=lambda value: str(value),
)
def test_a_season_of_years_past_takes_none_away(before: tuple[Stated, ...], upload: Stated, after: list[str]) -> None:
    assert [one.plant_date for one in told(uploaded(*before, upload))] == after

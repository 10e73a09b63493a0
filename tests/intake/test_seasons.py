"""Seasons of a field: when one begins and ends, which boundary it has, and that nothing computed is lost."""

from datetime import date, timedelta

import pytest
import shapely
from support.features import collection, feature
from support.one_field_farm import BARLEY, CORRECTED, FIRST, HOME, LAST, MAIZE, REDRAWN, SETTINGS, OneFieldFarm
from support.uploads import upload

from ndvi_core.errors import BadInput
from ndvi_core.intake.features import parse_fields
from ndvi_core.intake.pending import process_pending
from ndvi_core.intake.submit import check_file
from ndvi_core.registry import field_life
from ndvi_core.registry import fields as registry
from ndvi_core.registry.progress import field_statuses
from ndvi_core.support.days import days_between


def test_crop_rotation_ends_the_one_season_and_begins_the_other(farm: OneFieldFarm) -> None:
    farm.take_in(**BARLEY)
    rows = len(farm.compute())
    assert farm.check(**MAIZE).changes == ("barley ends on 2026-03-14, maize begins 2026-03-15",)
    assert farm.seasons() == [("2025", "barley", "2025-03-01", None)], "checking changes nothing"

    report = farm.take_in(**MAIZE)
    assert report.first_changes[0].changes == ("barley ends on 2026-03-14, maize begins 2026-03-15",)
    assert farm.seasons() == [
        ("2025", "barley", "2025-03-01", "2026-03-14"),
        ("2026", "maize", "2026-03-15", None),
    ]
    assert farm.missing() == [], "the days have answers, whichever season they lie in"
    assert farm.kept() == rows
    assert farm.published("2026-03-14") == ("2025", "barley")
    assert farm.published("2026-03-15") == ("2026", "maize")
    assert farm.stale() == days_between(date(2026, 3, 15), LAST), "the files of the new season say its crop"
    barley, maize = farm.statuses()
    assert (barley.season, barley.days, barley.missing) == ("2025", 379, 0)
    assert (maize.season, maize.days, maize.missing) == ("2026", 231, 0)


def test_a_season_that_is_still_to_come_leaves_the_present_one_as_it_is(farm: OneFieldFarm) -> None:
    farm.take_in(**BARLEY)
    farm.take_in(plant_type="rye", plant_date="2027-03-15")
    with farm.engine.connect() as connection:
        (status,) = field_statuses(connection, FIRST)
    assert (status.season, status.end_date) == ("2025", date(2027, 3, 14))
    assert [one.days for one in status.seasons] == [610, 0]


def test_a_cover_crop_and_two_harvests_a_year_are_seasons_with_gaps_between_them(farm: OneFieldFarm) -> None:
    farm.take_in(plant_type="barley", plant_date="2025-03-01", end_date="2025-06-30")
    farm.take_in(plant_type="beans", plant_date="2025-07-05", end_date="2025-09-20")  # 126 days, but 5 after the end
    farm.take_in(plant_type="phacelia", plant_date="2025-10-01", end_date="2025-11-30")  # 88 days
    assert farm.seasons() == [
        ("2025", "barley", "2025-03-01", "2025-06-30"),
        ("2025-2", "beans", "2025-07-05", "2025-09-20"),
        ("2025-3", "phacelia", "2025-10-01", "2025-11-30"),
    ]
    assert farm.check(plant_type="maize", plant_date="2026-04-01").changes == ("maize begins 2026-04-01",)
    farm.compute()
    assert farm.kept() == 122 + 78 + 61
    assert [farm.published(day) for day in ("2025-06-30", "2025-07-01", "2025-09-20", "2025-10-01")] == [
        ("2025", "barley"),
        None,
        ("2025-2", "beans"),
        ("2025-3", "phacelia"),
    ]


def test_a_perennial_crop_has_one_season_of_open_end(farm: OneFieldFarm) -> None:
    farm.take_in(plant_type="vines", plant_date="2019-03-01")
    days = farm.compute()
    assert (days[0], days[-1]) == (date(2019, 3, 1), LAST)
    assert farm.take_in(plant_type="vines", plant_date="2019-03-01").unchanged == ("home",)
    farm.take_in(plant_type="vines", plant_date="2018-03-01")
    assert farm.seasons() == [("2018", "vines", "2018-03-01", None)], "planted a year earlier than was said"
    assert farm.missing() == days_between(date(2018, 3, 1), date(2019, 2, 28))


def test_a_season_that_was_forgotten_is_put_where_it_belongs(rotated: OneFieldFarm) -> None:
    rotated.take_in(plant_type="mustard", plant_date="2025-08-15")
    assert rotated.seasons() == [
        ("2025", "barley", "2025-03-01", "2025-08-14"),
        ("2025-2", "mustard", "2025-08-15", "2026-03-14"),
        ("2026", "maize", "2026-03-15", None),
    ]
    rotated.take_in(plant_type="rye", plant_date="2024-09-01", end_date="2025-02-10")
    assert rotated.seasons()[0] == ("2024", "rye", "2024-09-01", "2025-02-10")
    assert rotated.missing() == days_between(date(2024, 9, 1), date(2025, 2, 10))
    assert rotated.published("2025-09-01") == ("2025-2", "mustard")


def test_a_season_that_was_forgotten_between_two_of_the_same_crop_is_one_too(farm: OneFieldFarm) -> None:
    for planted in ("2024-05-02", "2026-04-28"):
        farm.take_in(plant_type="maize", plant_date=planted)
    farm.weeks_pass()
    change = farm.check(plant_type="maize", plant_date="2025-05-05")
    assert change.changes == ("maize ends on 2025-05-04, maize begins 2025-05-05",)
    farm.take_in(plant_type="maize", plant_date="2025-05-05")
    assert [(name, end) for name, _, _, end in farm.seasons()] == [
        ("2024", "2025-05-04"),
        ("2025", "2026-04-27"),
        ("2026", None),
    ]


def test_a_boundary_belongs_to_the_season_that_it_came_with(farm: OneFieldFarm) -> None:
    farm.take_in(**BARLEY)
    farm.compute()
    change = farm.check(**MAIZE, geometry=REDRAWN)
    assert (change.days, change.first_day) == (231, date(2026, 3, 15)), "the new season's days alone"
    farm.take_in(**MAIZE, geometry=REDRAWN)
    assert farm.compute() == days_between(date(2026, 3, 15), LAST)
    assert [(one.missing, one.counts["computed"]) for one in farm.statuses()] == [(0, 379), (0, 231)]

    assert farm.take_in(**BARLEY).unchanged == ("home",), "last year's file, with last year's boundary"
    with farm.engine.connect() as connection:
        (field,) = registry.load_fields(connection)
    assert field.geometry.equals(shapely.geometry.shape(REDRAWN)), "the field looks as it does now"

    farm.take_in(**MAIZE, geometry=CORRECTED)
    assert farm.missing() == days_between(date(2026, 3, 15), LAST)
    farm.compute()
    farm.take_in(**BARLEY, geometry=REDRAWN)
    assert farm.missing() == days_between(date(2025, 3, 1), date(2026, 3, 14)), "a correction of last year's boundary"
    with farm.engine.connect() as connection:
        (field,) = registry.load_fields(connection)
    assert field.geometry.equals(shapely.geometry.shape(CORRECTED))


@pytest.mark.parametrize(("planted", "overlaps"), [("2025-06-01", True), ("2025-08-01", False)])
def test_fields_in_one_place_overlap_while_both_have_a_season(farm: OneFieldFarm, planted: str, overlaps: bool) -> None:
    farm.take_in(plant_type="barley", plant_date="2025-03-01", end_date="2025-06-30")
    farm.take_in(**MAIZE)
    other = feature(HOME, object_id="other", plant_date=planted, end_date="2025-12-01")
    problems = check_file(collection(other), farm.engine.connect, farm.store, SETTINGS).problems
    assert [problem.reason for problem in problems] == (["overlap"] if overlaps else [])


@pytest.mark.parametrize(
    ("on", "ends"),
    [
        ("2025-07-01", ["2025-07-01", None]),
        ("2026-03-14", ["2026-03-14", None]),
        ("2026-03-15", ["2026-03-14", "2026-03-15"]),
        ("2027-01-01", ["2026-03-14", "2027-01-01"]),
    ],
)
def test_the_season_in_which_the_last_day_lies_is_ended(rotated: OneFieldFarm, on: str, ends: list[str | None]) -> None:
    with rotated.engine.begin() as connection:
        field_life.retire(connection, "home", date.fromisoformat(on))
    assert [end for *_, end in rotated.seasons()] == ends


def test_a_day_between_seasons_moves_the_end_of_the_one_that_has_begun(farm: OneFieldFarm) -> None:
    farm.take_in(**BARLEY, end_date="2025-06-30")
    farm.take_in(**MAIZE)
    with farm.engine.begin() as connection:
        field_life.retire(connection, "home", date(2025, 8, 1))
    assert [end for *_, end in farm.seasons()] == ["2025-08-01", None]


def test_a_day_before_all_seasons_is_refused_and_purging_hinted_at_only_if_there_is_one(farm: OneFieldFarm) -> None:
    for season, purges in ((BARLEY, True), (MAIZE, False)):
        farm.take_in(**season)
        before = farm.seasons()
        with (
            farm.engine.begin() as connection,
            pytest.raises(BadInput, match="planted on 2025-03-01") as refused,
        ):
            field_life.retire(connection, "home", date(2025, 2, 28))
        assert ("purge" in str(refused.value)) == purges
        assert farm.seasons() == before


def test_a_field_that_is_retired_can_be_sown_again(rotated: OneFieldFarm) -> None:
    with rotated.engine.begin() as connection:
        field_life.retire(connection, "home", date(2026, 9, 1))
    assert rotated.seasons()[1] == ("2026", "maize", "2026-03-15", "2026-09-01")
    rotated.take_in(plant_type="rye", plant_date="2026-09-20")
    assert rotated.seasons()[1:] == [
        ("2026", "maize", "2026-03-15", "2026-09-01"),
        ("2026-2", "rye", "2026-09-20", None),
    ]
    assert rotated.missing() == []
    assert rotated.published("2026-09-10") is None


def test_seasons_of_one_field_in_one_file_are_refused_with_a_hint(farm: OneFieldFarm) -> None:
    both = [feature(HOME, object_id="home", **season) for season in (BARLEY, MAIZE)]
    problems = parse_fields(collection(*both)).problems
    assert {problem.reason for problem in problems} == {"duplicate_id"}
    assert "put each into a file of its own if they are seasons of one field" in problems[0].message


def test_many_fields_get_a_season_at_once(farm: OneFieldFarm) -> None:
    several = [f"f{number}" for number in range(20)]
    for number, season in enumerate((BARLEY, MAIZE)):
        data = collection(*(feature(object_id=name, **season) for name in several))
        upload(farm.store, f"{number}.geojson", data)
        (report,) = process_pending(farm.store, SETTINGS, farm.engine).files
    assert report.changed == tuple(several)
    with farm.engine.connect() as connection:
        ends = {tuple(one.end_date for one in field.seasons) for field in registry.load_fields(connection)}
    assert ends == {(date(2026, 3, 15) - timedelta(1), None)}

"""Which season of a field an upload corrects, and that a correction costs nothing that was right."""

from datetime import date
from typing import Any

import pytest
from support.one_field_farm import BARLEY, LAST, MAIZE, REDRAWN, SETTINGS, OneFieldFarm
from support.uploads import upload

from ndvi_core.intake.features import parse_fields
from ndvi_core.intake.pending import process_pending
from ndvi_core.intake.report import ErrorsFile
from ndvi_core.registry import fields as registry
from ndvi_core.support.days import days_between


def test_a_plant_date_is_corrected_to_a_later_day_and_back(rotated: OneFieldFarm) -> None:
    rows = rotated.kept()
    rotated.take_in(**{**MAIZE, "plant_date": "2026-04-01"})
    assert rotated.seasons()[0][3] == "2026-03-31", "the barley was not ended by anybody else"
    assert rotated.published("2026-03-20") == ("2025", "barley")

    rotated.take_in(**{**BARLEY, "plant_date": "2025-03-20"})
    assert rotated.seasons()[0] == ("2025", "barley", "2025-03-20", "2026-03-31")
    assert rotated.published("2025-03-10") is None, "before the plant date"
    assert (rotated.missing(), rotated.kept()) == ([], rows)
    assert rotated.statuses()[0].missing == 0

    for as_before in (BARLEY, MAIZE):
        rotated.take_in(**as_before)
    assert rotated.seasons() == [
        ("2025", "barley", "2025-03-01", "2026-03-14"),
        ("2026", "maize", "2026-03-15", None),
    ]
    assert rotated.published("2025-03-10") == ("2025", "barley")
    assert (rotated.missing(), rotated.kept()) == ([], rows)


def test_a_plant_date_is_corrected_to_an_earlier_day(rotated: OneFieldFarm) -> None:
    change = rotated.check(**{**MAIZE, "plant_date": "2026-02-20"})
    assert change.changes == (
        "season 2026: plant date 2026-02-20 (was 2026-03-15)",
        "barley ends on 2026-02-19 (was 2026-03-14)",
    )
    assert change.days == 0
    rotated.take_in(**{**MAIZE, "plant_date": "2026-02-20"})
    assert rotated.published("2026-03-01") == ("2026", "maize")
    rotated.take_in(**{**BARLEY, "plant_date": "2025-02-20"})
    assert rotated.seasons() == [
        ("2025", "barley", "2025-02-20", "2026-02-19"),
        ("2026", "maize", "2026-02-20", None),
    ]
    assert rotated.missing() == days_between(date(2025, 2, 20), date(2025, 2, 28))


@pytest.mark.parametrize("right", ["2025-05-01", "2025-05-20"])
def test_a_slip_that_began_a_season_is_mended_the_next_day(farm: OneFieldFarm, right: str) -> None:
    farm.take_in(plant_type="maize", plant_date="2025-05-01")
    rows = len(farm.compute())
    slip = right.replace("2025", "2026")
    farm.take_in(plant_type="maize", plant_date=slip)
    assert [name for name, *_ in farm.seasons()] == ["2025", "2026"]
    assert farm.published("2026-06-01") == ("2026", "maize")

    change = farm.check(plant_type="maize", plant_date=right)
    assert f"season 2026 (maize, planted on {slip}) is taken back" in change.changes
    report = farm.take_in(plant_type="maize", plant_date=right)
    assert "season_taken_back" in {problem.reason for problem in report.first_problems}
    assert farm.seasons() == [("2025", "maize", right, None)]
    assert farm.published("2026-06-01") == ("2025", "maize")
    assert (farm.missing(), farm.kept()) == ([], rows)


def test_a_slip_in_the_date_of_the_next_crop_is_mended_into_that_crop(farm: OneFieldFarm) -> None:
    farm.take_in(plant_type="rye", plant_date="2024-10-01")
    farm.compute()
    farm.take_in(plant_type="maize", plant_date="2026-05-01", geometry=REDRAWN)
    assert farm.compute() == days_between(date(2026, 5, 1), LAST), "another boundary"
    farm.take_in(plant_type="maize", plant_date="2025-05-01", geometry=REDRAWN)
    assert farm.seasons() == [("2024", "rye", "2024-10-01", "2025-04-30"), ("2025", "maize", "2025-05-01", None)]
    assert farm.missing() == days_between(date(2025, 5, 1), date(2026, 4, 30))


def test_a_slip_of_the_first_upload_is_mended(farm: OneFieldFarm) -> None:
    farm.take_in(plant_type="maize", plant_date="2026-05-01", end_date="2026-09-30")
    farm.take_in(plant_type="maize", plant_date="2025-05-01", end_date="2025-09-30")
    assert farm.seasons() == [("2025", "maize", "2025-05-01", "2025-09-30")]


def test_a_misspelled_crop_is_mended_without_another_season(rotated: OneFieldFarm) -> None:
    rows = rotated.kept()
    rotated.take_in(plant_type="mazie", plant_date="2026-03-15")
    rotated.take_in(**MAIZE)
    assert [crop for _, crop, *_ in rotated.seasons()] == ["barley", "maize"]
    rotated.take_in(plant_type="spring_barley", plant_date="2025-03-01")
    assert [crop for _, crop, *_ in rotated.seasons()] == ["spring_barley", "maize"]
    assert rotated.published("2025-07-01") == ("2025", "spring_barley")
    assert (rotated.missing(), rotated.kept()) == ([], rows)


@pytest.mark.parametrize("planted", ["2025-03-01", "2025-03-08", "2025-02-20"])
def test_the_file_of_an_old_season_never_ends_the_newer_one(rotated: OneFieldFarm, planted: str) -> None:
    rotated.take_in(plant_type="barley", plant_date=planted)
    assert rotated.seasons() == [
        ("2025", "barley", planted, "2026-03-14"),
        ("2026", "maize", "2026-03-15", None),
    ]


def test_the_file_of_an_old_season_of_the_same_crop_changes_nothing(farm: OneFieldFarm) -> None:
    for planted in ("2025-04-20", "2026-04-28"):
        farm.take_in(plant_type="maize", plant_date=planted)
    before = farm.seasons()
    assert farm.take_in(plant_type="maize", plant_date="2025-04-20").unchanged == ("home",)
    assert farm.seasons() == before


def test_a_season_that_has_been_there_for_weeks_is_no_slip(farm: OneFieldFarm) -> None:
    """The same crop is sown on the same day each year; last year's file comes once more."""
    for planted in ("2025-05-01", "2026-05-01"):
        farm.take_in(plant_type="maize", plant_date=planted)
    farm.weeks_pass()
    assert farm.take_in(plant_type="maize", plant_date="2025-05-01").unchanged == ("home",)
    assert [name for name, *_ in farm.seasons()] == ["2025", "2026"]


def test_a_season_that_somebody_has_named_is_no_slip(farm: OneFieldFarm) -> None:
    farm.take_in(plant_type="maize", plant_date="2025-05-01")
    farm.take_in(plant_type="maize", plant_date="2026-05-01", season="second")
    assert farm.take_in(plant_type="maize", plant_date="2025-05-01").unchanged == ("home",)
    assert [name for name, *_ in farm.seasons()] == ["2025", "second"]


def test_an_end_date_before_days_that_are_computed_keeps_them_unpublished(rotated: OneFieldFarm) -> None:
    rows = rotated.kept()
    rotated.take_in(**BARLEY, end_date="2025-08-01")
    assert rotated.published("2025-08-01") == ("2025", "barley")
    assert rotated.published("2025-08-02") is None
    assert (rotated.missing(), rotated.kept()) == ([], rows)
    assert [one.missing for one in rotated.statuses()] == [0, 0]
    assert rotated.statuses()[0].days == 154


def test_the_same_file_again_changes_nothing(rotated: OneFieldFarm) -> None:
    before = rotated.seasons()
    for again in (MAIZE, BARLEY, MAIZE):
        assert rotated.check(**again).effect == "unchanged"
        assert rotated.take_in(**again).unchanged == ("home",)
    assert rotated.seasons() == before


def test_a_season_that_is_named_is_corrected_whatever_its_date(rotated: OneFieldFarm) -> None:
    rotated.take_in(**{**MAIZE, "plant_date": "2026-08-01"}, season="2026")
    assert rotated.seasons() == [("2025", "barley", "2025-03-01", "2026-07-31"), ("2026", "maize", "2026-08-01", None)]
    rotated.take_in(plant_type="oats", plant_date="2025-09-01", season=2025)
    assert rotated.seasons()[0] == ("2025", "oats", "2025-09-01", "2026-07-31")
    assert rotated.missing() == []


def test_another_name_begins_a_season_whatever_its_date(rotated: OneFieldFarm) -> None:
    rotated.take_in(plant_type="grass", plant_date="2026-04-10", season="after the hail")
    assert rotated.seasons()[1:] == [
        ("2026", "maize", "2026-03-15", "2026-04-09"),
        ("after the hail", "grass", "2026-04-10", None),
    ]
    rotated.take_in(plant_type="grass", plant_date="2026-04-12")
    assert rotated.seasons()[2] == ("after the hail", "grass", "2026-04-12", None), "it keeps its name"


def test_a_season_that_is_there_gets_a_name(rotated: OneFieldFarm) -> None:
    rotated.take_in(**MAIZE, season="2025/26")
    assert [name for name, *_ in rotated.seasons()] == ["2025", "2025/26"]
    assert rotated.published("2026-04-01") == ("2025/26", "maize")


def test_a_season_in_the_place_of_another_takes_it_over(rotated: OneFieldFarm) -> None:
    change = rotated.check(plant_type="barley", plant_date="2026-03-15", season="2025")
    assert "season 2026 (maize, planted on 2026-03-15) is taken back" in change.changes
    rotated.take_in(plant_type="barley", plant_date="2026-03-15", season="2025")
    assert rotated.seasons() == [("2025", "barley", "2026-03-15", None)]


def test_the_year_in_a_name_follows_the_plant_date_that_is_corrected(farm: OneFieldFarm) -> None:
    farm.take_in(plant_type="rye", plant_date="2025-01-02")
    farm.take_in(plant_type="rye", plant_date="2024-12-20")
    assert farm.seasons() == [("2024", "rye", "2024-12-20", None)]


def test_a_number_is_never_given_to_another_season(farm: OneFieldFarm) -> None:
    farm.take_in(plant_type="maize", plant_date="2025-05-01")
    farm.take_in(plant_type="maize", plant_date="2026-05-01")
    farm.take_in(plant_type="maize", plant_date="2025-05-01")
    farm.take_in(plant_type="rye", plant_date="2026-03-01")
    with farm.engine.connect() as connection:
        (field,) = registry.load_fields(connection)
    assert [(one.name, one.number) for one in field.seasons] == [("2025", 1), ("2026", 3)]


def test_crop_and_date_that_both_change_are_asked_about(farm: OneFieldFarm) -> None:
    farm.take_in(**BARLEY)
    report = farm.take_in(plant_type="mustard", plant_date="2025-06-20")
    assert farm.seasons() == [("2025", "mustard", "2025-06-20", None)]
    said = {problem.reason: problem.message for problem in report.first_problems}
    assert '"season" with a name that the field does not have yet' in said["season_corrected"]
    errors = ErrorsFile.model_validate_json(farm.store.read(f"{report.destination}.errors.json"))
    assert {problem.reason for problem in errors.problems} == {"season_corrected", "days_left_out"}


@pytest.mark.parametrize("name", ["x" * 41, "two\nlines", True, ["2025"], 2025.5])
def test_a_name_that_is_none_is_refused(farm: OneFieldFarm, name: Any) -> None:
    (problem,) = parse_fields(farm.file(season=name)).problems
    assert (problem.reason, problem.where) == ("bad_season", "/features/0/properties/season")


def test_a_field_that_waits_keeps_the_name_of_its_season(farm: OneFieldFarm) -> None:
    """Old days wait for a confirmation; the file that confirms them says all that was uploaded."""
    upload(farm.store, "old.geojson", farm.file(plant_date="1990-01-01", season="the orchard"))
    settings = SETTINGS.model_copy(update={"confirm_days": 100})
    (report,) = process_pending(farm.store, settings, farm.engine).files
    assert report.waiting is not None
    upload(farm.store, "confirmed.geojson", farm.store.read(report.waiting))
    process_pending(farm.store, settings, farm.engine)
    assert farm.seasons() == [("the orchard", "maize", "1990-01-01", None)]

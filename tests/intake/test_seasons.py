"""Seasons of a field: which of them an upload corrects, when a new one begins, and that nothing computed is lost."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine, text
from support.features import collection, feature
from support.models import an_observation
from support.uploads import upload

from ndvi_core.intake.changes import Change
from ndvi_core.intake.features import parse_fields
from ndvi_core.intake.pending import process_pending
from ndvi_core.intake.report import ErrorsFile, FileReport
from ndvi_core.intake.submit import check_file
from ndvi_core.registry import due_days, field_life, ledger, recorded_days
from ndvi_core.registry import fields as registry
from ndvi_core.registry.progress import SeasonStatus, field_statuses
from ndvi_core.registry.stale_days import mark_published, stale_days
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store
from ndvi_core.support.days import days_between

FIRST, LAST = date(2025, 1, 1), date(2026, 10, 31)
"""The first daily day, and the last recorded one."""
SETTINGS = Settings(start_date=FIRST, confirm_days=10_000)
HOME, REDRAWN, CORRECTED = (
    shapely.geometry.mapping(shapely.box(10.1, 40.1, 10.11 + wider, 40.11)) for wider in (0, 0.001, 0.002)
)

Told = tuple[str, str, str, str | None]
"""Name, crop, plant date and end date of a season."""


class Farm:
    """A registry with one field, and the ways in."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self.store, self.engine, self.files = store, engine, 0

    def take_in(self, **properties: Any) -> FileReport:
        """Upload the field, and let the intake have it."""
        self.files += 1
        upload(self.store, f"{self.files:03}.geojson", self.file(**properties))
        (report,) = process_pending(self.store, SETTINGS, self.engine).files
        assert report.outcome == "registered"
        return report

    def file(self, **properties: Any) -> bytes:
        return collection(feature(**{"geometry": HOME, "object_id": "home", **properties}))

    def check(self, **properties: Any) -> Change:
        with self.engine.connect() as connection:
            (change,) = check_file(self.file(**properties), connection, self.store, SETTINGS).changes
        return change

    def seasons(self) -> list[Told]:
        with self.engine.connect() as connection:
            (field,) = registry.load_fields(connection)
        return [
            (one.name, one.plant_type, str(one.plant_date), str(one.end_date) if one.end_date else None)
            for one in field.seasons
        ]

    def missing(self) -> list[date]:
        """The days that a catch-up would have to compute."""
        with self.engine.connect() as connection:
            (field,) = registry.load_fields(connection)
            return due_days.missing_days(connection, [field.sequence], LAST).get(field.sequence, [])

    def compute(self) -> list[date]:
        """Give all missing days an answer, for the boundaries that they are due with; return them."""
        days = self.missing()
        with self.engine.begin() as connection:
            (field,) = registry.load_fields(connection)
            boundaries = registry.boundaries_of_seasons(connection, [field])
            of_day = {day: one.revision for one in field.seasons for day in one.active_days(days)}
            state = parse_fields(self.file()).fields[0]
            rows = [
                an_observation(state, day, geometry_hash=boundaries[field.sequence, of_day[day]][1], ndvi_mean=0.5)
                for day in days
            ]
            ledger.upsert_observations(connection, rows, datetime.now(UTC))
            for day in stale_days(connection):
                mark_published(connection, day)
        return days

    def kept(self) -> int:
        """How many rows the ledger has."""
        with self.engine.connect() as connection:
            return field_life.count_rows(connection, "home")

    def published(self, day: str) -> tuple[str | None, str | None] | None:
        """The season and crop under which a day's file has the field; None if the file does not have it."""
        with self.engine.connect() as connection:
            parts = list(ledger.load_day(connection, date.fromisoformat(day)))
        found = [(fact.season, fact.plant_type) for _, facts in parts for fact in facts]
        assert len(found) <= 1
        return found[0] if found else None

    def stale(self) -> list[date]:
        with self.engine.connect() as connection:
            return stale_days(connection)

    def statuses(self) -> tuple[SeasonStatus, ...]:
        with self.engine.connect() as connection:
            (status,) = field_statuses(connection, FIRST)
        return status.seasons

    def weeks_pass(self) -> None:
        """Let what was registered be registered a month ago."""
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE season SET registered_at = registered_at - interval '30 days'"))


@pytest.fixture
def farm(store: Store, engine: Engine) -> Farm:
    store.write(SETTINGS.extent_key, json.dumps(shapely.geometry.mapping(shapely.box(10, 40, 10.5, 40.5))).encode())
    with engine.begin() as connection:
        recorded_days.mark_recorded(connection, LAST, FIRST)
    return Farm(store, engine)


BARLEY = {"plant_type": "barley", "plant_date": "2025-03-01"}
MAIZE = {"plant_type": "maize", "plant_date": "2026-03-15"}


@pytest.fixture
def rotated(farm: Farm) -> Farm:
    """Barley, and after it maize; all days have an answer."""
    farm.take_in(**BARLEY)
    farm.compute()
    farm.take_in(**MAIZE)
    return farm


def test_crop_rotation_ends_the_one_season_and_begins_the_other(farm: Farm) -> None:
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


def test_a_season_that_is_still_to_come_leaves_the_present_one_as_it_is(farm: Farm) -> None:
    farm.take_in(**BARLEY)
    farm.take_in(plant_type="rye", plant_date="2027-03-15")
    with farm.engine.connect() as connection:
        (status,) = field_statuses(connection, FIRST)
    assert (status.season, status.end_date) == ("2025", date(2027, 3, 14))
    assert [one.days for one in status.seasons] == [610, 0]


def test_a_cover_crop_and_two_harvests_a_year_are_seasons_with_gaps_between_them(farm: Farm) -> None:
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


def test_a_perennial_crop_has_one_season_of_open_end(farm: Farm) -> None:
    farm.take_in(plant_type="vines", plant_date="2019-03-01")
    days = farm.compute()
    assert (days[0], days[-1]) == (date(2019, 3, 1), LAST)
    assert farm.take_in(plant_type="vines", plant_date="2019-03-01").unchanged == ("home",)
    farm.take_in(plant_type="vines", plant_date="2018-03-01")
    assert farm.seasons() == [("2018", "vines", "2018-03-01", None)], "planted a year earlier than was said"
    assert farm.missing() == days_between(date(2018, 3, 1), date(2019, 2, 28))


def test_a_plant_date_is_corrected_to_a_later_day_and_back(rotated: Farm) -> None:
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


def test_a_plant_date_is_corrected_to_an_earlier_day(rotated: Farm) -> None:
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
def test_a_slip_that_began_a_season_is_mended_the_next_day(farm: Farm, right: str) -> None:
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


def test_a_slip_in_the_date_of_the_next_crop_is_mended_into_that_crop(farm: Farm) -> None:
    farm.take_in(plant_type="rye", plant_date="2024-10-01")
    farm.compute()
    farm.take_in(plant_type="maize", plant_date="2026-05-01", geometry=REDRAWN)
    assert farm.compute() == days_between(date(2026, 5, 1), LAST), "another boundary"
    farm.take_in(plant_type="maize", plant_date="2025-05-01", geometry=REDRAWN)
    assert farm.seasons() == [("2024", "rye", "2024-10-01", "2025-04-30"), ("2025", "maize", "2025-05-01", None)]
    assert farm.missing() == days_between(date(2025, 5, 1), date(2026, 4, 30))


def test_a_slip_of_the_first_upload_is_mended(farm: Farm) -> None:
    farm.take_in(plant_type="maize", plant_date="2026-05-01", end_date="2026-09-30")
    farm.take_in(plant_type="maize", plant_date="2025-05-01", end_date="2025-09-30")
    assert farm.seasons() == [("2025", "maize", "2025-05-01", "2025-09-30")]


def test_a_misspelled_crop_is_mended_without_another_season(rotated: Farm) -> None:
    rows = rotated.kept()
    rotated.take_in(plant_type="mazie", plant_date="2026-03-15")
    rotated.take_in(**MAIZE)
    assert [crop for _, crop, *_ in rotated.seasons()] == ["barley", "maize"]
    rotated.take_in(plant_type="spring_barley", plant_date="2025-03-01")
    assert [crop for _, crop, *_ in rotated.seasons()] == ["spring_barley", "maize"]
    assert rotated.published("2025-07-01") == ("2025", "spring_barley")
    assert (rotated.missing(), rotated.kept()) == ([], rows)


@pytest.mark.parametrize("planted", ["2025-03-01", "2025-03-08", "2025-02-20"])
def test_the_file_of_an_old_season_never_ends_the_newer_one(rotated: Farm, planted: str) -> None:
    rotated.take_in(plant_type="barley", plant_date=planted)
    assert rotated.seasons() == [
        ("2025", "barley", planted, "2026-03-14"),
        ("2026", "maize", "2026-03-15", None),
    ]


def test_the_file_of_an_old_season_of_the_same_crop_changes_nothing(farm: Farm) -> None:
    for planted in ("2025-04-20", "2026-04-28"):
        farm.take_in(plant_type="maize", plant_date=planted)
    before = farm.seasons()
    assert farm.take_in(plant_type="maize", plant_date="2025-04-20").unchanged == ("home",)
    assert farm.seasons() == before


def test_a_season_that_has_been_there_for_weeks_is_no_slip(farm: Farm) -> None:
    """The same crop is sown on the same day each year; last year's file comes once more."""
    for planted in ("2025-05-01", "2026-05-01"):
        farm.take_in(plant_type="maize", plant_date=planted)
    farm.weeks_pass()
    assert farm.take_in(plant_type="maize", plant_date="2025-05-01").unchanged == ("home",)
    assert [name for name, *_ in farm.seasons()] == ["2025", "2026"]


def test_a_season_that_was_forgotten_is_put_where_it_belongs(rotated: Farm) -> None:
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


def test_a_season_that_was_forgotten_between_two_of_the_same_crop_is_one_too(farm: Farm) -> None:
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


def test_a_season_that_somebody_has_named_is_no_slip(farm: Farm) -> None:
    farm.take_in(plant_type="maize", plant_date="2025-05-01")
    farm.take_in(plant_type="maize", plant_date="2026-05-01", season="second")
    assert farm.take_in(plant_type="maize", plant_date="2025-05-01").unchanged == ("home",)
    assert [name for name, *_ in farm.seasons()] == ["2025", "second"]


def test_an_end_date_before_days_that_are_computed_keeps_them_unpublished(rotated: Farm) -> None:
    rows = rotated.kept()
    rotated.take_in(**BARLEY, end_date="2025-08-01")
    assert rotated.published("2025-08-01") == ("2025", "barley")
    assert rotated.published("2025-08-02") is None
    assert (rotated.missing(), rotated.kept()) == ([], rows)
    assert [one.missing for one in rotated.statuses()] == [0, 0]
    assert rotated.statuses()[0].days == 154


def test_the_same_file_again_changes_nothing(rotated: Farm) -> None:
    before = rotated.seasons()
    for again in (MAIZE, BARLEY, MAIZE):
        assert rotated.check(**again).effect == "unchanged"
        assert rotated.take_in(**again).unchanged == ("home",)
    assert rotated.seasons() == before


def test_a_season_that_is_named_is_corrected_whatever_its_date(rotated: Farm) -> None:
    rotated.take_in(**{**MAIZE, "plant_date": "2026-08-01"}, season="2026")
    assert rotated.seasons() == [("2025", "barley", "2025-03-01", "2026-07-31"), ("2026", "maize", "2026-08-01", None)]
    rotated.take_in(plant_type="oats", plant_date="2025-09-01", season=2025)
    assert rotated.seasons()[0] == ("2025", "oats", "2025-09-01", "2026-07-31")
    assert rotated.missing() == []


def test_another_name_begins_a_season_whatever_its_date(rotated: Farm) -> None:
    rotated.take_in(plant_type="grass", plant_date="2026-04-10", season="after the hail")
    assert rotated.seasons()[1:] == [
        ("2026", "maize", "2026-03-15", "2026-04-09"),
        ("after the hail", "grass", "2026-04-10", None),
    ]
    rotated.take_in(plant_type="grass", plant_date="2026-04-12")
    assert rotated.seasons()[2] == ("after the hail", "grass", "2026-04-12", None), "it keeps its name"


def test_a_season_that_is_there_gets_a_name(rotated: Farm) -> None:
    rotated.take_in(**MAIZE, season="2025/26")
    assert [name for name, *_ in rotated.seasons()] == ["2025", "2025/26"]
    assert rotated.published("2026-04-01") == ("2025/26", "maize")


def test_a_season_in_the_place_of_another_takes_it_over(rotated: Farm) -> None:
    change = rotated.check(plant_type="barley", plant_date="2026-03-15", season="2025")
    assert "season 2026 (maize, planted on 2026-03-15) is taken back" in change.changes
    rotated.take_in(plant_type="barley", plant_date="2026-03-15", season="2025")
    assert rotated.seasons() == [("2025", "barley", "2026-03-15", None)]


def test_the_year_in_a_name_follows_the_plant_date_that_is_corrected(farm: Farm) -> None:
    farm.take_in(plant_type="rye", plant_date="2025-01-02")
    farm.take_in(plant_type="rye", plant_date="2024-12-20")
    assert farm.seasons() == [("2024", "rye", "2024-12-20", None)]


def test_a_number_is_never_given_to_another_season(farm: Farm) -> None:
    farm.take_in(plant_type="maize", plant_date="2025-05-01")
    farm.take_in(plant_type="maize", plant_date="2026-05-01")
    farm.take_in(plant_type="maize", plant_date="2025-05-01")
    farm.take_in(plant_type="rye", plant_date="2026-03-01")
    with farm.engine.connect() as connection:
        (field,) = registry.load_fields(connection)
    assert [(one.name, one.number) for one in field.seasons] == [("2025", 1), ("2026", 3)]


def test_a_boundary_belongs_to_the_season_that_it_came_with(farm: Farm) -> None:
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
def test_fields_in_one_place_overlap_while_both_have_a_season(farm: Farm, planted: str, overlaps: bool) -> None:
    farm.take_in(plant_type="barley", plant_date="2025-03-01", end_date="2025-06-30")
    farm.take_in(**MAIZE)
    other = feature(HOME, object_id="other", plant_date=planted, end_date="2025-12-01")
    with farm.engine.connect() as connection:
        problems = check_file(collection(other), connection, farm.store, SETTINGS).problems
    assert [problem.reason for problem in problems] == (["overlap"] if overlaps else [])


def test_a_field_that_is_retired_can_be_sown_again(rotated: Farm) -> None:
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


def test_crop_and_date_that_both_change_are_asked_about(farm: Farm) -> None:
    farm.take_in(**BARLEY)
    report = farm.take_in(plant_type="mustard", plant_date="2025-06-20")
    assert farm.seasons() == [("2025", "mustard", "2025-06-20", None)]
    said = {problem.reason: problem.message for problem in report.first_problems}
    assert '"season" with a name that the field does not have yet' in said["season_corrected"]
    errors = ErrorsFile.model_validate_json(farm.store.read(f"{report.destination}.errors.json"))
    assert {problem.reason for problem in errors.problems} == {"season_corrected", "days_left_out"}


@pytest.mark.parametrize("name", ["x" * 41, "two\nlines", True, ["2025"], 2025.5])
def test_a_name_that_is_none_is_refused(farm: Farm, name: Any) -> None:
    (problem,) = parse_fields(farm.file(season=name)).problems
    assert (problem.reason, problem.where) == ("bad_season", "/features/0/properties/season")


def test_a_field_that_waits_keeps_the_name_of_its_season(farm: Farm) -> None:
    """Old days wait for a confirmation; the file that confirms them says all that was uploaded."""
    upload(farm.store, "old.geojson", farm.file(plant_date="1990-01-01", season="the orchard"))
    settings = SETTINGS.model_copy(update={"confirm_days": 100})
    (report,) = process_pending(farm.store, settings, farm.engine).files
    assert report.waiting is not None
    upload(farm.store, "confirmed.geojson", farm.store.read(report.waiting))
    process_pending(farm.store, settings, farm.engine)
    assert farm.seasons() == [("the orchard", "maize", "1990-01-01", None)]


def test_seasons_of_one_field_in_one_file_are_refused_with_a_hint(farm: Farm) -> None:
    both = [feature(HOME, object_id="home", **season) for season in (BARLEY, MAIZE)]
    problems = parse_fields(collection(*both)).problems
    assert {problem.reason for problem in problems} == {"duplicate_id"}
    assert "put each into a file of its own if they are seasons of one field" in problems[0].message


def test_many_fields_get_a_season_at_once(farm: Farm) -> None:
    several = [f"f{number}" for number in range(20)]
    for number, season in enumerate((BARLEY, MAIZE)):
        data = collection(*(feature(object_id=name, **season) for name in several))
        upload(farm.store, f"{number}.geojson", data)
        (report,) = process_pending(farm.store, SETTINGS, farm.engine).files
    assert report.changed == tuple(several)
    with farm.engine.connect() as connection:
        ends = {tuple(one.end_date for one in field.seasons) for field in registry.load_fields(connection)}
    assert ends == {(date(2026, 3, 15) - timedelta(1), None)}

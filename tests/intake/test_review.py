"""What is said of fields before they are registered: what looks wrong, what would change, which days become due."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine
from support.features import collection, feature
from support.uploads import PENDING, objects, upload

from ndvi_core.intake.features import Problem
from ndvi_core.intake.pending import process_pending
from ndvi_core.intake.report import ErrorsFile
from ndvi_core.intake.review import Reviewed
from ndvi_core.intake.submit import check_file
from ndvi_core.registry import fields as registry
from ndvi_core.registry import recorded_days
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store
from ndvi_core.support.days import days_between

START, LAST = date(2025, 4, 1), date(2025, 4, 30)
SETTINGS = Settings(start_date=START, confirm_days=1000)
EXTENT = (10.0, 40.0, 10.5, 40.5)


def box(west: float, south: float, side: float = 0.01) -> dict[str, Any]:
    return shapely.geometry.mapping(shapely.box(west, south, west + side, south + side))


@pytest.fixture(autouse=True)
def _farm(store: Store, engine: Engine) -> None:
    """An extent, a field that is planted on 1 April 2025, and days that are recorded to 30 April."""
    store.write(SETTINGS.extent_key, json.dumps(shapely.geometry.mapping(shapely.box(*EXTENT))).encode())
    with engine.begin() as connection:
        recorded_days.mark_recorded(connection, LAST, START)
    upload(store, "known.geojson", collection(feature(box(10.1, 40.1), object_id="field_3")))
    process_pending(store, SETTINGS, engine)


def reviewed(store: Store, engine: Engine, *features: dict[str, Any], **members: Any) -> Reviewed:
    return check_file(collection(*features, **members), engine.connect, store, SETTINGS)


def only(problems: tuple[Problem, ...]) -> Problem:
    (problem,) = problems
    return problem


@pytest.mark.parametrize(
    ("reason", "made", "said"),
    [
        ("swapped_coordinates", feature(box(40.2, 10.2), object_id="a"), "Longitude comes first"),
        ("outside_extent", feature(box(-3, 5), object_id="a"), "outside the extent 10.0,40.0,10.5,40.5"),
        ("beyond_extent", feature(box(10.496, 40.2), object_id="a"), "60% of the field is outside"),
        ("overlap", feature(box(10.1, 40.1), object_id="feild_3"), "it overlaps field_3, by 100% of feild_3"),
        ("overlap", feature(box(10.102, 40.1), object_id="feild_3"), "is it field_3?"),
        ("overlap", feature(box(10.104, 40.104, 0.001), object_id="north"), "it overlaps field_3, by 100% of north"),
        ("overlap", feature(box(10.1, 40.1), object_id="field_5"), "by 100% of field_5"),
        ("no_pure_pixel", feature(box(10.2, 40.2, 0.00003), object_id="a"), "covers 0.085 pixels of 10 m"),
        (
            "no_pure_pixel",
            feature(shapely.geometry.mapping(shapely.box(10.2, 40.2, 10.21, 40.20008)), object_id="a"),
            "no pixel of 10 m fits",
        ),
        ("future_plant_date", feature(object_id="a", geometry=box(10.2, 40.2), plant_date="2931-04-01"), "to come"),
        (
            "early_plant_date",
            feature(object_id="a", geometry=box(10.2, 40.2), plant_date="2023-03-01"),
            "2 years before the first daily day, 2025-04-01: 792 days become due",
        ),
        (
            "early_plant_date",
            feature(object_id="a", geometry=box(10.2, 40.2), plant_date="0001-01-01", end_date="2015-07-01"),
            "days are computed from 2015-06-27 on, that of Sentinel-2's first image: 5 days become due",
        ),
    ],
)
def test_what_looks_wrong_is_said_and_registered_all_the_same(
    store: Store, engine: Engine, reason: str, made: dict[str, Any], said: str
) -> None:
    found = reviewed(store, engine, made)
    problem = only(found.problems)
    assert (problem.reason, problem.registered, problem.id) == (reason, True, made["properties"]["object-id"])
    assert said in problem.message
    assert len(found.ready) == 1

    upload(store, "odd.geojson", collection(made))
    (file,) = process_pending(store, SETTINGS, engine).files
    assert (file.outcome, file.added) == ("registered", (made["properties"]["object-id"],))
    errors = ErrorsFile.model_validate_json(store.read(f"{file.destination}.errors.json"))
    assert errors.problems == found.problems


@pytest.mark.parametrize(
    "made",
    [
        feature(box(10.2, 40.2), object_id="a"),
        feature(box(10.4949, 40.2), object_id="a"),  # a little more than half of it is inside
        feature(box(10.11, 40.1), object_id="beside"),
        feature(box(10.106, 40.1), object_id="less_than_half"),
        feature(box(10.1, 40.1), object_id="a_year_before", plant_date="2024-03-01", end_date="2024-09-01"),
        feature(box(10.1, 40.1), object_id="field_3"),
    ],
)
def test_what_is_in_order_needs_no_word(store: Store, engine: Engine, made: dict[str, Any]) -> None:
    assert reviewed(store, engine, made).problems == ()


def test_ids_of_a_series_are_not_taken_for_one_another(store: Store, engine: Engine) -> None:
    for name, is_near in {"field_5": False, "Field-3": True, "feld_3": True, "north": False}.items():
        message = only(reviewed(store, engine, feature(box(10.1, 40.1), object_id=name)).problems).message
        assert ("The names are near" in message) == is_near


def test_very_many_fields_on_one_place_are_told_of(store: Store, engine: Engine) -> None:
    heap = [feature(box(10.2, 40.2), object_id=f"heap-{number}") for number in range(1_000)]
    beside = feature(box(10.102, 40.1), object_id="beside")
    found = reviewed(store, engine, *heap, beside)
    assert [problem.id for problem in found.problems if problem.reason == "overlap"] == [
        *(one["properties"]["object-id"] for one in heap),
        "beside",
    ]


def test_two_fields_of_one_file_that_overlap_are_both_named(store: Store, engine: Engine) -> None:
    found = reviewed(store, engine, feature(box(10.2, 40.2), object_id="a"), feature(box(10.203, 40.2), object_id="b"))
    assert [(problem.id, problem.reason) for problem in found.problems] == [("a", "overlap"), ("b", "overlap")]
    assert "it overlaps b, by 70% of" in found.problems[0].message


@pytest.mark.parametrize(
    ("properties", "changes", "days"),
    [
        ({}, (), 0),
        ({"plant_type": "rye"}, ("crop rye (was maize)",), 0),
        ({"plant_date": "2025-03-22"}, ("plant date 2025-03-22 (was 2025-04-01)",), 10),
        ({"end_date": "2025-04-20"}, ("end date 2025-04-20 (was none)",), 0),
        ({"geometry": box(10.1025, 40.1)}, ("boundary by 40%",), 30),
    ],
)
def test_what_would_change_is_said_with_the_days_that_become_due(
    store: Store, engine: Engine, properties: dict[str, Any], changes: tuple[str, ...], days: int
) -> None:
    made = feature(**{"geometry": box(10.1, 40.1), "object_id": "field_3", **properties})
    (change,) = reviewed(store, engine, made).changes
    assert (change.effect, change.changes) == ("changed" if changes else "unchanged", changes)
    assert change.days == days


@pytest.mark.parametrize(
    ("before", "after", "due"),
    [
        pytest.param(("04-10", None), ("04-01", None), [("04-01", "04-09")], id="planted earlier"),
        pytest.param(("04-10", "04-20"), ("04-10", None), [("04-21", "04-30")], id="ends later"),
        pytest.param(
            ("04-10", "04-20"), ("04-01", "04-25"), [("04-01", "04-09"), ("04-21", "04-25")], id="longer at both ends"
        ),
        pytest.param(("04-10", "04-20"), ("04-01", "04-05"), [("04-01", "04-05")], id="all before"),
        pytest.param(("04-10", "04-20"), ("04-25", None), [("04-25", "04-30")], id="all after"),
        pytest.param(("04-10", "04-20"), ("04-12", "04-15"), [], id="shorter"),
        pytest.param(("05-10", None), ("04-29", None), [("04-29", "04-30")], id="none was due before"),
        pytest.param(("05-10", None), ("05-20", None), [], id="none is due yet"),
    ],
)
def test_days_become_due_that_were_not_before(
    store: Store,
    engine: Engine,
    before: tuple[str, str | None],
    after: tuple[str, str | None],
    due: list[tuple[str, str]],
) -> None:
    old, new = (
        feature(box(10.3, 40.3), object_id="a", plant_date=f"2025-{planted}", end_date=f"2025-{end}" if end else None)
        for planted, end in (before, after)
    )
    upload(store, "before.geojson", collection(old))
    process_pending(store, SETTINGS, engine)
    (change,) = reviewed(store, engine, new).changes
    days = [
        day
        for first, last in due
        for day in days_between(date.fromisoformat(f"2025-{first}"), date.fromisoformat(f"2025-{last}"))
    ]
    assert (change.effect, change.days) == ("changed", len(days))
    assert (change.first_day, change.last_day) == ((days[0], days[-1]) if days else (None, None))


def test_another_place_and_another_season_are_asked_about(store: Store, engine: Engine) -> None:
    moved = only(reviewed(store, engine, feature(box(10.107, 40.1), object_id="field_3")).problems)
    assert (moved.reason, "by 82%" in moved.message) == ("boundary_changed", True)
    later = feature(box(10.1, 40.1), object_id="field_3", plant_date="2026-03-15", plant_type="wheat")
    season = only(reviewed(store, engine, later).problems)
    assert season.reason == "next_season"
    assert "maize ends on 2026-03-14, wheat begins 2026-03-15: a new season, 2026" in season.message


def test_very_many_days_wait_until_somebody_confirms_them(store: Store, engine: Engine) -> None:
    old = feature(box(10.2, 40.2), object_id="old", plant_date="1999-01-01")
    days = (LAST - date(2015, 6, 27)).days + 1
    found = reviewed(store, engine, old, feature(box(10.3, 40.3), object_id="new", plant_date="2025-04-30"))
    assert ([field.field_id for field in found.ready], [field.field_id for field in found.waiting]) == (
        ["new"],
        ["old"],
    )
    assert found.summary == f"2 new; {days + 1:,} field-days become due, 2015-06-27 to 2025-04-30"

    data = collection(old, feature(box(10.3, 40.3), object_id="new", plant_date="2025-04-30"))
    upload(store, "mixed.geojson", data)
    (file,) = process_pending(store, SETTINGS, engine).files
    assert (file.outcome, file.added) == ("partly_registered", ("new",))
    errors = ErrorsFile.model_validate_json(store.read(f"{file.destination}.errors.json"))
    waits = [problem for problem in errors.problems if not problem.registered]
    assert [(problem.id, problem.reason) for problem in waits] == [("old", "needs_confirmation")]
    assert f"{days:,} days since 2015-06-27" in waits[0].message
    assert "0 added" not in process_pending(store, SETTINGS, engine).summary()[0]

    assert errors.waiting is not None
    upload(store, "confirmed.geojson", store.read(errors.waiting))
    (again,) = process_pending(store, SETTINGS, engine).files
    assert (again.outcome, again.added) == ("registered", ("old",))
    with engine.connect() as connection:
        (field,) = registry.load_fields(connection, ["old"])
    assert [(one.plant_date, one.plant_type) for one in field.seasons] == [(date(1999, 1, 1), "maize")]
    assert field.geometry.equals(shapely.geometry.shape(old["geometry"]))


@pytest.mark.parametrize("value", [True, "true", "Yes"])
def test_a_feature_or_a_file_says_that_it_is_confirmed(store: Store, engine: Engine, value: Any) -> None:
    old = feature(box(10.2, 40.2), object_id="old", plant_date="1999-01-01", confirm=value)
    assert reviewed(store, engine, old).waiting == ()
    plain = feature(box(10.2, 40.2), object_id="old", plant_date="1999-01-01")
    assert reviewed(store, engine, plain, confirm=value).waiting == ()
    assert len(reviewed(store, engine, plain, confirm=False).waiting) == 1


def test_a_field_that_waits_alone_is_not_rejected(store: Store, engine: Engine) -> None:
    upload(store, "old.geojson", collection(feature(box(10.2, 40.2), object_id="old", plant_date="1999-01-01")))
    (file,) = process_pending(store, SETTINGS, engine).files
    assert file.outcome == "waiting"
    assert str(file.destination).startswith(SETTINGS.processed_prefix)
    assert objects(store, PENDING) == {}


def test_the_days_until_a_confirmation_are_a_setting(store: Store, engine: Engine) -> None:
    made = feature(box(10.2, 40.2), object_id="a", plant_date=str(LAST - timedelta(9)))
    limits = {
        limit: check_file(collection(made), engine.connect, store, Settings(start_date=START, confirm_days=limit))
        for limit in (10, 11)
    }
    assert [len(found.waiting) for found in limits.values()] == [1, 0]

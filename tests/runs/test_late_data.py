"""Late data is exact: what comes late or changes recomputes its own cells, and nothing else is read or written."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import mapping, shape
from sqlalchemy import Engine
from support.farm import Farm

from ndvi_airflow.local.services import Files, start_files, start_stac
from ndvi_core.models.observation import Observation
from ndvi_core.registry.ledger import load_series
from ndvi_core.registry.progress import field_statuses
from ndvi_core.runs.folder import RunFolder
from ndvi_core.runs.record import record_run
from ndvi_core.sample.farm import Season
from ndvi_core.sample.season import write_season
from ndvi_core.settings import load_settings
from ndvi_core.storage.geoparquet import read_observations
from ndvi_core.storage.object_store import Store
from ndvi_core.support.days import days_between

START, END = date(2025, 4, 16), date(2025, 4, 24)
DAYS = days_between(START, END)

Item = dict[str, Any]
"""A STAC item, or a GeoJSON feature of a field."""
Objects = dict[str, bytes]
"""Content of objects by key."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Files]]:
    """The scene server, shared: nobody writes to it."""
    out = tmp_path_factory.mktemp("season")
    files = start_files(out / "scenes", log=out / "files.log")
    write_season(out, files.url, START, END)
    yield out, files
    files.stop()


@pytest.fixture
def empty_farm(
    scenes: tuple[Path, Files], tmp_path: Path, store: Store, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Farm]:
    """A farm with a catalogue and nothing else."""
    out, files = scenes
    season = Season(tmp_path / "season")  # of its own, since a test may change the catalogue
    shutil.copytree(out, season.folder, ignore=shutil.ignore_patterns("scenes", "*.log", "*.jsonl"))
    stac = start_stac([season.collection, season.items], log=tmp_path / "stac.log")
    monkeypatch.setenv("STAC_API_URL", stac.url)
    monkeypatch.setenv("NDVI_CATALOGUE", "local")
    monkeypatch.setenv("NDVI_BUCKET_URL", store.url)
    monkeypatch.setenv("NDVI_START_DATE", str(START))
    farm = Farm(season, store, engine, load_settings(), files, stac)
    yield farm
    farm.stac.stop()


@pytest.fixture
def farm(empty_farm: Farm) -> Farm:
    """A farm whose first fields are registered, before any day was run."""
    farm, season = empty_farm, empty_farm.season
    farm.store.write(farm.settings.extent_key, season.extent.read_bytes())
    farm.upload(season.fields)
    farm.intake()
    farm.catch_up()
    return farm


@pytest.fixture
def grown(farm: Farm) -> Farm:
    """A farm whose first fields are done for all days."""
    for day in DAYS:
        farm.daily(day)
    return farm


def planted(features: list[Item], name: str) -> date:
    (feature,) = (f for f in features if f["properties"]["object-id"] == name)
    return date.fromisoformat(feature["properties"]["plant-date"])


def acquisitions(farm: Farm) -> dict[date, list[Item]]:
    """Days with a scene, and the ids of their items, straight from the catalogue's file."""
    days: dict[date, list[Item]] = {}
    for item in json.loads(farm.season.items.read_text())["features"]:
        days.setdefault(date.fromisoformat(item["properties"]["datetime"][:10]), []).append(item)
    return days


def published(farm: Farm) -> Objects:
    """Everything that consumers see."""
    return farm.objects("observations/") | farm.objects("fields/")


def changed_cells(before: Objects, after: Objects) -> set[tuple[str, date]]:
    """The (field, day) of the product folders in which anything differs."""
    keys = {key for key in before | after if before.get(key) != after.get(key) and key.startswith("fields/")}
    return {(field_id, date.fromisoformat(day)) for _, field_id, day, _ in (key.split("/") for key in keys)}


def test_days_without_an_acquisition_need_no_task_and_say_so(farm: Farm) -> None:
    with_scene = acquisitions(farm)
    for day in DAYS:
        run = farm.daily(day)
        if day in with_scene:
            assert {found for _, found in run.cells} == {day}
        else:
            assert run.plan.orders == ()
            assert set(run.recorded.counts) == {"no_scene"}
            assert run.read == set()


def test_a_second_run_over_the_same_days_reads_no_pixel_and_writes_nothing(grown: Farm) -> None:
    before = published(grown)
    for day in DAYS:
        run = grown.daily(day)
        assert (run.cells, run.read, run.recorded.days) == (set(), set(), ())
    assert grown.by_hand(start=START, end=END).read == set()
    assert published(grown) == before


def test_late_fields_get_precisely_their_cells(grown: Farm) -> None:
    before = published(grown)
    late = json.loads(grown.season.late_fields.read_text())["features"]
    grown.upload(grown.season.late_fields, "late.geojson")
    grown.intake()
    run = grown.catch_up()

    owed = {(name, day) for name in ("field_4", "field_5") for day in days_between(planted(late, name), END)}
    computed = {(name, day) for name, day in owed if day in acquisitions(grown)}
    assert run.cells <= computed
    assert {name for name, _ in run.cells} == {"field_4", "field_5"}
    assert {order.label for order in run.plan.orders} == {"field_4", "field_5"}
    assert sum(run.recorded.counts.values()) == len(owed)

    after = published(grown)
    assert changed_cells(before, after) == run.cells
    assert {f"/{item['id']}" for day in acquisitions(grown).values() for item in day} >= {
        path.rpartition("/")[0] for path in run.read
    }
    for key, data in before.items():
        if key.startswith("fields/"):
            assert after[key] == data
    for day in DAYS:
        assert rows_of(grown, after, day, {"field_1", "field_2", "field_3"}) == rows_of(
            grown, before, day, {"field_1", "field_2", "field_3"}
        )
    assert grown.catch_up().cells == set()


def rows_of(farm: Farm, objects: Objects, day: date, names: set[str]) -> list[Observation]:
    rows = read_observations(objects[f"observations/date={day}/observations.parquet"])
    return [row for row in rows if row.field_id in names]


def test_two_fields_on_one_boundary_have_equal_numbers(grown: Farm) -> None:
    grown.upload(grown.season.late_fields, "late.geojson")
    grown.intake()
    grown.catch_up()
    objects = published(grown)
    for day in sorted(acquisitions(grown)):
        rows = {row.field_id: row for row in rows_of(grown, objects, day, {"field_1", "field_5"})}
        if "field_5" in rows:
            same = {"field_id": "", "fingerprint": ""}
            assert rows["field_1"].model_copy(update=same) == rows["field_5"].model_copy(update=same)


def test_a_corrected_boundary_recomputes_its_field_alone(grown: Farm) -> None:
    before = published(grown)
    document = json.loads(grown.season.fields.read_text())
    feature = next(f for f in document["features"] if f["properties"]["object-id"] == "field_2")
    feature["geometry"] = mapping(shapely.affinity.scale(shape(feature["geometry"]), 0.8, 0.8))
    grown.upload(json.dumps(document).encode(), "corrected.geojson")
    report = grown.intake()
    run = grown.catch_up()

    planted_on = planted(document["features"], "field_2")
    assert {name for name, _ in run.cells} == {"field_2"}
    assert {day for _, day in run.cells} == {day for day in acquisitions(grown) if day >= planted_on}
    assert changed_cells(before, published(grown)) == run.cells
    assert report.files[0].outcome == "registered"


def test_a_scene_that_appears_two_days_late_is_picked_up(farm: Farm) -> None:
    late_day = sorted(acquisitions(farm))[1]
    late_items = acquisitions(farm)[late_day]
    farm.publish(lambda items: [item for item in items if item["properties"]["datetime"][:10] != str(late_day)])
    for day in days_between(START, late_day + timedelta(1)):
        farm.daily(day)
    before = published(farm)
    farm.publish(lambda items: items + late_items)
    run = farm.daily(late_day + timedelta(2))
    assert late_day in {day for _, day in run.cells}
    assert {day for _, day in run.cells} <= {late_day, late_day + timedelta(2)}
    assert changed_cells(before, published(farm)) == run.cells


def test_a_reprocessed_scene_recomputes_its_day_alone(grown: Farm) -> None:
    day = sorted(acquisitions(grown))[-1]
    before = published(grown)

    def reprocess(items: list[Item]) -> list[Item]:
        for item in items:
            if item["properties"]["datetime"][:10] == str(day):
                item["id"] += "_again"
                item["properties"]["s2:processing_baseline"] = "05.12"
        return items

    grown.publish(reprocess)
    run = grown.daily(END + timedelta(1))
    assert {found for _, found in run.cells} == {day}
    assert {found for _, found in changed_cells(before, published(grown))} == {day}


def test_the_same_upload_twice_computes_nothing(grown: Farm) -> None:
    before = published(grown)
    grown.upload(grown.season.fields, "again.geojson")
    grown.intake()
    run = grown.catch_up()
    assert (run.cells, run.read) == (set(), set())
    assert published(grown) == before


def test_two_uploads_at_once_register_each_field_once(grown: Farm) -> None:
    late = json.loads(grown.season.late_fields.read_text())
    for name in ("one", "two"):
        grown.upload(json.dumps(late).encode(), f"{name}.geojson")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: grown.intake(), range(2)))
    assert list(grown.store.list(grown.settings.pending_prefix)) == []
    run = grown.catch_up()
    assert {order.label for order in run.plan.orders} == {"field_4", "field_5"}
    assert grown.catch_up().cells == set()


def test_force_computes_again_to_the_same_bytes(grown: Farm) -> None:
    before = published(grown)
    run = grown.by_hand(field_ids=["field_1"], start=START, end=END, force=True)
    assert {name for name, _ in run.cells} == {"field_1"}
    assert published(grown) == before


def test_fields_planted_before_the_first_daily_run_get_their_history_at_once(farm: Farm) -> None:
    document = json.loads(farm.season.late_fields.read_text())
    early = START - timedelta(3)
    for feature in document["features"]:
        feature["properties"]["plant-date"] = str(early)
    farm.upload(json.dumps(document).encode())
    farm.intake()
    run = farm.catch_up()
    assert run.recorded.days == tuple(days_between(early, START - timedelta(1)))


def test_recording_an_old_run_again_does_not_bring_back_what_was_superseded(farm: Farm) -> None:
    day = sorted(acquisitions(farm))[0]
    old = farm.daily(day)
    farm.publish(lambda items: [newer(item) for item in items])
    farm.by_hand(start=day, end=day)
    after = published(farm)
    record_run(old.folder, farm.settings, farm.engine)
    assert published(farm) == after


def newer(item: Item) -> Item:
    return {**item, "properties": {**item["properties"], "s2:processing_baseline": "09.99"}}


def test_a_day_that_is_recorded_while_a_late_field_catches_up_is_made_up_for(farm: Farm) -> None:
    days = sorted(acquisitions(farm))
    for day in days_between(START, days[-1] - timedelta(1)):
        farm.daily(day)

    def register_and_catch_up(_folder: RunFolder) -> None:
        farm.upload(farm.season.late_fields, "late.geojson")
        farm.intake()
        farm.catch_up()

    farm.daily(days[-1], before_record=register_and_catch_up)
    run = farm.daily(days[-1] + timedelta(1))
    assert {("field_4", days[-1]), ("field_5", days[-1])} <= run.cells
    with farm.engine.connect() as connection:
        assert [row.field_id for row in field_statuses(connection, START) if not row.whole] == []


def test_a_result_that_cannot_be_used_fails_its_own_field_alone(farm: Farm) -> None:
    day = sorted(acquisitions(farm))[0]
    run = farm.daily(day, before_record=lambda folder: farm.store.write(folder.results_key(0), b"PAR1 broken"))
    (failure,) = run.recorded.failures
    assert run.plan.orders[0].label in failure
    assert sum(run.recorded.counts.values()) - run.recorded.counts["failed"] == len(run.plan.orders) - 1
    assert {name for name, _ in farm.daily(day).cells} == {run.plan.orders[0].label}


def test_an_earlier_plant_date_while_catching_up_is_not_forgotten(grown: Farm) -> None:
    late = json.loads(grown.season.late_fields.read_text())
    grown.upload(json.dumps(late).encode(), "late.geojson")
    grown.intake()
    for feature in late["features"]:
        feature["properties"]["plant-date"] = str(START)

    def move_the_plant_date(_folder: RunFolder) -> None:
        grown.upload(json.dumps(late).encode(), "earlier.geojson")
        grown.intake()

    grown.catch_up(before_record=move_the_plant_date)
    grown.catch_up()
    with grown.engine.connect() as connection:
        assert [row.field_id for row in field_statuses(connection, START) if not row.whole] == []


def test_an_item_that_cannot_be_read_fails_its_cells_until_it_can(farm: Farm) -> None:
    """The western tile of a pass loses an asset in the catalogue: field_2 is seen by no other tile."""
    day = min(acquisitions(farm))
    (west,) = [item["id"] for item in acquisitions(farm)[day] if "30UXV" in item["id"]]
    missing: Item = {}

    def lose(items: list[Item]) -> list[Item]:
        missing.update(next(item for item in items if item["id"] == west)["assets"].pop("nir"))
        return items

    def restore(items: list[Item]) -> list[Item]:
        next(item for item in items if item["id"] == west)["assets"]["nir"] = missing
        return items

    farm.publish(lose)
    before = farm.daily(day).recorded
    assert before.counts["computed"] > 0
    assert "no_scene" not in before.counts
    assert f"field_2 {day}: " in "".join(before.failures)
    assert all(f"item {west}: asset 'nir' is missing" in failure for failure in before.failures)
    farm.publish(restore)
    after = farm.daily(day).recorded
    assert set(after.counts) == {"computed"}
    assert "field_2" in after.field_ids


def test_a_day_that_was_run_for_some_fields_alone_is_made_up_for_the_others(farm: Farm) -> None:
    first, second = sorted(acquisitions(farm))[:2]
    for day in days_between(START, first - timedelta(1)):
        farm.daily(day)
    farm.daily(first, field_ids=["field_1"])
    for day in days_between(first + timedelta(1), second):
        farm.daily(day)
    run = farm.catch_up()
    assert {day for _, day in run.cells} == {first}
    assert "field_1" not in {name for name, _ in run.cells}
    with farm.engine.connect() as connection:
        assert [row.field_id for row in field_statuses(connection, START) if not row.whole] == []
    assert farm.catch_up().cells == set()


def test_the_look_back_goes_over_a_day_that_was_made_up_for(farm: Farm) -> None:
    first = min(acquisitions(farm))
    farm.daily(first, field_ids=["field_1"])
    farm.daily(first + timedelta(1))
    farm.catch_up()
    late = {item["id"] for item in acquisitions(farm)[first]}
    farm.publish(lambda items: [newer(item) if item["id"] in late else item for item in items])
    assert {day for _, day in farm.daily(first + timedelta(2)).cells} == {first}


def dated(farm: Farm, **dates: str | None) -> bytes:
    """Return the farm's first fields with other dates for field_2."""
    document = json.loads(farm.season.fields.read_text())
    feature = next(f for f in document["features"] if f["properties"]["object-id"] == "field_2")
    feature["properties"] |= {name.replace("_", "-"): value for name, value in dates.items()}
    return json.dumps(document).encode()


def days_published(farm: Farm, name: str) -> list[date]:
    objects = published(farm)
    return [day for day in DAYS if rows_of(farm, objects, day, {name})]


@pytest.mark.parametrize("name", ["plant_date", "end_date"])
def test_days_that_a_corrected_date_leaves_out_are_kept_and_not_published(grown: Farm, name: str) -> None:
    middle = DAYS[len(DAYS) // 2]
    before = published(grown)
    due = days_published(grown, "field_2")
    kept = [day for day in due if (day >= middle if name == "plant_date" else day <= middle)]
    assert len(kept) < len(due)

    grown.upload(dated(grown, **{name: str(middle)}), "corrected.geojson")
    grown.intake()
    assert grown.catch_up().cells == set()
    assert days_published(grown, "field_2") == kept
    with grown.engine.connect() as connection:
        (status,) = field_statuses(connection, START, ["field_2"])
        rows, _ = load_series(connection, ["field_2"], START, END, 100)
    assert (status.days, status.missing) == (len(kept), 0)
    assert [row.date for row in rows] == kept

    grown.upload(grown.season.fields, "corrected back.geojson")
    grown.intake()
    assert grown.catch_up().cells == set(), "nothing has to be computed"
    assert published(grown) == before

"""A week on a farm, on the running stack, in the order in which it happens: each test goes on where the last one ended.

On 19 April the eastern tile's red band is missing, which fails field_4 and no other; the scenes of 21 April are
published late. field_3 and field_5 arrive when the week is done.
"""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from shapely.geometry import box, mapping, shape
from support.features import collection
from support.person import CATCH_UP, DAILY, RECOMPUTE, REGISTRATION, Person, ended
from support.story import DAYS, END, PASSES, START, Cell, Story, a_story, active_on, changed, day_of

from ndvi_airflow.local import stack as local

EARLY, LATE = ("field_1", "field_2", "field_4"), ("field_3", "field_5")
FIRST, BROKEN, UNPUBLISHED = PASSES
PERIOD = {"NDVI_START_DATE": str(START), "NDVI_END_DATE": str(END)}


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with a_story(**PERIOD) as told:
        yield told


@pytest.fixture
def person(story: Story) -> Person:
    return story.person


@pytest.fixture(scope="module")
def broken(story: Story, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The missing file, and where it is meanwhile."""
    return story.asset(BROKEN, "30UYV", "red"), tmp_path_factory.mktemp("away") / "red.tif"


def backfill(person: Person, first: date, last: date, *options: str) -> subprocess.Popen[str]:
    return person.start("dags", "backfill", "-s", str(first), "-e", str(last), *options, DAILY)


def test_the_first_fields_are_registered_by_an_upload_alone(story: Story, person: Person) -> None:
    person.upload("staticdata/config/bbox.geojson", story.stack.season.extent.read_bytes())
    person.upload("staticdata/fields/pending/first.geojson", story.file_of(*EARLY))
    for dag_id in (REGISTRATION, CATCH_UP, RECOMPUTE):
        person.unpause(dag_id)

    def heard() -> list[dict[str, Any]]:
        return [event for event in person.events("ndvi_fields") if event["created_dagruns"]]

    (event,) = person.until(heard, "a run for an event of ndvi_fields")
    assert event["extra"] == {"fields": list(EARLY), "count": 3}
    assert person.keys("staticdata/fields/pending/") == []
    (moved,) = person.keys("staticdata/fields/processed/", "staticdata/fields/rejected/")
    assert moved.startswith("staticdata/fields/processed/first-")

    (started,) = event["created_dagruns"]
    assert {run["state"] for run in person.until_quiet(CATCH_UP)} == {"success"}
    assert person.computed(CATCH_UP, started["run_id"]) == {}  # all of their days are the daily runs'


def test_the_assets_show_the_way_of_the_data(person: Person) -> None:
    assert person.lineage("ndvi_fields") == {
        ("field_registration", "ndvi_fields"),
        ("ndvi_fields", "ndvi_catch_up"),
        ("ndvi_fields", "ndvi_season"),
        ("ndvi_catch_up", "ndvi_observations"),
        ("ndvi_recompute", "ndvi_observations"),
        ("ndvi_daily", "ndvi_observations"),
        ("ndvi_observations", "ndvi_season"),
        ("ndvi_season", "ndvi_events"),
        ("ndvi_observations", "ndvi_days"),
        ("ndvi_days", "ndvi_days"),
    }


def test_each_field_of_each_day_has_its_own_task_and_a_killed_process_is_tried_again(
    story: Story, person: Person, broken: tuple[Path, Path]
) -> None:
    story.stack.publish([item for item in story.items if day_of(item) != UNPUBLISHED])
    broken[0].rename(broken[1])
    person.unpause(DAILY)
    killed = story.at_a_computation(psutil.Process.kill)
    person.until_quiet(DAILY, len(DAYS))

    computed = person.computed_daily()
    expected = {day: active_on(day, *EARLY) for day in (FIRST, BROKEN)}
    assert {day: set(tasks) for day, tasks in computed.items()} == expected
    for tasks in computed.values():
        for label, task in tasks.items():
            tries = 2 if task["rendered_fields"]["order"]["uri"] == killed else 1
            assert (task["map_index"], task["try_number"]) == (EARLY.index(label), tries)
    days = {day for event in person.events("ndvi_observations") for day in event["extra"]["days"]}
    assert days == set(map(str, DAYS))


def test_a_failing_cell_fails_its_task_and_its_run_and_nothing_else(story: Story, person: Person) -> None:
    wanted = ("ndvi status --json", "ndvi status", "dags list-import-errors")
    commands = [person.start(*words.split()) for words in wanted]
    failed = [run for run in person.runs(DAILY) if run["state"] != "success"]
    (run_id,) = (run["dag_run_id"] for run in failed)
    assert run_id == person.daily_run(BROKEN)["dag_run_id"] == f"scheduled__{BROKEN}"

    tasks = person.computed(DAILY, run_id)
    states = {"field_1": "success", "field_2": "success", "field_4": "failed"}
    assert {label: task["state"] for label, task in tasks.items()} == states
    assert f"field_4 {BROKEN}: scene" in person.log(DAILY, run_id, tasks["field_4"])
    assert "red.tif: HTTP response code: 404" in person.log(DAILY, run_id, tasks["field_4"])
    index = tasks["field_1"]["map_index"]
    assert f"/ndvi/orders/ndvi_daily/{run_id}/{index}" in person.log(DAILY, run_id, tasks["field_1"])
    pictured = {key.split("/")[2] for key in person.keys("passes/") if key.endswith(".webp")}
    assert pictured == set(map(str, person.computed_daily())), "what the satellite saw on each day with a scene"

    as_json, as_table, imports = map(ended, commands)
    assert (as_json.code, as_table.code, imports.code) == (1, 1, 0)
    rows = {row["field_id"]: row for row in json.loads(as_json.out)}
    assert {name: row["counts"]["failed"] for name, row in rows.items()} == {"field_1": 0, "field_2": 0, "field_4": 1}
    assert {name: row["missing"] for name, row in rows.items()} == dict.fromkeys(EARLY, 0)
    assert all(name in as_table.out for name in EARLY)
    assert "No data found" in imports.out


def test_a_backfill_that_is_waited_for_fails_as_its_runs_do(story: Story, person: Person) -> None:
    done = ended(backfill(person, START, END, "--wait"))
    assert done.code == 1, done
    assert "1 of 7 days run" in done.out
    assert done.out.count("left as it is: already exists") == 6
    assert f"failed: {person.daily_run(BROKEN)['dag_run_id']}" in done.out
    (reason,) = (line for line in done.out.splitlines() if line.startswith("  compute [field_4]: "))
    assert str(BROKEN) in reason


def test_clearing_one_field_for_one_day_runs_that_field_again_and_no_other(story: Story, person: Person) -> None:
    run_id, index = person.daily_run(FIRST)["dag_run_id"], EARLY.index("field_2")
    published, tries = person.published(), person.tries(DAILY, run_id)
    cleared = {("compute", index), ("record", -1), ("watcher", -1)}
    assert person.clear(DAILY, [["compute", index]], dag_run_id=run_id) == cleared
    person.until_quiet(DAILY)
    again = cleared - {("watcher", -1)}  # which is skipped, not run, where nothing fails
    assert person.tries(DAILY, run_id) == {task: number + (task in again) for task, number in tries.items()}
    assert person.published() == published


def test_airflows_own_backfill_command_heals_what_failed_too(
    story: Story, person: Person, broken: tuple[Path, Path]
) -> None:
    broken[1].rename(broken[0])
    ledger = story.recorded_at()
    person.until(lambda: person.backfills_closed(DAILY), "the end of the last backfill")
    words = f"backfill create --dag-id {DAILY} --from-date {START} --to-date {END} --reprocess-behavior failed"
    done = person.airflow(*words.split())
    assert done.code == 0, done
    assert {run["state"] for run in person.until_quiet(DAILY)} == {"success"}
    computed = person.computed_daily()[BROKEN]
    assert {label: task["map_index"] for label, task in computed.items()} == {"field_4": EARLY.index("field_4")}
    assert changed(ledger, story.recorded_at()) == {("field_4", BROKEN)}

    status, dry = map(ended, (person.start("ndvi", "status"), backfill(person, START, END, "--dry-run")))
    assert (status.code, dry.code) == (0, 0), (status, dry)
    assert [line.split("  ") for line in dry.out.splitlines()] == [
        [str(day), "left as it is: it succeeded (--reset-dagruns runs it again)"] for day in DAYS
    ]


def test_recompute_computes_exactly_the_named_cells(story: Story, person: Person) -> None:
    ledger, published = story.recorded_at(), person.published()
    done = person.airflow("ndvi", "recompute", "-f", "field_2", "-s", str(FIRST), "-e", str(BROKEN), "--wait")
    assert done.code == 0, done
    run_id = person.runs(RECOMPUTE)[-1]["dag_run_id"]
    assert run_id in done.out
    assert set(person.computed(RECOMPUTE, run_id)) == {"field_2"}
    assert changed(ledger, story.recorded_at()) == {("field_2", day) for day in DAYS if day <= BROKEN}
    assert person.published() == published


def test_late_uploads_are_caught_up_alone_while_a_backfill_runs(story: Story, person: Person, tmp_path: Path) -> None:
    ledger, events, runs = story.recorded_at(), len(person.events("ndvi_fields")), len(person.runs(CATCH_UP))
    (tmp_path / "clover.geojson").write_bytes(story.file_of("field_5"))
    wrong = json.loads(story.file_of("field_3"))
    wrong["features"][0]["properties"] |= {"object-id": "field_9", "plant-date": "20 April"}
    chosen = json.dumps({"field_ids": ["field_2"], "force": True})
    commands = (
        person.start("ndvi", "register", tmp_path / "clover.geojson"),
        backfill(person, BROKEN, UNPUBLISHED, "--reset-dagruns", "-c", chosen, "--wait"),
    )
    person.upload("staticdata/fields/pending/wrong.geojson", json.dumps(wrong).encode())
    person.upload("staticdata/fields/pending/flax.geojson", story.file_of("field_3"))
    uploaded = datetime.now(UTC)
    for done in map(ended, commands):
        assert done.code == 0, done

    def announced() -> list[str]:
        return [name for event in person.events("ndvi_fields")[events:] for name in event["extra"]["fields"]]

    person.until(lambda: set(announced()) >= set(LATE), "an event of the late fields")
    person.until(lambda: story.registered(caught_up=False) == [], "the late fields' days")
    assert sorted(announced()) == sorted(LATE)
    (event,) = (event for event in person.events("ndvi_fields")[events:] if "field_3" in event["extra"]["fields"])
    assert datetime.fromisoformat(event["timestamp"]) - uploaded < timedelta(minutes=1)
    computed = [person.computed(CATCH_UP, run["dag_run_id"]) for run in person.until_quiet(CATCH_UP)[runs:]]
    assert sorted(label for tasks in computed for label in tasks) == sorted(LATE)
    assert set(person.computed_daily()[BROKEN]) == {"field_2"}
    owed = {(name, day) for day in DAYS for name in active_on(day, *LATE)}
    forced = {("field_2", day) for day in DAYS if BROKEN <= day <= UNPUBLISHED}
    assert changed(ledger, story.recorded_at()) == owed | forced

    assert person.keys("staticdata/fields/pending/") == []
    file, errors = person.keys("staticdata/fields/rejected/")
    assert json.loads(person.read(file)) == wrong
    assert errors == f"{file}.errors.json"
    (problem,) = json.loads(person.read(errors))["problems"]
    assert (problem["id"], "plant-date" in problem["where"]) == ("field_9", True)


def test_an_index_keeps_its_field_when_others_have_joined(story: Story, person: Person) -> None:
    run_id, index = person.daily_run(FIRST)["dag_run_id"], EARLY.index("field_2")
    tries, moment = person.tries(DAILY, run_id), f"{FIRST}T00:00:00Z"
    person.clear(DAILY, [["compute", index]], start_date=moment, end_date=moment)
    person.until_quiet(DAILY)
    again = {task for task, number in person.tries(DAILY, run_id).items() if number != tries[task]}
    assert again == {("compute", index), ("record", -1)}
    assert person.computed(DAILY, run_id)["field_2"]["map_index"] == index


def test_a_backfill_over_days_that_are_done_reads_no_scene_and_computes_nothing(story: Story, person: Person) -> None:
    ledger, published, requests = story.recorded_at(), person.published(), story.stack.files.requests()
    done = ended(backfill(person, BROKEN, UNPUBLISHED, "--reset-dagruns", "--wait"))
    assert done.code == 0, done
    assert "3 of 3 days run" in done.out
    assert set(person.computed_daily()) == {FIRST}  # which was not among them
    assert story.stack.files.requests() == requests
    assert story.recorded_at() == ledger
    assert person.published() == published


def test_scenes_that_are_published_late_are_picked_up_by_the_run_of_a_later_day(
    story: Story, person: Person, tmp_path: Path
) -> None:
    story.stack.publish(story.items)
    ledger = story.recorded_at()
    person.clear(DAILY, ["find_scenes"], dag_run_id=person.daily_run(END)["dag_run_id"])
    person.until_quiet(DAILY)
    assert set(person.computed_daily()[END]) == {*EARLY, *LATE}
    assert changed(ledger, story.recorded_at()) == {(name, UNPUBLISHED) for name in (*EARLY, *LATE)}
    assert person.published() == story.without_airflow(tmp_path)


def test_ten_uploads_at_once_are_all_taken_in_though_the_triggerer_is_killed(story: Story, person: Person) -> None:
    events, ledger = len(person.events("ndvi_fields")), story.recorded_at()
    story.kill("triggerer")
    strips = {f"strip_{number}": story.a_strip(number) for number in range(9)}
    for name, feature in strips.items():
        person.upload(f"staticdata/fields/pending/{name}.geojson", collection(feature))
    person.upload("staticdata/fields/pending/broken.geojson", b'{"type": "FeatureCollection", "features": [')
    local.up(story.stack.settings, print, PERIOD)

    person.until(lambda: set(story.registered(caught_up=True)) >= set(strips), "the strips' days")
    person.until_quiet(CATCH_UP)
    named = [name for event in person.events("ndvi_fields")[events:] for name in event["extra"]["fields"]]
    assert sorted(named) == sorted(strips)
    assert changed(ledger, story.recorded_at()) == {(name, END) for name in strips}
    assert person.keys("staticdata/fields/pending/") == []
    assert any("rejected/broken-" in key for key in person.keys("staticdata/fields/rejected/"))


def test_a_field_ends_gets_another_name_and_goes_by_commands(story: Story, person: Person) -> None:
    def rows() -> set[Cell]:
        return {cell for cell in story.recorded_at() if cell[0] in ("strip_0", "strip_1", "north", "field_1")}

    before, published = rows(), person.published()
    done = person.airflow("ndvi", "retire", "-f", "field_1", "--on", str(FIRST))
    assert (done.code, "6 days published anew" in done.out) == (0, True), done
    status = json.loads(person.airflow("ndvi", "status", "-f", "field_1", "--json").out)
    assert (status[0]["days"], status[0]["missing"]) == (1, 0)
    assert person.airflow("ndvi", "retire", "-f", "field_1", "--on", str(END)).code == 0
    assert person.published() == published

    feature = story.features["field_1"]
    ending = {**feature, "properties": {**feature["properties"], "end-date": str(FIRST)}}
    runs = {dag_id: len(person.runs(dag_id)) for dag_id in (DAILY, RECOMPUTE)}
    events = len(person.events("ndvi_fields"))
    person.upload("staticdata/fields/pending/ending.geojson", collection(ending))
    person.until(lambda: person.published() != published, "the days after the new end date")
    person.until(lambda: len(person.events("ndvi_fields")) > events, "the event of the new end date")
    person.until_quiet(CATCH_UP)
    assert {dag_id: len(person.runs(dag_id)) for dag_id in runs} == runs, "nothing had to be computed for it"
    assert person.airflow("ndvi", "retire", "-f", "field_1", "--on", str(END)).code == 0
    assert person.published() == published

    done = person.airflow("ndvi", "rename", "strip_0", "north")
    assert done.code == 0, done
    assert rows() == {("north" if name == "strip_0" else name, day) for name, day in before}
    assert person.airflow("ndvi", "rename", "north", "strip_1").code == 2
    assert "there is a field strip_1 already" in person.airflow("ndvi", "rename", "north", "strip_1").err

    would = person.airflow("ndvi", "purge", "-f", "strip_1")
    assert (would.code, "strip_1: 1 rows, 0 files" in would.out, "--yes" in would.out) == (0, True, True), would
    assert ("strip_1", END) in rows()
    assert person.airflow("ndvi", "purge", "-f", "strip_1", "--yes").code == 0
    assert ("strip_1", END) not in rows()
    assert person.keys("fields/strip_1/", "fields/strip_0/") == []
    assert person.airflow("ndvi", "purge", "-f", "strip_1").code == 2


def test_a_changed_extent_is_told_of_and_overwrites_nothing(story: Story, person: Person) -> None:
    published = person.published()
    assert person.airflow("ndvi", "extent", "--compute").out.splitlines()[-1] == "there is nothing to compute"
    key = "staticdata/config/bbox.geojson"
    whole = person.read(key)
    _, south, east, north = shape(json.loads(whole)["features"][0]["geometry"]).bounds
    cut = max(x for x, _ in story.features["field_1"]["geometry"]["coordinates"][0])
    person.upload(key, json.dumps(mapping(box(cut, south, east, north))).encode())
    assert (
        "less is inside now, or nothing; the rows stay as they are: field_1 (7 days)"
        in person.airflow("ndvi", "extent").out
    )
    assert "the extent has changed: less is inside now" in person.airflow("ndvi", "status").out
    person.clear(DAILY, ["find_scenes"], dag_run_id=person.daily_run(END)["dag_run_id"])
    person.until_quiet(DAILY)
    assert person.published() == published
    person.upload(key, whole)
    assert len(person.airflow("ndvi", "extent").out.splitlines()) == 3, "three extents, and nothing left of it"

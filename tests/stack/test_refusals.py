"""What commands refuse before they create anything, and runs that wait or fail and say why, on the running stack."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from support.person import CATCH_UP, DAILY, RECOMPUTE, REGISTRATION, Person, ended
from support.story import DAYS, END, PASSES, START, Story, a_story

PERIOD = {"NDVI_START_DATE": str(START), "NDVI_END_DATE": str(END)}
EXTENT = "staticdata/config/bbox.geojson"
EVE, AFTER = START - timedelta(1), END + timedelta(1)
IN_ALL = f"the days of ndvi_daily are {START} to {END}"

AT_ONCE = 6
"""Commands that run side by side."""


def backfill(*options: str, start: date = START, end: date = END, dag_id: str = DAILY) -> tuple[str, ...]:
    return ("dags", "backfill", "-s", str(start), "-e", str(end), *options, dag_id)


def recompute(*field_ids: str, start: date = START, end: date = END) -> tuple[str, ...]:
    named = (word for field_id in field_ids for word in ("-f", field_id))
    return ("ndvi", "recompute", *named, "-s", str(start), "-e", str(end))


REFUSED = {
    backfill("-c", '{"field_idz": ["field_1"]}'): "unknown params: field_idz. There are field_ids, force",
    backfill("-c", '{"field_ids": ["nope"]}', "--reset-dagruns"): "no such field in the registry: nope.",
    backfill("-c", '{"field_ids": ["nope"]}', "--dry-run"): "no such field in the registry: nope.",
    backfill("-c", '{"field_ids": "field_1"}'): "field_ids: 'field_1' is not of type 'null', 'array'",
    backfill("-c", '{"field_ids": [1]}'): "field_ids[0]: 1 is not of type 'string'",
    backfill("-c", '["field_1"]'): '-c has to be a JSON object, not ["field_1"]',
    backfill("-c", "{field_ids"): "-c is no JSON",
    backfill("-B"): "they cannot run backwards",
    backfill(start=EVE): f"{EVE} is before NDVI_START_DATE, {START}; {IN_ALL}",
    backfill(end=AFTER): f"{AFTER} is after NDVI_END_DATE, {END}; {IN_ALL}",
    backfill(start=END, end=START): f"the start {END} is after the end {START}",
    backfill(dag_id=CATCH_UP): "airflow ndvi recompute",
    recompute("field_1", "nope"): "no such field in the registry: nope.",
    recompute("field_1", end=AFTER): f"the last recorded day is {END}",
    recompute("field_1", start=date(2026, 1, 1), end=date(2026, 1, 2)): f"the last recorded day is {END}",
    recompute("field_1", "field_4"): f"the first day of field_4 is {START + timedelta(2)}",
    recompute("field_1", start=END, end=START): f"the end {START} is before the start {END}",
    recompute(): "name the fields",
}


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with a_story(**PERIOD) as told:
        yield told


@pytest.fixture
def person(story: Story) -> Person:
    return story.person


def waiting(person: Person) -> list[tuple[str, dict[str, object]]]:
    """Return the run and the task of each search that waits."""
    tasks = ((run["dag_run_id"], task) for run in person.runs(DAILY) for task in person.tasks(DAILY, run["dag_run_id"]))
    return [(run_id, task) for run_id, task in tasks if task["state"] == "up_for_reschedule"]


def test_runs_wait_for_the_extent_say_so_and_go_on_once_it_is_there(story: Story, person: Person) -> None:
    person.upload("staticdata/fields/pending/first.geojson", story.file_of("field_1", "field_4"))
    person.unpause(REGISTRATION)
    person.until(lambda: story.registered() == ["field_1", "field_4"], "the fields")
    person.unpause(DAILY)
    person.until(lambda: len(waiting(person)) == 4, "four runs that wait")  # as many as run at a time
    run_id, task = waiting(person)[0]
    assert f"waiting: the extent s3://ndvi/{EXTENT} does not exist: upload" in person.log(DAILY, run_id, task)

    cleared = person.airflow("tasks", "clear", "-y", "-t", "find_scenes", "-s", str(START), "-e", str(START), DAILY)
    assert cleared.code == 0, cleared
    person.upload(EXTENT, story.stack.season.extent.read_bytes())
    assert {run["state"] for run in person.until_quiet(DAILY, len(DAYS))} == {"success"}
    assert set(person.computed_daily()) == set(PASSES)


def test_what_no_run_could_do_is_refused_in_one_line_before_anything_is_created(person: Person) -> None:
    known = [person.runs(dag_id) for dag_id in (DAILY, RECOMPUTE)]
    asked = list(REFUSED)
    for first in range(0, len(asked), AT_ONCE):
        for words, process in [(words, person.start(*words)) for words in asked[first : first + AT_ONCE]]:
            done = ended(process)
            assert done.code == 2, (words, done)
            (line,) = done.err.splitlines()
            assert REFUSED[words] in line
            assert done.out == ""
    assert [person.runs(dag_id) for dag_id in (DAILY, RECOMPUTE)] == known


def test_nobody_waits_for_runs_of_a_paused_dag(person: Person) -> None:
    assert person.airflow("dags", "pause", "-y", DAILY).code == 0
    known = [person.runs(dag_id) for dag_id in (DAILY, RECOMPUTE)]
    commands = {  # nobody has unpaused the other yet
        DAILY: person.start(*backfill("--reset-dagruns", "--wait")),
        RECOMPUTE: person.start(*recompute("field_1"), "--wait"),
    }
    for dag_id, process in commands.items():
        done = ended(process)
        assert done.code == 2, done
        assert f"{dag_id} is paused" in done.err
        assert f"`airflow dags unpause {dag_id}`" in done.err
    assert [person.runs(dag_id) for dag_id in (DAILY, RECOMPUTE)] == known
    for dag_id in (DAILY, RECOMPUTE):
        person.unpause(dag_id)


def test_a_followed_run_that_fails_names_the_task_and_why(story: Story, person: Person) -> None:
    person.upload(EXTENT, b"{}")
    done = person.airflow(*backfill("--reset-dagruns", "--wait", end=START))
    assert done.code == 1, done
    run_id = person.daily_run(START)["dag_run_id"]
    assert f"failed: {run_id}\n  find_scenes: the extent s3://ndvi/{EXTENT} is not usable" in done.out
    person.upload(EXTENT, story.stack.season.extent.read_bytes())


def test_a_dry_run_says_what_would_become_of_each_day_and_creates_nothing(person: Person) -> None:
    known = person.runs(DAILY)
    plain = person.start(*backfill("--dry-run", end=START + timedelta(1)))
    wide = person.start(*backfill("--dry-run", "--reset-dagruns", start=EVE - timedelta(1), end=AFTER))
    assert ended(plain).out.splitlines() == [
        f"{START}  would run again: it failed",
        f"{START + timedelta(1)}  left as it is: it succeeded (--reset-dagruns runs it again)",
    ]
    said = ended(wide)
    assert said.code == 2
    assert said.out.splitlines() == [
        f"{EVE - timedelta(1)} to {EVE}  not due: before NDVI_START_DATE, {START}",
        f"{START}  would run again: it failed",
        *(f"{day}  would run again: it succeeded" for day in DAYS[1:]),
        f"{AFTER}  not due: after NDVI_END_DATE, {END}",
    ]
    assert IN_ALL in said.err
    assert person.runs(DAILY) == known


def test_a_run_that_is_asked_for_unknown_params_fails_and_names_them(person: Person) -> None:
    run_id = person.trigger(RECOMPUTE, {"feild_ids": ["field_1"], "force": True})
    person.until_quiet(RECOMPUTE)
    failed = {task["task_id"]: task for task in person.tasks(RECOMPUTE, run_id) if task["state"] == "failed"}
    assert failed.keys() == {"find_scenes", "watcher"}
    task = failed["find_scenes"]
    assert task["try_number"] == 1
    last = person.log(RECOMPUTE, run_id, task)
    assert "unknown params: feild_ids. There are field_ids, start, end, force, opened" in last


def test_a_period_beyond_the_last_recorded_day_publishes_no_day_to_come(person: Person) -> None:
    run_id = person.trigger(RECOMPUTE, {"start": str(END), "end": "2026-01-02", "force": True})
    person.until_quiet(RECOMPUTE)
    (state,) = (run["state"] for run in person.runs(RECOMPUTE) if run["dag_run_id"] == run_id)
    assert state == "success"
    assert {key.split("/")[1] for key in person.keys("observations/")} == {f"date={day}" for day in DAYS}

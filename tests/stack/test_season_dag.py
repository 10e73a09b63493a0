"""ndvi_season on a real Airflow: series and events from the ledger, announced once."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from support.country import PLANTED, Country, grown, some_fields, struck
from support.laptop import a_stack
from support.person import SEASON, Person

from ndvi_core.storage.object_store import Store

DAYS = range(0, 101, 5)
SERIES = "seasons/series/year=2025/part=00000.parquet"


@pytest.fixture(scope="module")
def country() -> Iterator[tuple[Person, Country]]:
    """Two fields with a season behind them, of which one is struck; nobody has looked at it yet."""
    with a_stack("sample", NDVI_START_DATE=str(PLANTED)) as stack:
        country = Country(stack.engine(), Store("s3://ndvi", stack.s3.environment))
        fields = some_fields(2)
        country.register(*fields)
        country.record([*grown(fields[0], DAYS, struck), *grown(fields[1], DAYS)])
        person = Person(stack)
        person.unpause(SEASON)
        yield person, country
        country.engine.dispose()


def states_of(person: Person, run_id: str) -> dict[str, str]:
    return {task["task_id"]: task["state"] for task in person.tasks(SEASON, run_id)}


def at_work(person: Person) -> str:
    """Return the one run that had something to do: the schedule has made one too when the DAG was unpaused."""
    runs = [run["dag_run_id"] for run in person.runs(SEASON)]
    (run_id,) = (one for one in runs if states_of(person, one)["plan"] == "success")
    return run_id


def test_a_run_publishes_series_and_announces_what_is_unusual(country: tuple[Person, Country]) -> None:
    person, _ = country
    person.trigger(SEASON)
    assert {run["state"] for run in person.until_quiet(SEASON)} == {"success"}
    states = states_of(person, at_work(person))
    done = dict.fromkeys(("plan", "compute", "record", "announce", "confirm"), "success")
    assert states == done | {"watcher": "skipped"}
    assert SERIES in person.keys("seasons/")
    (event,) = person.events("ndvi_events")
    assert event["extra"]["events"]["drop open"] == 1
    assert set(event["extra"]["fields"]) == {"field_1", "field_2"}  # both are green by now
    told = person.airflow("ndvi", "events")
    assert (told.code, "drop" in told.out, "field_1" in told.out) == (0, True, True), told
    found = json.loads(person.airflow("ndvi", "events", "-f", "field_1", "--json").out)
    assert {one["kind"] for one in found} >= {"drop"}
    assert "nope" in person.airflow("ndvi", "events", "-f", "nope").err


def test_clearing_its_tasks_changes_nothing_and_tells_nobody(country: tuple[Person, Country]) -> None:
    person, _ = country
    before = {key: person.read(key) for key in person.keys("seasons/", "events/")}
    person.clear(SEASON, ["compute"], dag_run_id=at_work(person))
    assert {run["state"] for run in person.until_quiet(SEASON)} == {"success"}
    assert {key: person.read(key) for key in person.keys("seasons/", "events/")} == before
    assert len(person.events("ndvi_events")) == 1


def test_a_run_with_nothing_to_do_is_a_success_without_an_event(country: tuple[Person, Country]) -> None:
    person, _ = country
    run_id = person.trigger(SEASON)
    assert {run["state"] for run in person.until_quiet(SEASON)} == {"success"}
    assert set(states_of(person, run_id).values()) == {"skipped"}
    assert len(person.events("ndvi_events")) == 1


def test_what_is_over_is_announced(country: tuple[Person, Country]) -> None:
    person, registry = country
    (field, _) = some_fields(2)
    registry.record(grown(field, range(105, 141, 5), struck))
    person.trigger(SEASON)
    person.until_quiet(SEASON)
    event = person.events("ndvi_events")[-1]
    assert event["extra"]["events"]["drop closed"] == 1
    assert {one.status for one in registry.events(kind="drop")} == {"closed"}
    assert PLANTED + timedelta(days=140) >= max(one.last_day for one in registry.events())


def test_the_assets_lead_from_days_to_events(country: tuple[Person, Country]) -> None:
    person, _ = country
    assert {("ndvi_observations", SEASON), ("ndvi_fields", SEASON)} <= person.lineage("ndvi_observations")
    assert (SEASON, "ndvi_events") in person.lineage("ndvi_events")

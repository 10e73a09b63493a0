"""Uploads that are announced while ndvi_catch_up runs: Airflow merges their events or loses one; none is forgotten.

The week's days count as recorded, so a field which comes now is owed all of them; the daily runs are paused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, delete
from support.laptop import a_stack
from support.person import CATCH_UP, REGISTRATION, Person
from support.story import DAYS, END, PASSES, START, Story, active_on, changed

from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger, recorded_days
from ndvi_core.registry.tables import observation

PERIOD = {"NDVI_START_DATE": str(START), "NDVI_END_DATE": str(END)}
LAST_PASS = PASSES[-1]


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with a_stack("sample", **PERIOD) as stack:
        person, engine = Person(stack), stack.engine()
        person.upload("staticdata/config/bbox.geojson", stack.season.extent.read_bytes())
        with engine.begin() as connection:
            recorded_days.mark_recorded(connection, END, START)
        for dag_id in (REGISTRATION, CATCH_UP):
            person.unpause(dag_id)
        told = Story(stack, person, engine)
        person.upload("staticdata/fields/pending/first.geojson", told.file_of("field_1"))
        person.until(lambda: heard(person), "a run for an event of ndvi_fields")
        person.until_quiet(CATCH_UP)
        yield told
        engine.dispose()


@pytest.fixture
def person(story: Story) -> Person:
    return story.person


@contextmanager
def publishing_waits(engine: Engine, day: date) -> Iterator[None]:
    """Hold back whoever publishes the day: a run of ndvi_catch_up that computed it stays in `record`."""
    with engine.connect() as connection, connection.begin():
        ledger.lock_day(connection, day)
        yield


@pytest.mark.parametrize(
    ("late", "first_is_lost"),
    [(("field_2", "field_4"), False), (("field_3", "field_5"), True)],
    ids=["merged", "lost"],
)
def test_both_uploads_are_caught_up_by_one_run_whatever_became_of_their_events(
    story: Story, person: Person, late: tuple[str, str], first_is_lost: bool
) -> None:
    ledger_before, runs = story.recorded_at(), len(heard(person))

    def announce(name: str, data: bytes) -> datetime:
        """Upload a field, and return when it was announced."""
        known = len(person.events("ndvi_fields"))
        person.upload(f"staticdata/fields/pending/{name}.geojson", data)
        person.until(lambda: len(person.events("ndvi_fields")) > known, f"an event for {name}")
        event = person.events("ndvi_fields")[-1]
        assert event["extra"]["fields"] == [name]
        return datetime.fromisoformat(event["timestamp"])

    owe_again(story.engine, "field_1", LAST_PASS)
    with publishing_waits(story.engine, LAST_PASS):
        run_id = person.trigger(CATCH_UP)
        person.until(lambda: recording(person, run_id), "a run of ndvi_catch_up that waits to publish")
        first = announce(late[0], story.file_of(late[0]))
        if first_is_lost:
            person.forget_queued_events(CATCH_UP)
        second = announce(late[1], story.file_of(late[1]))
        assert len(heard(person)) == runs

    person.until(lambda: set(story.registered(caught_up=True)) >= set(late), "the days of both uploads")
    (waited,) = (run for run in person.until_quiet(CATCH_UP) if run["dag_run_id"] == run_id)
    assert first < second < datetime.fromisoformat(waited["end_date"])
    (after,) = heard(person)[runs:]
    assert after["state"] == "success"
    assert set(person.computed(CATCH_UP, after["dag_run_id"])) == set(late)
    again = {("field_1", day) for day in DAYS if day >= LAST_PASS}
    owed = {(name, day) for day in DAYS for name in active_on(day, *late)}
    assert changed(ledger_before, story.recorded_at()) == again | owed


def owe_again(engine: Engine, name: str, start: date) -> None:
    """Let a field be owed its days from `start` on, as if nobody had computed them."""
    with engine.begin() as connection:
        (found,) = registry.load_fields(connection, [name])
        rows = observation.c
        connection.execute(delete(observation).where(rows.sequence == found.sequence, rows.date >= start))
        registry.mark_behind(connection, [found.sequence])


def heard(person: Person) -> list[dict[str, Any]]:
    """Return the runs that events started, without the nightly one."""
    return [run for run in person.runs(CATCH_UP) if run["run_type"] == "asset_triggered"]


def recording(person: Person, run_id: str) -> bool:
    """Whether a run is in its task `record`."""
    tasks = person.tasks(CATCH_UP, run_id)
    return any(task["task_id"] == "record" and task["state"] == "running" for task in tasks)

"""The example DAG of the documentation, copied beside ours: a run for each day that is published or changes."""

from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from shutil import copy
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.laptop import a_stack
from support.person import CATCH_UP, REGISTRATION, Person
from support.story import DAYS, END, START, Story

from ndvi_core.registry import recorded_days
from ndvi_core.registry.published_days import note_published, unannounced_days
from ndvi_core.support.days import days_between

ROOT = Path(__file__).parents[2]
DAYS_DAG, EXAMPLE = "ndvi_days", "lowest_fields"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    dags = tmp_path_factory.mktemp("dags")
    for file in (*(ROOT / "dags").glob("*.py"), ROOT / "docs/examples/lowest_fields.py"):
        copy(file, dags)
    period = {"NDVI_START_DATE": str(START), "NDVI_END_DATE": str(END)}
    with a_stack("sample", AIRFLOW__CORE__DAGS_FOLDER=str(dags), **period) as stack:
        person, engine = Person(stack), stack.engine()
        person.upload("staticdata/config/bbox.geojson", stack.season.extent.read_bytes())
        with engine.begin() as connection:
            recorded_days.mark_recorded(connection, END, START)
        for dag_id in (REGISTRATION, CATCH_UP, DAYS_DAG, EXAMPLE):
            person.unpause(dag_id)
        yield Story(stack, person, engine)
        engine.dispose()


@pytest.fixture
def person(story: Story) -> Person:
    return story.person


def test_it_has_a_run_for_each_day_and_reads_the_day_s_file(story: Story, person: Person) -> None:
    person.upload("staticdata/fields/pending/first.geojson", story.file_of("field_1", "field_2"))
    person.until(lambda: runs_by_day(person).keys() >= {*DAYS}, "a run for each day")
    person.until_quiet(EXAMPLE)
    runs = runs_by_day(person)
    assert {day: len(found) for day, found in runs.items()} == dict.fromkeys(DAYS, 1)
    answers = {day: answer(person, run) for day, (run,) in runs.items()}
    assert answers == {day: lowest(person, day) for day in DAYS}
    assert any(answers.values())


def test_it_has_another_run_for_a_day_that_has_changed_and_for_no_other(story: Story, person: Person) -> None:
    last = END - timedelta(days=2)
    ended = person.airflow("ndvi", "retire", "-f", "field_1", "--on", str(last))
    assert ended.code == 0, ended.err
    person.trigger(DAYS_DAG)  # or within the hour by itself
    changed = [day for day in DAYS if day > last]
    person.until(lambda: all(len(runs_by_day(person)[day]) == 2 for day in changed), "another run for what has changed")
    person.until_quiet(EXAMPLE)
    assert {day: len(found) for day, found in runs_by_day(person).items()} == {
        day: 2 if day in changed else 1 for day in DAYS
    }


def test_a_person_may_ask_for_a_day_from_before(person: Person) -> None:
    day = DAYS[0]
    run = person.trigger_partition(EXAMPLE, str(day))
    person.until_quiet(EXAMPLE)
    assert answer(person, run) == lowest(person, day)


def test_very_many_days_at_once_are_all_announced(story: Story, person: Person) -> None:
    person.pause(EXAMPLE)
    many = days_between(date(2020, 1, 1), date(2023, 1, 31))
    with story.engine.begin() as connection:
        for day in many:
            note_published(connection, day, "0" * 64)
    person.trigger(DAYS_DAG)
    person.until_quiet(DAYS_DAG)
    announced = [event["partition_key"] for event in person.events("ndvi_days")]
    assert sorted(day for day in announced if day < "2025") == [str(day) for day in many]
    with story.engine.begin() as connection:
        assert unannounced_days(connection)[0] == []


def runs_by_day(person: Person) -> dict[date, list[dict[str, Any]]]:
    """The runs of the example, by their partition key."""
    found: dict[date, list[dict[str, Any]]] = {}
    for run in person.runs(EXAMPLE):
        found.setdefault(date.fromisoformat(run["partition_key"]), []).append(run)
    return found


def answer(person: Person, run: dict[str, Any]) -> list[str]:
    """What a run of the example has returned."""
    found: list[str] = person.returned(EXAMPLE, run["dag_run_id"], EXAMPLE)
    return found


def lowest(person: Person, day: date) -> list[str]:
    """The same from the day's file, by another reader."""
    rows = pq.read_table(BytesIO(person.read(f"observations/date={day}/observations.parquet"))).to_pylist()
    return [name for _, name in sorted((row["ndvi_mean"], row["field_id"]) for row in rows if row["ndvi_mean"])]

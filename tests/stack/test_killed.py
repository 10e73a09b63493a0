"""Airflow's own processes are killed amid its work. They are started again; nothing is lost, doubled or other.

Each test goes on where the last one ended.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from support.person import CATCH_UP, DAILY, RECOMPUTE, REGISTRATION
from support.story import NOTICED_SOON, PLANTED, START, Story, a_story, active_on, changed

from ndvi_airflow.local import stack as local
from ndvi_airflow.local.components import COMPONENTS
from ndvi_core.support.days import days_between

DAYS = days_between(START, date(2025, 4, 19))
CELLS = {(name, day) for day in DAYS for name in active_on(day, *PLANTED)}
SETTINGS = {"NDVI_START_DATE": str(DAYS[0]), "NDVI_END_DATE": str(DAYS[-1]), **NOTICED_SOON}


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with a_story(**SETTINGS) as told:
        yield told


def kill_at_a_computation(story: Story, *components: str) -> None:
    def kill(_: object) -> None:
        for name in components:
            story.kill(name)

    story.at_a_computation(kill)
    local.up(story.stack.settings, print, SETTINGS)


def test_all_of_airflow_may_be_killed_amid_the_daily_runs(story: Story, tmp_path: Path) -> None:
    person = story.person
    person.upload("staticdata/config/bbox.geojson", story.stack.season.extent.read_bytes())
    person.upload("staticdata/fields/pending/fields.geojson", story.file_of(*PLANTED))
    for dag_id in (REGISTRATION, CATCH_UP, RECOMPUTE):
        person.unpause(dag_id)
    person.until(lambda: set(story.registered()) == set(PLANTED), "the fields are registered")
    person.unpause(DAILY)
    kill_at_a_computation(story, *COMPONENTS)

    runs = person.until_quiet(DAILY, len(DAYS))
    assert sorted((run["logical_date"][:10], run["state"]) for run in runs) == [(str(day), "success") for day in DAYS]
    assert set(story.recorded_at()) == CELLS
    assert person.published() == story.without_airflow(tmp_path, DAYS)


@pytest.mark.parametrize("component", ["scheduler", "api-server"])
def test_a_run_goes_on_after_one_of_them_was_killed(story: Story, component: str) -> None:
    published, ledger = story.person.published(), story.recorded_at()
    run_id = story.compute_all_again(DAYS)
    kill_at_a_computation(story, component)

    states = {run["dag_run_id"]: run["state"] for run in story.person.until_quiet(RECOMPUTE)}
    assert states[run_id] == "success"
    assert changed(ledger, story.recorded_at()) == CELLS
    assert story.person.published() == published

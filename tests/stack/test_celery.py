"""The executor of production: two schedulers, and workers with a broker. All of it may go; nothing is lost or doubled.

Each test goes on where the last one ended.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml
from support.celery import Broker, Processes, a_broker
from support.person import DAILY, RECOMPUTE, Person, ended
from support.story import NOTICED_SOON, PLANTED, START, Story, a_story, active_on, changed

from ndvi_core.support.days import days_between

PRODUCTION = Path(__file__).parents[2] / "helm-values" / "production.yaml"
WORKERS = ("worker_1", "worker_2")
DAYS = days_between(START, date(2025, 4, 19))
CELLS = {(name, day) for day in DAYS for name in active_on(day, *PLANTED)}


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with a_broker() as running:
        yield running


@pytest.fixture(scope="module")
def story(broker: Broker) -> Iterator[Story]:
    celery = yaml.safe_load(PRODUCTION.read_text())["config"]["celery"]
    variables = {
        **{f"AIRFLOW__CELERY__{name.upper()}": str(value) for name, value in celery.items()},
        **NOTICED_SOON,
        **broker.variables,
    }
    with a_story(NDVI_START_DATE=str(DAYS[0]), NDVI_END_DATE=str(DAYS[-1]), **variables) as told:
        yield told


@pytest.fixture(scope="module")
def processes(story: Story, broker: Broker) -> Iterator[Processes]:
    """Two workers and a second scheduler."""
    running = Processes(story.stack)
    for name in WORKERS:
        running.start_worker(name)
    running.start_scheduler("scheduler_2")
    try:
        story.person.until(lambda: broker.workers() == len(WORKERS), "the workers")
        yield running
    finally:
        running.kill()


@pytest.fixture
def person(story: Story) -> Person:
    return story.person


def test_two_schedulers_make_each_daily_run_once_and_run_each_task_once(
    story: Story, person: Person, processes: Processes, tmp_path: Path
) -> None:
    story.register_all()
    person.unpause(DAILY)
    both = ended(person.start("jobs", "check", "--job-type", "SchedulerJob", "--allow-multiple", "--limit", "10"))
    assert "Found 2 alive jobs." in both.out, both

    runs = person.until_quiet(DAILY, len(DAYS))
    assert sorted((run["logical_date"][:10], run["state"]) for run in runs) == [(str(day), "success") for day in DAYS]
    for run in runs:
        assert set(person.tries(DAILY, run["dag_run_id"]).values()) <= {0, 1}, "0 of those that were skipped"
    assert set(story.recorded_at()) == CELLS
    assert person.published() == story.without_airflow(tmp_path, DAYS)


def tries_of(story: Story, run_id: str) -> dict[str, int]:
    """Wait for the end of the run, and return how often each task of it was run that had to be."""
    person = story.person
    states = {run["dag_run_id"]: run["state"] for run in person.until_quiet(RECOMPUTE)}
    assert states[run_id] == "success"
    names = {
        (task["task_id"], task["map_index"]): task["rendered_map_index"] or task["task_id"]
        for task in person.tasks(RECOMPUTE, run_id)
    }
    return {names[task]: number for task, number in person.tries(RECOMPUTE, run_id).items() if number}


ONCE = dict.fromkeys(("find_scenes", "plan", *PLANTED, "record"), 1)


def test_what_a_killed_worker_was_at_is_run_again_and_nothing_else(
    story: Story, person: Person, processes: Processes
) -> None:
    published, ledger = person.published(), story.recorded_at()
    run_id, killed = story.compute_all_again(DAYS), []
    order = story.at_a_computation(lambda process: killed.append(processes.kill_the_one_of(process)))
    processes.start_worker(*killed)

    tries = tries_of(story, run_id)
    (field_id,) = (
        label
        for label, task in person.computed(RECOMPUTE, run_id).items()
        if task["rendered_fields"]["order"]["uri"] == order
    )
    assert tries == ONCE | {field_id: 2}
    assert changed(ledger, story.recorded_at()) == CELLS
    assert person.published() == published


def test_a_broker_that_is_away_and_one_that_restarts_cost_no_task_a_try(
    story: Story, person: Person, broker: Broker, processes: Processes
) -> None:
    published, ledger = person.published(), story.recorded_at()
    logs = story.stack.settings.home / "logs"

    def a_task_was_not_sent() -> bool:
        said = "".join(log.read_text() for log in logs.glob("scheduler*.log"))
        return "Celery Task Timeout Error" in said or "Error sending Celery" in said

    broker.stop()
    run_id = story.compute_all_again(DAYS)
    person.until(a_task_was_not_sent, "a task that cannot be sent")
    broker.start()
    person.until(broker.waiting, "a task that no worker has taken", poll=0.05)
    broker.stop()
    broker.start()

    assert tries_of(story, run_id) == ONCE
    assert changed(ledger, story.recorded_at()) == CELLS
    assert person.published() == published


def test_tasks_that_a_broker_has_lost_are_sent_again(
    story: Story, person: Person, broker: Broker, processes: Processes
) -> None:
    published, ledger = person.published(), story.recorded_at()
    run_id = story.compute_all_again(DAYS)

    def lose_tasks_that_wait(process: object) -> None:
        person.until(broker.waiting, "a task that no worker has taken", poll=0.05)
        broker.lose_all()

    story.at_a_computation(lose_tasks_that_wait)
    assert tries_of(story, run_id) == ONCE
    assert changed(ledger, story.recorded_at()) == CELLS
    assert person.published() == published


def test_the_other_scheduler_goes_on_with_the_work_of_one_that_is_killed(
    story: Story, person: Person, processes: Processes
) -> None:
    published, ledger = person.published(), story.recorded_at()
    run_id = story.compute_all_again(DAYS)
    story.at_a_computation(lambda _: story.kill("scheduler"))

    assert tries_of(story, run_id) == ONCE
    assert changed(ledger, story.recorded_at()) == CELLS
    assert person.published() == published

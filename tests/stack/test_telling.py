"""What people and monitoring are told on a real Airflow: of days that are late, of what is unusual and what fails.

The period ends with the newest day whose deadline has passed within a day, whatever the time is now.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, func, select
from support.counts import Statsd, statsd_server
from support.events import an_event, note_events
from support.laptop import a_stack
from support.person import ALERTS, DAILY, RECOMPUTE, REGISTRATION, Person
from support.receivers import Mails, Posts, mail_server, web_server

from ndvi_airflow.local.stack import Stack
from ndvi_core.models.observation import Status
from ndvi_core.registry.tables import late_day, observation
from ndvi_core.support.days import days_between

EVENTS = "ndvi_events"
NOW = datetime.now(UTC)
HOURS = 1 if NOW.hour >= 2 else 23
LATE = NOW.date() - timedelta(days=1 if NOW.hour >= 2 else 2)
DAYS = days_between(LATE - timedelta(days=2), LATE)


@dataclass
class Told:
    """A stack with those who are told."""

    stack: Stack
    person: Person
    engine: Engine
    mails: Mails
    posts: Posts
    statsd: Statsd

    def run_of_alerts(self) -> None:
        """Let there be an event, and wait for the end of the run that it starts."""
        before = len(self.person.runs(ALERTS))
        self.person.emit(EVENTS)
        self.person.until_quiet(ALERTS, before + 1)


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with mail_server() as mails, web_server() as posts, statsd_server() as statsd:
        variables = {
            **statsd.variables,
            "AIRFLOW_CONN_FARM_MAIL": mails.connection(to="me@farm.example"),
            "AIRFLOW_CONN_FARM_HOOK": posts.connection("http"),
            "NDVI_NOTIFY": "smtp:farm_mail,http:farm_hook",
            "NDVI_DEADLINE_HOURS": str(HOURS),
            "NDVI_START_DATE": str(DAYS[0]),
            "NDVI_END_DATE": str(LATE),
        }
        with a_stack("sample", **variables) as stack:
            engine = stack.engine()
            yield Told(stack, Person(stack), engine, mails, posts, statsd)
            engine.dispose()


@pytest.fixture
def person(told: Told) -> Person:
    return told.person


@pytest.mark.timeout(1200)
def test_a_day_that_is_not_published_in_time_is_told_and_that_it_is_published_since(told: Told, person: Person) -> None:
    for dag_id in (DAILY, ALERTS):
        person.unpause(dag_id)
    person.until(lambda: late_days(told.engine), "a late day")  # the runs wait for an extent
    assert late_days(told.engine) == [LATE], "the days before it are no news"
    told.run_of_alerts()
    assert [post["subject"] for post in told.posts.got] == ["NDVI: 1 day is late"]
    assert f"- {LATE}\n" in told.posts.got[0]["text"]
    assert [mail["Subject"] for mail in told.mails.got] == ["NDVI: 1 day is late"]

    season = told.stack.season
    person.upload("staticdata/fields/pending/fields.geojson", season.fields.read_bytes())
    person.unpause(REGISTRATION)
    person.until(lambda: not person.keys("staticdata/fields/pending/"), "the fields are registered")
    person.upload("staticdata/config/bbox.geojson", season.extent.read_bytes())
    person.until_quiet(DAILY, len(DAYS))
    told.run_of_alerts()
    assert told.posts.got[-1]["subject"] == "NDVI: 1 late day is published"


def test_a_receiver_that_is_away_hears_it_later_and_the_other_at_once(told: Told, person: Person) -> None:
    mails, posts = len(told.mails.got), len(told.posts.got)
    told.mails.away = True
    note_events(told.engine, an_event())
    before = len(person.runs(ALERTS))
    person.emit(EVENTS)
    person.until(lambda: len(told.posts.got) > posts, "a post")
    person.until(lambda: states(person, before)[0] == ["success", "up_for_retry"], "a mail that waits for its next try")
    told.mails.away = False
    person.until_quiet(ALERTS, before + 1)
    assert [post["subject"] for post in told.posts.got[posts:]] == ["NDVI: 1 drop"]
    assert [mail["Subject"] for mail in told.mails.got[mails:]] == ["NDVI: 1 drop"]
    told.run_of_alerts()
    assert len(told.posts.got) == posts + 1
    assert len(told.mails.got) == mails + 1
    assert states(person, before)[-1] == ["skipped", "skipped"]


@pytest.mark.timeout(1200)
def test_a_run_that_fails_is_told_once_with_what_failed_and_a_link(told: Told, person: Person) -> None:
    posts = len(told.posts.got)
    person.unpause(RECOMPUTE)
    run_id = person.trigger(RECOMPUTE, {"field_ids": ["nowhere"]})
    (run,) = person.until_quiet(RECOMPUTE)
    assert run["state"] == "failed"
    tasks = {task["task_id"]: task["state"] for task in person.tasks(RECOMPUTE, run_id)}
    assert (tasks["find_scenes"], tasks["watcher"]) == ("failed", "failed")
    told.run_of_alerts()
    told.run_of_alerts()
    (post,) = told.posts.got[posts:]
    assert post["subject"] == "NDVI: 1 run failed"
    assert f"- ndvi_recompute, run {run_id}: find_scenes failed\n" in post["text"]
    link = post["text"].split()[-1]
    assert link == f"{told.stack.url}/dags/ndvi_recompute/runs/{quote(run_id, safe='')}"


def test_airflow_has_reported_what_its_tasks_have_done(told: Told, person: Person) -> None:
    """After the tests above: three days of five fields, one upload, two events and a run that failed."""
    statsd = told.statsd
    with told.engine.connect() as connection:
        rows = dict(connection.execute(select(observation.c.status, func.count()).group_by(observation.c.status)).all())
    counted = {status: statsd.total(f"airflow.ndvi.cells.{status}") for status in get_args(Status)}
    assert {status: number for status, number in counted.items() if number} == rows
    assert statsd.total("airflow.ndvi.cells.failed") == 0
    assert (
        statsd.gauge("airflow.ndvi.recorded_until")
        == datetime.combine(LATE + timedelta(days=1), time(), tzinfo=UTC).timestamp()
    )
    assert statsd.total("airflow.ndvi.uploads.registered") == 1
    assert statsd.total("airflow.ndvi.uploads.rejected") == 0
    assert statsd.total("airflow.ndvi.search_failures") == 0
    assert statsd.total("airflow.ndvi.runs_failed") == 1
    assert statsd.total("airflow.ndvi.tell_failures") == 1
    assert (statsd.total("airflow.ndvi.events_told") or 0) >= 2
    orders = statsd.total("airflow.ndvi.orders.succeeded")
    assert orders == len(statsd.milliseconds("airflow.ndvi.order.duration"))
    said = person.airflow("ndvi", "status", "--prometheus")
    assert said.code == 0, said
    families = {family.name: family.samples for family in text_string_to_metric_families(said.out)}
    (until,) = families["ndvi_status_recorded_until_seconds"]
    assert until.value == statsd.gauge("airflow.ndvi.recorded_until")
    uploads = {sample.labels["state"]: sample.value for sample in families["ndvi_status_uploads"]}
    assert uploads == {"pending": 0, "waiting": 0, "rejected": 0}


def states(person: Person, since: int) -> list[list[str]]:
    """The states of the tasks of the runs after the first so many, each in alphabetical order."""
    runs = sorted(person.runs(ALERTS), key=lambda run: run["run_after"])[since:]
    return [sorted(str(task["state"]) for task in person.tasks(ALERTS, run["dag_run_id"])) for run in runs] or [[]]


def late_days(engine: Engine) -> list[date]:
    with engine.connect() as connection:
        return list(connection.scalars(select(late_day.c.date)))

"""What people are told on a real Airflow: of days that are late, and of what is unusual.

The period ends with the newest day whose deadline has passed within a day, whatever the time is now.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select
from support.events import an_event, note_events
from support.laptop import a_stack
from support.person import ALERTS, DAILY, REGISTRATION, Person
from support.receivers import Mails, Posts, mail_server, web_server

from ndvi_airflow.local.stack import Stack
from ndvi_core.registry.tables import late_day
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

    def run_of_alerts(self) -> None:
        """Let there be an event, and wait for the end of the run that it starts."""
        before = len(self.person.runs(ALERTS))
        self.person.emit(EVENTS)
        self.person.until_quiet(ALERTS, before + 1)


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with mail_server() as mails, web_server() as posts:
        variables = {
            "AIRFLOW_CONN_FARM_MAIL": mails.connection(to="me@farm.example"),
            "AIRFLOW_CONN_FARM_HOOK": posts.connection("http"),
            "NDVI_NOTIFY": "smtp:farm_mail,http:farm_hook",
            "NDVI_DEADLINE_HOURS": str(HOURS),
            "NDVI_START_DATE": str(DAYS[0]),
            "NDVI_END_DATE": str(LATE),
        }
        with a_stack("sample", **variables) as stack:
            engine = stack.engine()
            yield Told(stack, Person(stack), engine, mails, posts)
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


def states(person: Person, since: int) -> list[list[str]]:
    """The states of the tasks of the runs after the first so many, each in alphabetical order."""
    runs = sorted(person.runs(ALERTS), key=lambda run: run["run_after"])[since:]
    return [sorted(str(task["state"]) for task in person.tasks(ALERTS, run["dag_run_id"])) for run in runs] or [[]]


def late_days(engine: Engine) -> list[date]:
    with engine.connect() as connection:
        return list(connection.scalars(select(late_day.c.date)))

"""Who is told what, by real servers of mail and web: at least once, and by a receiver that answers never twice."""

import sys
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text
from support.country import Country, grown, some_fields, struck
from support.events import an_event, becomes, moment, note_events
from support.receivers import Mails, Posts, mail_server, web_server

from ndvi_airflow.telling.alerts import tell_receiver
from ndvi_airflow.telling.digest import Digest
from ndvi_core.errors import BadInput
from ndvi_core.registry import recorded_days
from ndvi_core.registry.telling import FailedRun, note_failed_run, note_late_day
from ndvi_core.storage.object_store import Store

AIRFLOW = "https://airflow.example"
DAY = date(2025, 4, 27)
MAIL, HTTP, SLACK, APPRISE = "smtp:farm_mail", "http:farm_hook", "slackwebhook:farm_slack", "apprise:farm_apprise"


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mails]:
    with mail_server() as server:
        connection = server.connection(to="me@farm.example, you@farm.example")
        monkeypatch.setenv("AIRFLOW_CONN_FARM_MAIL", connection)
        yield server


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Posts]:
    with web_server() as server:
        service = {"config": {"path": f"json://127.0.0.1:{server.port}/hook"}}
        for name, connection in {
            "HOOK": server.connection("http"),
            "SLACK": server.connection("slackwebhook", password="T00/B00"),
            "APPRISE": server.connection("apprise", extra=service),
        }.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_FARM_{name}", connection)
        yield server


def tell(engine: Engine, receiver: str, max_lines: int = 20) -> Digest | None:
    return tell_receiver(engine, receiver, AIRFLOW, max_lines)


def test_a_mail_says_what_is_unusual_and_is_sent_once(engine: Engine, mails: Mails) -> None:
    note_events(engine, an_event())
    digest = tell(engine, MAIL)
    (mail,) = mails.got
    assert mails.recipients == [["me@farm.example", "you@farm.example"]]
    assert (mail["From"], mail["Subject"]) == ("ndvi@farm.example", "NDVI: 1 drop")
    (part,) = mail.iter_parts()
    assert part.get_content_type() == "text/html"
    words = part.get_content()
    assert "field_1 (barley 2025): NDVI fell from 0.71 to 0.42 between 2025-04-20 and 2025-04-26 [e1]" in words
    assert 'href="https://airflow.example/ndvi/#field=field_1&amp;date=2025-04-26"' in words
    assert digest is not None
    assert digest.digest_id in mail["Message-ID"]
    assert tell(engine, MAIL) is None
    assert len(mails.got) == 1


@pytest.mark.parametrize("receiver", [HTTP, SLACK, APPRISE])
def test_the_same_words_reach_webhooks(engine: Engine, posts: Posts, receiver: str) -> None:
    note_events(engine, an_event(plant_type="oats <b> & c"))
    digest = tell(engine, receiver)
    assert digest is not None
    (body,) = posts.got
    words = body["message" if receiver == APPRISE else "text"]
    if receiver == SLACK:
        assert "field_1 (oats &lt;b&gt; &amp; c 2025)" in words
        words = words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert words.strip() == digest.text.strip()
    if receiver == HTTP:
        assert posts.headers[0]["Idempotency-Key"] == body["digest_id"] == digest.digest_id
        assert [(event["event_id"], event["kind"], event["value"]) for event in body["events"]] == [
            ("e1", "drop", 0.42)
        ]
    assert tell(engine, receiver) is None


def test_an_end_is_told_to_those_who_were_told_of_the_beginning(engine: Engine, mails: Mails, posts: Posts) -> None:
    note_events(engine, an_event("goes", field_id="f1"), an_event("errs", field_id="f2"), an_event("stays"))
    tell(engine, MAIL)
    becomes(engine, "goes", "closed")
    becomes(engine, "errs", "withdrawn")
    told = tell(engine, MAIL)
    assert told is not None
    assert told.subject == "NDVI: 1 ended, 1 withdrawn"
    assert told.statuses == {"goes": "closed", "errs": "withdrawn"}
    newcomer = tell(engine, HTTP)
    assert newcomer is not None
    assert newcomer.statuses == {"stays": "open"}
    becomes(engine, "goes", "open")
    assert tell(engine, MAIL) is None, "nobody is told twice of an event"


@pytest.mark.parametrize("receiver", [MAIL, HTTP, SLACK, APPRISE])
def test_a_receiver_that_is_away_loses_nothing_and_holds_back_nobody(
    engine: Engine, mails: Mails, posts: Posts, receiver: str
) -> None:
    server, other = (mails, HTTP) if receiver == MAIL else (posts, MAIL)
    server.away = True
    note_events(engine, an_event("early"))
    with pytest.raises(Exception, match=r"451|503|Service|did not take"):
        tell(engine, receiver)
    now = moment(engine)
    note_events(engine, an_event("short", opened_at=now, changed_at=now), an_event("wrong", opened_at=now))
    becomes(engine, "short", "closed")
    becomes(engine, "wrong", "withdrawn")
    with pytest.raises(Exception, match=r"451|503|Service|did not take"):
        tell(engine, receiver)
    assert server.got == []
    heard = tell(engine, other)
    assert heard is not None
    assert heard.statuses == {"early": "open"}
    server.away = False
    told = tell(engine, receiver)
    assert told is not None
    assert told.statuses == {"early": "open", "short": "closed"}
    assert len(server.got) == 1


def test_a_season_that_is_past_is_no_news(engine: Engine, posts: Posts) -> None:
    tell(engine, HTTP)
    later = moment(engine)
    note_events(engine, an_event("past", status="closed", opened_at=later, changed_at=later))
    assert tell(engine, HTTP) is None


def test_an_event_that_was_over_when_it_was_found_is_no_news_when_it_comes_back(
    engine: Engine, store: Store, posts: Posts
) -> None:
    country = Country(engine, store)
    (field,) = some_fields(1)
    season = range(0, 141, 5)

    def drops() -> tuple[list[str], list[str]]:
        """The status of the drop, and what is told of it."""
        country.season_run()
        digest = tell(engine, HTTP)
        told = [event.status for event in digest.events if event.kind == "drop"] if digest else []
        return [event.status for event in country.events(kind="drop")], told

    tell(engine, HTTP)
    country.register(field)
    country.record(grown(field, season, struck))
    assert drops() == (["closed"], [])
    country.record(grown(field, season))
    assert drops() == (["withdrawn"], [])
    country.record(grown(field, season, struck))
    assert drops() == (["closed"], [])


def test_thousands_of_events_make_one_digest_of_the_most_important(engine: Engine, posts: Posts) -> None:
    names = [f"field_{number:04}" for number in range(3000)]
    note_events(
        engine, *(an_event(name, field_id=name, value=0.7 - number / 10000) for number, name in enumerate(names))
    )
    digest = tell(engine, HTTP, max_lines=5)
    assert digest is not None
    assert [event["event_id"] for event in posts.got[0]["events"]] == names[:-6:-1]
    assert posts.got[0]["more"] == 2995
    assert posts.got[0]["text"].endswith("And 2,995 more: https://airflow.example/ndvi/\n")
    becomes(engine, names[0], "closed")
    assert tell(engine, HTTP) is None, "it was not named"
    becomes(engine, names[-1], "closed")
    told = tell(engine, HTTP)
    assert told is not None
    assert told.statuses == {names[-1]: "closed"}


def test_a_crash_after_the_receiver_has_accepted_repeats_the_same_digest(engine: Engine, posts: Posts) -> None:
    def crash() -> None:
        with engine.connect() as connection:
            kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            connection.execute(text(kill))

    note_events(engine, an_event())
    posts.before_answer = crash
    with pytest.raises(Exception, match=r"terminat|closed"):
        tell(engine, HTTP)
    posts.before_answer = lambda: None
    assert tell(engine, HTTP) is not None
    assert tell(engine, HTTP) is None
    first, again = (headers["Idempotency-Key"] for headers in posts.headers)
    assert first == again


def test_two_runs_at_once_tell_it_once(engine: Engine, posts: Posts) -> None:
    note_events(engine, an_event())
    others: list[Digest | None] = []
    posts.before_answer = lambda: others.append(tell(engine, HTTP))
    assert tell(engine, HTTP) is not None
    assert others == [None]
    assert len(posts.got) == 1


def test_a_late_day_is_told_and_that_it_is_published_since(engine: Engine, posts: Posts) -> None:
    late, in_time = DAY, DAY - timedelta(days=1)
    with engine.begin() as connection:
        recorded_days.mark_recorded(connection, in_time, in_time)
        recorded_days.mark_published(connection, in_time)
        assert [note_late_day(connection, day) for day in (in_time, late, late)] == [False, True, True]
    told = tell(engine, HTTP)
    assert told is not None
    assert told.text == (
        "NDVI: 1 day is late\n\nNot published in time\n- 2025-04-27\n  https://airflow.example/dags/ndvi_daily\n"
    )
    assert tell(engine, HTTP) is None
    with engine.begin() as connection:
        recorded_days.mark_recorded(connection, late, in_time)
        recorded_days.mark_published(connection, late)
    since = tell(engine, HTTP)
    assert since is not None
    assert since.subject == "NDVI: 1 late day is published"
    assert tell(engine, HTTP) is None


@pytest.mark.parametrize(
    ("receiver", "hidden", "remedy"),
    [
        (SLACK, "airflow.providers.slack.notifications.slack_webhook", "pip install apache-airflow-providers-slack"),
        (APPRISE, "airflow.providers.apprise.hooks.apprise", "pip install apache-airflow-providers-apprise"),
    ],
)
def test_a_package_that_is_missing_is_named(
    engine: Engine, posts: Posts, monkeypatch: pytest.MonkeyPatch, receiver: str, hidden: str, remedy: str
) -> None:
    monkeypatch.setitem(sys.modules, hidden, None)
    note_events(engine, an_event())
    with pytest.raises(BadInput, match=remedy):
        tell(engine, receiver)


def test_a_mail_connection_that_names_nobody_is_refused(
    engine: Engine, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FARM_MAIL", mails.connection())
    note_events(engine, an_event())
    with pytest.raises(BadInput, match='farm_mail does not say whom to write to: put "to" into its extra'):
        tell(engine, MAIL)


def test_a_run_that_failed_is_told_once_with_what_failed_and_where(engine: Engine, posts: Posts) -> None:
    run = FailedRun(pipeline="ndvi_daily", run_id="scheduled__2025-06-26T00:00:00+00:00", what="2 of 5 compute")
    for _ in range(2):  # it fails again after its tasks were cleared
        with engine.begin() as connection:
            note_failed_run(connection, run)
        tell(engine, HTTP)
    (body,) = posts.got
    assert body["subject"] == "NDVI: 1 run failed"
    assert body["text"].splitlines()[2:] == [
        "Failed runs",
        "- ndvi_daily, run scheduled__2025-06-26T00:00:00+00:00: 2 of 5 compute failed",
        f"  {AIRFLOW}/dags/ndvi_daily/runs/scheduled__2025-06-26T00%3A00%3A00%2B00%3A00",
    ]


def test_of_very_many_failed_runs_some_are_named_and_the_others_counted(engine: Engine, posts: Posts) -> None:
    with engine.begin() as connection:
        for number in range(1, 6):
            note_failed_run(connection, FailedRun(pipeline="ndvi_daily", run_id=f"backfill__{number}", what="plan"))
    tell_receiver(engine, HTTP, AIRFLOW, 2)
    (body,) = posts.got
    assert body["subject"] == "NDVI: 5 runs failed"
    lines = body["text"].splitlines()[2:]
    assert [line.startswith("- ndvi_daily, run backfill__") for line in lines[1:4:2]] == [True, True]
    assert lines[5:] == ["- and 3 more", f"  {AIRFLOW}/dag_runs?state=failed"]


def test_a_run_that_failed_days_ago_is_no_news_to_a_new_receiver(engine: Engine, posts: Posts) -> None:
    with engine.begin() as connection:
        note_failed_run(connection, FailedRun(pipeline="ndvi_season", run_id="manual__1", what="plan"))
        connection.execute(text("UPDATE failed_run SET failed_at = now() - interval '2 days'"))
    assert tell(engine, HTTP) is None
    with engine.begin() as connection:
        note_failed_run(connection, FailedRun(pipeline="ndvi_season", run_id="manual__2", what="plan"))
    tell(engine, HTTP)
    assert [post["subject"] for post in posts.got] == ["NDVI: 1 run failed"]

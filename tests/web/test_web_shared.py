"""Many who ask for the same at once: it is made one time, from what the registry holds at that moment."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine, event, text
from support.models import a_field, an_observation, square
from support.web import Server, SignIn

from ndvi_airflow.web import dependencies, shared
from ndvi_airflow.web.app import app
from ndvi_airflow.web.security import reader
from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger, recorded_days
from ndvi_core.registry.database import snapshot
from ndvi_core.storage.object_store import Store

DAY = date(2025, 4, 1)
ASKERS = 8
FIELDS = [a_field(name, square(0.1 * number), plant_date=DAY) for number, name in enumerate(("wheat", "maize"))]
PATHS = ["fields", f"grid?start={DAY}&end={DAY}", "standings", "columns/seasons", f"columns/grid?start={DAY}&end={DAY}"]
TAG = "FROM written_day"
"""With this ends the look for a tag."""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def asked(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], httpx.Response]]:
    """The app for somebody who may read; as many ask as there are connections but one."""
    write(engine, 0.25)
    own = create_engine(engine.url, pool_size=2, max_overflow=0, pool_timeout=30)
    event.listen(own, "after_cursor_execute", lambda *about: statements.append(about[2]))

    def opened() -> Iterator[object]:
        with snapshot(own) as connection:
            yield connection

    monkeypatch.setenv("NDVI_BUCKET_URL", "s3://ndvi")
    monkeypatch.setenv("NDVI_START_DATE", str(DAY))
    overrides = {
        reader.dependency: lambda: None,
        dependencies._snapshot: opened,
        dependencies._bucket: lambda: Store(tmp_path.as_uri()),
    }
    for dependency, instead in overrides.items():
        monkeypatch.setitem(app.dependency_overrides, dependency, instead)
    statements.clear()
    client = TestClient(app, raise_server_exceptions=False)
    yield lambda path: client.get(f"/api/{path}")
    own.dispose()


statements: list[str] = []
"""What the app has asked the database."""


def write(engine: Engine, value: float) -> None:
    with engine.begin() as connection:
        registry.upsert_fields(connection, FIELDS, "file")
        rows = [an_observation(one, DAY, ndvi_mean=value) for one in FIELDS]
        ledger.upsert_observations(connection, rows, datetime.now(UTC))
        recorded_days.mark_recorded(connection, DAY, DAY)


@pytest.mark.parametrize("path", PATHS)
def test_many_who_ask_at_once_wait_for_one_answer_and_hold_no_connection(
    asked: Callable[[str], httpx.Response], engine: Engine, path: str
) -> None:
    with ThreadPoolExecutor(ASKERS) as people:
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE observation IN ACCESS EXCLUSIVE MODE"))
            answers = [people.submit(asked, path) for _ in range(ASKERS)]
            # With two connections all get so far only if those who wait hold none.
            while sum(TAG in one for one in statements) < ASKERS:
                time.sleep(0.01)
            assert connection.scalar(text(WAITING)) == 1
        found = [answer.result() for answer in answers]
    assert {(one.status_code, one.content, one.headers["ETag"]) for one in found} == {
        (200, found[0].content, found[0].headers["ETag"])
    }


@pytest.mark.parametrize("path", PATHS)
def test_after_a_change_the_answer_is_made_anew(
    asked: Callable[[str], httpx.Response], engine: Engine, path: str
) -> None:
    before = asked(path)
    assert asked(path).content == before.content
    write(engine, 0.75)
    after = asked(path)
    assert (before.status_code, after.status_code) == (200, 200)
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.content != before.content


def test_what_cannot_be_made_is_said_to_all_and_tried_again(
    asked: Callable[[str], httpx.Response], engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE observation RENAME TO away"))
    with ThreadPoolExecutor(ASKERS) as people:
        answers = list(people.map(asked, ["fields"] * ASKERS))
    assert {one.status_code for one in answers} == {502}
    assert "airflow ndvi migrate" in answers[0].json()["detail"]
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO observation"))
    assert asked("fields").status_code == 200


@pytest.mark.parametrize(("most", "times"), [(shared.MOST_BYTES, 1), (1, 2)], ids=["kept", "too large to keep"])
def test_what_is_kept_is_bounded(
    asked: Callable[[str], httpx.Response], monkeypatch: pytest.MonkeyPatch, most: int, times: int
) -> None:
    monkeypatch.setattr(shared, "MOST_BYTES", most)
    path = "fields?tolerance=1"
    assert asked(path).content == asked(path).content
    assert sum("FROM observation" in one for one in statements) == times


def test_compressed_or_not_it_is_the_same_and_nobody_gets_it_without_the_right(server: Server, sign_in: SignIn) -> None:
    write(server.engine, 0.25)
    path = f"api/columns/grid?start={DAY}&end=2026-03-31"
    viewer, nobody = sign_in("viewer"), sign_in(None)
    plain = viewer.get(path, headers={"Accept-Encoding": "identity"})
    packed = viewer.get(path, headers={"Accept-Encoding": "gzip"})
    assert (plain.status_code, packed.status_code, nobody.get(path).status_code) == (200, 200, 401)
    assert "Content-Encoding" not in plain.headers
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert packed.content == plain.content
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"] == "application/vnd.apache.arrow.stream"
    assert viewer.get(path, headers={"If-None-Match": packed.headers["ETag"]}).status_code == 304
    server.empty()

"""What an answer says was so at one moment, whatever happens to the registry while it is put together."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from support.models import a_field, an_observation, square
from support.web import Server, SignIn

from ndvi_core.registry import field_life, ledger, recorded_days
from ndvi_core.registry import fields as registry

FIRST = date(2025, 4, 1)
FIELDS = [a_field(name, square(0.1 * number), plant_date=FIRST) for number, name in enumerate(("wheat", "maize"))]
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture(autouse=True)
def _seeded(server: Server) -> Iterator[None]:
    with server.engine.begin() as connection:
        registry.upsert_fields(connection, FIELDS, "file")
        ledger.upsert_observations(connection, [an_observation(one, FIRST) for one in FIELDS], datetime.now(UTC))
        recorded_days.mark_recorded(connection, FIRST, FIRST)
    yield
    server.empty()


@pytest.mark.parametrize("path", ["grid", "columns/grid", "columns/seasons", "fields", "observations"])
@pytest.mark.parametrize("table", ["field", "season", "observation", "recorded_day"])
def test_all_fields_go_while_an_answer_reads(server: Server, sign_in: SignIn, path: str, table: str) -> None:
    client = sign_in("viewer")

    def ask() -> tuple[int, bytes]:
        answer = client.get(f"api/{path}", params={"start": str(FIRST), "end": str(FIRST + timedelta(1))})
        return answer.status_code, answer.content

    before = ask()
    assert before[0] == 200
    with ThreadPoolExecutor(1) as beside:
        with server.engine.begin() as connection:
            connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            asked = beside.submit(ask)
            with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
                while not asked.done() and not looking.scalar(text(WAITING)):
                    time.sleep(0.01)
            for field in FIELDS:
                field_life.remove(connection, field.field_id)
        assert asked.result() in (before, ask())

"""Which days are published anew when fields change."""

from datetime import UTC, date, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Engine
from support.models import a_field, an_observation, square

from ndvi_core.models.field import Field
from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger
from ndvi_core.registry.stale_days import mark_published, stale_days

FIRST = date(2025, 4, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(3)]
OTHER = FIRST + timedelta(days=10)


@pytest.fixture
def known(engine: Engine) -> Engine:
    """A registry with rows of `field_1` on three days and of another field on a fourth; nothing is stale."""
    mine, other = a_field(plant_date=FIRST), a_field("other", square(0.1), plant_date=FIRST)
    rows = [an_observation(mine, day) for day in DAYS] + [an_observation(other, OTHER)]
    register(engine, mine, other)
    with engine.begin() as connection:
        ledger.upsert_observations(connection, rows, datetime(2025, 6, 1, tzinfo=UTC))
    return engine


def register(engine: Engine, *fields: Field) -> None:
    with engine.begin() as connection:
        registry.upsert_fields(connection, fields, "file")


def stale(engine: Engine) -> list[date]:
    with engine.connect() as connection:
        return stale_days(connection)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"plant_type": "maize"}, DAYS, id="crop"),
        pytest.param({"plant_date": FIRST - timedelta(days=1)}, DAYS, id="earlier plant date"),
        pytest.param({"plant_date": DAYS[1]}, DAYS, id="later plant date: a row goes, and the others say it"),
        pytest.param({"end_date": DAYS[1]}, DAYS[2:], id="end date: a row goes, the others do not have it"),
        pytest.param({"geometry": square(0.5)}, [], id="boundary: rows are of the former one until they are computed"),
    ],
)
def test_days_are_stale_whose_rows_say_otherwise(known: Engine, change: dict[str, Any], expected: list[date]) -> None:
    register(known, a_field(**{"plant_date": FIRST, **change}))
    assert stale(known) == expected


def test_a_day_is_stale_once_and_until_it_is_published(known: Engine) -> None:
    for plant_type in ("maize", "barley"):
        register(known, a_field(plant_date=FIRST, plant_type=plant_type))
    assert stale(known) == DAYS
    with known.begin() as connection:
        mark_published(connection, DAYS[0])
    assert stale(known) == DAYS[1:]


def test_a_day_that_is_published_while_a_field_changes_again_has_the_change_or_stays_stale(known: Engine) -> None:
    register(known, a_field(plant_date=FIRST, plant_type="maize"))
    published: list[str | None] = []

    def publish() -> None:
        with known.begin() as connection:
            mark_published(connection, FIRST)
            published.extend(facts.plant_type for _, part in ledger.load_day(connection, FIRST) for facts in part)

    publisher = Thread(target=publish)
    with known.begin() as connection:
        registry.upsert_fields(connection, [a_field(plant_date=FIRST, plant_type="barley")], "file")
        publisher.start()
        publisher.join(1.0)
    publisher.join()
    assert published == ["barley"] or FIRST in stale(known)


def test_a_day_has_the_facts_of_its_fields_as_they_are_now(known: Engine) -> None:
    register(known, a_field(geometry=square(0.5, side=0.02), plant_date=FIRST - timedelta(days=90), plant_type="maize"))
    with known.connect() as connection:
        ((rows, (facts,)),) = ledger.load_day(connection, FIRST)
    assert [row.field_id for row in rows] == ["field_1"]
    assert (facts.plant_type, facts.plant_date, facts.season) == ("maize", date(2025, 1, 1), "2025")
    assert facts.geometry == square(), "the boundary that was computed"
    assert facts.area_ha == pytest.approx(123.09, abs=0.01), "and its area"

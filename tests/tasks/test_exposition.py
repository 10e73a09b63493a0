"""`airflow ndvi status --prometheus`, as Prometheus' own parser reads it."""

from datetime import UTC, date, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine
from support.models import a_field, an_observation, square

from ndvi_airflow.exposition import State, text_of
from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger, recorded_days
from ndvi_core.registry.progress import field_statuses

FIRST = date(2025, 4, 1)
ODD = 'ble "tendre" \\ d\'hiver\n2'


def read(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = list(text_string_to_metric_families(text))
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation for family in families)
    return {
        (sample.name.removeprefix("ndvi_status_"), frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_due_days_by_crop_and_status_whatever_the_crop_is_called(engine: Engine) -> None:
    wheat = a_field("wheat", plant_date=FIRST, plant_type=ODD)
    oats = a_field("oats", square(0.1), plant_date=FIRST, end_date=FIRST, plant_type="oats")
    rows = [
        an_observation(wheat, FIRST),
        an_observation(wheat, FIRST + timedelta(1), "failed"),
        an_observation(oats, FIRST, "cloudy"),
    ]
    with engine.begin() as connection:
        registry.upsert_fields(connection, [wheat, oats], "file")
        ledger.upsert_observations(connection, rows, datetime(2025, 6, 1, tzinfo=UTC))
        recorded_days.mark_recorded(connection, FIRST + timedelta(3), FIRST)
        state = State(
            fields=field_statuses(connection, FIRST),
            recorded_until=recorded_days.last_recorded_day(connection),
            uploads={"pending": 2, "waiting": 0, "rejected": 1},
            open_events={"drop": 2, "no_value": 1},
        )
    found = read(text_of(state))
    positive = {name: value for name, value in found.items() if value}
    assert positive == {
        key("cells", crop=ODD, status="computed"): 1,
        key("cells", crop=ODD, status="failed"): 1,
        key("cells", crop=ODD, status="missing"): 2,  # of four days
        key("cells", crop="oats", status="cloudy"): 1,
        key("fields", state="incomplete"): 1,
        key("fields", state="whole"): 1,
        key("recorded_until_seconds"): 1743811200,  # date -u -d 2025-04-05 +%s
        key("uploads", state="pending"): 2,
        key("uploads", state="rejected"): 1,
        key("events", kind="drop"): 2,
        key("events", kind="no_value"): 1,
    }
    assert found[key("cells", crop="oats", status="missing")] == 0


def test_of_an_empty_registry_nothing_is_said_that_is_not_known() -> None:
    state = State((), None, {"pending": 0}, {})
    assert read(text_of(state)) == {
        key("fields", state="whole"): 0,
        key("fields", state="incomplete"): 0,
        key("uploads", state="pending"): 0,
    }

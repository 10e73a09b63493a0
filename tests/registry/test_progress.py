"""The status of fields, against a ledger written by hand."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine
from support.models import a_field, an_observation, square

from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger, recorded_days
from ndvi_core.registry.progress import field_statuses

FIRST = date(2025, 4, 1)


def test_each_day_counts_once_under_its_status(engine: Engine) -> None:
    field = a_field("wheat", plant_date=FIRST)
    ended = a_field("ended", square(0.1), plant_date=FIRST, end_date=FIRST + timedelta(2))
    future = a_field("future", square(0.2), plant_date=FIRST + timedelta(30))
    rows = [
        an_observation(field, FIRST, ndvi_mean=0.4),
        an_observation(field, FIRST + timedelta(1), "cloudy"),
        an_observation(field, FIRST + timedelta(2), ndvi_mean=0.6),
        an_observation(field, FIRST + timedelta(3), "failed"),
        an_observation(field, FIRST + timedelta(4), geometry_hash="of an earlier boundary"),
        an_observation(field, FIRST - timedelta(1), "no_scene"),
        an_observation(ended, FIRST, "no_scene"),
    ]
    with engine.begin() as connection:
        registry.upsert_fields(connection, [field, ended, future], "file")
        ledger.upsert_observations(connection, rows, datetime(2025, 6, 1, tzinfo=UTC))
        recorded_days.mark_recorded(connection, FIRST + timedelta(5), FIRST)
        wheat, short, planted_later = field_statuses(connection, FIRST)

    assert (wheat.days, wheat.missing) == (6, 2)
    assert {status: count for status, count in wheat.counts.items() if count} == {
        "computed": 2,
        "cloudy": 1,
        "failed": 1,
    }
    assert (wheat.ndvi_mean, wheat.last_value, wheat.last_date) == (0.5, 0.6, FIRST + timedelta(2))
    assert not wheat.whole

    assert (short.days, short.missing, short.counts["no_scene"], short.ndvi_mean) == (3, 2, 1, None)
    assert (planted_later.days, planted_later.missing, planted_later.whole) == (0, 0, True)


def test_before_the_first_recorded_day_nothing_is_missing(engine: Engine) -> None:
    with engine.begin() as connection:
        registry.upsert_fields(connection, [a_field(plant_date=FIRST)], "file")
        (status,) = field_statuses(connection, FIRST)
    assert (status.days, status.whole) == (0, True)

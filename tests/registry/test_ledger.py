"""The ledger on a real PostgreSQL."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine, text
from support.models import a_field, an_observation, square

from ndvi_core.models.constants import FIRST_IMAGE
from ndvi_core.models.extent import WORLD
from ndvi_core.models.field import Field
from ndvi_core.models.observation import IndexStatistics, Observation
from ndvi_core.registry import due_days, field_life, ledger, recorded_days
from ndvi_core.registry import fields as registry
from ndvi_core.support.days import days_between

FIRST = date(2025, 4, 1)
NOW = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture
def fields(engine: Engine) -> list[Field]:
    fields = [a_field(name, square(0.1 * number), plant_date=FIRST) for number, name in enumerate("ba")]
    with engine.begin() as connection:
        registry.upsert_fields(connection, fields, "file")
    return fields


def write(engine: Engine, *rows: Observation, planned_at: datetime = NOW) -> list[date]:
    with engine.begin() as connection:
        return ledger.upsert_observations(connection, rows, planned_at)


def day(engine: Engine, when: date) -> tuple[list[Observation], list[shapely.Geometry]]:
    with engine.connect() as connection:
        parts = list(ledger.load_day(connection, when))
        return [row for rows, _ in parts for row in rows], [fact.geometry for _, facts in parts for fact in facts]


def test_a_day_comes_back_whole_in_the_registry_s_order(engine: Engine, fields: list[Field]) -> None:
    rows = [an_observation(field, FIRST, scene_ids=("one", "two"), ndvi_p10=0.25) for field in fields]
    assert write(engine, *reversed(rows)) == [FIRST]
    observations, geometries = day(engine, FIRST)
    assert observations == rows
    assert geometries == [field.geometry for field in fields]


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ({"status": "computed"}, {"status": "cloudy"}, "cloudy"),
        ({"status": "computed"}, {"status": "failed"}, "computed"),
        ({"status": "no_scene"}, {"status": "failed"}, "no_scene"),
        ({"status": "failed"}, {"status": "failed", "reason": "again"}, "failed"),
        ({"status": "computed", "geometry_hash": "of another boundary"}, {"status": "failed"}, "failed"),
    ],
)
def test_failure_does_not_replace_an_answer(
    engine: Engine, fields: list[Field], old: dict[str, Any], new: dict[str, Any], kept: str
) -> None:
    write(engine, an_observation(fields[0], FIRST, **old))
    write(engine, an_observation(fields[0], FIRST, **new))
    (row,), _ = day(engine, FIRST)
    assert row.status == kept
    assert row.reason == (new.get("reason") if kept == "failed" else None)


def test_a_row_keeps_the_geometry_that_it_was_computed_for(engine: Engine, fields: list[Field]) -> None:
    write(engine, an_observation(fields[0], FIRST))
    with engine.begin() as connection:
        registry.upsert_fields(connection, [a_field(fields[0].field_id, square(0.5))], "file")
    _, (geometry,) = day(engine, FIRST)
    assert geometry == fields[0].geometry


def test_missing_days_count_failures_and_other_boundaries_as_missing(engine: Engine, fields: list[Field]) -> None:
    write(
        engine,
        an_observation(fields[0], FIRST),
        an_observation(fields[0], FIRST + timedelta(1), "no_scene"),
        an_observation(fields[0], FIRST + timedelta(2), "failed"),
        an_observation(fields[0], FIRST + timedelta(3), geometry_hash="of another boundary"),
    )
    with engine.connect() as connection:
        sequences = [field.sequence for field in registry.load_fields(connection)]
        missing = due_days.missing_days(connection, sequences, FIRST + timedelta(4))
    assert missing[sequences[0]] == [FIRST + timedelta(days) for days in (2, 3, 4)]
    assert missing[sequences[1]] == [FIRST + timedelta(days) for days in range(5)]


EVI2 = {"evi2": IndexStatistics(mean=0.1 + 0.2, std=1e-300, min=-1.5, p10=0.1, median=0.25, valid_pixel_count=12.5)}
NDMI = {"ndmi": IndexStatistics(mean=-0.25, max=1.0)}


def test_a_row_comes_back_with_its_indices(engine: Engine, fields: list[Field]) -> None:
    rows = [an_observation(fields[0], FIRST, indices=EVI2 | NDMI), an_observation(fields[1], FIRST)]
    write(engine, *rows)
    assert day(engine, FIRST)[0] == rows
    with engine.connect() as connection:
        series = ledger.load_series(connection, [fields[0].field_id], FIRST, FIRST, 10)
    assert series.rows == rows[:1]


@pytest.mark.parametrize(
    ("new", "minutes", "kept"),
    [
        ({"indices": NDMI}, 1, NDMI),
        ({"status": "cloudy"}, 1, {}),
        ({"indices": NDMI}, -1, EVI2),
        ({"status": "failed"}, 1, EVI2),
        ({"status": "failed", "geometry_hash": "of another boundary"}, 1, None),
    ],
    ids=["computed anew", "cloudy", "of an older plan", "failed", "failed for another boundary"],
)
def test_indices_are_replaced_exactly_when_their_row_is(
    engine: Engine, fields: list[Field], new: dict[str, Any], minutes: int, kept: dict[str, IndexStatistics] | None
) -> None:
    untouched = an_observation(fields[1], FIRST, indices=EVI2)
    write(engine, an_observation(fields[0], FIRST, indices=EVI2), untouched)
    write(engine, an_observation(fields[0], FIRST, **new), planned_at=NOW + timedelta(minutes=minutes))
    rows, _ = day(engine, FIRST)
    assert rows[-1] == untouched
    with engine.connect() as connection:
        names = connection.scalars(text("SELECT index FROM observation_index WHERE sequence = 1")).all()
    assert names == list(kept or {})
    if kept is not None:
        assert rows[0].indices == kept


def test_indices_follow_a_field_that_is_renamed_and_go_with_one_that_is_purged(
    engine: Engine, fields: list[Field]
) -> None:
    write(engine, *(an_observation(field, FIRST, indices=EVI2) for field in fields))
    with engine.begin() as connection:
        field_life.rename(connection, fields[0].field_id, "new")
        field_life.remove(connection, fields[1].field_id)
    rows, _ = day(engine, FIRST)
    assert [(row.field_id, row.indices) for row in rows] == [("new", EVI2)]
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM observation_index")) == 1


@pytest.mark.parametrize(("minutes", "kept"), [(-1, 0.6), (0, 0.4), (1, 0.4)])
def test_an_older_plan_does_not_bring_back_what_was_superseded(
    engine: Engine, fields: list[Field], minutes: int, kept: float
) -> None:
    write(engine, an_observation(fields[0], FIRST, ndvi_mean=0.6))
    write(engine, an_observation(fields[0], FIRST, ndvi_mean=0.4), planned_at=NOW + timedelta(minutes=minutes))
    (row,), _ = day(engine, FIRST)
    assert row.ndvi_mean == kept


def test_an_attempt_that_failed_is_noted_beside_the_answer_until_one_succeeds(
    engine: Engine, fields: list[Field]
) -> None:
    def entry() -> tuple[str, str | None]:
        with engine.connect() as connection:
            (found,) = ledger.load_entries(connection, [1, 2], FIRST, FIRST, WORLD).values()
        return found.fingerprint, found.failed_fingerprint

    write(engine, an_observation(fields[0], FIRST, fingerprint="old"))
    write(engine, an_observation(fields[0], FIRST, "failed", fingerprint="new"))
    assert entry() == ("old", "new")
    write(engine, an_observation(fields[0], FIRST, fingerprint="new"))
    assert entry() == ("new", None)


@pytest.mark.parametrize("zone", ["UTC", "America/Santiago", "Pacific/Auckland"])
def test_missing_days_do_not_depend_on_the_session_s_zone(engine: Engine, zone: str) -> None:
    start, end = date(2025, 9, 1), date(2025, 9, 7)  # the clocks of Santiago skip the midnight of 7 September
    with engine.begin() as connection:
        connection.execute(text(f"SET TIME ZONE '{zone}'"))
        registry.upsert_fields(connection, [a_field(plant_date=start)], "file")
        (field,) = registry.load_fields(connection)
        days = due_days.missing_days(connection, [field.sequence], end)[field.sequence]
    assert days == days_between(start, end)


def test_a_field_planted_before_sentinel_2_is_owed_its_days_from_then_on(engine: Engine) -> None:
    with engine.begin() as connection:
        registry.upsert_fields(connection, [a_field(plant_date=date(1025, 4, 18))], "file")
        (field,) = registry.load_fields(connection)
        days = due_days.missing_days(connection, [field.sequence], FIRST_IMAGE + timedelta(1))[field.sequence]
    assert days == [FIRST_IMAGE, FIRST_IMAGE + timedelta(1)]


def test_missing_days_end_with_the_field(engine: Engine) -> None:
    with engine.begin() as connection:
        registry.upsert_fields(connection, [a_field(plant_date=FIRST, end_date=FIRST + timedelta(1))], "file")
        (field,) = registry.load_fields(connection)
        assert len(due_days.missing_days(connection, [field.sequence], FIRST + timedelta(9))[field.sequence]) == 2
        assert due_days.missing_days(connection, [field.sequence], FIRST - timedelta(1)) == {}


def test_days_that_were_left_out_count_as_recorded_once_they_are_noted(engine: Engine) -> None:
    first, *left_out, last = days_between(FIRST, FIRST + timedelta(3))
    gap = (left_out[0], left_out[-1])
    with engine.begin() as connection:
        assert recorded_days.last_recorded_day(connection) is None
        assert recorded_days.mark_recorded(connection, first, FIRST) is None
        assert [recorded_days.mark_recorded(connection, last, FIRST) for _ in range(2)] == [gap, gap]
        assert recorded_days.recorded_days(connection, first, last) == [first, last]
        recorded_days.mark_left_out(connection, *gap)
        assert recorded_days.mark_recorded(connection, last, FIRST) is None
        assert recorded_days.recorded_days(connection, first, left_out[-1]) == [first, *left_out]
        assert recorded_days.last_recorded_day(connection) == last


def test_a_day_before_the_first_daily_one_leaves_none_out(engine: Engine) -> None:
    with engine.begin() as connection:
        assert recorded_days.mark_recorded(connection, FIRST - timedelta(2), FIRST) is None


def pages(engine: Engine, field_ids: list[str] | None, end: date, limit: int) -> list[list[tuple[str, int]]]:
    """Return all pages of a series as ids and days of the month."""
    found, has_more = [], True
    with engine.connect() as connection:
        while has_more:
            series = ledger.load_series(connection, field_ids, FIRST, end, limit, limit * len(found))
            found.append([(row.field_id, row.date.day) for row in series.rows])
            has_more = series.has_more
    return found


@pytest.mark.parametrize("field_ids", [None, ["a", "nobody", "b", "c"]], ids=["all", "named"])
@pytest.mark.parametrize("limit", range(1, 9))
def test_pages_of_any_size_have_each_row_once_in_order(
    engine: Engine, fields: list[Field], field_ids: list[str] | None, limit: int
) -> None:
    c = a_field("c", square(0.5), plant_date=FIRST)
    with engine.begin() as connection:
        registry.upsert_fields(connection, [a_field("no_row", square(0.6)), c], "file")
    days = days_between(FIRST, FIRST + timedelta(3))
    # `b` was registered first, then `a`; the row of the fourth day is beyond the period, that of March not due.
    write(engine, *(an_observation(fields[1], day) for day in days[:1]))
    write(engine, *(an_observation(fields[0], day) for day in [FIRST - timedelta(1), *days]))
    write(engine, *(an_observation(c, day) for day in days))
    expected = [*(("b", day) for day in (1, 2, 3)), ("a", 1), *(("c", day) for day in (1, 2, 3))]
    found = pages(engine, field_ids, days[2], limit)
    assert [row for page in found for row in page] == expected
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert found[-1]


def test_a_page_after_the_last_row_is_empty(engine: Engine, fields: list[Field]) -> None:
    write(engine, an_observation(fields[0], FIRST))
    with engine.connect() as connection:
        series = ledger.load_series(connection, None, FIRST, FIRST, 10, 1)
        nobody = ledger.load_series(connection, ["nobody"], FIRST, FIRST, 10)
    assert (series.rows, series.facts, series.has_more) == ([], [], False)
    assert (nobody.rows, nobody.has_more) == ([], False)

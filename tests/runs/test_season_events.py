"""Events are found in what was recorded, keep their ids, and end or are withdrawn when data say so."""

from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from support.country import PLANTED, Country, crop, grown, meanwhile, some_fields, struck
from support.models import a_field, square

from ndvi_core.errors import BadInput, TryAgain
from ndvi_core.models.event import Event
from ndvi_core.models.field import Field
from ndvi_core.models.observation import Observation
from ndvi_core.registry import events, field_life
from ndvi_core.runs.season_record import record_seasons
from ndvi_core.season_run.run import run_season_order
from ndvi_core.storage.object_store import Store

DAYS = range(0, 101, 5)
LAST = PLANTED + timedelta(days=100)


@pytest.fixture
def country(engine: Engine, store: Store) -> Country:
    return Country(engine, store)


@pytest.fixture
def field(country: Country) -> Field:
    """A field whose drop was found."""
    (field,) = some_fields(1)
    country.register(field)
    country.record(grown(field, DAYS, struck))
    country.season_run()
    return field


def open_events(country: Country, kind: str = "drop") -> list[Event]:
    return country.events(status="open", kind=kind)


def announced(country: Country) -> list[tuple[str, str, str]]:
    """What consumers are told of, once."""
    with country.engine.begin() as connection:
        found, as_of = events.unannounced(connection)
        events.mark_announced(connection, as_of)
    return [one for one in found if one[1] != "green_up"]


def test_a_drop_is_an_event_with_its_evidence(country: Country) -> None:
    field, other = some_fields(2)
    country.register(field, other)
    country.record([*grown(field, DAYS, struck), *grown(other, DAYS)])
    country.season_run()
    (event,) = open_events(country)
    assert (event.field_id, event.season, event.plant_type, event.index) == ("field_1", "2025", "wheat", "ndvi")
    assert event.policy == "drop@1"
    days = [(day - PLANTED).days for day, _ in event.evidence]
    assert days[:2] == [80, 85]
    assert (event.first_day, event.last_day) == (event.evidence[0].day, event.evidence[-1].day)
    assert [mark for _, mark in event.evidence] == [f"{day:016x}" for day in days]
    assert event.change == pytest.approx(event.value - event.before)
    assert event.value == pytest.approx(struck(90), abs=1e-3)
    table = country.table("events")
    (row,) = table[table.kind == "drop"].to_dict("records")
    assert (row["event_id"], row["status"], row["year"]) == (event.event_id, "open", 2025)
    assert list(row["evidence_fingerprints"]) == [mark for _, mark in event.evidence]


def test_nothing_is_said_of_a_field_before_its_days_are_caught_up(country: Country) -> None:
    (field,) = some_fields(1)
    country.register(field, caught_up=False)
    country.record(grown(field, [100]))  # by the daily run; the hundred days before are still missing
    country.season_run()
    assert country.events() == []
    country.record(grown(field, DAYS))
    country.catch_up()
    country.season_run()
    assert [event.kind for event in country.events()] == ["green_up"]


def test_an_event_stays_while_a_corrected_boundary_is_caught_up(country: Country, field: Field) -> None:
    before = open_events(country)
    corrected = a_field(field.field_id, square(0.0004), plant_date=PLANTED)
    country.register(corrected, caught_up=False)
    country.season_run()
    assert open_events(country) == before
    country.record(grown(corrected, DAYS))  # the strip that was struck is no part of it any more
    country.catch_up()
    country.season_run()
    assert open_events(country) == []


def test_an_event_stays_when_its_field_falls_behind_while_rows_are_read(country: Country, field: Field) -> None:
    before = open_events(country)
    country.record(grown(field, [102], struck))
    corrected = a_field(field.field_id, square(0.0004), plant_date=PLANTED)
    with meanwhile(country.engine, "caught_up", lambda: country.register(corrected, caught_up=False)):
        country.season_run()
    assert open_events(country) == before


def test_a_field_that_is_caught_up_while_a_run_is_planned_is_judged_by_the_next(country: Country) -> None:
    (field,) = some_fields(1)
    country.register(field, caught_up=False)
    country.record(grown(field, DAYS, struck))
    with meanwhile(country.engine, "caught_up", country.catch_up):
        country.season_run()
    country.season_run()
    assert [event.status for event in country.events(kind="drop")] == ["open"]


def test_an_event_is_announced_once_whatever_is_repeated(country: Country) -> None:
    (field,) = some_fields(1)
    country.register(field)
    country.record(grown(field, DAYS, struck))
    folder, plan = country.plan()
    country.compute_and_record(folder, plan)
    assert announced(country) == [("field_1", "drop", "open")]
    record_seasons(folder, country.settings, country.engine)
    country.record(grown(field, [102], struck))
    country.season_run()
    assert announced(country) == []


def test_an_event_is_withdrawn_when_its_observations_are_replaced_and_the_same_when_they_come_back(
    country: Country, field: Field
) -> None:
    (event,) = open_events(country)
    announced(country)
    country.record(grown(field, DAYS))
    country.season_run()
    assert open_events(country) == []
    assert announced(country) == [("field_1", "drop", "withdrawn")]
    country.record(grown(field, DAYS, struck))
    country.season_run()
    (again,) = open_events(country)
    assert (again.event_id, again.opened_at) == (event.event_id, event.opened_at)


def test_a_late_scene_moves_the_evidence_and_not_the_event(country: Country, field: Field) -> None:
    (event,) = open_events(country)
    announced(country)
    country.record(grown(field, [83], crop), until=LAST)
    country.season_run()
    (moved,) = open_events(country)
    assert moved.first_day == PLANTED + timedelta(days=83)
    assert (moved.event_id, moved.opened_at) == (event.event_id, event.opened_at)
    assert announced(country) == []


def test_an_event_closes_when_it_is_over(country: Country, field: Field) -> None:
    (event,) = open_events(country)
    announced(country)
    country.record(grown(field, range(105, 141, 5), struck))
    country.season_run()
    (closed,) = country.events(kind="drop")
    assert (closed.event_id, closed.status) == (event.event_id, "closed")
    assert ("field_1", "drop", "closed") in announced(country)


def test_days_without_a_value_are_an_event_that_the_next_value_ends(country: Country) -> None:
    (field,) = some_fields(1)
    country.register(field)
    country.record(grown(field, range(0, 41, 5)), until=PLANTED + timedelta(days=59))
    country.season_run()
    assert open_events(country, "no_value") == []
    country.record(grown(field, [61], status="cloudy", ndvi_mean=None, valid_fraction=0.1))
    country.season_run()
    (event,) = open_events(country, "no_value")
    assert event.first_day == PLANTED + timedelta(days=41)
    country.record(grown(field, [64]))
    country.season_run()
    assert [one.status for one in country.events(kind="no_value")] == ["closed"]


def a_weak_field_and_its_peers(country: Country) -> list[Observation]:
    """Bring a field to an event `below_peers`, whose peers are in another part; return rows that make them as weak."""
    peers, (weak,) = some_fields(9), some_fields(1, "weak")
    country.register(weak)
    country.begin_another_part()
    country.register(*peers)
    rows = [
        row
        for number, field in enumerate(peers)
        for row in grown(field, DAYS, lambda day, n=number: crop(day) + n * 0.005)
    ]
    country.record([*grown(weak, DAYS, lambda day: 0.2 + 0.5 * (crop(day) - 0.2)), *rows])
    country.season_run()
    return [row for field in peers for row in grown(field, DAYS, lambda day: 0.2 + 0.5 * (crop(day) - 0.2))]


def test_a_field_that_lags_behind_its_peers_is_found_and_it_goes_by_peers_of_other_parts_too(country: Country) -> None:
    weaker = a_weak_field_and_its_peers(country)
    (event,) = open_events(country, "below_peers")
    assert event.field_id == "weak_1"
    assert event.before == pytest.approx(crop((event.last_day - PLANTED).days) + 0.02, abs=0.02)
    before = country.files()
    country.record(weaker)
    country.season_run()
    assert [one.status for one in country.events(kind="below_peers")] == ["withdrawn"]
    assert "seasons/series/year=2025/part=00000.parquet" not in country.changed_files(before)
    assert "events/year=2025/part=00000.parquet" in country.changed_files(before)


def test_files_of_events_that_could_not_be_written_are_when_the_run_is_repeated(country: Country) -> None:
    country.record(a_weak_field_and_its_peers(country))
    folder, plan = country.plan()
    run_season_order(plan.order.uri)
    file = Path(country.store.url.removeprefix("file://")) / "events/year=2025/part=00000.parquet"
    file.unlink()
    (file / "in the way").mkdir(parents=True)
    with pytest.raises(TryAgain):
        record_seasons(folder, country.settings, country.engine)
    (file / "in the way").rmdir()
    file.rmdir()
    record_seasons(folder, country.settings, country.engine)
    table = country.table("events")
    assert list(table.status[table.kind == "below_peers"]) == ["withdrawn"]


def test_a_season_with_another_plant_date_keeps_its_events(country: Country) -> None:
    """Also over the turn of the year, which gives it another name and place."""
    planted = date(2025, 1, 3)
    (field,) = some_fields(1, plant_date=planted)
    country.register(field)
    country.record(grown(field, DAYS, struck))
    country.season_run()
    (event,) = open_events(country)
    announced(country)
    country.register(field.model_copy(update={"plant_date": date(2024, 12, 30)}))
    country.season_run()
    (moved,) = open_events(country)
    assert (moved.event_id, moved.season, moved.first_day) == (event.event_id, "2024", event.first_day)
    assert announced(country) == []
    assert set(country.table("events").year) == {2024}


def test_a_season_that_moves_to_another_year_while_its_field_is_behind_takes_its_events_along(country: Country) -> None:
    (field,) = some_fields(1, plant_date=date(2025, 1, 3))
    country.register(field)
    country.record(grown(field, DAYS, struck))
    country.season_run()
    (event,) = open_events(country)
    country.register(field.model_copy(update={"plant_date": date(2024, 12, 30)}), caught_up=False)
    country.season_run()
    country.catch_up()
    country.season_run()
    (moved,) = country.events(kind="drop")
    assert (moved.event_id, moved.season, moved.status) == (event.event_id, "2024", "open")
    assert set(country.table("events").year) == {2024}


def test_a_new_name_is_that_of_all_events_also_of_years_without_a_season(country: Country) -> None:
    (field,) = some_fields(1, plant_date=date(2025, 1, 3))
    country.register(field)
    country.record(grown(field, DAYS, struck))
    country.season_run()
    country.record(grown(field, DAYS))
    country.season_run()
    country.register(field.model_copy(update={"plant_date": date(2024, 12, 30)}))
    country.season_run()
    with country.engine.begin() as connection:
        field_life.rename(connection, "field_1", "north")
    country.season_run()
    table = country.table("events")
    assert set(table.year[table.status == "withdrawn"]) == {2025}
    assert set(table.field_id) == {"north"}


def test_events_go_with_their_field_and_follow_its_name(country: Country) -> None:
    fields = some_fields(2)
    country.register(*fields)
    country.record([row for field in fields for row in grown(field, DAYS, struck)])
    country.season_run()
    with country.engine.begin() as connection:
        field_life.rename(connection, "field_1", "north")
        field_life.remove(connection, "field_2")
    country.season_run()
    assert {event.field_id for event in country.events()} == {"north"}
    assert set(country.table("events").field_id) == {"north"}


def test_a_field_that_is_removed_while_a_run_is_at_work_does_no_harm(country: Country) -> None:
    fields = some_fields(2)
    country.register(*fields)
    country.record([row for field in fields for row in grown(field, DAYS, struck)])
    folder, plan = country.plan()
    with country.engine.begin() as connection:
        field_life.remove(connection, "field_1")
    country.compute_and_record(folder, plan)
    country.season_run()
    assert {event.field_id for event in country.events()} == {"field_2"}


def test_a_field_that_is_removed_while_events_are_compared_does_no_harm(country: Country) -> None:
    fields = some_fields(2)
    country.register(*fields)
    rows = [row for field in fields for row in grown(field, DAYS, struck)]
    country.record(rows)
    country.season_run()
    country.record(rows)
    folder, plan = country.plan()
    run_season_order(plan.order.uri)

    def remove() -> None:
        with country.engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '500ms'"))  # it may wait, and this thread is at work
            field_life.remove(connection, "field_1")

    def try_to_remove() -> None:
        with suppress(OperationalError):
            remove()

    with meanwhile(country.engine, "FROM event JOIN field", try_to_remove):
        record_seasons(folder, country.settings, country.engine)
    with suppress(BadInput):  # it is removed already
        remove()
    country.season_run()
    assert {event.field_id for event in country.events()} == {"field_2"}


def test_pages_of_events(country: Country) -> None:
    fields = some_fields(3)
    country.register(*fields)
    country.record([row for field in fields for row in grown(field, DAYS, struck)])
    country.season_run()
    assert [event.field_id for event in country.events(kind="drop", limit=2)] == ["field_1", "field_2"]
    assert [event.field_id for event in country.events(kind="drop", limit=2, offset=2)] == ["field_3"]
    assert country.events(kind="drop", since=LAST) == []
    assert [event.field_id for event in country.events(kind="drop", field_ids=["field_2"])] == ["field_2"]


def test_a_run_that_stopped_half_way_is_done_again(country: Country) -> None:
    """Events were written, and the parts are still noted."""
    (field,) = some_fields(1)
    country.register(field)
    country.record(grown(field, DAYS, struck))
    folder, plan = country.plan()
    country.compute_and_record(folder, plan)
    before = country.events()
    with country.engine.begin() as connection:
        connection.execute(text("INSERT INTO stale_season_part (year, part) VALUES (2025, 0)"))
    country.season_run()
    assert country.events() == before

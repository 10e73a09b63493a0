"""What migrations make of a registry that has been in use."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import shapely
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, inspect, text
from support.events import an_event, note_events
from support.models import a_field, an_observation, square

from ndvi_core.models.observation import IndexStatistics
from ndvi_core.registry import events, index_sets, ledger, stale_seasons
from ndvi_core.registry import fields as registry
from ndvi_core.registry.stale_days import stale_days

FIRST = date(2025, 4, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(3)]


@pytest.fixture
def used(engine: Engine) -> Engine:
    """A registry with two fields, of which one has rows."""
    one, other = a_field(plant_date=FIRST), a_field("other", square(0.1, 0.2, side=0.03), plant_date=FIRST)
    with engine.begin() as connection:
        registry.upsert_fields(connection, [one, other], "file")
        rows = [an_observation(one, day) for day in DAYS]
        ledger.upsert_observations(connection, rows, datetime(2025, 6, 1, tzinfo=UTC))
    return engine


def migrate(engine: Engine, step: Callable[[Config, str], None], revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "ndvi_core/registry/migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        step(config, revision)


def test_days_are_published_anew_in_the_columns_of_one_table(used: Engine) -> None:
    migrate(used, command.downgrade, "0003")
    with used.begin() as connection:
        connection.execute(text("DELETE FROM stale_day"))
    migrate(used, command.upgrade, "head")
    with used.connect() as connection:
        assert stale_days(connection) == DAYS


def test_indices_come_and_go_with_their_tables(used: Engine) -> None:
    """Going back drops them, and the days' files lose their columns; rows keep their NDVI."""
    with used.begin() as connection:
        row = an_observation(a_field(), FIRST, indices={"evi2": IndexStatistics(mean=0.5)})
        ledger.upsert_observations(connection, [row], datetime(2025, 6, 2, tzinfo=UTC))
        index_sets.register_indices(connection, ["evi2"])
        connection.execute(text("DELETE FROM stale_day"))
    migrate(used, command.downgrade, "0005")
    migrate(used, command.upgrade, "head")
    with used.connect() as connection:
        assert stale_days(connection) == DAYS
        assert index_sets.current_indices(connection) == ("ndvi",)
        (rows, _), *_ = ledger.load_day(connection, FIRST)
    assert [(found.ndvi_mean, found.indices) for found in rows] == [(0.5, {})]


def test_going_back_publishes_nothing_anew_where_there_was_ndvi_alone(used: Engine) -> None:
    with used.begin() as connection:
        connection.execute(text("DELETE FROM stale_day"))
    migrate(used, command.downgrade, "0005")
    with used.connect() as connection:
        assert stale_days(connection) == []


def test_fields_that_there_are_get_their_bounds_and_are_found_by_them(used: Engine) -> None:
    migrate(used, command.downgrade, "0004")
    migrate(used, command.upgrade, "head")
    with used.connect() as connection:
        bounds = connection.execute(text("SELECT west, south, east, north FROM field ORDER BY sequence")).all()
        assert registry.field_ids_within(connection, square(0.12, 0.22)) == ["other"]
    assert [tuple(row) for row in bounds] == [(0.0, 0.0, 0.01, 0.01), pytest.approx((0.1, 0.2, 0.13, 0.23))]


def seasons(engine: Engine) -> list[tuple[str, str, date, date | None]]:
    with engine.connect() as connection:
        fields = registry.load_fields(connection)
    return [(one.name, one.plant_type, one.plant_date, one.end_date) for field in fields for one in field.seasons]


def test_crop_and_dates_of_a_field_become_its_first_season(used: Engine) -> None:
    with used.begin() as connection:
        registry.upsert_fields(connection, [a_field(plant_date=FIRST, end_date=DAYS[1])], "file")
        registry.upsert_fields(connection, [a_field(plant_date=FIRST, end_date=DAYS[1], geometry=square(0.5))], "file")
    before = seasons(used)
    migrate(used, command.downgrade, "0006")
    with used.begin() as connection:
        rows = connection.execute(text("SELECT plant_type, plant_date, end_date FROM field ORDER BY sequence")).all()
        connection.execute(text("DELETE FROM stale_day"))
    assert [tuple(row) for row in rows] == [("wheat", FIRST, DAYS[1]), ("wheat", FIRST, None)]
    migrate(used, command.upgrade, "head")
    assert seasons(used) == before == [("2025", "wheat", FIRST, DAYS[1]), ("2025", "wheat", FIRST, None)]
    with used.begin() as connection:
        assert stale_days(connection) == []
        again = [a_field(plant_date=FIRST, end_date=DAYS[1], geometry=square(0.5))]
        assert registry.upsert_fields(connection, again, "file").unchanged == ("field_1",)
        assert [field.revision for field in registry.load_fields(connection)] == [2, 1]


def test_going_back_keeps_the_last_season_and_no_longer_publishes_those_before(used: Engine) -> None:
    second = a_field(plant_date=DAYS[2], plant_type="maize", season="second")
    with used.begin() as connection:
        registry.upsert_fields(connection, [second], "file")
        connection.execute(text("DELETE FROM stale_day"))
    migrate(used, command.downgrade, "0006")
    with used.connect() as connection:
        rows = connection.execute(text("SELECT plant_type, plant_date FROM field ORDER BY sequence")).all()
        kept = connection.execute(text("SELECT count(*) FROM observation")).scalar_one()
        assert stale_days(connection) == DAYS[:2]
    assert [tuple(row) for row in rows] == [("maize", DAYS[2]), ("wheat", FIRST)]
    assert kept == len(DAYS), "nothing that was computed is lost"
    migrate(used, command.upgrade, "head")
    assert seasons(used)[0] == ("2025", "maize", DAYS[2], None)


def test_going_back_leaves_the_boundary_of_the_field_the_newest(used: Engine) -> None:
    """The next boundary gets the number after it, under which there must not be that of another season."""
    first, redrawn, corrected = square(), square(0.5), square(0.7)
    with used.begin() as connection:
        for season, planted, geometry in (("second", DAYS[2], redrawn), ("2025", FIRST, corrected)):
            registry.upsert_fields(connection, [a_field(geometry=geometry, plant_date=planted, season=season)], "file")
        assert [field.revision for field in registry.load_fields(connection)] == [2, 1]
    migrate(used, command.downgrade, "0006")
    columns = "SELECT revision, geometry, geometry_hash FROM {} WHERE sequence = 1 ORDER BY revision"
    with used.connect() as connection:
        (field,) = connection.execute(text(columns.format("field"))).all()
        revisions = connection.execute(text(columns.format("field_revision"))).all()
        others = connection.execute(text("SELECT revision FROM field WHERE sequence <> 1")).scalars().all()
    assert [shapely.from_wkb(row.geometry) for row in revisions] == [first, redrawn, corrected, redrawn]
    assert tuple(field) == tuple(revisions[-1])
    assert others == [1], "a field with one boundary has no further one"

    migrate(used, command.upgrade, "head")
    with used.begin() as connection:
        registry.upsert_fields(connection, [a_field(geometry=square(0.9), plant_date=DAYS[2])], "file")
        (changed,) = registry.load_fields(connection, ["field_1"])
        assert registry.load_boundaries(connection, [(1, changed.revision)])[1, changed.revision][0] == square(0.9)


def test_events_go_with_their_tables_and_are_looked_for_anew(used: Engine) -> None:
    note_events(used, an_event())
    with used.begin() as connection:
        stale_seasons.note_new_settings(connection, "rules")
        for notes in stale_seasons.stale_parts(connection).values():
            stale_seasons.mark_done(connection, notes)
    migrate(used, command.downgrade, "0007")
    assert {"event", "season_setting", "stale_season_part"}.isdisjoint(inspect(used).get_table_names())

    migrate(used, command.upgrade, "head")
    with used.begin() as connection:
        assert events.load_events(connection) == []
        stale_seasons.note_new_settings(connection, "rules")
        assert list(stale_seasons.stale_parts(connection)) == stale_seasons.all_parts(connection) == [(2025, 0)]

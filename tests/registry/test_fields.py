"""The registry on a real PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
import shapely
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine
from support.models import a_field, square

from ndvi_core.models.field import Field, RegisteredField
from ndvi_core.registry import database, tables
from ndvi_core.registry import fields as registry

SOURCE = "s3://ndvi/staticdata/fields/processed/fields.geojson"


def register(engine: Engine, *fields: Field, source: str = SOURCE) -> registry.Upserted:
    with engine.begin() as connection:
        return registry.upsert_fields(connection, fields, source)


def load(engine: Engine, *args: Any, **kwargs: Any) -> list[RegisteredField]:
    with engine.connect() as connection:
        return registry.load_fields(connection, *args, **kwargs)


def announced(engine: Engine) -> list[str]:
    """Announce what there is to announce and return it."""
    with engine.begin() as connection:
        field_ids, as_of = registry.unannounced(connection)
        registry.mark_announced(connection, as_of)
    return field_ids


def test_migrations_lead_to_the_tables_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_upgrading_again_changes_nothing(engine: Engine) -> None:
    register(engine, a_field())
    database.upgrade(engine)
    assert [field.field_id for field in load(engine)] == ["field_1"]


def test_sequence_is_the_order_of_arrival_whatever_the_names(engine: Engine) -> None:
    register(engine, a_field("zebra"), a_field("ant"))
    register(engine, a_field("middle"), a_field("ant"))
    fields = load(engine)
    assert [field.field_id for field in fields] == ["zebra", "ant", "middle"]
    assert [field.sequence for field in fields] == sorted(field.sequence for field in fields)


def test_the_same_again_is_unchanged(engine: Engine) -> None:
    assert register(engine, a_field()).added == ("field_1",)
    assert register(engine, a_field()).unchanged == ("field_1",)
    assert load(engine)[0].revision == 1


@pytest.mark.parametrize(
    ("change", "revision"),
    [
        ({"geometry": square(0.001)}, 2),
        ({"plant_type": "maize"}, 1),
        ({"plant_date": date(2025, 3, 1)}, 1),
        ({"end_date": date(2025, 9, 1)}, 1),
    ],
)
def test_a_change_is_taken_over_and_announced_anew(engine: Engine, change: dict[str, Any], revision: int) -> None:
    register(engine, a_field())
    announced(engine)
    before = load(engine)[0]
    assert register(engine, a_field(**change)).changed == ("field_1",)
    after = load(engine)[0]
    assert (after.sequence, after.revision) == (before.sequence, revision)
    (season,) = after.seasons
    for name, value in change.items():
        assert getattr(after if name == "geometry" else season, name) == value
    assert announced(engine) == ["field_1"]


def test_two_fields_may_share_a_geometry(engine: Engine) -> None:
    register(engine, a_field("field_1"), a_field("field_5"))
    first, second = load(engine)
    assert first.geometry_hash == second.geometry_hash


def test_hash_ignores_ring_start_orientation_and_part_order_only() -> None:
    ring = [(0, 0), (1, 0), (1, 1), (0, 1)]
    turned, reversed_ring = [*ring[2:], *ring[:2]], ring[::-1]
    same = {a_field(geometry=shapely.Polygon(points)).geometry_hash for points in (ring, turned, reversed_ring)}
    assert len(same) == 1
    assert a_field(geometry=shapely.Polygon([*ring[:3], (0, 1.0001)])).geometry_hash not in same
    parts = [square(0), square(1)]
    assert (
        a_field(geometry=shapely.MultiPolygon(parts)).geometry_hash
        == a_field(geometry=shapely.MultiPolygon(parts[::-1])).geometry_hash
    )


def test_an_announcement_covers_only_what_it_listed(engine: Engine) -> None:
    register(engine, a_field("field_1"))
    with engine.begin() as connection:
        listed, as_of = registry.unannounced(connection)
    register(engine, a_field("field_2"))
    with engine.begin() as connection:
        registry.mark_announced(connection, as_of)
    assert listed == ["field_1"]
    assert announced(engine) == ["field_2"]


def test_caught_up_is_for_the_field_as_it_was_then(engine: Engine) -> None:
    register(engine, a_field("field_1"), a_field("field_2"))
    done = load(engine)
    register(engine, a_field("field_2", plant_date=date(2025, 3, 1)))
    with engine.begin() as connection:
        registry.mark_caught_up(connection, done)
    assert [field.field_id for field in load(engine, caught_up=True)] == ["field_1"]
    assert [field.field_id for field in load(engine, caught_up=False)] == ["field_2"]


def test_concurrent_registrations_of_the_same_fields_make_each_once(engine: Engine) -> None:
    fields = [a_field(f"field_{number}") for number in range(50)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: register(engine, *fields), range(4)))
    assert sorted(len(result.added) for result in results) == [0, 0, 0, 50]
    assert len(load(engine)) == 50

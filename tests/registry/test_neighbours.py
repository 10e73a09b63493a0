"""Which registered fields are looked at beside those of a file."""

import pytest
from sqlalchemy import Engine
from support.models import a_field, square

from ndvi_core.models.field import Field
from ndvi_core.registry import fields as registry
from ndvi_core.registry import neighbours

ROW = [a_field(f"row_{number}", square(0.02 * number)) for number in range(6)]
"""Fields side by side, with a gap of their width between them."""


@pytest.fixture(autouse=True)
def _registered(engine: Engine) -> None:
    with engine.begin() as connection:
        registry.upsert_fields(connection, ROW, "file")


def beside(engine: Engine, *fields: Field) -> list[str]:
    with engine.connect() as connection:
        return [one.field_id for one in neighbours.load_neighbours(connection, fields)]


def test_fields_whose_bounds_meet_are_neighbours_once_and_in_order(engine: Engine) -> None:
    over_three, over_two = a_field("new", square(0.02, side=0.04)), a_field("newer", square(0.035, side=0.01))
    assert beside(engine, over_three, over_two) == ["row_1", "row_2", "row_3"]
    assert beside(engine, a_field("new", square(0.0, south=0.02))) == []
    assert beside(engine) == []


def test_a_field_is_no_neighbour_of_itself(engine: Engine) -> None:
    assert beside(engine, a_field("row_1", square(0.02, side=0.04))) == ["row_2", "row_3"]


def test_of_a_field_that_is_drawn_around_all_some_are_looked_at(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "MAX_NEIGHBOURS", 2)
    around = a_field("around", square(-1, -1, side=3))
    assert len(beside(engine, around)) == 2
    assert len(beside(engine, around, a_field("far", square(50)))) == 4

"""The extent may change: no answer is lost by it, and what it opened is computed when somebody asks for it."""

import json

import shapely
from support.farm import DAYS, START, Farm, published, rows_of

from ndvi_core.models.extent import Extent
from ndvi_core.registry.extents import changed_parts, registered_extents
from ndvi_core.registry.progress import field_statuses
from ndvi_core.runs.selectors import select_opened


def set_extent(farm: Farm, west: float, south: float, east: float, north: float) -> None:
    box = shapely.geometry.mapping(shapely.box(west, south, east, north))
    farm.store.write(farm.settings.extent_key, json.dumps(box).encode())


def bounds_of(farm: Farm, name: str) -> tuple[float, ...]:
    features = json.loads(farm.season.fields.read_text())["features"]
    feature = next(one for one in features if one["properties"]["object-id"] == name)
    return shapely.geometry.shape(feature["geometry"]).bounds


def leave_out(farm: Farm, name: str, share: float = 1.0) -> None:
    """Move the extent's western edge so that it cuts a share of a field off, from the west."""
    _, south, east, north = shapely.geometry.shape(
        json.loads(farm.season.extent.read_text())["features"][0]["geometry"]
    ).bounds
    field_west, _, field_east, _ = bounds_of(farm, name)
    set_extent(farm, field_west + share * (field_east - field_west), south, east, north)


def restore(farm: Farm) -> None:
    farm.store.write(farm.settings.extent_key, farm.season.extent.read_bytes())


def statuses(farm: Farm, name: str) -> list[str]:
    objects = published(farm)
    return [row.status for day in DAYS for row in rows_of(farm, objects, day, {name})]


def test_rows_say_for_which_extent_they_were_computed(farm: Farm) -> None:
    farm.daily(DAYS[0])
    bounds = shapely.geometry.shape(json.loads(farm.season.extent.read_text())["features"][0]["geometry"]).bounds
    rows = rows_of(farm, published(farm), DAYS[0], {"field_1", "field_2", "field_3"})
    assert {row.extent for row in rows} == {",".join(map(repr, bounds))}


def test_a_shrunken_extent_leaves_every_row_as_it_is(grown: Farm) -> None:
    before = published(grown)
    leave_out(grown, "field_1")
    assert grown.daily(DAYS[-1]).cells == set()
    assert grown.by_hand(start=DAYS[0], end=DAYS[-1]).cells == set()
    assert grown.by_hand(field_ids=["field_1"], start=DAYS[0], end=DAYS[-1], force=True).cells == set()
    assert published(grown) == before
    with grown.engine.connect() as connection:
        assert [len(registered_extents(connection)), *(row.whole for row in field_statuses(connection, START))] == [
            2,
            True,
            True,
            True,
        ]
        (part,) = (one for one in changed_parts(connection) if one.field_id == "field_1")
    assert (part.is_opened, part.days) == (False, tuple(DAYS[-len(part.days) :]))


def test_a_field_that_is_cut_keeps_the_numbers_of_its_whole(grown: Farm) -> None:
    before = published(grown)
    leave_out(grown, "field_1", 0.5)
    assert grown.daily(DAYS[-1]).cells == set()
    assert published(grown) == before


def test_growing_back_brings_nothing_to_compute_and_loses_nothing(grown: Farm) -> None:
    before = published(grown)
    leave_out(grown, "field_1")
    grown.daily(DAYS[-1])
    restore(grown)
    assert grown.daily(DAYS[-1]).cells == set()
    assert published(grown) == before
    with grown.engine.connect() as connection:
        assert changed_parts(connection) == []
        assert len(registered_extents(connection)) == 3


def test_what_a_grown_extent_opens_is_computed_on_demand(farm: Farm) -> None:
    leave_out(farm, "field_1")
    for day in DAYS:
        farm.daily(day)
    assert set(statuses(farm, "field_1")) == {"outside_extent"}

    restore(farm)
    assert farm.daily(DAYS[-1]).cells == set(), "no row is overwritten unasked"
    with farm.engine.connect() as connection:
        opened = {part.field_id for part in changed_parts(connection) if part.is_opened}
    assert "field_1" in opened
    run = farm.selected(select_opened)
    assert {name for name, _ in run.cells} == opened
    assert "computed" in statuses(farm, "field_1")
    assert "outside_extent" not in statuses(farm, "field_1")
    with farm.engine.connect() as connection:
        assert changed_parts(connection) == []


def test_a_boundary_that_is_corrected_is_computed_for_the_extent_of_today(grown: Farm) -> None:
    leave_out(grown, "field_1")
    document = json.loads(grown.season.fields.read_text())
    feature = next(f for f in document["features"] if f["properties"]["object-id"] == "field_1")
    feature["geometry"] = shapely.geometry.mapping(shapely.geometry.shape(feature["geometry"]).buffer(-0.0002))
    grown.upload(json.dumps(document).encode(), "corrected.geojson")
    grown.intake()
    grown.catch_up()
    assert set(statuses(grown, "field_1")) == {"outside_extent"}


def test_an_extent_is_read_back_as_it_was_written() -> None:
    extent = Extent(west=-0.1, south=1 / 3, east=179.99999999999997, north=89)
    assert Extent.parse(str(extent)) == extent

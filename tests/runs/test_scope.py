"""The area that is searched for scenes."""

from datetime import date

import shapely
from support.models import a_field, registered

from ndvi_core.models.extent import WORLD
from ndvi_core.runs.scope import scope_of
from ndvi_core.runs.selection import Selection

DAY = date(2025, 4, 20)


def area(*geometries: shapely.Geometry) -> shapely.Geometry:
    fields = [registered(a_field(f"field_{number}", geometry), number) for number, geometry in enumerate(geometries)]
    found = scope_of(Selection(wanted=[(field, (DAY,)) for field in fields]), WORLD).area
    assert found is not None
    return found


def test_one_rectangle_around_all_fields() -> None:
    found = area(shapely.box(-0.2, 50, -0.1, 51), shapely.box(0.3, 49, 0.4, 50))
    assert found.equals(shapely.box(-0.2, 49, 0.4, 51))


def test_fields_on_both_sides_of_the_antimeridian_are_not_searched_by_way_of_greenwich() -> None:
    across = shapely.MultiPolygon([shapely.box(179.9, -17, 180, -16.9), shapely.box(-180, -17, -179.9, -16.9)])
    found = area(across, shapely.box(178, -18, 178.1, -17.9))
    assert found.covers(across)
    assert found.equals(shapely.union(shapely.box(178, -18, 180, -16.9), shapely.box(-180, -17, -179.9, -16.9)))

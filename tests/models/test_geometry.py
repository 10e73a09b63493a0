"""Areas of boundaries on the ellipsoid, against geodesics and the Earth's published surface."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from support.chance import examples

from ndvi_core.models.geometry import area_ha

WGS84 = Geod(ellps="WGS84")
RING = shapely.Point(11, 46).buffer(0.01).difference(shapely.Point(11, 46).buffer(0.004))


def by_geodesics(geometry: shapely.Geometry) -> float:
    """Return hectares by Karney's algorithm; with many vertices, since edges are straight in longitude and latitude."""
    dense = shapely.orient_polygons(shapely.segmentize(geometry, math.sqrt(geometry.area) / 500))
    area, _ = WGS84.geometry_area_perimeter(dense)
    return area / 10_000


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(shapely.box(-0.85, 49.33, -0.84, 49.34), id="a field of France"),
        pytest.param(shapely.box(36.8, -1.31, 36.801, -1.309), id="across no line, a hectare in Kenya"),
        pytest.param(shapely.box(-0.01, -0.01, 0.01, 0.01), id="on both sides of the equator and of Greenwich"),
        pytest.param(shapely.Polygon([(25.0, 70.0), (25.05, 70.0), (25.06, 70.02)]), id="slanting edges in the north"),
        pytest.param(shapely.box(15.0, 78.2, 15.3, 78.25), id="Svalbard"),
        pytest.param(shapely.Point(40, 89.99).buffer(0.005), id="near the north pole"),
        pytest.param(shapely.box(20.0, -89.999, 21.0, -89.99), id="near the south pole"),
        pytest.param(RING, id="a hole"),
        pytest.param(shapely.reverse(RING), id="the other way round"),
        pytest.param(shapely.MultiPolygon([RING, shapely.box(3, 1, 3.01, 1.02)]), id="parts"),
        pytest.param(shapely.box(179.99, -17, 180, -16.99), id="at the antimeridian"),
    ],
)
def test_an_area_is_that_within_its_boundary(geometry: shapely.Geometry) -> None:
    (area,) = area_ha([geometry])
    assert area == pytest.approx(by_geodesics(geometry), rel=1e-6)


def test_the_earth_has_its_surface() -> None:
    (area,) = area_ha([shapely.box(-180, -90, 180, 90)])
    assert area / 100 == pytest.approx(510_065_621.724, abs=0.001)  # km2, NIMA TR8350.2, table 3.3


def test_areas_do_not_depend_on_what_is_measured_beside() -> None:
    shapes = [RING, shapely.Polygon(), shapely.box(0, 0, 1, 1), shapely.force_3d(RING, 100.0)]
    together = area_ha(shapes)
    assert together.tolist() == [area_ha([one])[0] for one in shapes]
    assert (together[1], together[3]) == (0.0, together[0])
    assert area_ha([]).tolist() == []


@examples(30)
@given(st.floats(-179, 178), st.floats(-89, 88), st.floats(1e-3, 1), st.floats(1e-3, 1))
def test_a_field_is_as_large_as_its_parts(west: float, south: float, width: float, height: float) -> None:
    whole = shapely.box(west, south, west + width, south + height)
    middle = west + width / 3
    parts = [shapely.box(west, south, middle, south + height), shapely.box(middle, south, west + width, south + height)]
    assert np.sum(area_ha(parts)) == pytest.approx(area_ha([whole])[0], rel=1e-6)

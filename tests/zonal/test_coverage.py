"""Coverage against exactextract's fractions and shapely's intersections."""

import math

import numpy as np
import pytest
import shapely
import shapely.ops
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import assume, given
from hypothesis import strategies as st
from rasterio.warp import transform
from shapely.affinity import rotate
from shapely.geometry.base import BaseGeometry
from support.scenes import EPSG, lonlat

from ndvi_core.errors import BadInput
from ndvi_core.raster.grid import Grid, Window
from ndvi_core.raster.projection import project
from ndvi_core.zonal.coverage import Coverage, cover

UTM = Grid(epsg=EPSG, size_x=10, size_y=10, alignment_x=0, alignment_y=0)
SIZE = 2**-10
DEGREES = Grid(epsg=4326, size_x=SIZE, size_y=SIZE, alignment_x=0, alignment_y=0)
"""Pixels in longitude and latitude: nothing is projected, so that shapes can be given to the last binary digit."""


def one(geometry: BaseGeometry, grid: Grid = DEGREES) -> Coverage:
    (found,) = cover([geometry], grid)
    assert found is not None
    return found


def pixels(wkt: str) -> BaseGeometry:
    """Return a geometry in degrees from one in columns and rows north of the origin."""
    return shapely.transform(shapely.from_wkt(wkt), lambda xy: xy * SIZE)


def by_shapely(geometry: BaseGeometry, window: Window, grid: Grid = DEGREES) -> np.ndarray:
    """Intersect the polygon, in the grid's CRS, with each pixel."""
    boxes = [
        shapely.box(*grid.bounds(Window(col_off=window.col_off + c, row_off=window.row_off + r, width=1, height=1)))
        for r in range(window.height)
        for c in range(window.width)
    ]
    areas = shapely.area(shapely.intersection(np.array(boxes), geometry))
    return areas.reshape(window.shape) / (grid.size_x * grid.size_y)


def by_exactextract(geometry: BaseGeometry, window: Window, grid: Grid = DEGREES) -> np.ndarray:
    left, bottom, right, top = grid.bounds(window)
    source = NumPyRasterSource(np.zeros(window.shape), xmin=left, ymin=bottom, xmax=right, ymax=top)
    feature = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(geometry)}
    (found,) = exact_extract(source, feature, ["coverage", "cell_id"])
    coverage_fraction = np.zeros(window.height * window.width)
    coverage_fraction[found["properties"]["cell_id"]] = found["properties"]["coverage"]
    return coverage_fraction.reshape(window.shape)


def window(row: int, col: int, height: int, width: int) -> Window:
    return Window(col_off=col, row_off=row, width=width, height=height)


@pytest.mark.parametrize(
    ("wkt", "window", "coverage_fraction"),
    [
        ("POLYGON((0 0, 1 0, 1 1, 0 1, 0 0))", window(-1, 0, 1, 1), [[1]]),
        ("POLYGON((0 0, 0 1, 1 1, 1 0, 0 0))", window(-1, 0, 1, 1), [[1]]),
        (
            "POLYGON((0.25 0.25, 0.75 0.25, 0.75 0.75, 0.25 0.75, 0.25 0.25))",
            window(-1, 0, 1, 1),
            [[0.25]],
        ),
        (
            "POLYGON((0.5 0.5, 2.5 0.5, 2.5 1.5, 0.5 1.5, 0.5 0.5))",
            window(-2, 0, 2, 3),
            [[0.25, 0.5, 0.25]] * 2,
        ),
        ("POLYGON((0 0, 2 0, 0 2, 0 0))", window(-2, 0, 2, 2), [[0.5, 0], [1, 0.5]]),
        (
            "POLYGON((0 0, 3 0, 3 3, 0 3, 0 0),(1 1, 2 1, 2 2, 1 2, 1 1))",
            window(-3, 0, 3, 3),
            [[1] * 3, [1, 0, 1], [1] * 3],
        ),
        (
            "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 1, 0 0)),((2 0, 3 0, 3 0.5, 2 0.5, 2 0)))",
            window(-1, 0, 1, 3),
            [[1, 0, 0.5]],
        ),
        ("POLYGON((-1 -1, 0 -1, 0 0, -1 0, -1 -1))", window(0, -1, 1, 1), [[1]]),
        ("POLYGON Z((0 0 7, 1 0 8, 1 1 9, 0 1 7, 0 0 7))", window(-1, 0, 1, 1), [[1]]),
    ],
    ids=["pixel", "clockwise", "inside", "four pixels", "triangle", "hole", "two parts", "south-west", "3D"],
)
def test_shares_by_hand(wkt: str, window: Window, coverage_fraction: list[list[float]]) -> None:
    found = one(pixels(wkt))
    assert found.window == window
    np.testing.assert_allclose(found.coverage_fraction, coverage_fraction, atol=1e-9)
    assert found.pixels == pytest.approx(shapely.from_wkt(wkt).area, abs=1e-9)


coordinate = st.floats(0, 12, allow_nan=False).map(lambda x: round(x, 6)) | st.integers(0, 12).map(float)


@st.composite
def polygons(draw: st.DrawFn) -> BaseGeometry:
    """Draw a valid polygon or multipolygon, with or without holes; vertices are often on the edges of pixels."""
    ring = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=9, unique=True)
    shape = shapely.make_valid(shapely.Polygon(draw(ring)))
    if draw(st.booleans()):
        shape = shape.symmetric_difference(shapely.make_valid(shapely.Polygon(draw(ring))))
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 1e-4]
    assume(parts)
    geometry = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    assume(geometry.is_valid)
    return shapely.transform(geometry, lambda xy: xy * SIZE)


@given(geometry=polygons())
def test_shares_are_those_of_shapely(geometry: BaseGeometry) -> None:
    found = one(geometry)
    np.testing.assert_allclose(found.coverage_fraction, by_shapely(geometry, found.window), atol=2e-9)
    assert found.pixels == pytest.approx(geometry.area / SIZE**2, abs=1e-8)


@given(geometry=polygons(), angle=st.floats(1, 44))
def test_shares_are_those_of_exactextract(geometry: BaseGeometry, angle: float) -> None:
    turned = rotate(geometry, angle)  # it misses pixels when edges run through the corners of others
    found = one(turned)
    np.testing.assert_allclose(
        found.coverage_fraction, by_exactextract(turned, found.window), atol=1e-6
    )  # it has float32


@given(geometries=st.lists(polygons(), min_size=2, max_size=5))
def test_a_field_is_covered_alike_in_whatever_company(geometries: list[BaseGeometry]) -> None:
    for geometry, found in zip(geometries, cover(geometries, DEGREES), strict=True):
        alone = one(geometry)
        assert found is not None
        assert found.window == alone.window
        np.testing.assert_array_equal(found.coverage_fraction, alone.coverage_fraction)


@given(geometry=polygons(), row=st.integers(-50, 50), col=st.integers(-50, 50))
def test_a_field_moved_by_whole_pixels_is_covered_alike(geometry: BaseGeometry, row: int, col: int) -> None:
    elsewhere = shapely.transform(geometry, lambda xy: xy + np.array([col, -row]) * SIZE)
    assume(elsewhere.is_valid)  # rounding may make parts that touch overlap
    moved, found = one(elsewhere), one(geometry)
    height, width = found.window.shape
    common = Window(col_off=found.window.col_off + col, row_off=found.window.row_off + row, width=width, height=height)
    rows, cols = moved.window.slices_in(common)
    if common.intersection(moved.window) == moved.window:
        np.testing.assert_allclose(moved.coverage_fraction, found.coverage_fraction[rows, cols], atol=1e-9)


def test_a_field_cut_in_two_covers_what_the_whole_does() -> None:
    whole = rotate(pixels("POLYGON((2.1 3.4, 17.2 3.4, 17.2 15.8, 2.1 15.8, 2.1 3.4))"), 31)
    knife = pixels("LINESTRING(-10 4, 30 14.3)")
    parts = shapely.get_parts(shapely.ops.split(whole, knife))
    total = np.zeros(one(whole).coverage_fraction.shape)
    for part in cover(list(parts), DEGREES):
        assert part is not None
        total[part.window.slices_in(one(whole).window)] += part.coverage_fraction
    np.testing.assert_allclose(total, one(whole).coverage_fraction, atol=1e-9)


def test_inner_pixels_are_covered_wholly_and_outer_ones_not_at_all() -> None:
    coverage_fraction = one(
        lonlat(rotate(shapely.box(600_003, 5_000_007, 600_603, 5_000_507), 17)), UTM
    ).coverage_fraction
    assert (coverage_fraction == 1).sum() > 2500
    assert (coverage_fraction == 0).sum() > 1000
    assert not ((coverage_fraction > 0) & (coverage_fraction < 1e-9)).any()
    assert not ((coverage_fraction < 1) & (coverage_fraction > 1 - 1e-9)).any()


def test_fields_on_the_ground_have_their_area_in_pixels() -> None:
    shapes = [rotate(shapely.box(500_000 + i, 5_000_000, 500_000 + i + 173, 5_000_291), i) for i in range(0, 90, 7)]
    for shape, found in zip(shapes, cover([lonlat(shape) for shape in shapes], UTM), strict=True):
        assert found is not None
        assert found.pixels == pytest.approx(shape.area / 100, rel=1e-5), "edges that bend by some millimetres"


def degrees_apart(epsg: int, longitude: float, latitude: float, dlon: float, dlat: float) -> float:
    """Return how far (m) `project` is from an edge that is densified a hundred times more."""
    edge = shapely.Polygon(
        [(longitude, latitude), (longitude + dlon, latitude + dlat), (longitude - 0.2, latitude + 0.1)]
    )
    fine = shapely.get_coordinates(shapely.segmentize(edge, 0.0001))
    exact = np.column_stack(transform("EPSG:4326", f"EPSG:{epsg}", fine[:, 0], fine[:, 1]))
    return float(shapely.distance(shapely.points(exact), project(edge, epsg).exterior).max())


@pytest.mark.parametrize("latitude", [0.5, 20, 45, 60, 75, 83])
@pytest.mark.parametrize(("dlon", "dlat"), [(1.0, 0.0), (0.7, 0.7), (0.3, -0.4), (0.0, 1.0)])
def test_projected_edges_are_within_a_hundredth_of_a_pixel(latitude: float, dlon: float, dlat: float) -> None:
    assert degrees_apart(32632, 9.4, latitude, dlon, dlat) < 0.1


def test_an_edge_is_straight_in_longitude_and_latitude() -> None:
    parallel = project(shapely.box(8.0, 48.0, 10.0, 48.1), 32632)
    northings = shapely.get_coordinates(parallel)[:, 1]
    sagitta = 6.378e6 * math.radians(1) ** 2 / 2 * math.sin(math.radians(48)) * math.cos(math.radians(48))
    ends = [y for x, y in shapely.get_coordinates(parallel) if abs(x - 500_000) > 74_000]
    lowest_at_the_meridian = min(ends) - northings.min()
    assert lowest_at_the_meridian == pytest.approx(sagitta, rel=0.02), "the parallel of 48 degrees bends by 480 m"


def test_what_a_zone_cannot_show_has_no_coverage_and_spoils_nothing() -> None:
    here, antipode = lonlat(shapely.box(600_000, 5_000_000, 600_100, 5_000_100)), shapely.box(99, 0, 99.1, 0.1)
    found = cover([here, antipode, shapely.Polygon(), here], UTM)
    assert [item is None for item in found] == [False, True, True, False]
    with pytest.raises(BadInput, match="EPSG:32632"):
        project(antipode, 32632)


def test_parts_that_overlap_by_a_rounding_error_are_no_trouble() -> None:
    parts = (
        "((1 1, 4.137254902 2.176470588, 4.230769231 1.615384615, 1 0, 1 1))",
        "((9 4, 4.137254901 2.176470588, 3 9, 12 6, 4.35 0.9, 4.230769231 1.615384615, 9 4))",
    )
    field = pixels(f"MULTIPOLYGON({', '.join(parts)})")
    assert not field.is_valid
    assert one(field).pixels == pytest.approx(field.area / SIZE**2, abs=1e-6)


def test_no_fields_have_no_coverage() -> None:
    assert list(cover([], UTM)) == []

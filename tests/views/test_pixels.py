"""What is said of a cell's pixels, against numpy and exactextract."""

import numpy as np
import pytest
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from support.cells import a_cell, of_pixels
from support.scenes import LEFT, TOP, pixel_box

from ndvi_core.views.pixels import difference, histogram, outline, statistics

NDVI = np.random.default_rng(2).uniform(-0.1, 0.9, (12, 15)).astype(np.float32)


def test_the_spread_is_exactextracts() -> None:
    cell = a_cell(NDVI, shapely.affinity.rotate(pixel_box(1.6, 2.3, 8, 9), 17))
    found = statistics(cell.raster)
    assert found is not None
    raster = NumPyRasterSource(NDVI, xmin=LEFT, ymin=TOP - 120, xmax=LEFT + 150, ymax=TOP)
    x, y = shapely.get_coordinates(shapely.Polygon(outline(cell)[0])).T
    to_map = cell.raster.transform
    field = shapely.Polygon(np.column_stack([to_map.c + 10 * x, to_map.f - 10 * y]))
    feature = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(field)}
    wanted = ["count", "mean", "stdev", "min", "max", "median", "quantile(q=0.02)", "quantile(q=0.98)"]
    names = ["pixels", "mean", "std", "min", "max", "median", "p2", "p98"]
    for name, operation in zip(names, wanted, strict=True):
        (answer,) = exact_extract(raster, [feature], operation)
        assert [getattr(found, name)] == pytest.approx(list(answer["properties"].values()), abs=2e-3, rel=1e-3), name


def test_a_histogram_counts_whole_and_half_pixels() -> None:
    ndvi = np.repeat([0.5, 0.5, 0.51, 0.52, np.nan, 0.58], 2).reshape(6, 2).T
    found = histogram(a_cell(ndvi, pixel_box(-0.01, 0.5, 2.02, 5.6)).raster)
    assert found is not None
    assert (found.start, found.width) == (0.5, 0.02)
    assert found.pixels == pytest.approx([5.0, 2.0, 0.0, 0.0, 2.0], abs=0.01)


def test_a_difference_is_known_where_both_days_are() -> None:
    before, after = NDVI.copy(), NDVI + 0.1
    before[:, 3], after[4] = np.nan, np.nan
    later = a_cell(after)
    found = difference(later.raster, a_cell(before).raster)
    assert found is not None
    expected = np.full(NDVI.shape, np.float32(0.1))
    expected[:, 3] = expected[4] = np.nan
    assert of_pixels(found.ndvi, later, NDVI, np.nan) == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert difference(a_cell(NDVI).raster, a_cell(NDVI, epsg=32633).raster) is None


def test_an_outline_is_in_columns_and_rows() -> None:
    field = pixel_box(2, 3, 5, 6).difference(pixel_box(3, 4, 1, 2))
    shell, hole = outline(a_cell(NDVI, field))
    assert shapely.Polygon(shell).bounds == pytest.approx((0, 0, 6, 5), abs=0.01)
    assert shapely.Polygon(hole).bounds == pytest.approx((1, 1, 3, 2), abs=0.01)


def test_nothing_is_said_of_pixels_without_a_value() -> None:
    cell = a_cell(np.full((4, 4), np.nan))
    assert statistics(cell.raster) is None
    assert histogram(cell.raster) is None

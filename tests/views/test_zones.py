"""Zones of a field against small fields whose zones are known by counting, and numpy's own quantiles."""

from datetime import date, timedelta

import numpy as np
import pytest
import rasterio
import shapely
from support.cells import a_cell, a_raster, of_pixels
from support.scenes import LEFT, TOP, corner, lonlat, pixel_box

from ndvi_core.errors import BadInput
from ndvi_core.models.geometry import area_ha
from ndvi_core.views.pixels import Cell, read_cell
from ndvi_core.views.zones import SPECKLE_PIXELS, ZonesOfDays, zones_of_days

DAY = date(2025, 6, 1)


def classes(found: ZonesOfDays, like: np.ndarray) -> list[list[int]]:
    return of_pixels(found.map.classes, found.cell, like).tolist()


def days(*cells: Cell) -> dict[date, Cell]:
    return {DAY + timedelta(days=5 * number): cell for number, cell in enumerate(cells)}


def stripes(*values: float, rows: int = 12, width: int = 4) -> np.ndarray:
    """Return columns of values side by side, each so many pixels wide."""
    return np.repeat(np.repeat(values, width)[np.newaxis], rows, axis=0)


def test_zones_are_the_quarters_of_the_median() -> None:
    low, middle, high = (stripes(0.2, 0.4, 0.6, 0.8) + shift for shift in (-0.15, 0.0, 0.1))
    found = zones_of_days(days(a_cell(high), a_cell(low), a_cell(middle)), 4)
    assert found is not None
    assert classes(found, low) == stripes(1, 2, 3, 4).tolist()
    assert [one.mean for one in found.zones] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert [one.pixels for one in found.zones] == [48] * 4
    assert [one.area_ha for one in found.zones] == pytest.approx([0.48] * 4, rel=0.01)


def test_the_edges_are_numpys_quantiles_of_whole_pixels() -> None:
    ndvi = np.random.default_rng(4).uniform(0.2, 0.9, (30, 30))
    field = pixel_box(2.5, 2.5, 20, 20)  # its rim is of half pixels
    found = zones_of_days(days(a_cell(ndvi, field)), 5)
    assert found is not None
    whole = ndvi[3:22, 3:22].astype(np.float32)
    assert found.map.edges == pytest.approx(np.quantile(whole, [0.2, 0.4, 0.6, 0.8]), abs=1e-6)


def test_the_zones_are_the_field() -> None:
    ndvi = stripes(0.3, 0.5, 0.7, 0.6, rows=16, width=5)
    field = shapely.affinity.rotate(pixel_box(2.3, 2.2, 11, 15), 11).difference(pixel_box(7, 8, 2, 3))
    cell = a_cell(ndvi, field)
    found = zones_of_days(days(cell), 3)
    assert found is not None
    areas = [one.area_ha for one in found.zones]
    assert sum(areas) == pytest.approx(area_ha([cell.geometry])[0], rel=1e-6)
    together = shapely.union_all([one.geometry for one in found.zones])
    assert shapely.symmetric_difference(together, cell.geometry).area / cell.geometry.area < 1e-5
    touched = rasterio.features.rasterize(
        [field], ndvi.shape, transform=corner(LEFT, TOP), all_touched=True, dtype="uint8"
    )
    assert np.array_equal(np.array(classes(found, ndvi)) > 0, touched > 0)


def test_a_rim_decides_nothing_and_joins_what_is_beside_it() -> None:
    ndvi = stripes(0.4, 0.6, 0.8, rows=14, width=6)
    ndvi[:2] = ndvi[-2:] = 0.05  # a track along two sides, of which the field has half a pixel
    found = zones_of_days(days(a_cell(ndvi, pixel_box(1.5, -0.01, 11, 18.02))), 3)
    assert found is not None
    assert found.map.edges == pytest.approx(np.quantile(ndvi[2:12].astype(np.float32), [1 / 3, 2 / 3]), abs=1e-6)
    rows = classes(found, ndvi)
    assert rows[1] == rows[6] == stripes(1, 2, 3, rows=1, width=6)[0].tolist()


def test_speckle_joins_its_largest_neighbour() -> None:
    ndvi = stripes(0.3, 0.5, 0.7, rows=12, width=6)
    ndvi[4:7, 1:4] = 0.9  # nine pixels
    small = zones_of_days(days(a_cell(ndvi)), 3)
    ndvi[7, 1] = 0.9  # and a tenth
    large = zones_of_days(days(a_cell(ndvi)), 3)
    assert small is not None
    assert large is not None
    assert SPECKLE_PIXELS == 10
    assert {zone for row in classes(small, ndvi) for zone in row[:6]} == {1}
    assert [zone for row in classes(large, ndvi) for zone in row[:6]].count(3) == 10


def test_a_pixel_counts_with_values_on_half_of_the_days() -> None:
    ndvi = stripes(0.3, 0.5, 0.7)
    cloudy, cloudier = ndvi.copy(), ndvi.copy()
    cloudy[:, :2] = np.nan
    cloudier[:, :4] = np.nan
    found = zones_of_days(days(a_cell(ndvi), a_cell(cloudy), a_cell(cloudier)), 3)
    assert found is not None
    median = of_pixels(found.map.median, found.cell, ndvi)
    assert np.isnan(median[:, :2]).all()
    assert np.isfinite(median[:, 2:]).all()
    assert classes(found, ndvi) == stripes(1, 2, 3).tolist(), "it is in the zone of the nearest one that does"


def test_a_field_that_is_all_alike_has_one_zone_and_a_small_one_has_none() -> None:
    found = zones_of_days(days(a_cell(stripes(0.5, 0.5))), 3)
    assert found is not None
    assert [(one.zone, one.mean) for one in found.zones] == [(3, 0.5)]
    assert zones_of_days(days(a_cell(np.full((5, 5), 0.5))), 3) is None


def test_a_day_on_another_grid_is_left_out() -> None:
    here, there = a_cell(stripes(0.3, 0.5, 0.7)), a_cell(stripes(0.7, 0.5, 0.3), epsg=32633)
    found = zones_of_days(days(there, here), 3)
    assert found is not None
    assert found.days == (DAY + timedelta(days=5),)
    assert classes(found, stripes(0, 0, 0)) == stripes(1, 2, 3).tolist()


def test_an_inner_buffer_and_an_extent_hold_for_zones() -> None:
    ndvi = np.repeat(np.repeat([0.3, 0.5, 0.7, 0.9], [4, 2, 2, 4])[np.newaxis], 20, axis=0)
    boundary = pixel_box(0, 0, 20, 30)  # of which the extent has twelve columns, and the buffer two on each side
    content = a_raster(ndvi, pixel_box(1.99, 1.99, 16.02, 8.02), INNER_BUFFER_M="19.9")
    west, south, _, north = lonlat(boundary).bounds
    middle = lonlat(shapely.Point(LEFT + 120, TOP - 100)).x
    extent = f"{west - 1},{south - 1},{middle},{north + 1}"
    cell = read_cell(content, lonlat(boundary), extent)
    found = zones_of_days({DAY: cell}, 4)
    assert found is not None
    assert sum(one.area_ha for one in found.zones) == pytest.approx(16 * 8 / 100, rel=0.02)
    with pytest.raises(BadInput, match="does not lie where"):
        read_cell(content, lonlat(boundary), None)
    with pytest.raises(BadInput, match="no number of metres"):
        read_cell(a_raster(ndvi, pixel_box(0, 0, 9, 9), INNER_BUFFER_M="wide"), lonlat(pixel_box(0, 0, 9, 9)), None)

"""The scene classification on a grid of its own: nearest neighbour, whatever its pixels."""

from pathlib import Path

import numpy as np
import pytest
from rasterio.enums import Resampling
from rasterio.warp import reproject
from support.orders import make_order, outcome, outcomes
from support.scenes import EPSG, GROUND, LEFT, SIZE, TOP, corner, flat, make_scene, pixel_box


def test_classes_are_those_of_the_pixel_that_holds_the_centre(tmp_path: Path) -> None:
    """SCL of 20 m, shifted by 10 m: the red rows 0, 1 | 2, 3 | ... are cut between by its rows."""
    classes = np.full((SIZE // 2 + 1, SIZE // 2 + 1), 4, dtype=np.uint8)
    classes[5, 5] = 9  # red rows and columns 9 and 10
    scene = make_scene(tmp_path, flat(500), flat(3000), classes, scl_transform=corner(LEFT - 10, TOP + 10, 20))
    order = make_order({f"{r}-{c}": pixel_box(r, c, 1, 1) for r in range(7, 13) for c in range(7, 13)}, [scene])
    clouded = {field for (field, _), found in outcomes(order).items() if found.observation.cloud_fraction > 0.5}
    assert clouded == {"9-9", "9-10", "10-9", "10-10"}


@pytest.mark.parametrize("size", [10.0, 20.0, 30.0, 60.0, 7.0])
@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (-37.0, 23.0), (-5.0, 5.0)])
def test_classes_are_those_that_gdal_samples(tmp_path: Path, size: float, x: float, y: float) -> None:
    count = int(600 / size)
    classes = np.random.default_rng(3).choice(np.array([4, 5, 9], np.uint8), (count, count))
    transform = corner(LEFT + x, TOP + y, size)
    scene = make_scene(tmp_path, flat(500), flat(3000), classes, scl_transform=transform)
    expected = np.zeros((SIZE, SIZE), np.uint8)
    reproject(
        classes,
        expected,
        src_transform=transform,
        dst_transform=corner(LEFT, TOP),
        src_crs=f"EPSG:{EPSG}",
        dst_crs=f"EPSG:{EPSG}",
        resampling=Resampling.nearest,
    )
    raster = outcome(make_order({"a": pixel_box(2, 2, 36, 36)}, [scene], min_valid_fraction=0)).raster
    assert raster is not None
    inside = raster.coverage_fraction > 0.5
    assert inside.sum() == 36 * 36
    np.testing.assert_array_equal(np.isfinite(raster.ndvi)[inside].reshape(36, 36), expected[2:38, 2:38] != 9)


def test_a_classification_that_ends_before_the_field_hides_the_rest(tmp_path: Path) -> None:
    scene = make_scene(tmp_path, flat(500), flat(3000), GROUND[:, :6])
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene])).observation
    assert row.valid_fraction == pytest.approx(0.5, abs=1e-4)

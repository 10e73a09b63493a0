"""Mosaics of classified scenes."""

from pathlib import Path

import numpy as np
import pytest
from support.scenes import EPSG, GROUND, flat, lonlat, make_scene, pixel_box

from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.raster.windows import gather
from ndvi_core.zonal.coverage import cover
from ndvi_core.zonal.mask import get_policy
from ndvi_core.zonal.mosaic import Candidate, _mosaic_of_one, _mosaic_of_several, classify, sample_classes


@pytest.mark.parametrize("seed", range(3))
def test_the_quick_way_for_one_scene_gives_the_same_mosaic(tmp_path: Path, seed: int) -> None:
    classes = np.random.default_rng(seed).choice(np.array([0, 3, 4, 5, 9, 11], np.uint8), GROUND.shape)
    policy = get_policy("scl@1")
    with OpenScene(make_scene(tmp_path, flat(500), flat(3000), classes)) as scene:
        grid = scene.band("red").layout.grid
        (coverage,) = cover([lonlat(pixel_box(3.3, 4.7, 21.2, 17.9), EPSG)], grid)
        assert coverage is not None
        (sample,) = sample_classes([Candidate(scene, grid, coverage, contains_field=True)], policy)
        ((_, (pixels,)),) = gather({"a": [sample.window]}, 0)
        assert isinstance(pixels, np.ndarray)
        (classified,) = classify([sample], [pixels], policy)
    quick, general = _mosaic_of_one(classified), _mosaic_of_several([classified])
    assert (quick.scenes, quick.grid, quick.coverage) == (general.scenes, general.grid, general.coverage)
    np.testing.assert_array_equal(quick.causes, general.causes)
    covered = quick.coverage.coverage_fraction > 0
    np.testing.assert_array_equal(quick.source[covered], general.source[covered])

"""Mosaics of classified scenes."""

from pathlib import Path

import numpy as np
import pytest
from support.scenes import EPSG, GROUND, flat, lonlat, make_scene, pixel_box

from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.zonal.coverage import cover
from ndvi_core.zonal.mask import CLOUD, NO_DATA, SHADOW, SNOW, VALID
from ndvi_core.zonal.mosaic import Candidate, ClassifiedScene, _mosaic_of_several, mosaic_of_one
from ndvi_core.zonal.statistics import area


@pytest.mark.parametrize("seed", range(3))
def test_the_quick_way_for_one_scene_gives_the_same_mosaic(tmp_path: Path, seed: int) -> None:
    with OpenScene(make_scene(tmp_path, flat(500), flat(3000), GROUND)) as scene:
        grid = scene.band("red").layout.grid
        (coverage,) = cover([lonlat(pixel_box(3.3, 4.7, 21.2, 17.9), EPSG)], grid)
        assert coverage is not None
        drawn = np.random.default_rng(seed).choice([VALID, CLOUD, SHADOW, SNOW, NO_DATA], coverage.window.shape)
        causes, fraction = drawn.astype(np.uint8), coverage.coverage_fraction
        classified = ClassifiedScene(
            Candidate(0, scene, grid, 0, coverage, contains_field=True),
            causes,
            area(fraction, causes == VALID),
            area(fraction, causes != NO_DATA),
        )
    quick, general = mosaic_of_one(classified), _mosaic_of_several([classified])
    assert (quick.scenes, quick.grid, quick.coverage) == (general.scenes, general.grid, general.coverage)
    np.testing.assert_array_equal(quick.causes, general.causes)
    covered = quick.coverage.coverage_fraction > 0
    np.testing.assert_array_equal(quick.source[covered], general.source[covered])

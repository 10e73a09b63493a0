"""The bands of a scene are checked against each other when they are opened."""

from pathlib import Path

import numpy as np
import pytest
from support.scenes import LEFT, TOP, corner, make_scene, whole, write_raster

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.indices import Band
from ndvi_core.models.scene import Scene
from ndvi_core.raster.open_scene import OpenScene

FURTHER: dict[Band, int] = {"green": 800, "rededge1": 1200, "nir08": 4100, "swir16": 2100}


def replaced(scene: Scene, band: Band, path: Path) -> Scene:
    return scene.model_copy(update={"bands": scene.bands | {band: str(path)}})


def test_further_bands_are_read_at_their_own_resolution(tmp_path: Path) -> None:
    with OpenScene(make_scene(tmp_path, others=FURTHER)) as scene:
        scene.begin(*FURTHER)
        for name, value in FURTHER.items():
            band = scene.band(name)
            assert np.unique(whole(band)).tolist() == [value]
            assert band.layout.grid.size_x == (10 if name == "green" else 20)


@pytest.mark.parametrize(
    ("band", "size", "side", "message"),
    [
        ("green", 20, 20, r"B03x\.tif: its pixels are not the red band's: 20 x 20 of 20 .* against 40 x 40 of 10 "),
        ("swir16", 10, 40, r"B11x\.tif: its pixels are not twice as large as the red band's .*: 40 x 40 of 10 "),
        ("swir16", 60, 7, r"B11x\.tif: its pixels are not twice as large as the red band's .*: 7 x 7 of 60 "),
        (
            "swir16",
            20,
            19,
            r"B11x\.tif: its pixels are not the rededge1 band's: 19 x 19 of 20 .* against 20 x 20 of 20",
        ),
    ],
)
def test_a_band_of_another_grid_is_refused(tmp_path: Path, band: Band, size: int, side: int, message: str) -> None:
    scene = make_scene(tmp_path, others=FURTHER)
    path = tmp_path / Path(scene.bands[band]).name.replace(".tif", "x.tif")
    odd = write_raster(path, np.ones((side, side), np.uint16), transform=corner(LEFT, TOP, size))
    with OpenScene(replaced(scene, band, odd)) as opened:
        with pytest.raises(SceneUnreadable, match=message):
            opened.band(band)
        assert opened.band("nir08").layout.grid.size_x == 20, "the others are as good as before"


def test_a_band_of_another_zone_is_refused(tmp_path: Path) -> None:
    scene = make_scene(tmp_path, others=FURTHER)
    other_zone = write_raster(tmp_path / "zone.tif", np.ones((20, 20), np.uint16), 20, crs="EPSG:32633")
    with (
        OpenScene(replaced(scene, "nir08", other_zone)) as opened,
        pytest.raises(SceneUnreadable, match=r"in the same CRS: .* EPSG:32633 against .* EPSG:32632"),
    ):
        opened.band("nir08")


def test_a_band_of_20_m_is_compared_with_one_that_can_be_read(tmp_path: Path) -> None:
    scene = replaced(make_scene(tmp_path, others=FURTHER), "rededge1", tmp_path / "none.tif")
    with OpenScene(scene) as opened:
        assert opened.band("swir16").layout == opened.band("nir08").layout
        with pytest.raises(SceneUnreadable, match=r"none\.tif"):
            opened.band("rededge1")


def test_a_band_that_the_item_lacks_is_named(tmp_path: Path) -> None:
    with (
        OpenScene(make_scene(tmp_path, others={"nir08": 4000})) as opened,
        pytest.raises(SceneUnreadable, match="no usable asset of the band swir16"),
    ):
        opened.band("swir16")

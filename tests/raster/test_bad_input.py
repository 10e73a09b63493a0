"""TIFFs whose header or blocks are spoiled anywhere: they are read or refused, and cost no other scene's cells."""

from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from support.bounds import bounded
from support.chance import examples
from support.orders import ObservedCell, make_order, outcomes
from support.scenes import blocks, make_scene, pixel_box, red_only, write_raster
from support.spoiled_tiff import HEIGHT, PIXEL_SCALE, TILE_HEIGHT, TILE_WIDTH, WIDTH, spoiled_tiff, with_tags

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.scene import Scene
from ndvi_core.raster.band import open_band
from ndvi_core.raster.block_reader import BlockRequest, read_blocks

PIXELS = np.random.default_rng(7).integers(1, 10_000, (83, 61), dtype=np.uint16)
PROFILES: dict[str, dict[str, Any]] = {
    "tiles": {},
    "plain": {"compress": None},
    "stripes": {"tiled": False, "blockxsize": None, "blockysize": 7},
    "BigTIFF": {"bigtiff": "yes", "compress": "lzw"},
    "predictor": {"compress": "zstd", "predictor": 2},
}
MOST_BLOCKS = 6


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Valid files, and one that declares an offset."""
    folder = tmp_path_factory.mktemp("files")
    paths = {name: write_raster(folder / f"{name}.tif", PIXELS, **profile) for name, profile in PROFILES.items()}
    paths["offset"] = write_raster(folder / "offset.tif", PIXELS)
    with rasterio.open(paths["offset"], "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.scales, file.offsets = (0.0001,), (-0.1,)
    return {name: path.read_bytes() for name, path in paths.items()}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spoiled") / "B04.tif"


@given(data=st.data())
@examples(100)
def test_a_raster_with_anything_in_its_header_is_read_or_refused(
    files: dict[str, bytes], path: Path, data: st.DataObject
) -> None:
    path.write_bytes(data.draw(spoiled_tiff(files[data.draw(st.sampled_from(sorted(files)))])))
    with bounded(), suppress(SceneUnreadable), closing(open_band(red_only(path), "red")) as band:
        layout = band.layout
        rows, cols = -(-layout.window.height // layout.block_height), -(-layout.window.width // layout.block_width)
        corners = {(row, col) for row in (0, rows // 2, rows - 1) for col in (0, cols - 1)}
        for pixels, block in zip(
            read_blocks([BlockRequest(band, *block) for block in sorted(corners)]), sorted(corners), strict=True
        ):
            if isinstance(pixels, SceneUnreadable):
                assert str(pixels).startswith(f"scene S2A: red {path}: ")
            else:
                assert pixels.shape == layout.block_window(*block).shape


FIELDS = {"a": pixel_box(8.3, 7.6, 9, 8)}
SPOILED, GOOD = date(2022, 6, 1), date(2022, 6, 3)


class Neighbours:
    """A scene of which a file is spoiled, and one that is as it was."""

    def __init__(self, folder: Path) -> None:
        self.scenes: list[Scene] = [make_scene(folder, day=day) for day in (SPOILED, GOOD)]
        self.whole = {asset: Path(getattr(self.scenes[0], asset)).read_bytes() for asset in ("red", "nir", "scl")}
        self.good = self.observed()["a", str(GOOD)].observation

    def observed(self) -> dict[tuple[str, str], ObservedCell]:
        return outcomes(make_order(FIELDS, self.scenes))


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Neighbours:
    return Neighbours(tmp_path_factory.mktemp("scenes"))


@given(data=st.data())
@examples(50)
def test_a_spoiled_file_costs_the_cells_of_its_scene_alone(neighbours: Neighbours, data: st.DataObject) -> None:
    asset = data.draw(st.sampled_from(sorted(neighbours.whole)))
    spoiled = Path(getattr(neighbours.scenes[0], asset))
    spoiled.write_bytes(data.draw(spoiled_tiff(neighbours.whole[asset])))
    try:
        with bounded():
            found = neighbours.observed()
    finally:
        spoiled.write_bytes(neighbours.whole[asset])
    assert found["a", str(GOOD)].observation == neighbours.good
    assert (found["a", str(SPOILED)].observation.reason or " ").isprintable(), "it goes into a database"


REFUSED: dict[str, tuple[dict[int, float], str]] = {
    "a tile of gigabytes": ({TILE_WIDTH: 65_520, TILE_HEIGHT: 65_520}, "65520 x 65520 pixels, more than"),
    "one in a raster as large": (
        {TILE_WIDTH: 65_520, TILE_HEIGHT: 65_520, WIDTH: 65_520, HEIGHT: 65_520},
        "65520 x 65520 pixels, more than",
    ),
    "pixels of a millimetre": ({PIXEL_SCALE: 0.001}, "expected pixels of 10 m or more"),
    "pixels of no size": ({PIXEL_SCALE: float("nan")}, "expected pixels of 10 m or more, and a place on Earth"),
    "pixels without end": ({PIXEL_SCALE: 1e300}, "expected pixels of 10 m or more, and a place on Earth"),
    "a place beyond the Earth": ({33_922: -1e12}, "expected pixels of 10 m or more, and a place on Earth"),
}


@pytest.mark.parametrize(("tags", "said"), REFUSED.values(), ids=REFUSED)
def test_a_header_is_refused_that_claims(tmp_path: Path, tags: dict[int, float], said: str) -> None:
    path = write_raster(tmp_path / "B04.tif", PIXELS, photometric="minisblack")
    path.write_bytes(with_tags(path.read_bytes(), tags))
    with bounded(), pytest.raises(SceneUnreadable, match=rf"^scene S2A: red {path}: .*{said}"):
        open_band(red_only(path), "red")


def test_stripes_wider_than_memory_are_refused(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "B04.tif", PIXELS, tiled=False, blockxsize=None, blockysize=7, compress=None)
    path.write_bytes(with_tags(path.read_bytes(), {WIDTH: 2**30}))
    with bounded(), pytest.raises(SceneUnreadable, match="1073741824 x 252 pixels"):
        open_band(red_only(path), "red")


@pytest.mark.parametrize(("scale", "offset"), [(float("nan"), -0.1), (0.0001, float("inf")), (1e-300, 1.0)])
def test_an_offset_beyond_any_reflectance_is_refused(tmp_path: Path, scale: float, offset: float) -> None:
    path = write_raster(tmp_path / "B04.tif", PIXELS)
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.scales, file.offsets = (scale,), (offset,)
    with pytest.raises(SceneUnreadable, match="beyond any reflectance"):
        open_band(red_only(path), "red")


def test_a_whole_tile_as_one_block_is_not_too_large(tmp_path: Path) -> None:
    large = {"blockxsize": 10_976, "blockysize": 10_976}
    path = write_raster(tmp_path / "B04.tif", np.ones((16, 16), np.uint16), **large)
    with closing(open_band(red_only(path), "red")) as band:
        assert blocks(band) == [(0, 0)]

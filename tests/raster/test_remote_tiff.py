"""Reading by ranges: the same pixels as rasterio's to the last bit, from one request for the header and few more."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from support.models import a_scene
from support.orders import make_order, outcome, outcomes
from support.scenes import LEFT, TOP, bands, blocks, corner, make_scene, pixel_box, write_raster

from ndvi_airflow.local.services import Files, start_files
from ndvi_core.errors import SceneUnreadable
from ndvi_core.raster.band import open_band
from ndvi_core.raster.block_reader import BlockRequest, read_blocks

SHAPE = (1500, 1300)
"""Not a multiple of any block, and more than the header's 32 kB in every compression."""

RANDOM = np.random.default_rng(11)
PIXELS = np.cumsum(RANDOM.integers(-40, 41, SHAPE), axis=1).astype(np.int64) + 5000
PIXELS[300:420, 200:900] = 0
PIXELS[1024:, 1024:] = 0


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Files, Path]]:
    folder = tmp_path_factory.mktemp("ranges") / "served"
    server = start_files(folder)
    yield server, folder
    server.stop()


def tiles(size: int, **profile: Any) -> dict[str, Any]:
    return {"blockxsize": size, "blockysize": size, **profile}


def stripes(rows: int, **profile: Any) -> dict[str, Any]:
    return {"tiled": False, "blockxsize": None, "blockysize": rows, **profile}


COG = {"driver": "COG", "tiled": None, "blockxsize": None, "blockysize": None}

LAYOUTS: dict[str, dict[str, Any]] = {
    "tiles of 256": tiles(256),
    "tiles of 512": tiles(512),
    "tiles of 1024": tiles(1024),
    "tiles of 512 x 256": {"blockxsize": 512, "blockysize": 256},
    "one tile": tiles(2048),
    "stripes of 1": stripes(1),
    "stripes of 7": stripes(7),
    "stripes of 300": stripes(300),
    "uncompressed": tiles(256, compress=None),
    "predictor 2": tiles(512, predictor=2),
    "LZW": tiles(512, compress="lzw"),
    "LZW, predictor 2": tiles(512, compress="lzw", predictor=2),
    "ZSTD": tiles(512, compress="zstd"),
    "ZSTD, predictor 2": tiles(512, compress="zstd", predictor=2),
    "PackBits": tiles(512, compress="packbits"),
    "big-endian": tiles(512, endianness="big"),
    "big-endian, predictor 2": tiles(512, endianness="big", predictor=2),
    "BigTIFF": tiles(512, bigtiff="yes"),
    "no nodata": tiles(512, nodata=None),
    "another nodata": tiles(512, nodata=65535),
    "COG of 256, overviews": COG | {"blocksize": 256, "predictor": "YES"},
    "COG of 512, overviews": COG | {"blocksize": 512},
    "COG of 1024, overviews, ZSTD": COG | {"blocksize": 1024, "compress": "ZSTD"},
}


@pytest.mark.parametrize("dtype", ["uint16", "uint8", "int16"])
@pytest.mark.parametrize("profile", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_the_pixels_are_rasterios(files: tuple[Files, Path], profile: dict[str, Any], dtype: str) -> None:
    server, folder = files
    profile = profile | {"nodata": 255} if dtype != "uint16" and profile.get("nodata") == 65535 else profile
    pixels = (PIXELS & 0xFF if dtype == "uint8" else PIXELS).astype(dtype)
    path = write_raster(folder / "B04.tif", pixels, **profile)
    server.clear()
    scene = a_scene(scene_id="S2A", red=f"{server.url}/B04.tif", nir="/none", scl="/none")
    with rasterio.open(path) as file, closing(open_band(scene, "red")) as band:
        window = band.layout.window
        found = np.zeros(window.shape, band.dtype)
        requests = [BlockRequest(band, *block) for block in blocks(band)]
        for (_, row, col), pixels in zip(requests, read_blocks(requests), strict=True):
            assert not isinstance(pixels, SceneUnreadable)
            found[band.layout.block_window(row, col).slices_in(window)] = pixels
        np.testing.assert_array_equal(found, file.read(1))
        assert found.dtype == file.dtypes[0]
        assert band.nodata == (file.nodata or 0)
    asked = sorted(tuple(map(int, r.range.removeprefix("bytes=").split("-"))) for r in server.requests() if r.range)
    assert asked[0] == (0, 32_767)
    assert all(first > 0 for first, _ in asked[1:]), "GDAL did not have to open it again"
    assert sum(last + 1 - first for first, last in asked) <= 1.05 * path.stat().st_size + 32_768


@pytest.mark.parametrize("nodata", [0, 7])
def test_missing_blocks_are_nodata(files: tuple[Files, Path], nodata: int) -> None:
    """They have no bytes; GDAL by itself is asked what they are."""
    server, folder = files
    pixels = np.where(PIXELS == 0, nodata, PIXELS).astype(np.uint16)
    path = write_raster(folder / f"sparse_{nodata}.tif", pixels, **tiles(256, nodata=nodata, SPARSE_OK="TRUE"))
    scene = a_scene(scene_id="S2A", red=f"{server.url}/{path.name}", nir="/none", scl="/none")
    with rasterio.open(path) as file, closing(open_band(scene, "red")) as band:
        assert file.get_tag_item("BLOCK_OFFSET_4_5", "TIFF", bidx=1) is None
        present, missing = read_blocks([BlockRequest(band, 4, 3), BlockRequest(band, 5, 4)])
        np.testing.assert_array_equal(present, file.read(1, window=((1024, 1280), (768, 1024))))
        np.testing.assert_array_equal(missing, np.full((220, 256), nodata, np.uint16))


def test_a_directory_at_the_end_of_the_file_is_left_to_gdal(files: tuple[Files, Path]) -> None:
    server, folder = files
    path = write_raster(folder / "rewritten.tif", PIXELS.astype(np.uint16), **tiles(256))
    with rasterio.open(path, "r+") as file:
        file.update_tags(A_LONG_TAG="x" * 5000)  # which moves the directory
    scene = a_scene(scene_id="S2A", red=f"{server.url}/rewritten.tif", nir="/none", scl="/none")
    with rasterio.open(path) as file, closing(open_band(scene, "red")) as band:
        for row, col in ((0, 0), (5, 4)):
            (pixels,) = read_blocks([BlockRequest(band, row, col)])
            window = ((row * 256, min(row * 256 + 256, 1500)), (col * 256, min(col * 256 + 256, 1300)))
            np.testing.assert_array_equal(pixels, file.read(1, window=window))


def test_blocks_come_in_the_order_they_are_asked_for_whatever_memory_there_is(files: tuple[Files, Path]) -> None:
    server, folder = files
    path = write_raster(folder / "order.tif", PIXELS.astype(np.uint16), **tiles(256))
    scene = a_scene(scene_id="S2A", red=f"{server.url}/order.tif", nir="/none", scl="/none")
    with rasterio.open(path) as file, closing(open_band(scene, "red")) as band:
        blocks = [(row, col) for col in (2, 0, 4) for row in (1, 0, 3, 4)]
        for memory in (0, 200_000, 10**9):
            found = list(read_blocks([BlockRequest(band, *block) for block in blocks], memory))
            for (row, col), pixels in zip(blocks, found, strict=True):
                window = ((row * 256, row * 256 + 256), (col * 256, min(col * 256 + 256, 1300)))
                np.testing.assert_array_equal(pixels, file.read(1, window=window))


def test_a_field_is_observed_alike_from_a_server_and_from_a_folder(files: tuple[Files, Path]) -> None:
    """With a classification whose grid is shifted against the bands'."""
    server, folder = files
    red, nir, classes = bands(scl=9)
    scene = make_scene(folder, red, nir, classes, scl_transform=corner(LEFT - 30, TOP + 50, 20.0))
    served = scene.model_copy(
        update={asset: f"{server.url}/{Path(getattr(scene, asset)).name}" for asset in ("red", "nir", "scl")}
    )
    fields = {"a": pixel_box(8.3, 7.6, 9, 8)}
    near, far = (outcome(make_order(fields, [each], min_valid_fraction=0.1)) for each in (scene, served))
    assert near.observation == far.observation
    assert 0 < near.observation.valid_fraction < 1
    np.testing.assert_array_equal(near.raster.ndvi, far.raster.ndvi)


def test_days_side_by_side_are_observed_as_each_alone(files: tuple[Files, Path]) -> None:
    server, folder = files
    scenes = []
    for day in range(1, 13):
        red, nir, classes = bands(red=400 + 10 * day, scl=9 if day % 3 else 4)
        scene = make_scene(folder, red, nir, classes, f"day{day}", day=date(2022, 6, day))
        hrefs = {band: f"{server.url}/{Path(getattr(scene, band)).name}" for band in ("red", "nir", "scl")}
        scenes.append(scene.model_copy(update=hrefs))
    fields = {"a": pixel_box(8.3, 7.6, 9, 8), "b": pixel_box(20, 20, 3, 3)}
    together = outcomes(make_order(fields, scenes))
    assert [day for _, day in together] == sorted(day for _, day in together)
    for scene in scenes:
        for key, alone in outcomes(make_order(fields, [scene])).items():
            assert together[key].observation == alone.observation

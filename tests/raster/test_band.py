"""Reading of bands: rasterio's whole read as the oracle, and what becomes of everything that can be wrong."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from support.scenes import LEFT, TOP, corner, make_scene, red_only, whole, write_raster

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.scene import Scene
from ndvi_core.raster.band import open_band
from ndvi_core.raster.block_reader import BlockRequest, read_blocks
from ndvi_core.raster.open_scene import OpenScene

PIXELS = np.random.default_rng(7).integers(1, 10_000, (83, 61), dtype=np.uint16)
CLASSES = np.full((42, 31), 4, dtype=np.uint8)


LOSSLESS_JP2 = {"driver": "JP2OpenJPEG", "quality": 100, "reversible": "yes", "compress": None, "tiled": None}

LAYOUTS: dict[str, tuple[dict[str, Any], int]] = {
    "tiles of 16": ({}, 6 * 4),
    "tiles of 32 x 48": ({"blockxsize": 48, "blockysize": 32}, 3 * 2),
    "one tile": ({"blockxsize": 128, "blockysize": 128}, 1),
    "stripes of a row": ({"tiled": False, "blockxsize": None, "blockysize": 1}, 1),
    "stripes of 7 rows": ({"tiled": False, "blockxsize": None, "blockysize": 7}, 1),
    "uncompressed": ({"compress": None}, 6 * 4),
    "LZW": ({"compress": "lzw"}, 6 * 4),
    "ZSTD with predictor": ({"compress": "zstd", "predictor": 2}, 6 * 4),
    "big-endian": ({"endianness": "big"}, 6 * 4),
    "BigTIFF": ({"bigtiff": "yes"}, 6 * 4),
    "no nodata": ({"nodata": None}, 6 * 4),
    "JPEG 2000": (LOSSLESS_JP2 | {"blockxsize": 32, "blockysize": 32}, 3 * 2),
}


@pytest.mark.parametrize(("profile", "blocks"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_all_blocks_together_are_the_raster(tmp_path: Path, profile: dict[str, Any], blocks: int) -> None:
    path = write_raster(tmp_path / ("raster.jp2" if "driver" in profile else "raster.tif"), PIXELS, **profile)
    with rasterio.open(path) as file, closing(open_band(red_only(path), "red")) as band:
        np.testing.assert_array_equal(whole(band), file.read(1))
        assert band.blocks_read == blocks
        assert band.layout.grid.bounds(band.layout.window) == file.bounds


def test_the_compressed_size_of_the_blocks_read_is_counted(tmp_path: Path) -> None:
    plain = write_raster(tmp_path / "plain.tif", PIXELS, compress=None)
    packed = write_raster(tmp_path / "packed.tif", PIXELS // 5000, blockxsize=32, blockysize=32)
    with closing(open_band(red_only(plain), "red")) as band:
        band.read((0, 0))
        band.read((5, 3))
        assert band.bytes_read == 2 * 16 * 16 * 2
    with rasterio.open(packed) as file, closing(open_band(red_only(packed), "red")) as band:
        band.read((1, 1))
        assert band.bytes_read == int(file.get_tag_item("BLOCK_SIZE_1_1", "TIFF", bidx=1)) < 32 * 32 * 2


def test_stripes_are_counted_together(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "stripes.tif", PIXELS, compress=None, tiled=False, blockxsize=None, blockysize=5)
    with closing(open_band(red_only(path), "red")) as band:
        band.read((0, 0))
        assert band.bytes_read == PIXELS.nbytes


def test_missing_blocks_are_nodata_and_cost_nothing(tmp_path: Path) -> None:
    pixels = PIXELS.copy()
    pixels[16:32, :] = 0
    path = write_raster(tmp_path / "sparse.tif", pixels, SPARSE_OK="TRUE")
    with closing(open_band(red_only(path), "red")) as band:
        assert not band.read((1, 2)).any()
        assert band.bytes_read == 0


@pytest.mark.parametrize(
    ("stated", "dtype", "nodata"),
    [(0, "uint16", 0), (None, "uint16", 0), (65535, "uint16", 65535), (-9999, "int16", -9999)],
)
def test_nodata_is_the_files_or_0(tmp_path: Path, stated: int | None, dtype: str, nodata: int) -> None:
    path = write_raster(tmp_path / "raster.tif", PIXELS.astype(dtype), nodata=stated)
    with closing(open_band(red_only(path), "red")) as band:
        assert band.nodata == nodata


UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "three bands": ({"pixels": np.stack([PIXELS] * 3)}, "3 bands, expected 1"),
    "fractions": ({"pixels": PIXELS / 10_000}, "float64, expected whole"),
    "no CRS": ({"crs": None}, "CRS is missing"),
    "a CRS without a code": ({"crs": "+proj=tmerc +lon_0=9.5 +ellps=intl"}, "with an EPSG code"),
    "south-up": ({"transform": Affine(10, 0, LEFT, 0, 10, TOP)}, "not north-up"),
    "turned": ({"transform": Affine(10, 1, LEFT, 1, -10, TOP)}, "not north-up"),
}


@pytest.mark.parametrize(("changes", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unexpected_raster_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write_raster(tmp_path / "B04.tif", **{"pixels": PIXELS} | changes)
    with pytest.raises(SceneUnreadable, match=rf"^scene S2A: red {path}: .*{message}"):
        open_band(red_only(path), "red")


def _shifted(**changes: Any) -> Callable[[Path, Scene], None]:
    def write(path: Path, _: Scene) -> None:
        write_raster(path, **{"pixels": PIXELS} | changes)

    return write


MISMATCHES: dict[str, tuple[str, Callable[[Path, Scene], None], str]] = {
    "NIR is smaller": ("nir", _shifted(pixels=PIXELS[:-1]), "61 x 82 of 10 .* against 61 x 83 of 10"),
    "NIR is elsewhere": ("nir", _shifted(transform=corner(LEFT + 10, TOP)), "not the red band's"),
    "NIR is half a pixel off": ("nir", _shifted(transform=corner(LEFT + 5, TOP)), "not the red band's"),
    "NIR is in another zone": ("nir", _shifted(crs="EPSG:32633"), "EPSG:32633 against .* EPSG:32632"),
    "SCL is in another zone": ("scl", _shifted(pixels=CLASSES, crs="EPSG:32633"), "EPSG:32633, but the red band in"),
    "SCL is no class": ("scl", _shifted(pixels=CLASSES.astype(np.uint16)), "uint16, but classes are uint8"),
}


@pytest.mark.parametrize(("asset", "write", "message"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_bands_that_do_not_belong_together_are_refused(
    tmp_path: Path, asset: str, write: Callable[[Path, Scene], None], message: str
) -> None:
    scene = make_scene(tmp_path, PIXELS, PIXELS, CLASSES)
    path = Path(getattr(scene, asset))
    write(path, scene)
    with OpenScene(scene) as opened, pytest.raises(SceneUnreadable, match=rf"{asset} {path}: .*{message}"):
        opened.band(asset)


def test_a_band_that_does_not_open_is_not_tried_again(tmp_path: Path) -> None:
    scene = make_scene(tmp_path, PIXELS, PIXELS, CLASSES)
    kept = Path(scene.nir).read_bytes()
    Path(scene.nir).unlink()
    with OpenScene(scene) as opened:
        with pytest.raises(SceneUnreadable, match="No such file"):
            opened.band("nir")
        Path(scene.nir).write_bytes(kept)
        with pytest.raises(SceneUnreadable, match="No such file"):
            opened.band("nir")
        assert set(opened.opened()) == set()
        assert opened.band("red").dtype == np.uint16


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "no raster": lambda _: b"<html>Please log in</html>",
    "header cut": lambda whole: whole[:100],
    "end cut": lambda whole: whole[: len(whole) // 2],
    "garbled": lambda whole: whole[: len(whole) // 2] + bytes(len(whole) // 2),
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_unreadable(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = write_raster(tmp_path / "B04.tif", PIXELS)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SceneUnreadable, match=rf"^scene S2A: red {path}: "):
        whole(open_band(red_only(path), "red"))


def test_a_broken_block_leaves_the_others_readable(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "B04.tif", PIXELS)
    with rasterio.open(path) as file:
        start, size = (int(file.get_tag_item(f"BLOCK_{x}_1_2", "TIFF", bidx=1)) for x in ("OFFSET", "SIZE"))
    data = bytearray(path.read_bytes())
    data[start : start + size] = bytes(size)
    path.write_bytes(data)
    with closing(open_band(red_only(path), "red")) as band:
        found = list(read_blocks([BlockRequest(band, 1, 1), BlockRequest(band, 2, 1), BlockRequest(band, 3, 1)]))
    assert [isinstance(block, SceneUnreadable) for block in found] == [False, True, False]
    np.testing.assert_array_equal(found[2], PIXELS[48:64, 16:32])


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_paths_and_file_urls_are_read(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    path = write_raster(folder / "B04.tif", PIXELS)
    href = form.format(str(path).replace(" ", "%20") if "file" in form else path)
    with closing(open_band(red_only(href), "red")) as band:
        np.testing.assert_array_equal(whole(band), PIXELS)

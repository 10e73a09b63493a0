"""Rasters and scenes on disk, made of arrays, and the outlines of their pixels."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import ArrayLike
from rasterio.transform import Affine
from rasterio.warp import transform
from shapely.geometry.base import BaseGeometry
from support.models import a_scene

from ndvi_core.models.indices import BANDS, Band
from ndvi_core.models.scene import Offset, Scene
from ndvi_core.raster import band as raster

EPSG = 32632
LEFT, TOP = 600_000.0, 5_100_000.0
"""Upper left corner of rasters whose place does not matter: in UTM zone 32, south of the Alps."""
SIZE = 40
"""Rows and columns of the red band of a scene, unless a test states others."""
GROUND = np.full((SIZE // 2, SIZE // 2), 4, dtype=np.uint8)
"""Classes of such a scene, all vegetation."""
DAY = date(2022, 6, 10)

NO_OFFSET = Offset(rule="none@1")
SUBTRACT_1000 = Offset(rule="planetary-computer@1", red=-1000, nir=-1000)


def corner(left: float, top: float, size: float = 10.0) -> Affine:
    """Return the transform of a north-up raster with that upper left corner."""
    return Affine(size, 0.0, left, 0.0, -size, top)


def write_raster(path: Path, pixels: ArrayLike, size: float = 10.0, **profile: Any) -> Path:
    """Write a GeoTIFF: tiled in blocks of 16 pixels, DEFLATE, nodata 0, unless `profile` says otherwise."""
    array = np.asarray(pixels)
    bands = array.reshape((-1, *array.shape[-2:]))
    settings = {
        "driver": "GTiff",
        "crs": f"EPSG:{EPSG}",
        "transform": corner(LEFT, TOP, size),
        "nodata": 0,
        "tiled": True,
        "blockxsize": 16,
        "blockysize": 16,
        "compress": "deflate",
        **profile,
    }
    shape = {"count": len(bands), "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype}
    with rasterio.open(path, "w", **shape, **{k: v for k, v in settings.items() if v is not None}) as file:
        file.write(bands)
    return path


def make_scene(
    folder: Path,
    red: ArrayLike = 1000,
    nir: ArrayLike = 4000,
    scl: ArrayLike = 4,
    name: str | None = None,
    offset: Offset = NO_OFFSET,
    day: date = DAY,
    size: int = SIZE,
    scl_transform: Affine | None = None,
    others: Mapping[Band, ArrayLike] | None = None,
    **profile: Any,
) -> Scene:
    """Write the bands of a scene into `folder`: by default clear, with NDVI 0.6 everywhere.

    Args:
        folder: Where the files go.
        red: Digital numbers, (rows, columns), or one number for `size` x `size` pixels.
        nir: Likewise.
        scl: Classes, (rows, columns), or one for `size // 2` x `size // 2` pixels.
        name: Id of the scene; by default made of its day.
        offset: Offset of the digital numbers.
        day: Day of acquisition.
        size: Rows and columns of bands that are given as one number.
        scl_transform: Transform of SCL; by default pixels twice as large as red's from the same corner.
        others: Digital numbers of further bands, likewise; those of 20 m have pixels twice as large as red's.
        **profile: How the rasters are written, see `write_raster`.
    """
    name = name or f"S2A_32TPS_{day:%Y%m%d}_0_L2A"
    fine = profile.get("transform", corner(LEFT, TOP))
    coarse = scl_transform or corner(fine.c, fine.f, 2 * fine.a)
    files = {
        "red": write_raster(folder / f"{name}_B04.tif", _band(red, np.uint16, size), **profile),
        "nir": write_raster(folder / f"{name}_B08.tif", _band(nir, np.uint16, size), **profile),
        "scl": write_raster(
            folder / f"{name}_SCL.tif",
            _band(scl, np.uint8, size // 2),
            **profile | {"transform": coarse, "nodata": 0},
        ),
    }
    further = {}
    for band, values in (others or {}).items():
        number, resolution = BANDS[band]
        side, where = (size, fine) if resolution == 10 else (size // 2, corner(fine.c, fine.f, 2 * fine.a))
        path = folder / f"{name}_{number}.tif"
        further[band] = str(write_raster(path, _band(values, np.uint16, side), **profile | {"transform": where}))
    hrefs = {asset: str(path) for asset, path in files.items()} | {"bands": further}
    place = {"tile": "32TPS", "epsg": None, "footprint": shapely.box(8, 46, 12, 49)}
    offset = offset.model_copy(update={"others": dict.fromkeys(further, offset.red)})
    return a_scene(day, name, offset=offset, **place, **hrefs)


def _band(values: ArrayLike, dtype: type[np.generic], size: int) -> np.ndarray:
    band = np.asarray(values, dtype)
    return band if band.ndim else np.full((size, size), band)


def flat(value: int, size: int = SIZE) -> np.ndarray:
    """Return a band of one digital number."""
    return np.full((size, size), value, dtype=np.uint16)


def rough(seed: int, low: int, high: int, size: int = SIZE) -> np.ndarray:
    """Return a band of random digital numbers from `low` to below `high`."""
    return np.random.default_rng(seed).integers(low, high, (size, size), dtype=np.uint16)


def bands(red: int = 500, nir: int = 3000, scl: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return bands in which the left half of the field at (8, 8, 8, 8) differs from the clear right half."""
    red_band, nir_band, classes = flat(500), flat(3000), GROUND.copy()
    red_band[8:16, 8:12], nir_band[8:16, 8:12], classes[4:8, 4:6] = red, nir, scl
    return red_band, nir_band, classes


def pixel_box(row: float, col: float, height: float, width: float, size: float = 10.0) -> BaseGeometry:
    """Return the rectangle over pixels of a raster at (LEFT, TOP), in its CRS; the numbers need not be whole."""
    return shapely.box(LEFT + col * size, TOP - (row + height) * size, LEFT + (col + width) * size, TOP - row * size)


def lonlat(geometry: BaseGeometry, epsg: int = EPSG) -> BaseGeometry:
    """Return a geometry of a raster's CRS in longitude and latitude."""

    def unproject(points: np.ndarray) -> np.ndarray:
        return np.column_stack(transform(f"EPSG:{epsg}", "EPSG:4326", points[:, 0], points[:, 1]))

    return shapely.transform(geometry, unproject)


def red_only(href: object) -> Scene:
    """Return a scene of which the red band alone is anywhere."""
    return a_scene(scene_id="S2A", red=str(href), nir="/none", scl="/none")


def blocks(band: raster.Band) -> list[tuple[int, int]]:
    """Return row and column of each block of a band."""
    layout = band.layout
    rows, cols = -(-layout.window.height // layout.block_height), -(-layout.window.width // layout.block_width)
    return [(row, col) for row in range(rows) for col in range(cols)]


def whole(band: raster.Band) -> np.ndarray:
    """Read all blocks of a band, each once."""
    window = band.layout.window
    pixels = np.zeros(window.shape, band.dtype)
    for row, col in blocks(band):
        pixels[band.layout.block_window(row, col).slices_in(window)] = band.read((row, col))
    return pixels

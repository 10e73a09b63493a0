"""What is measured on: a full-size SYNTHETIC Sentinel-2 scene that compresses like a real one, and fields on it."""

from pathlib import Path

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.warp import transform

from ndvi_core.sample.landscape import classify, make_ground, make_sky, reflectance

EPSG = 32632
WEST, NORTH = 600_000.0, 5_200_020.0
"""Upper left corner of tile 32TPS."""
SIZE = 10_980
"""Rows and columns of a tile at 10 m."""
PATCH = SIZE // 5
"""Rows and columns that are invented; the rest is mirrored, further away than a compressor can see."""
BLOCK = 1024
DAY = np.datetime64("2025-06-14").astype(object)
CLOUDED = 0.08
ASSETS = ("red", "nir", "scl")


def write_scene(folder: Path) -> None:
    """Write the bands as COGs like Earth Search's: blocks of 1024, DEFLATE with predictor, overviews, SCL at 20 m."""
    if all((folder / f"{asset}.tif").exists() for asset in ASSETS):
        return
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(5)
    ground, sky = make_ground((PATCH, PATCH), [], random), make_sky((PATCH, PATCH), CLOUDED, random)
    seen = reflectance(ground, sky, DAY, random)
    classes = classify(seen["red"], seen["nir"], ground, sky)
    grain = np.random.default_rng(6)
    for asset in ("red", "nir"):
        digital = _mirrored(np.clip(seen[asset] * 10_000, 1, 60_000), 5)
        digital = digital + grain.normal(0, 7, digital.shape).astype(np.float32)  # what makes real ones hard to press
        _write(folder / f"{asset}.tif", np.clip(np.rint(digital), 1, 60_000).astype(np.uint16), 10)
    _write(folder / "scl.tif", _mirrored(classes, 5), 20)


def _mirrored(patch: NDArray[np.generic], times: int) -> NDArray[np.generic]:
    rows = np.concatenate([patch[:: (-1) ** number] for number in range(times)])
    return np.concatenate([rows[:, :: (-1) ** number] for number in range(times)], axis=1)


def _write(path: Path, band: NDArray[np.generic], pixel: int) -> None:
    unfinished = path.with_suffix(".part")
    with rasterio.open(
        unfinished,
        "w",
        driver="COG",
        count=1,
        dtype=band.dtype,
        height=len(band),
        width=len(band),
        nodata=0,
        crs=f"EPSG:{EPSG}",
        transform=rasterio.Affine(pixel, 0, WEST, 0, -pixel, NORTH),
        compress="DEFLATE",
        predictor="YES" if band.dtype == np.uint16 else "NO",
        blocksize=BLOCK,
        overview_resampling="NEAREST",
        num_threads="ALL_CPUS",
    ) as file:
        file.write(band, 1)
    unfinished.rename(path)


def make_fields(count: int) -> list[shapely.Polygon]:
    """Return quadrangles of 1 to 8 ha: a handful lie in one block, many all over the scene. In the scene's CRS."""
    random = np.random.default_rng(count)
    reach = 0.07 if count <= 10 else 0.98
    corner = 0.02 if count <= 10 else 0.01
    centres = (corner + reach * random.random((count, 2))) * SIZE * 10
    fields = []
    for x, y in centres:
        length, ratio, angle = random.uniform(130, 380), random.uniform(0.5, 0.9), random.uniform(0, np.pi)
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * random.uniform(0.8, 1.0, (4, 2))
        corners = corners * (length / 2, length * ratio / 2)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        fields.append(shapely.Polygon(corners @ turn + (WEST + x, NORTH - y)))
    return fields


def lonlat(field: shapely.Polygon) -> shapely.Polygon:
    """Return a field of the scene's CRS in WGS84."""
    return shapely.transform(
        field, lambda xy: np.column_stack(transform(f"EPSG:{EPSG}", "EPSG:4326", xy[:, 0], xy[:, 1]))
    )

"""Scenes made of arrays, fields drawn in a raster's CRS, and work orders over both."""

import itertools
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from numpy.typing import ArrayLike
from rasterio.transform import Affine
from rasterio.warp import transform
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.geometry import geometry_hash
from ndvi_core.models.scene import Offset, Scene
from ndvi_core.models.work_order import Cell, OrderField, Policy, WorkOrder
from ndvi_core.zonal.observe import ObservedCell, observe

EPSG = 32632
LEFT, TOP = 600_000.0, 5_100_000.0
"""Upper left corner of rasters that do not care where they are: north of the Alps, in UTM zone 32."""

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
    red: ArrayLike,
    nir: ArrayLike,
    scl: ArrayLike,
    name: str = "S2A_32TPS_20220610_0_L2A",
    offset: Offset = NO_OFFSET,
    time: datetime = datetime(2022, 6, 10, 10, 10, tzinfo=UTC),
    scl_transform: Affine | None = None,
    **profile: Any,
) -> Scene:
    """Write a scene's bands into `folder`; SCL is at 20 m from the same corner unless `scl_transform` is given."""
    fine = profile.get("transform", corner(LEFT, TOP))
    coarse = scl_transform or corner(fine.c, fine.f, 2 * fine.a)
    files = {
        "red": write_raster(folder / f"{name}_B04.tif", np.asarray(red, np.uint16), **profile),
        "nir": write_raster(folder / f"{name}_B08.tif", np.asarray(nir, np.uint16), **profile),
        "scl": write_raster(
            folder / f"{name}_SCL.tif", np.asarray(scl, np.uint8), **profile | {"transform": coarse, "nodata": 0}
        ),
    }
    return scene_of({asset: str(path) for asset, path in files.items()}, name, offset, time)


def scene_of(hrefs: Mapping[str, str], name: str, offset: Offset = NO_OFFSET, time: datetime | None = None) -> Scene:
    """Return a scene of given hrefs (`red`, `nir`, `scl`)."""
    return Scene(
        id=name,
        collection="sentinel-2-l2a",
        time=time or datetime(2022, 6, 10, 10, 10, tzinfo=UTC),
        tile="32TPS",
        datatake="GS2A_20220610T101031",
        baseline="04.00",
        footprint=shapely.box(8, 46, 12, 49),
        offset=offset,
        **hrefs,
    )


SIZE = 40
"""Rows and columns of the red band of the scenes that are drawn by hand."""

GROUND = np.full((SIZE // 2, SIZE // 2), 4, dtype=np.uint8)
"""Their classification, all vegetation."""


def flat(value: int, size: int = SIZE) -> np.ndarray:
    return np.full((size, size), value, dtype=np.uint16)


def rough(seed: int, low: int, high: int, size: int = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (size, size), dtype=np.uint16)


def bands(red: int = 500, nir: int = 3000, scl: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return bands in which the left half of the field at (8, 8, 8, 8) differs from the clear right half."""
    red_band, nir_band, classes = flat(500), flat(3000), GROUND.copy()
    red_band[8:16, 8:12], nir_band[8:16, 8:12], classes[4:8, 4:6] = red, nir, scl
    return red_band, nir_band, classes


def lonlat(geometry: BaseGeometry, epsg: int = EPSG) -> BaseGeometry:
    """Return a geometry of a raster's CRS in longitude and latitude."""

    def unproject(points: np.ndarray) -> np.ndarray:
        return np.column_stack(transform(f"EPSG:{epsg}", "EPSG:4326", points[:, 0], points[:, 1]))

    return shapely.transform(geometry, unproject)


def pixel_box(row: float, col: float, height: float, width: float, size: float = 10.0) -> BaseGeometry:
    """Return the rectangle over pixels of a raster at (LEFT, TOP), in its CRS; the numbers need not be whole."""
    return shapely.box(LEFT + col * size, TOP - (row + height) * size, LEFT + (col + width) * size, TOP - row * size)


def make_order(
    geometries: Mapping[str, BaseGeometry], scenes: Sequence[Scene], epsg: int | None = EPSG, **policy: Any
) -> WorkOrder:
    """Return an order for all fields on all days of the scenes; geometries in the CRS `epsg`, None for WGS84."""
    fields = tuple(
        OrderField(field_id=name, geometry=g if epsg is None else lonlat(g, epsg), geometry_hash=geometry_hash(g))
        for name, g in geometries.items()
    )
    by_day: dict[Any, list[int]] = {}
    for number, scene in enumerate(scenes):
        by_day.setdefault(scene.day, []).append(number)
    cells = tuple(
        Cell(field=index, date=day, scenes=tuple(numbers), fingerprint=f"{index}-{day}")
        for index in range(len(fields))
        for day, numbers in by_day.items()
    )
    return WorkOrder(
        label="test",
        results="file:///nowhere/results.parquet",
        manifest="file:///nowhere/manifest.json",
        products="file:///nowhere/fields",
        policy=Policy(**policy),
        fields=fields,
        scenes=tuple(scenes),
        cells=cells,
    )


def exactextract_statistics(
    values: np.ndarray, bounds: tuple[float, float, float, float], geometry: BaseGeometry
) -> dict[str, float]:
    """Return exactextract's statistics by our names.

    Its quantiles are worked out here, by its definition, from the pixels and fractions that it gives: its own are
    off by up to 1e-4 in fields of hundreds of pixels, since it adds the fractions up in single precision.

    Args:
        values: (height, width), NaN where a pixel does not count.
        bounds: left, bottom, right, top of the values.
        geometry: in the same plane.
    """
    left, bottom, right, top = bounds
    source = NumPyRasterSource(values, xmin=left, ymin=bottom, xmax=right, ymax=top, nodata=np.nan)
    feature = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(geometry)}
    (found,) = exact_extract(source, feature, ["mean", "stdev", "min", "max", "values", "coverage"])
    of = found["properties"]
    pixels = [(v, w) for v, w in zip(of["values"], of["coverage"], strict=True) if np.isfinite(v)]
    moments = {"ndvi_mean": of["mean"], "ndvi_std": of["stdev"], "ndvi_min": of["min"], "ndvi_max": of["max"]}
    return moments | {name: quantile(pixels, q) for name, q in QUANTILES.items()}


QUANTILES = {"ndvi_p10": 0.1, "ndvi_p25": 0.25, "ndvi_median": 0.5, "ndvi_p75": 0.75, "ndvi_p90": 0.9}


def quantile(pixels: Sequence[tuple[float, float]], q: float) -> float:
    """Return the quantile of (value, weight) pairs by exactextract's definition, step by step; NaN of none."""
    n, places, below = len(pixels), [], 0.0
    for k, (value, weight) in enumerate(sorted(pixels, key=lambda pixel: pixel[0])):
        places.append((k * weight + (n - 1) * below, value))
        below += weight
    wanted = q * (n - 1) * below
    for (s0, v0), (s1, v1) in itertools.pairwise(places):
        if s0 <= wanted <= s1:
            return v0 + (v1 - v0) * (wanted - s0) / (s1 - s0)
    return places[-1][1] if places else math.nan


def outcomes(order: WorkOrder) -> dict[tuple[str, str], ObservedCell]:
    """Observe the order; return the outcomes by field id and ISO date."""
    found = list(observe(order))
    assert len(found) == len(order.cells)
    return {(o.observation.field_id, o.observation.date.isoformat()): o for o in found}


def outcome(order: WorkOrder) -> ObservedCell:
    """Observe an order of one cell."""
    (only,) = observe(order)
    return only

"""A cell's NDVI raster as it lies on a web map: a transparent PNG in Web Mercator, and its corners."""

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ndvi_core.models.frozen import Frozen
from ndvi_core.products.colour_map import colour_of

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.io import DatasetReader

WEB_MERCATOR = 3857
FINER = 4
"""A pixel of the raster becomes about 4 x 4 pixels of the overlay, since the two grids are not parallel."""
LONGEST_SIDE = 1024
"""Pixels of the overlay's longer side, at most."""

Position = tuple[float, float]
"""Longitude and latitude in degrees, WGS84."""


class Corners(Frozen):
    """Where an image lies: its corners as longitude and latitude (WGS84)."""

    top_left: Position
    top_right: Position
    bottom_right: Position
    bottom_left: Position

    @classmethod
    def of(cls, west: float, south: float, east: float, north: float) -> "Corners":
        """Return those of an image whose edges are meridians and parallels."""
        return cls(
            top_left=(west, north), top_right=(east, north), bottom_right=(east, south), bottom_left=(west, south)
        )


class _Frame(NamedTuple):
    """Where the overlay lies in Web Mercator, and its size in pixels."""

    transform: "Affine"
    width: int
    height: int


def overlay_corners(cog: bytes) -> Corners:
    """Return the corners of `overlay_png` of the same raster.

    Args:
        cog: Content of an `ndvi.tif`.
    """
    from rasterio.io import MemoryFile
    from rasterio.warp import transform

    with MemoryFile(cog) as file, file.open() as dataset:
        to_map, width, height = _frame(dataset)
    x, y = [to_map.c, to_map.c + to_map.a * width], [to_map.f, to_map.f + to_map.e * height]
    (west, east), (north, south) = transform(f"EPSG:{WEB_MERCATOR}", "EPSG:4326", x, y)
    return Corners.of(west, south, east, north)


def overlay_png(cog: bytes) -> bytes:
    """Return a PNG in Web Mercator: valid pixels in the colours of `ndvi.png`, all others transparent.

    Args:
        cog: Content of an `ndvi.tif`.
    """
    from PIL import Image
    from rasterio.io import MemoryFile
    from rasterio.warp import Resampling, reproject

    with MemoryFile(cog) as file, file.open() as dataset:
        frame = _frame(dataset)
        ndvi = np.full((frame.height, frame.width), np.nan, np.float32)
        reproject(
            dataset.read(1),
            ndvi,
            src_transform=dataset.transform,
            src_crs=dataset.crs,
            src_nodata=np.nan,
            dst_transform=frame.transform,
            dst_crs=f"EPSG:{WEB_MERCATOR}",
            dst_nodata=np.nan,
            resampling=Resampling.nearest,
        )
    valid = np.where(np.isfinite(ndvi), 255, 0).astype(np.uint8)
    pixels = np.where(valid[..., None] > 0, colour_of(ndvi), 0).astype(np.uint8)
    png = BytesIO()
    Image.fromarray(np.dstack([pixels, valid])).save(png, "PNG", optimize=True)
    return png.getvalue()


def _frame(dataset: "DatasetReader") -> _Frame:
    from affine import Affine
    from rasterio.warp import calculate_default_transform

    to_map, width, height = calculate_default_transform(
        dataset.crs, f"EPSG:{WEB_MERCATOR}", dataset.width, dataset.height, *dataset.bounds
    )
    scale = min(FINER, LONGEST_SIDE / max(width, height))
    columns, rows = max(round(width * scale), 1), max(round(height * scale), 1)
    finer = Affine(to_map.a * width / columns, 0.0, to_map.c, 0.0, to_map.e * height / rows, to_map.f)
    return _Frame(finer, columns, rows)

"""Cells that were read back, of rasters made of arrays."""

import math

import numpy as np
import shapely
from rasterio.io import MemoryFile
from support.scenes import EPSG, LEFT, TOP, corner, lonlat, pixel_box

from ndvi_core.views.pixels import Cell, read_cell

RIM = 2
"""Pixels around those of a test that its fields may touch."""


def a_raster(ndvi: np.ndarray, field: shapely.Geometry, epsg: int = EPSG, **tags: str) -> bytes:
    """Return a raster as large as what the field touches of pixels that begin at (LEFT, TOP)."""
    west, south, east, north = field.bounds
    top, left = math.floor((TOP - north) / 10), math.floor((west - LEFT) / 10)
    bottom, right = math.ceil((TOP - south) / 10), math.ceil((east - LEFT) / 10)
    padded = np.pad(ndvi.astype(np.float32), RIM, constant_values=np.nan)
    part = padded[top + RIM : bottom + RIM, left + RIM : right + RIM]
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "nodata": np.nan, "crs": f"EPSG:{epsg}"}
    height, width = part.shape
    with MemoryFile() as file:
        transform = corner(LEFT + 10 * left, TOP - 10 * top)
        with file.open(height=height, width=width, transform=transform, **profile) as dataset:
            dataset.write(part, 1)
            dataset.update_tags(**tags)
        return bytes(file.read())


def a_cell(ndvi: np.ndarray, field: shapely.Geometry | None = None, epsg: int = EPSG) -> Cell:
    """Return a cell of pixels that begin at (LEFT, TOP); its field is a little larger, unless it is said."""
    rows, columns = ndvi.shape
    field = field or pixel_box(-0.01, -0.01, rows + 0.02, columns + 0.02)
    return read_cell(a_raster(ndvi, field, epsg), lonlat(field, epsg), None)


def of_pixels(values: np.ndarray, cell: Cell, like: np.ndarray, otherwise: float = 0) -> np.ndarray:
    """Return values on a cell's grid at the pixels that begin at (LEFT, TOP)."""
    transform = cell.raster.transform
    top, left = round((TOP - transform.f) / 10) + RIM, round((transform.c - LEFT) / 10) + RIM
    whole = np.full((like.shape[0] + 2 * RIM, like.shape[1] + 2 * RIM), otherwise, values.dtype)
    whole[top : top + values.shape[0], left : left + values.shape[1]] = values
    return whole[RIM:-RIM, RIM:-RIM]

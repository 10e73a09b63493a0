"""The pixels of a cell, read back from its raster, with what a person asks of them: spread, histogram, outline."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import BadInput
from ndvi_core.models.arrays import Floats
from ndvi_core.models.extent import Extent, clip
from ndvi_core.models.field_raster import FieldRaster
from ndvi_core.models.frozen import Frozen
from ndvi_core.products.cog import INNER_BUFFER
from ndvi_core.raster.grid import Grid, Window, raster_grid
from ndvi_core.raster.projection import project, shrink
from ndvi_core.zonal.coverage import cover
from ndvi_core.zonal.statistics import summarise, weighted_quantiles

BIN = 0.02
"""Width of a bin of a histogram; its edges are multiples of it."""
LOW, HIGH = 0.02, 0.98
"""Quantiles between which colours are stretched: what is beyond is mostly a rim or a pole."""

Ring = tuple[tuple[float, float], ...]


class PixelStatistics(Frozen):
    """The values of a raster, each pixel weighted by the share of it that the field covers."""

    pixels: float
    """Sum of the shares of the pixels with a value."""
    mean: float
    std: float
    """Of the population."""
    min: float
    max: float
    p2: float
    median: float
    p98: float


class Histogram(Frozen):
    """How many pixels have which values."""

    start: float
    """Lower edge of the first bin."""
    width: float
    """Of each bin."""
    pixels: tuple[float, ...]
    """Of each bin the sum of the shares of its pixels; a value on an edge is in the bin above."""


class Cell(NamedTuple):
    """A cell that was read back."""

    raster: FieldRaster
    field: BaseGeometry
    """The boundary within the extent, WGS84."""
    geometry: BaseGeometry
    """What of it was computed: all but the inner buffer."""


def read_cell(cog: bytes, boundary: BaseGeometry, extent: str | None) -> Cell:
    """Return the pixels of a cell.

    Args:
        cog: Content of its `ndvi.tif`.
        boundary: The field's when the cell was computed, as registered: WGS84, not clipped to the extent.
        extent: The observation's.

    Raises:
        BadInput: The raster is of another boundary, or its tags make no sense.
        RasterioError: The raster is damaged.
    """
    from rasterio.io import MemoryFile

    field = boundary if extent is None else clip([boundary], Extent.parse(extent))[0]
    with MemoryFile(cog) as file, file.open() as dataset:
        grid, window = raster_grid(dataset.transform, dataset.crs.to_epsg(), dataset.height, dataset.width)
        ndvi = dataset.read(1)
        inner = _metres(dataset.tags().get(INNER_BUFFER, "0"))
    geometry = None if field is None else shrink(field, inner)
    coverage = None if geometry is None else cover([geometry], grid)[0]
    if field is None or geometry is None or coverage is None or coverage.window != window:
        raise BadInput("the raster does not lie where the boundary of its observation does")
    raster = FieldRaster(
        ndvi=ndvi,
        coverage_fraction=coverage.coverage_fraction,
        transform=grid.transform(window),
        epsg=grid.epsg,
        bounds=grid.bounds(window),
    )
    return Cell(raster, field, geometry)


def grid_of(raster: FieldRaster) -> tuple[Grid, Window]:
    """Return the grid of a raster and where it lies in it."""
    return raster_grid(raster.transform, raster.epsg, *raster.ndvi.shape)


def placed(raster: FieldRaster, like: FieldRaster) -> Floats | None:
    """Return the values of a raster at the pixels of another one; None if their grids differ."""
    (grid, window), (other, wanted) = grid_of(raster), grid_of(like)
    if grid != other:
        return None
    values = np.full(wanted.shape, np.nan)
    common = window.intersection(wanted)
    if common is not None:
        values[common.slices_in(wanted)] = raster.ndvi[common.slices_in(window)]
    return values


def difference(raster: FieldRaster, before: FieldRaster) -> FieldRaster | None:
    """Return by how much the pixels are higher than before, where both have a value; None if their grids differ."""
    earlier = placed(before, raster)
    return None if earlier is None else replace(raster, ndvi=(raster.ndvi - earlier).astype(np.float32))


def statistics(raster: FieldRaster) -> PixelStatistics | None:
    """Return the spread of the values; None if there are none."""
    values, weights = _weighted(raster)
    if not len(values):
        return None
    starts = np.zeros(1, np.intp)
    found = {name: float(column[0]) for name, column in summarise(values, weights, starts).items()}
    low, high = weighted_quantiles(values, weights, starts, [LOW, HIGH])[:, 0].tolist()
    names = [name for name in PixelStatistics.model_fields if name in found]
    return PixelStatistics(pixels=float(weights.sum()), p2=low, p98=high, **{name: found[name] for name in names})


def histogram(raster: FieldRaster) -> Histogram | None:
    """Return the histogram of the values; None if there are none."""
    values, weights = _weighted(raster)
    if not len(values):
        return None
    bins = np.floor(np.round(values / BIN, 5)).astype(np.intp)  # as float32, 0.52 is less
    first = int(bins.min())
    counts = np.bincount(bins - first, weights)
    return Histogram(start=round(first * BIN, 6), width=BIN, pixels=tuple(counts.round(6).tolist()))


def outline(cell: Cell) -> tuple[Ring, ...]:
    """Return the rings of the geometry in columns and rows of the raster: (0, 0) is its upper left corner."""
    grid, window = grid_of(cell.raster)
    rings = shapely.get_rings(project(cell.geometry, grid.epsg))
    found = []
    for ring in rings:
        x, y = shapely.get_coordinates(ring).T
        pairs = np.column_stack([grid.columns(x) - window.col_off, grid.rows(y) - window.row_off]).round(2)
        found.append(tuple(map(tuple, pairs.tolist())))
    return tuple(found)


def _weighted(raster: FieldRaster) -> tuple[Floats, Floats]:
    valid = np.isfinite(raster.ndvi) & (raster.coverage_fraction > 0)
    return raster.ndvi[valid].astype(np.float64), raster.coverage_fraction[valid]


def _metres(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadInput(f"its tag {INNER_BUFFER} is {text!r}, which is no number of metres") from error

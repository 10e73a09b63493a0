"""Nearest neighbours: which pixel of one grid the centre of another grid's pixel is in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.raster.grid import Grid, Window

EDGE_TOLERANCE = 1e-6
"""Pixels: a centre this close to the edge of a coarser pixel counts as on it, and what is on it belongs beyond it."""

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Sampling:
    """Which pixel of a grid is nearest to each pixel of a window of another one."""

    window: Window
    """Of the grid that is sampled."""
    rows: Indexes
    """(height, 1) or (height, width): rows of `window`, from its first."""
    cols: Indexes
    """(1, width) or (height, width): columns of `window`."""

    def take(self, pixels: NDArray[Number]) -> NDArray[Number]:
        """Return (height, width) the nearest pixels, given those of `window`."""
        return pixels[self.rows, self.cols]

    def widened(self, margin: int) -> "Sampling":
        """Return the same with so many more pixels on all sides of `window`."""
        if not margin:
            return self
        return Sampling(self.window.widened(margin), self.rows + margin, self.cols + margin)


def nearest(grid: Grid, windows: Sequence[Window], other: Grid) -> list[Sampling]:
    """Return where windows of a grid, at least one, are in another grid; sizes and alignments may differ in any way.

    Between two CRSs the centres are projected.
    """
    if grid.epsg != other.epsg:
        return [_nearest_across(grid, window, other) for window in windows]
    top, left = min(window.row_off for window in windows), min(window.col_off for window in windows)
    bottom, right = max(window.row_stop for window in windows), max(window.col_stop for window in windows)
    around = Window(col_off=left, row_off=top, width=right - left, height=bottom - top)
    x, y = _centres(grid, around)
    rows, cols = _pixels(other.rows(y)), _pixels(other.columns(x))
    return [
        _outer(rows[window.row_off - top : window.row_stop - top], cols[window.col_off - left : window.col_stop - left])
        for window in windows
    ]


def _outer(rows: Indexes, cols: Indexes) -> Sampling:
    """Return the sampling, given the grid's rows and columns, ascending, of the window's rows and columns."""
    row, col = int(rows[0]), int(cols[0])
    window = Window(col_off=col, row_off=row, width=int(cols[-1]) - col + 1, height=int(rows[-1]) - row + 1)
    return Sampling(window, (rows - row)[:, np.newaxis], (cols - col)[np.newaxis, :])


def _nearest_across(grid: Grid, window: Window, other: Grid) -> Sampling:
    from rasterio.crs import CRS
    from rasterio.warp import transform

    x, y = (centres.ravel() for centres in np.meshgrid(*_centres(grid, window)))
    east, north = transform(CRS.from_epsg(grid.epsg), CRS.from_epsg(other.epsg), x, y)
    rows, cols = _pixels(other.rows(np.array(north))), _pixels(other.columns(np.array(east)))
    row, col = int(rows.min()), int(cols.min())
    found = Window(col_off=col, row_off=row, width=int(cols.max()) - col + 1, height=int(rows.max()) - row + 1)
    return Sampling(found, (rows - row).reshape(window.shape), (cols - col).reshape(window.shape))


def _centres(grid: Grid, window: Window) -> tuple[Floats, Floats]:
    """Return x of each column's centre and y of each row's, in units of the CRS."""
    left, _, _, top = grid.bounds(window)
    x = left + (np.arange(window.width, dtype=np.float64) + 0.5) * grid.size_x
    y = top - (np.arange(window.height, dtype=np.float64) + 0.5) * grid.size_y
    return x, y


def _pixels(fractional: Floats) -> Indexes:
    return np.floor(fractional + EDGE_TOLERANCE).astype(np.intp)

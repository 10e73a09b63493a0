"""Nearest neighbours: which pixel of one grid the centre of another grid's pixel is in."""

from dataclasses import dataclass

import numpy as np

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.raster.grid import Grid, Window
from ndvi_core.raster.window_table import WindowTable

EDGE_TOLERANCE = 1e-6
"""Pixels: a centre this close to the edge of a coarser pixel counts as on it, and what is on it belongs beyond it."""


@dataclass(frozen=True, eq=False)
class Sampling:
    """Where windows of a grid are in another grid; sizes and alignments may differ in any way.

    Between two CRSs the centres of the pixels are projected.
    """

    grid: Grid
    windows: WindowTable
    """Of `grid`."""
    other: Grid
    sampled: WindowTable
    """Of `other`: in the window of the same number are the pixels that are nearest to those of the first."""

    @classmethod
    def nearest(cls, grid: Grid, windows: WindowTable, other: Grid, margin: int = 0) -> "Sampling":
        """Return where windows, at least one, are in another grid, with a margin of so many of its pixels."""
        if grid.epsg == other.epsg:
            rows, cols = _rows_and_columns(grid, _around(windows), other)
            top, left = int(windows.row_off.min()), int(windows.col_off.min())
            first_row, first_col = rows[windows.row_off - top], cols[windows.col_off - left]
            found = WindowTable(
                col_off=first_col,
                row_off=first_row,
                width=cols[windows.col_stop - 1 - left] - first_col + 1,
                height=rows[windows.row_stop - 1 - top] - first_row + 1,
            )
        else:
            found = WindowTable.of([_window_across(grid, windows[number], other) for number in range(len(windows))])
        return cls(grid, windows, other, found.widened(margin))

    def indexes(self, numbers: Indexes, starts: Indexes) -> Indexes:
        """Return for each pixel of some windows the index of the nearest one in a flat array.

        Args:
            numbers: Of the windows.
            starts: For each of them, where its pixels of `sampled` start in that array.
        """
        windows, sampled = self.windows.take(numbers), self.sampled.take(numbers)
        if self.grid.epsg != self.other.epsg:
            parts = zip(range(len(windows)), starts.tolist(), strict=True)
            found = [self._indexes_across(windows[one], sampled[one]) + start for one, start in parts]
            return np.concatenate([*found, np.zeros(0, np.intp)])
        if not len(windows):
            return np.zeros(0, np.intp)
        around = _around(windows)
        rows, cols = _rows_and_columns(self.grid, around, self.other)
        of_row = np.repeat(starts - sampled.row_off * sampled.width - sampled.col_off, windows.height)
        of_row += rows[windows.rows() - around.row_off] * np.repeat(sampled.width, windows.height)
        columns = windows.columns()
        columns -= around.col_off
        found_at = cols[columns]
        found_at += np.repeat(of_row, windows.widths_of_rows())
        return found_at

    def _indexes_across(self, window: Window, sampled: Window) -> Indexes:
        rows, cols = _pixels_across(self.grid, window, self.other)
        return (rows - sampled.row_off) * sampled.width + cols - sampled.col_off


def nearest_within(grid: Grid, windows: WindowTable, other: Grid, within: WindowTable) -> Indexes:
    """Return for each pixel of windows the index of the nearest one in windows of another grid, of whatever CRS.

    Args:
        grid: Of `windows`.
        windows: At least one.
        other: Of `within`.
        within: For each window the one to look in; beyond its edge are the pixels at the edge.

    Returns:
        (pixels of all windows) indexes into the pixels of `within`, one window after the other.
    """
    if grid.epsg != other.epsg:
        found_in = [_nearest_across(grid, windows[number], other, within[number]) for number in range(len(windows))]
        return np.concatenate(found_in) + np.repeat(within.starts, windows.width * windows.height)
    around = _around(windows)
    rows, cols = _rows_and_columns(grid, around, other)
    first_row, last_row = (np.repeat(of, windows.height) for of in (within.row_off, within.row_stop - 1))
    row = np.clip(rows[windows.rows() - around.row_off], first_row, last_row)
    of_row = (row - first_row) * np.repeat(within.width, windows.height)
    of_row += np.repeat(within.starts - within.col_off, windows.height)
    count = windows.widths_of_rows()
    first_col, last_col = (
        np.repeat(np.repeat(of, windows.height), count) for of in (within.col_off, within.col_stop - 1)
    )
    found: Indexes = np.clip(cols[windows.columns() - around.col_off], first_col, last_col)
    found += np.repeat(of_row, count)
    return found


def _nearest_across(grid: Grid, window: Window, other: Grid, within: Window) -> Indexes:
    """Return the same for one window, given in which one of another CRS's grid to look."""
    rows, cols = _pixels_across(grid, window, other)
    row = np.clip(rows, within.row_off, within.row_stop - 1) - within.row_off
    col = np.clip(cols, within.col_off, within.col_stop - 1) - within.col_off
    found: Indexes = row * within.width + col
    return found


def _around(windows: WindowTable) -> Window:
    """Return the smallest window that contains all."""
    top, left = int(windows.row_off.min()), int(windows.col_off.min())
    return Window(
        col_off=left,
        row_off=top,
        width=int(windows.col_stop.max()) - left,
        height=int(windows.row_stop.max()) - top,
    )


def _rows_and_columns(grid: Grid, window: Window, other: Grid) -> tuple[Indexes, Indexes]:
    """Return the rows and columns of a grid of the same CRS that are nearest to those of the window, ascending."""
    x, y = _centres(grid, window)
    return _pixels(other.rows(y)), _pixels(other.columns(x))


def _window_across(grid: Grid, window: Window, other: Grid) -> Window:
    rows, cols = _pixels_across(grid, window, other)
    row, col = int(rows.min()), int(cols.min())
    return Window(col_off=col, row_off=row, width=int(cols.max()) - col + 1, height=int(rows.max()) - row + 1)


def _pixels_across(grid: Grid, window: Window, other: Grid) -> tuple[Indexes, Indexes]:
    """Return the row and the column of another CRS's grid that is nearest to each pixel, (pixels) each."""
    from rasterio.crs import CRS
    from rasterio.warp import transform

    x, y = (centres.ravel() for centres in np.meshgrid(*_centres(grid, window)))
    east, north = transform(CRS.from_epsg(grid.epsg), CRS.from_epsg(other.epsg), x, y)
    return _pixels(other.rows(np.array(north))), _pixels(other.columns(np.array(east)))


def _centres(grid: Grid, window: Window) -> tuple[Floats, Floats]:
    """Return x of each column's centre and y of each row's, in units of the CRS."""
    columns = np.arange(window.col_off, window.col_stop, dtype=np.float64)
    rows = np.arange(window.row_off, window.row_stop, dtype=np.float64)
    return (columns + (grid.alignment_x + 0.5)) * grid.size_x, (grid.alignment_y - 0.5 - rows) * grid.size_y


def _pixels(fractional: Floats) -> Indexes:
    return np.floor(fractional + EDGE_TOLERANCE).astype(np.intp)

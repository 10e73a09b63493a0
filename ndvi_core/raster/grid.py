"""Pixels without a raster: the endless grid that scenes of one UTM zone share, and windows of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from affine import Affine

PHASE_DECIMALS = 6
"""Decimals of a pixel to which grids are told apart: transforms of one grid differ by the noise of their floats."""

EDGE_TOLERANCE = 1e-6
"""Pixels: a centre this close to the edge of a coarser pixel counts as on it, and what is on it belongs beyond it."""


class Window(NamedTuple):
    """A rectangle of whole pixels; rows count southwards, columns eastwards, and both may be negative."""

    row: int
    col: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    def intersection(self, other: "Window") -> "Window | None":
        """Return the part that both share, None if there is none."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        height = min(self.row + self.height, other.row + other.height) - row
        width = min(self.col + self.width, other.col + other.width) - col
        return Window(row, col, height, width) if height > 0 and width > 0 else None

    def contains(self, other: "Window") -> bool:
        return (
            self.row <= other.row
            and self.col <= other.col
            and other.row + other.height <= self.row + self.height
            and other.col + other.width <= self.col + self.width
        )

    def slices_in(self, other: "Window") -> tuple[slice, slice]:
        """Return where this window, a part of `other`, is in an array of `other`'s shape."""
        row, col = self.row - other.row, self.col - other.col
        return slice(row, row + self.height), slice(col, col + self.width)


@dataclass(frozen=True)
class Grid:
    """North-up pixels of one size all over the plane of a CRS.

    Pixel (0, 0) is the one south-east of the CRS's origin, or up to a pixel off by the phases. As the origin is the
    CRS's and not a raster's, tiles of one UTM zone have the same grid, and a field has the same pixels in all of them.
    """

    epsg: int
    size_x: float
    """Width of a pixel in units of the CRS."""
    size_y: float
    """Height of a pixel, positive."""
    phase_x: float
    """Left edge of column 0, in pixels, in [0, 1)."""
    phase_y: float
    """Upper edge of row 0, in pixels northwards, in [0, 1)."""

    def columns(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return fractional columns of eastings: 0.5 is the centre of column 0."""
        return x / self.size_x - self.phase_x

    def rows(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return fractional rows of northings."""
        return self.phase_y - y / self.size_y

    def transform(self, window: Window) -> "Affine":
        """Return the affine transform of a raster that is `window`."""
        from affine import Affine

        left, _, _, top = self.bounds(window)
        return Affine(self.size_x, 0.0, left, 0.0, -self.size_y, top)

    def bounds(self, window: Window) -> tuple[float, float, float, float]:
        """Return left, bottom, right, top of `window` in units of the CRS."""
        return (
            (window.col + self.phase_x) * self.size_x,
            (self.phase_y - window.row - window.height) * self.size_y,
            (window.col + window.width + self.phase_x) * self.size_x,
            (self.phase_y - window.row) * self.size_y,
        )


@dataclass(frozen=True)
class Layout:
    """Where the pixels of a raster are and how they are blocked."""

    grid: Grid
    window: Window
    """The raster's, in its grid."""
    block_height: int
    block_width: int

    def blocks(self, window: Window) -> Iterator[tuple[int, int]]:
        """Yield row and column of each block that holds pixels of `window`, row by row."""
        part = self.window.intersection(window)
        if part is None:
            return
        top, left = part.row - self.window.row, part.col - self.window.col
        for row in range(top // self.block_height, (top + part.height - 1) // self.block_height + 1):
            for col in range(left // self.block_width, (left + part.width - 1) // self.block_width + 1):
                yield row, col

    def block_window(self, row: int, col: int) -> Window:
        """Return the window, in the grid, of a block; at the raster's right and lower edge it may be cut."""
        whole = Window(
            self.window.row + row * self.block_height,
            self.window.col + col * self.block_width,
            self.block_height,
            self.block_width,
        )
        part = self.window.intersection(whole)
        if part is None:
            raise IndexError(f"there is no block ({row}, {col})")
        return part


def raster_grid(transform: "Affine", epsg: int, height: int, width: int) -> tuple[Grid, Window]:
    """Return the grid of a north-up raster and the raster's window in it."""
    x, y = transform.c / transform.a, transform.f / -transform.e
    phase_x, phase_y = (round(origin % 1, PHASE_DECIMALS) % 1 for origin in (x, y))
    grid = Grid(epsg=epsg, size_x=transform.a, size_y=-transform.e, phase_x=phase_x, phase_y=phase_y)
    return grid, Window(row=round(phase_y - y), col=round(x - phase_x), height=height, width=width)


def nearest(grid: Grid, window: Window, other: Grid) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows and the columns of `other` that the centres of the window's rows and columns are in.

    Both grids are of one CRS; sizes and phases may differ in any way. Of `other`'s pixels, that at (row, col) of the
    two arrays' outer product is the nearest neighbour of the window's pixel.
    """
    left, _, _, top = grid.bounds(window)
    x = left + (np.arange(window.width, dtype=np.float64) + 0.5) * grid.size_x
    y = top - (np.arange(window.height, dtype=np.float64) + 0.5) * grid.size_y
    rows = np.floor(other.rows(y) + EDGE_TOLERANCE).astype(np.intp)
    cols = np.floor(other.columns(x) + EDGE_TOLERANCE).astype(np.intp)
    return rows, cols

"""The endless grid of pixels that scenes of one UTM zone share, windows of it, and how a raster is tiled."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from affine import Affine

ALIGNMENT_DECIMALS = 6
"""Decimals of a pixel by which grids are compared: transforms of one grid differ by the noise of their floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A rectangle of whole pixels, in rasterio's order and with its names.

    Rows count southwards and columns eastwards; offsets may be negative.
    """

    col_off: int
    row_off: int
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, as numpy has it."""
        return self.height, self.width

    @property
    def row_stop(self) -> int:
        """The row after the last."""
        return self.row_off + self.height

    @property
    def col_stop(self) -> int:
        """The column after the last."""
        return self.col_off + self.width

    def intersection(self, other: "Window") -> "Window | None":
        """Return the part that both share, None if there is none."""
        col_off, row_off = max(self.col_off, other.col_off), max(self.row_off, other.row_off)
        width = min(self.col_stop, other.col_stop) - col_off
        height = min(self.row_stop, other.row_stop) - row_off
        if width <= 0 or height <= 0:
            return None
        return Window(col_off=col_off, row_off=row_off, width=width, height=height)

    def slices_in(self, other: "Window") -> tuple[slice, slice]:
        """Return where this window, a part of `other`, is in an array of `other`'s shape."""
        row, col = self.row_off - other.row_off, self.col_off - other.col_off
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
    alignment_x: float
    """Left edge of column 0, in pixels, in [0, 1)."""
    alignment_y: float
    """Upper edge of row 0, in pixels northwards, in [0, 1)."""

    def columns(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return fractional columns of eastings: 0.5 is the centre of column 0."""
        return x / self.size_x - self.alignment_x

    def rows(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return fractional rows of northings."""
        return self.alignment_y - y / self.size_y

    def transform(self, window: Window) -> "Affine":
        """Return the affine transform of a raster that is `window`."""
        from affine import Affine

        left, _, _, top = self.bounds(window)
        return Affine(self.size_x, 0.0, left, 0.0, -self.size_y, top)

    def bounds(self, window: Window) -> tuple[float, float, float, float]:
        """Return left, bottom, right, top of `window` in units of the CRS."""
        return (
            (window.col_off + self.alignment_x) * self.size_x,
            (self.alignment_y - window.row_stop) * self.size_y,
            (window.col_stop + self.alignment_x) * self.size_x,
            (self.alignment_y - window.row_off) * self.size_y,
        )


@dataclass(frozen=True)
class TileLayout:
    """Where the pixels of a raster are, and its blocks."""

    grid: Grid
    window: Window
    """The raster's, in its grid."""
    block_height: int
    block_width: int

    def block_window(self, row: int, col: int) -> Window:
        """Return the window, in the grid, of a block; at the raster's right and lower edge it may be cut."""
        whole = Window(
            col_off=self.window.col_off + col * self.block_width,
            row_off=self.window.row_off + row * self.block_height,
            width=self.block_width,
            height=self.block_height,
        )
        part = self.window.intersection(whole)
        if part is None:
            raise IndexError(f"there is no block ({row}, {col})")
        return part

    def describe(self) -> str:
        """Return size, place and CRS of the raster, for messages."""
        left, _, _, top = self.grid.bounds(self.window)
        size = f"{self.window.width} x {self.window.height} of {self.grid.size_x:g}"
        return f"{size} from ({left:.2f}, {top:.2f}) in EPSG:{self.grid.epsg}"


def raster_grid(transform: "Affine", epsg: int, height: int, width: int) -> tuple[Grid, Window]:
    """Return the grid of a north-up raster and the raster's window in it."""
    x, y = transform.c / transform.a, transform.f / -transform.e
    alignment_x, alignment_y = (round(origin % 1, ALIGNMENT_DECIMALS) % 1 for origin in (x, y))
    grid = Grid(epsg=epsg, size_x=transform.a, size_y=-transform.e, alignment_x=alignment_x, alignment_y=alignment_y)
    window = Window(col_off=round(x - alignment_x), row_off=round(alignment_y - y), width=width, height=height)
    return grid, window

"""Many windows of a grid as columns, and their pixels one window after the other in flat arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Indexes
from ndvi_core.raster.grid import Window

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowTable:
    """Windows of one grid, (n) each column; the pixels of a flat array are those of each window in turn, row by row."""

    COLUMNS: ClassVar = ("col_off", "row_off", "width", "height")

    col_off: Indexes
    row_off: Indexes
    width: Indexes
    height: Indexes

    @classmethod
    def of(cls, windows: Sequence[Window]) -> "WindowTable":
        """Return these windows, at least one."""
        columns = np.array([(w.col_off, w.row_off, w.width, w.height) for w in windows], np.intp).T
        return cls(col_off=columns[0], row_off=columns[1], width=columns[2], height=columns[3])

    @classmethod
    def joined(cls, tables: Sequence["WindowTable"]) -> "WindowTable":
        """Return the windows of all tables, at least one."""
        return cls(**{name: np.concatenate([getattr(table, name) for table in tables]) for name in cls.COLUMNS})

    def __len__(self) -> int:
        return len(self.width)

    def __getitem__(self, number: int) -> Window:
        return Window(
            col_off=int(self.col_off[number]),
            row_off=int(self.row_off[number]),
            width=int(self.width[number]),
            height=int(self.height[number]),
        )

    @property
    def row_stop(self) -> Indexes:
        """The row after the last of each."""
        return self.row_off + self.height

    @property
    def col_stop(self) -> Indexes:
        """The column after the last of each."""
        return self.col_off + self.width

    @cached_property
    def ends(self) -> Indexes:
        """Index in a flat array after each window's last pixel."""
        return np.cumsum(self.width * self.height)

    @cached_property
    def starts(self) -> Indexes:
        """Index in a flat array of each window's first pixel."""
        return self.ends - self.width * self.height

    @property
    def size(self) -> int:
        """Pixels of all windows."""
        return int(self.ends[-1]) if len(self) else 0

    def take(self, numbers: NDArray[Any]) -> "WindowTable":
        """Return the windows of these numbers, or where a mask is true."""
        return WindowTable(
            col_off=self.col_off[numbers],
            row_off=self.row_off[numbers],
            width=self.width[numbers],
            height=self.height[numbers],
        )

    def widened(self, margin: int) -> "WindowTable":
        """Return the windows with so many more pixels on all sides."""
        return WindowTable(
            col_off=self.col_off - margin,
            row_off=self.row_off - margin,
            width=self.width + 2 * margin,
            height=self.height + 2 * margin,
        )

    def within(self, window: Window) -> NDArray[np.bool_]:
        """Return which of the windows lie wholly in a window."""
        return (
            (self.row_off >= window.row_off)
            & (self.col_off >= window.col_off)
            & (self.row_stop <= window.row_stop)
            & (self.col_stop <= window.col_stop)
        )

    def clipped(self, window: Window) -> "WindowTable":
        """Return what the windows share with a window; width and height are 0 where that is nothing."""
        col_off, row_off = np.maximum(self.col_off, window.col_off), np.maximum(self.row_off, window.row_off)
        width = np.minimum(self.col_stop, window.col_stop) - col_off
        height = np.minimum(self.row_stop, window.row_stop) - row_off
        common = (width > 0) & (height > 0)
        return WindowTable(col_off=col_off, row_off=row_off, width=width * common, height=height * common)

    def rows(self) -> Indexes:
        """Return the grid's row of each row of pixels: those of the first window, of the second, and so on."""
        first = np.cumsum(self.height) - self.height
        rows: Indexes = np.arange(int(self.height.sum())) + np.repeat(self.row_off - first, self.height)
        return rows

    def columns(self) -> Indexes:
        """Return the grid's column of each pixel."""
        width = self.widths_of_rows()
        first = np.cumsum(width) - width
        columns: Indexes = np.repeat(np.repeat(self.col_off, self.height) - first, width)
        columns += np.arange(len(columns))
        return columns

    def widths_of_rows(self) -> Indexes:
        """Return the number of pixels of each row of pixels, in the order of `rows`."""
        return np.repeat(self.width, self.height)

    def own(self, flat: NDArray[Number], number: int) -> NDArray[Number]:
        """Return the pixels of a window, (height, width), as a view of a flat array."""
        start, end = int(self.starts[number]), int(self.ends[number])
        return flat[start:end].reshape(int(self.height[number]), int(self.width[number]))

    def put(self, flat: NDArray[Number], numbers: Indexes, pixels: NDArray[Number]) -> None:
        """Write the pixels of these windows, one after the other in `pixels`, into a flat array of all."""
        starts, ends = self.starts[numbers].tolist(), self.ends[numbers].tolist()
        first = 0
        for start, end in zip(starts, ends, strict=True):
            flat[start:end] = pixels[first : first + end - start]
            first += end - start

    def pixels_of(self, flat: NDArray[Number], numbers: Indexes) -> NDArray[Number]:
        """Return the pixels of these windows, one after the other; those of one, which may be large, as a view."""
        starts, ends = self.starts[numbers].tolist(), self.ends[numbers].tolist()
        if len(starts) <= 1:
            return flat[starts[0] : ends[0]] if starts else flat[:0]
        return np.concatenate([flat[start:end] for start, end in zip(starts, ends, strict=True)])

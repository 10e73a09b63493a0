"""Windows of many bands, filled in one sweep over their blocks: each needed block is read once."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.arrays import Indexes
from ndvi_core.models.scene import Asset
from ndvi_core.raster.band import Band
from ndvi_core.raster.block_reader import BlockRequest, read_blocks
from ndvi_core.raster.block_source import Block, Pixels
from ndvi_core.raster.grid import TileLayout, Window
from ndvi_core.raster.window_table import WindowTable

MAX_PIXELS = 100_000
"""Pixels of windows that are handed on together: enough to hide numpy's overhead, few enough for the CPU's caches."""


class BandWindows:
    """Windows of a band, and their pixels once `gather` has read them."""

    def __init__(self, asset: Asset, band: Band, windows: WindowTable, keys: Indexes) -> None:
        """Describe what has to be read.

        Args:
            asset: Which band of its scene it is.
            band: It is open.
            windows: In the band's grid; where one reaches beyond the raster it is filled with the nodata value.
            keys: (n) number of what each window is read for, at most one for each key.
        """
        self.asset = asset
        self.band = band
        self.windows = windows
        self.keys = keys
        self.pixels: NDArray[np.integer] = np.full(windows.size, band.nodata, band.dtype)
        """(windows.size) of all windows."""
        self.broken: dict[int, SceneUnreadable] = {}
        """Why the window of a key could not be read."""
        self._window_of, block_of, self.blocks = _blocks(band.layout, windows)
        self._order = np.argsort(block_of, kind="stable")
        self._first = np.searchsorted(block_of[self._order], np.arange(len(self.blocks) + 1))

    def blocks_by_key(self, keys: int) -> Indexes:
        """Return for each of so many keys the number of blocks that its window needs."""
        return np.bincount(self.keys[self._window_of], minlength=keys)

    def fill(self, number: int, pixels: Pixels | SceneUnreadable) -> Indexes:
        """Put a block's pixels, or the error of reading it, into the windows that need it; return their keys.

        Args:
            number: Of the block in `blocks`.
            pixels: (height, width) of the block.
        """
        windows = self._window_of[self._order[self._first[number] : self._first[number + 1]]]
        if isinstance(pixels, SceneUnreadable):
            self.broken |= dict.fromkeys(self.keys[windows].tolist(), pixels)
        else:
            self._copy(windows, self.band.layout.block_window(*self.blocks[number]), pixels)
        return self.keys[windows]

    def _copy(self, windows: Indexes, block: Window, pixels: Pixels) -> None:
        whole, flat = self.windows.take(windows), self.pixels
        part = whole.clipped(block)
        below, right = part.row_off - whole.row_off, part.col_off - whole.col_off
        columns = (
            self.windows.starts[windows],
            self.windows.ends[windows],
            whole.width,
            below,
            below + part.height,
            right,
            right + part.width,
            part.row_off - block.row_off,
            part.row_stop - block.row_off,
            part.col_off - block.col_off,
            part.col_stop - block.col_off,
        )
        for start, end, width, top, bottom, left, stop, *source in zip(*(c.tolist() for c in columns), strict=True):
            first, last, west, east = source
            flat[start:end].reshape(-1, width)[top:bottom, left:stop] = pixels[first:last, west:east]


def gather(wanted: Sequence[BandWindows], keys: int, memory: int) -> Iterator[Indexes]:
    """Read the windows of all bands, and yield the numbers of keys, some at a time, whose windows are filled.

    Blocks are read from north to south and west to east, over all bands at once, each one time however many windows
    share it. A broken block spoils the windows that need it and no others: the pixels of a key do not depend on the
    other keys.

    Args:
        wanted: Each band at most once.
        keys: Number of keys.
        memory: Bytes that blocks may take which are read before it is their turn.
    """
    missing, size = np.zeros(keys, np.intp), np.zeros(keys, np.intp)
    for of_band in wanted:
        missing += of_band.blocks_by_key(keys)
        np.maximum.at(size, of_band.keys, of_band.windows.width * of_band.windows.height)
    filled = [np.flatnonzero(missing == 0)]
    requests = {
        BlockRequest(of_band.band, *block): (of_band, number)
        for of_band in wanted
        for number, block in enumerate(of_band.blocks)
    }
    ordered = sorted(requests, key=_southwards)
    waiting = int(size[filled[0]].sum())
    for request, pixels in zip(ordered, read_blocks(ordered, memory), strict=True):
        of_band, number = requests[request]
        touched = of_band.fill(number, pixels)
        missing[touched] -= 1
        filled.append(touched[missing[touched] == 0])
        waiting += int(size[filled[-1]].sum())
        if waiting >= MAX_PIXELS:
            yield from _divided(np.concatenate(filled), size)
            filled, waiting = [], 0
    yield from _divided(np.concatenate([*filled, np.zeros(0, np.intp)]), size)


def _divided(keys: Indexes, size: Indexes) -> Iterator[Indexes]:
    """Yield the keys in parts of about `MAX_PIXELS` pixels."""
    part = np.cumsum(size[keys]) // MAX_PIXELS
    for some in np.split(keys, np.flatnonzero(np.diff(part)) + 1):
        if len(some):
            yield some


def _blocks(layout: TileLayout, windows: WindowTable) -> tuple[Indexes, Indexes, list[Block]]:
    """Return the pairs of a window and a block that holds some of it, as two columns; and the blocks, row by row."""
    part = windows.clipped(layout.window)
    top, left = part.row_off - layout.window.row_off, part.col_off - layout.window.col_off
    some = part.height > 0
    first_row, first_col = top // layout.block_height, left // layout.block_width
    rows = np.where(some, (top + part.height - 1) // layout.block_height - first_row + 1, 0)
    cols = np.where(some, (left + part.width - 1) // layout.block_width - first_col + 1, 0)
    count = rows * cols
    window = np.repeat(np.arange(len(windows)), count)
    number = np.arange(len(window)) - np.repeat(np.cumsum(count) - count, count)
    row, col = first_row[window] + number // cols[window], first_col[window] + number % cols[window]
    across = -(-layout.window.width // layout.block_width)
    found, block = np.unique(row * across + col, return_inverse=True)
    return window, block, [divmod(one, across) for one in found.tolist()]


def _southwards(request: BlockRequest) -> tuple[int, float, float, str]:
    """Order blocks by zone, then from north to south and west to east; those at one place by their band's name."""
    layout = request.band.layout
    left, _, _, top = layout.grid.bounds(layout.block_window(request.row, request.col))
    return layout.grid.epsg, -top, left, request.band.name

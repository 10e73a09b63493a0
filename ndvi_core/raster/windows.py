"""Windows of many bands, filled in one sweep over their blocks: each needed block is read once."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import SceneUnreadable
from ndvi_core.raster.band import Band
from ndvi_core.raster.block_reader import BlockRequest, read_blocks
from ndvi_core.raster.grid import Window

Key = TypeVar("Key", bound=Hashable)


Pixels = NDArray[np.integer] | SceneUnreadable
"""The pixels of a window, or why they could not be read."""


@dataclass(frozen=True)
class BandWindow:
    """A window of a band; where it reaches beyond the band's raster it is filled with the band's nodata value."""

    band: Band
    window: Window


@dataclass(eq=False)
class _Filling(Generic[Key]):
    """The windows of one key while their blocks come in; each takes memory from its first block on."""

    key: Key
    windows: Sequence[BandWindow]
    missing: int
    """Blocks that are still to come, counted for each window."""
    found: dict[int, Pixels] = field(default_factory=dict)
    """Pixels, or the error of a broken block, by the windows' numbers."""

    def fill(self, number: int, block: Window, pixels: Pixels) -> None:
        """Put a block's pixels, or the error of reading it, into the window of that number."""
        self.missing -= 1
        window, before = self.windows[number].window, self.found.get(number)
        if isinstance(pixels, SceneUnreadable):
            self.found[number] = pixels
        elif block.contains(window):
            self.found[number] = pixels[window.slices_in(block)].copy()  # a view would keep the whole block
        elif not isinstance(before, SceneUnreadable) and (common := window.intersection(block)):
            target = self.found[number] = _empty(self.windows[number]) if before is None else before
            target[common.slices_in(window)] = pixels[common.slices_in(block)]

    def pixels(self) -> list[Pixels]:
        """Return the windows' pixels; one that is wholly beyond its band's raster has had no block."""
        return [
            self.found[number] if number in self.found else _empty(window) for number, window in enumerate(self.windows)
        ]


def _empty(wanted: BandWindow) -> NDArray[np.integer]:
    return np.full(wanted.window.shape, wanted.band.nodata, wanted.band.dtype)


def gather(wanted: Mapping[Key, Sequence[BandWindow]], memory: int) -> Iterator[tuple[Key, list[Pixels]]]:
    """Yield the pixels of each key's windows, in their order, as soon as the last of their blocks has been read.

    Blocks are read from north to south and west to east, over all bands at once, each one time however many windows
    share it. So only the windows that the current row of blocks cuts are in memory. A broken block spoils the windows
    that need it and no others: the pixels of a key do not depend on the other keys.

    Args:
        wanted: the windows of each key.
        memory: bytes that blocks may take which are read before it is their turn.
    """
    fillings: dict[BlockRequest, list[tuple[_Filling[Key], int]]] = defaultdict(list)
    for key, windows in wanted.items():
        blocks = [list(one.band.layout.blocks(one.window)) for one in windows]
        filling = _Filling(key, windows, missing=sum(map(len, blocks)))
        if not filling.missing:
            yield key, filling.pixels()
        for number, one in enumerate(windows):
            for row, col in blocks[number]:
                fillings[BlockRequest(one.band, row, col)].append((filling, number))
    requests = sorted(fillings, key=_southwards)
    for request, pixels in zip(requests, read_blocks(requests, memory), strict=True):
        block = request.band.layout.block_window(request.row, request.col)
        for filling, number in fillings.pop(request):
            filling.fill(number, block, pixels)
            if not filling.missing:
                yield filling.key, filling.pixels()


def _southwards(request: BlockRequest) -> tuple[int, float, float, str]:
    """Order blocks by zone, then from north to south and west to east; those at one place by their band's name."""
    layout = request.band.layout
    left, _, _, top = layout.grid.bounds(layout.block_window(request.row, request.col))
    return layout.grid.epsg, -top, left, request.band.name

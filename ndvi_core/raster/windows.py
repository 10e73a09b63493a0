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
"""What was read, or why it could not be."""


@dataclass(frozen=True)
class BandWindow:
    """A window of a band; where it reaches beyond the band's raster it is filled with the band's nodata value."""

    band: Band
    window: Window


@dataclass(eq=False)
class _Filling(Generic[Key]):
    """The arrays of one key while their blocks come in; each takes memory from its first block on."""

    key: Key
    parts: Sequence[BandWindow]
    missing: int
    """Blocks that are still to come, counted for each part."""
    found: dict[int, Pixels] = field(default_factory=dict)
    """By the parts' numbers."""

    def take(self, number: int, block: Window, pixels: Pixels) -> None:
        """Put a block's pixels, or why there are none, into the part of that number."""
        self.missing -= 1
        window, before = self.parts[number].window, self.found.get(number)
        if isinstance(pixels, SceneUnreadable):
            self.found[number] = pixels
        elif block.contains(window):
            self.found[number] = pixels[window.slices_in(block)].copy()  # so that the block is not kept for it
        elif not isinstance(before, SceneUnreadable) and (common := window.intersection(block)):
            target = self.found[number] = _empty(self.parts[number]) if before is None else before
            target[common.slices_in(window)] = pixels[common.slices_in(block)]

    def pixels(self) -> list[Pixels]:
        """Return the parts' pixels; a part that is wholly beyond its band's raster had no block to begin it."""
        return [self.found[number] if number in self.found else _empty(part) for number, part in enumerate(self.parts)]


def _empty(part: BandWindow) -> NDArray[np.integer]:
    return np.full(part.window.shape, part.band.nodata, part.band.dtype)


def gather(wanted: Mapping[Key, Sequence[BandWindow]], memory: int) -> Iterator[tuple[Key, list[Pixels]]]:
    """Yield the pixels of each key's parts, in the parts' order, as soon as the last of its blocks has been read.

    Blocks are read from north to south and west to east, over all bands at once, each one time however many parts it
    has pixels of. So only the windows that the current row of blocks cuts are in memory. A broken block spoils the
    parts that need it and no others: what a key gets does not depend on what else is wanted.

    Args:
        wanted: the parts of each key.
        memory: bytes that blocks may take which are read before it is their turn.

    Raises:
        TryAgain: the network or a server failed.
    """
    takers: dict[BlockRequest, list[tuple[_Filling[Key], int]]] = defaultdict(list)
    for key, parts in wanted.items():
        needed = [list(part.band.layout.blocks(part.window)) for part in parts]
        filling = _Filling(key, parts, missing=sum(map(len, needed)))
        if not filling.missing:
            yield key, filling.pixels()
        for number, part in enumerate(parts):
            for row, col in needed[number]:
                takers[BlockRequest(part.band, row, col)].append((filling, number))
    requests = sorted(takers, key=_southwards)
    for request, pixels in zip(requests, read_blocks(requests, memory), strict=True):
        block = request.band.layout.block_window(request.row, request.col)
        for filling, number in takers.pop(request):
            filling.take(number, block, pixels)
            if not filling.missing:
                yield filling.key, filling.pixels()


def _southwards(request: BlockRequest) -> tuple[int, float, float, str]:
    """Order blocks by zone, then from north to south and west to east; those at one place by their band's name."""
    layout = request.band.layout
    left, _, _, top = layout.grid.bounds(layout.block_window(request.row, request.col))
    return layout.grid.epsg, -top, left, request.band.name

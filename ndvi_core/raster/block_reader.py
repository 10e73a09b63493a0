"""Reading blocks of many bands in a given order, the next ones ahead, neighbours in a file by one request."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple

from ndvi_core.errors import SceneUnreadable
from ndvi_core.raster.band import Band
from ndvi_core.raster.block_source import Block, Pixels
from ndvi_core.raster.remote_tiff import COALESCE_GAP, ByteRange
from ndvi_core.raster.threads import readers

MAX_BATCH = 6_000_000
"""Bytes, compressed and not, of blocks to which no other is added, so that each of the readers has something to do."""


class BlockRequest(NamedTuple):
    """A block to read."""

    band: Band
    row: int
    col: int

    @property
    def block(self) -> Block:
        """Row and column."""
        return self.row, self.col


def read_blocks(requests: Iterable[BlockRequest], memory: int = 0) -> Iterator[Pixels | SceneUnreadable]:
    """Yield the pixels of each block in the order of the requests; in the place of a broken block, why.

    Args:
        requests: blocks of one band that follow each other here and in the file are fetched together.
        memory: bytes that blocks may take which are read before it is their turn; those that are fetched together,
            and whose turn it is, may take more.
    """
    requests = list(requests)
    batches, batch_of = _batches(requests)
    ahead = _ReadAhead(batches, memory)
    try:
        for number, request in zip(batch_of, requests, strict=True):
            ahead.begin(number)
            pixels = ahead.next_block(number)
            if pixels is None:
                yield _read(request)
            else:
                request.band.count(request.block)
                yield pixels
            ahead.release_block(number)
    finally:
        ahead.cancel()


def _read(request: BlockRequest) -> Pixels | SceneUnreadable:
    try:
        return request.band.read(request.block)
    except SceneUnreadable as error:
        return error


@dataclass(eq=False)
class _Batch:
    """Blocks of one band that are fetched together."""

    band: Band
    byte_range: ByteRange | None
    """None: a block that is read by itself, when its turn comes."""
    blocks: list[Block]
    memory: int
    """Bytes that the blocks take, compressed and not."""

    def takes(self, byte_range: ByteRange | None) -> bool:
        """Return whether a block at this range is worth no request of its own."""
        return (
            byte_range is not None
            and self.byte_range is not None
            and self.memory < MAX_BATCH
            and self.byte_range.end <= byte_range.start <= self.byte_range.end + COALESCE_GAP
        )


def _batches(requests: Sequence[BlockRequest]) -> tuple[list[_Batch], list[int]]:
    """Return the batches in the order of their first blocks, and the number of each request's batch."""
    batches: list[_Batch] = []
    batch_of = []
    last: dict[Band, int] = {}
    for request in requests:
        band = request.band
        byte_range = band.byte_range(request.block)
        memory = band.layout.block_height * band.layout.block_width * band.dtype.itemsize
        memory += byte_range.end - byte_range.start if byte_range else 0
        before = batches[last[band]] if band in last else None
        if byte_range and before and before.byte_range and before.takes(byte_range):
            before.byte_range = ByteRange(before.byte_range.start, byte_range.end)
            before.blocks.append(request.block)
            before.memory += memory
        else:
            last[band] = len(batches)
            batches.append(_Batch(band, byte_range, [request.block], memory))
        batch_of.append(last[band])
    return batches, batch_of


class _ReadAhead:
    """Batches that are being fetched in threads, as many as may be in memory before it is their turn."""

    def __init__(self, batches: Sequence[_Batch], memory: int) -> None:
        self._batches = batches
        self._memory = memory
        self._begun = 0
        """Batches, from the first on, whose fetching has begun or whose turn has come."""
        self._held = 0
        """Bytes of the batches that have begun and are not released."""
        self._fetching: dict[int, Future[list[Pixels] | None]] = {}
        self._left = [len(batch.blocks) for batch in batches]

    def begin(self, needed: int) -> None:
        """Begin to fetch all batches up to the one that is needed, and those after it for which there is memory."""
        while self._begun < len(self._batches):
            batch = self._batches[self._begun]
            if self._begun > needed and self._held + batch.memory > self._memory:
                return
            if batch.byte_range is not None:
                blocks = tuple(batch.blocks)
                self._fetching[self._begun] = readers().submit(batch.band.fetch, batch.byte_range, blocks)
                self._held += batch.memory
            self._begun += 1

    def next_block(self, number: int) -> Pixels | None:
        """Return the pixels of a batch's next block; None if it was not fetched, or that failed."""
        fetched = self._fetching[number].result() if number in self._fetching else None
        return fetched.pop(0) if fetched else None

    def release_block(self, number: int) -> None:
        """Give back the memory of a batch with its last block."""
        self._left[number] -= 1
        if not self._left[number] and number in self._fetching:
            del self._fetching[number]
            self._held -= self._batches[number].memory

    def cancel(self) -> None:
        """Fetch no more."""
        for future in self._fetching.values():
            future.cancel()

"""One sweep over the blocks of many bands: each needed block is read once, and windows are filled as blocks come."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import SceneUnreadable
from ndvi_core.raster.band import Band
from ndvi_core.raster.remote_tiff import COALESCE_GAP, ByteRange

if TYPE_CHECKING:
    pass
from ndvi_core.raster.threads import readers

MAX_BATCH = 6_000_000
"""Bytes, compressed and not, of blocks to which no other is joined, so that the readers have something to do each."""


class BlockRequest(NamedTuple):
    """A block to read."""

    band: Band
    row: int
    col: int


@dataclass(eq=False)
class _Batch:
    """Blocks that are read together."""

    band: Band
    span: ByteRange | None
    """None of a block that is read by itself, when its turn comes."""
    blocks: list[tuple[int, int]]
    memory: int
    """Bytes that they take, compressed and not."""


def read_blocks(requests: Iterable[BlockRequest], memory: int = 0) -> Iterator[NDArray[np.integer] | SceneUnreadable]:
    """Yield the pixels of each block in the order of the requests; in the place of a broken block, why.

    Args:
        requests: those that follow each other, among their band's, are fetched together if they do so in the file.
        memory: bytes that blocks may take which are read before it is their turn; those that are fetched together,
            and whose turn it is, may take more.

    Raises:
        TryAgain: the network or a server failed.
    """
    requests = list(requests)
    batches, batch_of = _batches(requests)
    reading: dict[int, Future[list[NDArray[np.integer]] | None]] = {}
    begun = held = 0
    try:
        for number, request in zip(batch_of, requests, strict=True):
            while begun < len(batches) and (begun <= number or held + batches[begun].memory <= memory):
                batch = batches[begun]
                if batch.span is not None:
                    reading[begun] = readers().submit(batch.band.read_span, batch.span, tuple(batch.blocks))
                    held += batch.memory
                begun += 1
            pixels = reading[number].result() if number in reading else None
            yield _read(request) if pixels is None else _counted(request, pixels.pop(0))
            batches[number].blocks.pop(0)
            if number in reading and not batches[number].blocks:
                held -= batches[number].memory
                del reading[number]
    finally:
        for future in reading.values():
            future.cancel()


def _read(request: BlockRequest) -> NDArray[np.integer] | SceneUnreadable:
    try:
        return request.band.read(request.row, request.col)
    except SceneUnreadable as error:
        return error


def _counted(request: BlockRequest, pixels: NDArray[np.integer]) -> NDArray[np.integer]:
    request.band.count(request.row, request.col)
    return pixels


def _batches(requests: Sequence[BlockRequest]) -> tuple[list[_Batch], list[int]]:
    """Join what is fetched together; return the batches in the order of their first blocks, and each request's."""
    batches: list[_Batch] = []
    batch_of = []
    last: dict[Band, int] = {}
    for band, row, col in requests:
        span = band.span(row, col)
        before = batches[last[band]] if band in last else None
        pixels = band.layout.block_height * band.layout.block_width * band.dtype.itemsize
        if span and before and before.span and before.memory < MAX_BATCH and _follows(span, before.span):
            before.span = ByteRange(before.span.start, span.end)
            before.blocks.append((row, col))
            before.memory += pixels + span.end - span.start
        else:
            last[band] = len(batches)
            batches.append(_Batch(band, span, [(row, col)], pixels + (span.end - span.start if span else 0)))
        batch_of.append(last[band])
    return batches, batch_of


def _follows(span: ByteRange, before: ByteRange) -> bool:
    """Say whether two spans are worth one request."""
    return before.end <= span.start <= before.end + COALESCE_GAP

"""Bands of scenes: opening them, checking them, and reading their blocks, many side by side where that can be."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.scene import Scene
from ndvi_core.raster.gdal import gdal_env, gdal_errors, gdal_path, public
from ndvi_core.raster.grid import Layout, raster_grid
from ndvi_core.raster.remote_tiff import MAX_GAP, RangeFile, Span, joined, open_ranges

if TYPE_CHECKING:
    from rasterio import DatasetReader

Asset = Literal["red", "nir", "scl"]

STRIPE_ROWS = 256
"""Rows that are read at once of a raster that is not tiled but stored by rows."""

READERS = 16
"""Threads that fetch and decode: enough to hide a server's latency behind the decoding of a few cores."""

MAX_BATCH = 6_000_000
"""Bytes, compressed and not, of blocks to which no other is joined, so that the readers have something to do each."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A file as GDAL reads it by itself."""

    path: str
    """In GDAL's words; it may have a signature in it."""
    name: str
    """Scene, asset and href, for messages."""
    remote: bool

    def open(self) -> "DatasetReader":
        import rasterio

        with gdal_env(), gdal_errors(self.name, self.remote):
            return rasterio.open(self.path)


class Band:
    """An open raster of one band: where its pixels are, and its blocks on demand.

    This is all that the computation asks of a reader. One thread may use it at a time, but for `read_span`.
    """

    def __init__(self, source: Source, dataset: "DatasetReader", layout: Layout, file: RangeFile | None) -> None:
        self.layout = layout
        self.dtype = np.dtype(dataset.dtypes[0])
        self.nodata = _nodata(dataset)
        self.name = source.name
        """Scene, asset and href, for messages."""
        self.blocks_read = 0
        self.bytes_read = 0
        """Compressed size of the blocks read, as the TIFF's directory states it; 0 for other formats."""
        self._source = source
        self._dataset = dataset
        """Says where the blocks are; if there is a `_file`, their bytes are not in it."""
        self._whole = None if file else dataset
        self._file = file

    def read(self, row: int, col: int) -> NDArray[np.integer]:
        """Return the pixels of a block of the layout, read by GDAL alone.

        Raises:
            TryAgain: the network or the server failed.
            SceneUnreadable: the block is broken.
        """
        if self._whole is None:
            self._whole = self._source.open()
        with gdal_env(), gdal_errors(self.name, self._source.remote):
            pixels = self._pixels(self._whole, row, col)
        self.count(row, col)
        return pixels

    def span(self, row: int, col: int) -> Span | None:
        """Return the bytes that a block can be read from by `read_span`; None if only `read` can read it."""
        if self._file is None:
            return None
        stored = self._stored(row, col)
        return joined(stored) if all(span.start and span.end > span.start for span in stored) else None

    def read_span(self, span: Span, blocks: Sequence[tuple[int, int]]) -> list[NDArray[np.integer]] | None:
        """Return the pixels of blocks that are in `span`; None if that did not work, whatever the reason.

        Then `read` can find out, block by block. Several threads may call this.
        """
        from obstore.exceptions import BaseError
        from rasterio.errors import RasterioError

        if self._file is None:
            return None
        try:
            with gdal_env(), self._file.fetch(span) as dataset:
                return [self._pixels(dataset, row, col) for row, col in blocks]
        except (BaseError, RasterioError, OSError) as error:
            log.debug("%s: bytes %d to %d: %s", self.name, span.start, span.end, public(str(error)))
            return None

    def count(self, row: int, col: int) -> None:
        """Note that a block was read."""
        self.blocks_read += 1
        self.bytes_read += sum(span.end - span.start for span in self._stored(row, col))

    def close(self) -> None:
        for opened in (self._dataset, self._whole, self._file):
            if opened is not None:
                opened.close()

    def _pixels(self, dataset: "DatasetReader", row: int, col: int) -> NDArray[np.integer]:
        from rasterio.windows import Window

        rows, cols = self.layout.block_window(row, col).slices_in(self.layout.window)
        return np.asarray(dataset.read(1, window=Window.from_slices(rows, cols)))

    def _stored(self, row: int, col: int) -> list[Span]:
        """Return where the file's blocks are of which a block of the layout is made; (0, 0) if it does not say."""
        height, _ = self._dataset.block_shapes[0]
        per_read, rows = self.layout.block_height // height, -(-self.layout.window.height // height)
        spans = []
        for number in range(row * per_read, min((row + 1) * per_read, rows)):
            names = (f"BLOCK_{value}_{col}_{number}" for value in ("OFFSET", "SIZE"))
            start, size = (int(self._dataset.get_tag_item(name, "TIFF", bidx=1) or 0) for name in names)
            spans.append(Span(start, start + size))
        return spans


class OpenScene:
    """A scene whose bands are opened when they are first asked for, and checked against each other.

    Bands:
        red: has one band of whole numbers on a north-up grid of a CRS with an EPSG code.
        nir: has the very pixels of red.
        scl: is of bytes and has red's CRS; its pixels may be of any size and anywhere.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._opening: dict[Asset, Future[Band]] = {}
        self._bands: dict[Asset, Band | SceneUnreadable] = {}

    def __enter__(self) -> "OpenScene":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for opening in self._opening.values():
            if not opening.cancel() and opening.exception() is None:
                opening.result().close()

    def begin(self, *assets: Asset) -> None:
        """Begin to open bands, so that none has to wait for another; `band` says what came of it."""
        for asset in assets:
            if asset not in self._opening:
                self._opening[asset] = _readers().submit(open_band, self.scene, asset)

    def band(self, asset: Asset) -> Band:
        """Return the open band.

        Raises:
            TryAgain: the network or the server failed.
            SceneUnreadable: it is missing, broken or not laid out as it should be. It is not tried a second time.
        """
        if asset not in self._bands:
            self.begin(asset)
            try:
                band = self._opening[asset].result()
                self._check(asset, band)
                self._bands[asset] = band
            except SceneUnreadable as error:
                self._bands[asset] = error
        found = self._bands[asset]
        if isinstance(found, SceneUnreadable):
            raise found
        return found

    def opened(self) -> dict[Asset, Band]:
        """Return the bands that are open."""
        return {asset: band for asset, band in self._bands.items() if isinstance(band, Band)}

    def _check(self, asset: Asset, band: Band) -> None:
        if asset == "red":
            return
        red = self.band("red").layout
        if asset == "scl" and band.dtype != np.uint8:
            raise SceneUnreadable(f"{band.name}: its values are {band.dtype}, but classes are uint8")
        if asset == "scl" and band.layout.grid.epsg != red.grid.epsg:
            raise SceneUnreadable(
                f"{band.name}: it is in EPSG:{band.layout.grid.epsg}, but the red band in EPSG:{red.grid.epsg}"
            )
        if asset == "nir" and (band.layout.grid, band.layout.window) != (red.grid, red.window):
            raise SceneUnreadable(
                f"{band.name}: its pixels are not the red band's: {_words(band.layout)} against {_words(red)}"
            )


class BlockRequest(NamedTuple):
    """A block to read."""

    band: Band
    row: int
    col: int


@dataclass(eq=False)
class _Batch:
    """Blocks that are read together."""

    band: Band
    span: Span | None
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
                    reading[begun] = _readers().submit(batch.band.read_span, batch.span, tuple(batch.blocks))
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


@cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(READERS, thread_name_prefix="blocks")


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
            before.span = Span(before.span.start, span.end)
            before.blocks.append((row, col))
            before.memory += pixels + span.end - span.start
        else:
            last[band] = len(batches)
            batches.append(_Batch(band, span, [(row, col)], pixels + (span.end - span.start if span else 0)))
        batch_of.append(last[band])
    return batches, batch_of


def _follows(span: Span, before: Span) -> bool:
    """Say whether two spans are worth one request."""
    return before.end <= span.start <= before.end + MAX_GAP


def open_band(scene: Scene, asset: Asset) -> Band:
    """Open an asset of a scene.

    Raises:
        TryAgain: the network or the server failed.
        SceneUnreadable: it is missing, forbidden, broken, or no north-up single-band raster of whole numbers.
    """
    href: str = getattr(scene, asset)
    name = f"scene {scene.id}: {asset} {public(href)}"
    signed = _signed(href, scene.signing, name)
    source = Source(gdal_path(signed), name, href.startswith(("http://", "https://", "s3://")))
    file = open_ranges(signed)
    dataset = file.header if file else source.open()
    try:
        return Band(source, dataset, _layout(dataset, name), file)
    except SceneUnreadable:
        for opened in (dataset, file):
            if opened is not None:
                opened.close()
        raise


def _layout(dataset: "DatasetReader", name: str) -> Layout:
    transform = dataset.transform
    epsg = dataset.crs.to_epsg() if dataset.crs else None
    if dataset.count != 1:
        raise SceneUnreadable(f"{name}: it has {dataset.count} bands, expected 1: is this the band's own asset?")
    if not np.issubdtype(dataset.dtypes[0], np.integer):
        raise SceneUnreadable(f"{name}: its values are {dataset.dtypes[0]}, expected whole digital numbers")
    if epsg is None:
        raise SceneUnreadable(f"{name}: its CRS is {dataset.crs or 'missing'}, expected one with an EPSG code")
    if transform.b or transform.d or transform.a <= 0 or transform.e >= 0:
        raise SceneUnreadable(f"{name}: it is not north-up: its transform is {tuple(transform)[:6]}")
    grid, window = raster_grid(transform, epsg, dataset.height, dataset.width)
    height, width = dataset.block_shapes[0]
    by_rows = width == dataset.width
    return Layout(grid, window, height * max(1, STRIPE_ROWS // height) if by_rows else height, width)


def _nodata(dataset: "DatasetReader") -> int:
    """Return the file's nodata value, or 0, which is Sentinel-2's, when it states none that its pixels can have."""
    value, limits = dataset.nodata, np.iinfo(dataset.dtypes[0])
    return int(value) if value is not None and limits.min <= value <= limits.max else 0


def _words(layout: Layout) -> str:
    left, _, _, top = layout.grid.bounds(layout.window)
    size = f"{layout.window.width} x {layout.window.height} of {layout.grid.size_x:g}"
    return f"{size} from ({left:.2f}, {top:.2f}) in EPSG:{layout.grid.epsg}"


def _signed(href: str, signing: str | None, name: str) -> str:
    if signing is None:
        return href
    from ndvi_core.raster.signing import sign

    try:
        return sign(href)
    except SceneUnreadable as error:
        raise SceneUnreadable(f"{name}: {error}") from error

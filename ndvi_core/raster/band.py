"""Bands of scenes: opening them, checking them, and reading their blocks, many side by side where that can be."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.scene import Scene
from ndvi_core.raster.gdal import gdal_env, gdal_errors, gdal_path, public
from ndvi_core.raster.grid import TileLayout, raster_grid
from ndvi_core.raster.remote_tiff import ByteRange, RemoteTiff, coalesce, open_remote_tiff

if TYPE_CHECKING:
    from rasterio import DatasetReader

Asset = Literal["red", "nir", "scl"]

STRIPE_ROWS = 256
"""Rows that are read at once of a raster that is not tiled but stored by rows."""


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

    def __init__(self, source: Source, dataset: "DatasetReader", layout: TileLayout, file: RemoteTiff | None) -> None:
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

    def span(self, row: int, col: int) -> ByteRange | None:
        """Return the bytes that a block can be read from by `read_span`; None if only `read` can read it."""
        if self._file is None:
            return None
        stored = self._stored(row, col)
        return coalesce(stored) if all(span.start and span.end > span.start for span in stored) else None

    def read_span(self, span: ByteRange, blocks: Sequence[tuple[int, int]]) -> list[NDArray[np.integer]] | None:
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

    def _stored(self, row: int, col: int) -> list[ByteRange]:
        """Return where the file's blocks are of which a block of the layout is made; (0, 0) if it does not say."""
        height, _ = self._dataset.block_shapes[0]
        per_read, rows = self.layout.block_height // height, -(-self.layout.window.height // height)
        spans = []
        for number in range(row * per_read, min((row + 1) * per_read, rows)):
            names = (f"BLOCK_{value}_{col}_{number}" for value in ("OFFSET", "SIZE"))
            start, size = (int(self._dataset.get_tag_item(name, "TIFF", bidx=1) or 0) for name in names)
            spans.append(ByteRange(start, start + size))
        return spans


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
    file = open_remote_tiff(signed)
    dataset = file.header if file else source.open()
    try:
        return Band(source, dataset, _layout(dataset, name), file)
    except SceneUnreadable:
        for opened in (dataset, file):
            if opened is not None:
                opened.close()
        raise


def _layout(dataset: "DatasetReader", name: str) -> TileLayout:
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
    return TileLayout(grid, window, height * max(1, STRIPE_ROWS // height) if by_rows else height, width)


def _nodata(dataset: "DatasetReader") -> int:
    """Return the file's nodata value, or 0, which is Sentinel-2's, when it states none that its pixels can have."""
    value, limits = dataset.nodata, np.iinfo(dataset.dtypes[0])
    return int(value) if value is not None and limits.min <= value <= limits.max else 0


def _words(layout: TileLayout) -> str:
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

"""Where the blocks of a raster come from: GDAL by itself, or byte ranges of a TIFF on a server."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ndvi_core.raster.gdal import gdal_env, gdal_errors, gdal_path, remote_url, without_secrets
from ndvi_core.raster.grid import TileLayout
from ndvi_core.raster.remote_tiff import ByteRange, RemoteTiff, coalesce, open_remote_tiff

if TYPE_CHECKING:
    from rasterio import DatasetReader

Pixels = NDArray[np.integer]
Block = tuple[int, int]
"""Row and column of a block of a `TileLayout`."""

log = logging.getLogger(__name__)


class BlockSource(Protocol):
    """Reads blocks of one raster. Threads may share it, but for `read`."""

    header: "DatasetReader"
    """The raster as GDAL opened it: it knows its size, CRS and blocks. Pixels may not be readable from it."""

    def read(self, layout: TileLayout, block: Block) -> Pixels:
        """Return the pixels of a block.

        Raises:
            SceneUnreachable: the network or the server failed.
            SceneUnreadable: the block is broken.
        """

    def byte_range(self, layout: TileLayout, block: Block) -> ByteRange | None:
        """Return the bytes by which `fetch` gets a block; None if only `read` gets it."""

    def fetch(self, layout: TileLayout, byte_range: ByteRange, blocks: Sequence[Block]) -> list[Pixels] | None:
        """Return the pixels of blocks that lie in a byte range; None if that failed: `read` says why."""

    def close(self) -> None:
        """Close what is open."""


class GdalSource:
    """A raster that GDAL reads by itself, whatever its format and place."""

    def __init__(self, href: str, name: str) -> None:
        """Open the raster.

        Args:
            href: `https://`, `s3://` or a path; it may have a signature in it.
            name: scene, asset and href, for messages.

        Raises:
            SceneUnreachable: the network or the server failed.
            SceneUnreadable: there is no such raster, or it is broken.
        """
        import rasterio

        self._name = name
        self._url = remote_url(href)
        with gdal_env(), gdal_errors(name, self._url):
            self.header = rasterio.open(gdal_path(href))

    def read(self, layout: TileLayout, block: Block) -> Pixels:
        """Return the pixels of a block."""
        needed = max(part.end for part in stored_ranges(self.header, layout, block))
        with gdal_env(), gdal_errors(self._name, self._url, needed):
            return _pixels(self.header, layout, block)

    def byte_range(self, layout: TileLayout, block: Block) -> None:
        """Return None: GDAL fetches blocks by itself."""

    def fetch(self, layout: TileLayout, byte_range: ByteRange, blocks: Sequence[Block]) -> None:
        """Return None: GDAL fetches blocks by itself."""

    def close(self) -> None:
        """Close the raster."""
        self.header.close()


class RangeSource:
    """A TIFF on a server, whose blocks are fetched by ranges; what fails that way is read by GDAL by itself."""

    def __init__(self, file: RemoteTiff, href: str, name: str) -> None:
        """Read the blocks of an open file.

        Args:
            file: its header is in memory.
            href: of the same file.
            name: scene, asset and href, for messages.
        """
        self.header = file.header
        self._file, self._href, self._name = file, href, name
        self._by_gdal: GdalSource | None = None

    def read(self, layout: TileLayout, block: Block) -> Pixels:
        """Return the pixels of a block, read by GDAL by itself."""
        if self._by_gdal is None:
            self._by_gdal = GdalSource(self._href, self._name)
        return self._by_gdal.read(layout, block)

    def byte_range(self, layout: TileLayout, block: Block) -> ByteRange | None:
        """Return the bytes of a block, if the file's directory says where they are and they lie together."""
        stored = stored_ranges(self.header, layout, block)
        return coalesce(stored) if all(part.start and part.end > part.start for part in stored) else None

    def fetch(self, layout: TileLayout, byte_range: ByteRange, blocks: Sequence[Block]) -> list[Pixels] | None:
        """Return the pixels of blocks that lie in a byte range; None if that failed."""
        from obstore.exceptions import BaseError
        from rasterio.errors import RasterioError

        try:
            with gdal_env(), self._file.fetch(byte_range) as dataset:
                return [_pixels(dataset, layout, block) for block in blocks]
        except (BaseError, RasterioError, OSError) as error:
            said = without_secrets(str(error))
            log.debug("%s: bytes %d to %d: %s", self._name, byte_range.start, byte_range.end, said)
            return None

    def close(self) -> None:
        """Close the file, and GDAL's own view of it."""
        self._file.close()
        if self._by_gdal is not None:
            self._by_gdal.close()


def open_source(href: str, name: str) -> BlockSource:
    """Open a raster by ranges where that can be done, else by GDAL.

    Args:
        href: `https://`, `s3://` or a path; signed, if it has to be.
        name: scene, asset and href without signature, for messages.

    Raises:
        SceneUnreachable: the network or the server failed.
        SceneUnreadable: there is no such raster, or it is broken.
    """
    file = open_remote_tiff(href)
    if file is not None:
        return RangeSource(file, href, name)
    return GdalSource(href, name)


def stored_ranges(header: "DatasetReader", layout: TileLayout, block: Block) -> list[ByteRange]:
    """Return where the file's own blocks are that make up a block of the layout; from 0 to 0 if it does not say."""
    row, col = block
    height, _ = header.block_shapes[0]
    per_read, rows = layout.block_height // height, -(-layout.window.height // height)
    ranges = []
    for number in range(row * per_read, min((row + 1) * per_read, rows)):
        names = (f"BLOCK_{value}_{col}_{number}" for value in ("OFFSET", "SIZE"))
        start, size = (int(header.get_tag_item(name, "TIFF", bidx=1) or 0) for name in names)
        ranges.append(ByteRange(start, start + size))
    return ranges


def _pixels(dataset: "DatasetReader", layout: TileLayout, block: Block) -> Pixels:
    from rasterio.windows import Window

    rows, cols = layout.block_window(*block).slices_in(layout.window)
    return np.asarray(dataset.read(1, window=Window.from_slices(rows, cols)))

"""The bands of a scene: opening one, and checking that it is what the computation expects."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from ndvi_core.errors import SceneUnreachable, SceneUnreadable, TryAgain
from ndvi_core.models.constants import METRES_PER_DEGREE
from ndvi_core.models.scene import MAX_DIGITAL_NUMBER, Scene
from ndvi_core.models.scene import Asset as Asset  # part of what this module offers
from ndvi_core.raster.block_source import Block, BlockSource, Pixels, open_source, stored_ranges
from ndvi_core.raster.gdal import gdal_env, gdal_errors, remote_url, without_secrets
from ndvi_core.raster.grid import TileLayout, raster_grid
from ndvi_core.raster.remote_tiff import ByteRange

if TYPE_CHECKING:
    from rasterio import DatasetReader

MAX_BLOCK_BYTES = 2 * 10_980**2
"""Of a block's pixels: a whole band of a Sentinel-2 tile. A broken header claims more, which no task has memory for."""

SMALLEST_PIXEL = 4.0
"""Metres. With smaller pixels than Sentinel-2's a field would take memory that no task has."""

FARTHEST = 1e8
"""Units of a CRS from its origin within which there is a place on Earth."""

STRIPE_ROWS = 256
"""Rows that are read at once of a raster that is not tiled but stored by rows."""


class Band:
    """An open raster of one band: where its pixels are, and its blocks on demand."""

    def __init__(self, source: BlockSource, layout: TileLayout, name: str) -> None:
        """Describe the band.

        Args:
            source: reads its blocks.
            layout: of its pixels.
            name: scene, asset and href, for messages.
        """
        self.layout = layout
        self.dtype = np.dtype(source.header.dtypes[0])
        self.nodata = _nodata(source.header)
        self.name = name
        self.blocks_read = 0
        self.bytes_read = 0
        """Compressed size of the blocks read, as the TIFF's directory states it; 0 for other formats."""
        self.declared_offset = _declared_offset(source.header, name)
        """What the file says is to be added to its digital numbers; None if it says nothing of it."""
        self._source = source
        self._unreachable: SceneUnreachable | None = None

    def read(self, block: Block) -> Pixels:
        """Return the pixels of a block, which is counted. For one thread at a time.

        A server that was away once is not asked again: each time would take as long.

        Raises:
            SceneUnreachable: the network or the server failed.
            SceneUnreadable: the block is broken.
        """
        if self._unreachable:
            raise self._unreachable
        try:
            pixels = self._source.read(self.layout, block)
        except SceneUnreachable as error:
            self._unreachable = error
            raise
        self.count(block)
        return pixels

    def byte_range(self, block: Block) -> ByteRange | None:
        """Return the bytes by which `fetch` gets a block; None if only `read` gets it."""
        return self._source.byte_range(self.layout, block)

    def fetch(self, byte_range: ByteRange, blocks: Sequence[Block]) -> list[Pixels] | None:
        """Return the pixels of blocks that lie in a byte range; None if that failed, and `read` has to be tried.

        Several threads may call it. The blocks are not counted.
        """
        return self._source.fetch(self.layout, byte_range, blocks)

    def count(self, block: Block) -> None:
        """Count a block as read."""
        self.blocks_read += 1
        ranges = stored_ranges(self._source.header, self.layout, block)
        self.bytes_read += sum(part.end - part.start for part in ranges)

    def close(self) -> None:
        """Close the raster."""
        self._source.close()


def open_band(scene: Scene, asset: Asset) -> Band:
    """Open an asset of a scene.

    Raises:
        SceneUnreachable: the network or the server failed.
        SceneUnreadable: it is missing, in the catalogue or on the server, forbidden, broken, or no north-up single-band
            raster of whole numbers.
    """
    name, href = locate(scene, asset)
    source = open_source(href, name)
    try:
        with gdal_env(), gdal_errors(name, remote_url(href)):  # of some of the header GDAL reads when asked for it
            return Band(source, _layout(source.header, name), name)
    except SceneUnreadable:
        source.close()
        raise


def locate(scene: Scene, asset: Asset) -> tuple[str, str]:
    """Return what messages call an asset of a scene, and its href, signed if it has to be.

    Raises:
        SceneUnreachable: the network or the signing server failed.
        SceneUnreadable: the catalogue does not have it, or it cannot be signed.
    """
    href = scene.href(asset)
    name = f"scene {scene.id}: {asset} {without_secrets(href)}"
    return name, _signed(href, scene.signing, name)


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
    _check_place(dataset, name)
    grid, window = raster_grid(transform, epsg, dataset.height, dataset.width)
    height, width = dataset.block_shapes[0]
    if width == dataset.width:
        height *= max(1, STRIPE_ROWS // height)
    if height * width * np.dtype(dataset.dtypes[0]).itemsize > MAX_BLOCK_BYTES:
        raise SceneUnreadable(
            f"{name}: its blocks are {width} x {height} pixels, more than a Sentinel-2 tile has: is its header damaged?"
        )
    return TileLayout(grid, window, height, width)


def _check_place(dataset: "DatasetReader", name: str) -> None:
    """Refuse a raster that is not on the Earth, or whose pixels are much smaller than Sentinel-2's."""
    transform = tuple(dataset.transform)[:6]
    smallest = SMALLEST_PIXEL / (METRES_PER_DEGREE if dataset.crs.is_geographic else 1.0)
    if not all(abs(value) <= FARTHEST for value in transform) or min(transform[0], -transform[4]) < smallest:
        raise SceneUnreadable(
            f"{name}: its transform is {transform}: expected pixels of 10 m or more, and a place on Earth"
        )


def _nodata(dataset: "DatasetReader") -> int:
    """Return the file's nodata value, or 0, which is Sentinel-2's, when it states none that its pixels can have."""
    value, limits = dataset.nodata, np.iinfo(dataset.dtypes[0])
    return int(value) if value is not None and limits.min <= value <= limits.max else 0


def _declared_offset(dataset: "DatasetReader", name: str) -> int | None:
    """Return the file's offset in digital numbers; a file without a scale says nothing of it."""
    scale, offset = float(dataset.scales[0]), float(dataset.offsets[0])
    if scale in (0, 1):
        return None
    if not isfinite(scale) or not abs(offset / scale) <= MAX_DIGITAL_NUMBER:
        raise SceneUnreadable(f"{name}: it has the offset {offset} with the scale {scale}, beyond any reflectance")
    return round(offset / scale)


def _signed(href: str, signing: str | None, name: str) -> str:
    if signing is None:
        return href
    from ndvi_core.raster.signing import sign

    try:
        return sign(href)
    except SceneUnreadable as error:
        raise SceneUnreadable(f"{name}: {error}") from error
    except TryAgain as error:
        raise SceneUnreachable(f"{name}: {error}") from error

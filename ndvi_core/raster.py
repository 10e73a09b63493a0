"""Reading bands of scenes, block by block. Today's reader is GDAL, through rasterio: it reads whatever there is."""

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import SceneUnreadable
from ndvi_core.gdal import gdal_env, gdal_errors, gdal_path, public
from ndvi_core.grid import Layout, raster_grid
from ndvi_core.scene import Scene

if TYPE_CHECKING:
    from rasterio import DatasetReader

Asset = Literal["red", "nir", "scl"]

STRIPE_ROWS = 256
"""Rows that are read at once of a raster that is not tiled but stored by rows."""


class Band:
    """An open raster of one band: where its pixels are, and its blocks on demand.

    This is all that the computation asks of a reader. One thread may use it at a time.
    """

    def __init__(self, dataset: "DatasetReader", layout: Layout, name: str, remote: bool) -> None:
        self.layout = layout
        self.dtype = np.dtype(dataset.dtypes[0])
        self.nodata = _nodata(dataset)
        self.name = name
        """Scene, asset and href, for messages."""
        self.blocks_read = 0
        self.bytes_read = 0
        """Compressed size of the blocks read, as the TIFF's directory states it; 0 for other formats."""
        self._dataset = dataset
        self._remote = remote

    def read(self, row: int, col: int) -> NDArray[np.integer]:
        """Return the pixels of a block of the layout.

        Raises:
            TryAgain: the network or the server failed.
            SceneUnreadable: the block is broken.
        """
        from rasterio.windows import Window

        block = self.layout.block_window(row, col)
        rows, cols = block.slices_in(self.layout.window)
        with gdal_env(), gdal_errors(self.name, self._remote):
            pixels = self._dataset.read(1, window=Window.from_slices(rows, cols))
            self.blocks_read += 1
            self.bytes_read += self._stored_bytes(row, col)
        return np.asarray(pixels)

    def close(self) -> None:
        self._dataset.close()

    def _stored_bytes(self, row: int, col: int) -> int:
        height, _ = self._dataset.block_shapes[0]
        per_read = self.layout.block_height // height
        names = (f"BLOCK_SIZE_{col}_{row * per_read + i}" for i in range(per_read))
        return sum(int(self._dataset.get_tag_item(name, "TIFF", bidx=1) or 0) for name in names)


class OpenScene:
    """A scene whose bands are opened when they are first asked for, and checked against each other.

    Bands:
        red: has one band of whole numbers on a north-up grid of a CRS with an EPSG code.
        nir: has the very pixels of red.
        scl: is of bytes and has red's CRS; its pixels may be of any size and anywhere.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._bands: dict[Asset, Band | SceneUnreadable] = {}

    def __enter__(self) -> "OpenScene":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for band in self.opened().values():
            band.close()

    def band(self, asset: Asset) -> Band:
        """Return the open band.

        Raises:
            TryAgain: the network or the server failed.
            SceneUnreadable: it is missing, broken or not laid out as it should be. It is not tried a second time.
        """
        if asset not in self._bands:
            try:
                self._bands[asset] = self._open(asset)
            except SceneUnreadable as error:
                self._bands[asset] = error
        band = self._bands[asset]
        if isinstance(band, SceneUnreadable):
            raise band
        return band

    def opened(self) -> dict[Asset, Band]:
        """Return the bands that are open."""
        return {asset: band for asset, band in self._bands.items() if isinstance(band, Band)}

    def _open(self, asset: Asset) -> Band:
        band = open_band(self.scene, asset)
        try:
            self._check(asset, band)
        except SceneUnreadable:
            band.close()
            raise
        return band

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


def read_blocks(requests: Iterable[BlockRequest]) -> Iterator[NDArray[np.integer] | SceneUnreadable]:
    """Yield the pixels of each block in the order of the requests; in the place of a broken block, why.

    Raises:
        TryAgain: the network or a server failed.
    """
    for band, row, col in requests:
        try:
            yield band.read(row, col)
        except SceneUnreadable as error:
            yield error


def open_band(scene: Scene, asset: Asset) -> Band:
    """Open an asset of a scene.

    Raises:
        TryAgain: the network or the server failed.
        SceneUnreadable: it is missing, forbidden, broken, or no north-up single-band raster of whole numbers.
    """
    import rasterio

    href: str = getattr(scene, asset)
    name = f"scene {scene.id}: {asset} {public(href)}"
    remote = href.startswith(("http://", "https://", "s3://"))
    with gdal_env(), gdal_errors(name, remote):
        dataset = rasterio.open(gdal_path(_signed(href, scene.signing, name)))
    try:
        return Band(dataset, _layout(dataset, name), name, remote)
    except SceneUnreadable:
        dataset.close()
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
    from ndvi_core.signing import sign

    try:
        return sign(href)
    except SceneUnreadable as error:
        raise SceneUnreadable(f"{name}: {error}") from error

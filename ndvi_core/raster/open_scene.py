"""A scene whose bands are opened on demand and checked against each other."""

from concurrent.futures import Future
from types import TracebackType

import numpy as np

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.scene import Scene
from ndvi_core.raster.band import Asset, Band, open_band
from ndvi_core.raster.threads import readers


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
        """Begin to open bands, so that none has to wait for another; `band` gives them or raises their errors."""
        for asset in assets:
            if asset not in self._opening:
                self._opening[asset] = readers().submit(open_band, self.scene, asset)

    def band(self, asset: Asset) -> Band:
        """Return the open band.

        Raises:
            SceneUnreachable: the network or the server failed.
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
                f"{band.name}: its pixels are not the red band's: {band.layout.describe()} against {red.describe()}"
            )

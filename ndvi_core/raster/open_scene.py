"""A scene whose bands are opened on demand and checked against each other."""

from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType

import numpy as np

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.indices import COARSE
from ndvi_core.models.scene import Asset, Scene
from ndvi_core.raster.band import Band, open_band
from ndvi_core.raster.grid import TileLayout
from ndvi_core.raster.threads import readers


class OpenScene:
    """A scene whose bands are opened when they are first asked for, and checked against each other.

    Bands:
        red: has one band of whole numbers on a north-up grid of a CRS with an EPSG code.
        nir, green: have the very pixels of red.
        rededge1, nir08, swir16: have red's CRS, pixels twice as large as red's, and the very pixels of each other.
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
        if asset in ("nir", "green"):
            _check_pixels(band, "red", red)
        if asset in COARSE:
            self._check_coarse(asset, band, red)

    def _check_coarse(self, asset: Asset, band: Band, red: TileLayout) -> None:
        """Compare a band of 20 m with red, and with the first band of 20 m before it that can be read."""
        grid = band.layout.grid
        if (grid.epsg, grid.size_x, grid.size_y) != (red.grid.epsg, 2 * red.grid.size_x, 2 * red.grid.size_y):
            raise SceneUnreadable(
                f"{band.name}: its pixels are not twice as large as the red band's in the same CRS: "
                f"{band.layout.describe()} against {red.describe()}"
            )
        first = self._coarse_before(asset)
        if first:
            _check_pixels(band, *first)

    def _coarse_before(self, asset: Asset) -> tuple[Asset, TileLayout] | None:
        """Return the first of the scene's bands of 20 m before this one that can be read; None if there is none."""
        for other in COARSE:
            if other == asset:
                break
            if other in self.scene.bands:
                with suppress(SceneUnreadable):
                    return other, self.band(other).layout
        return None


def _check_pixels(band: Band, other: Asset, layout: TileLayout) -> None:
    if (band.layout.grid, band.layout.window) != (layout.grid, layout.window):
        raise SceneUnreadable(
            f"{band.name}: its pixels are not the {other} band's: {band.layout.describe()} against {layout.describe()}"
        )

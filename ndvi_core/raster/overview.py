"""A whole band at a coarse resolution, for what concerns a scene and not a field."""

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.scene import Asset, Scene
from ndvi_core.raster.band import locate
from ndvi_core.raster.gdal import gdal_env, gdal_errors, gdal_path, remote_url

if TYPE_CHECKING:
    from rasterio import DatasetReader

LEAST_PIXELS = 40_000
"""The coarsest overview with at least so many pixels is read: about 340 x 340 of a Sentinel-2 tile."""

MOST_PIXELS = 2_000_000
"""More are not read: the file has no overview that is coarse enough."""


def read_overview(scene: Scene, asset: Asset, shape: tuple[int, int] | None = None) -> NDArray[np.integer] | None:
    """Return a band of a scene at a coarse resolution, None if it has no overview and is large.

    Args:
        scene: The scene.
        asset: The band.
        shape: Height and width to return; None is that of the coarsest overview with enough pixels.

    Raises:
        SceneUnreachable: The network or a server failed.
        SceneUnreadable: The band is broken.
    """
    import rasterio

    name, href = locate(scene, asset)
    with gdal_env(), gdal_errors(name, remote_url(href)), rasterio.open(gdal_path(href)) as dataset:
        coarsest = _coarsest(dataset)
        if coarsest[0] * coarsest[1] > MOST_PIXELS:
            return None
        pixels: NDArray[np.integer] = dataset.read(1, out_shape=shape or coarsest)
        return pixels


def _coarsest(dataset: "DatasetReader") -> tuple[int, int]:
    """Return the height and width of the coarsest overview with enough pixels, or else of the whole."""
    shapes = [(ceil(dataset.height / f), ceil(dataset.width / f)) for f in sorted(dataset.overviews(1), reverse=True)]
    return next((shape for shape in shapes if shape[0] * shape[1] >= LEAST_PIXELS), dataset.shape)

"""The true-colour picture of a scene, for orientation on a web map: small, within the extent, in Web Mercator."""

from datetime import datetime
from io import BytesIO
from math import ceil, floor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.extent import WORLD, Extent
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.scene import Scene
from ndvi_core.products.web_overlay import WEB_MERCATOR, Corners
from ndvi_core.raster.band import locate
from ndvi_core.raster.gdal import gdal_env, gdal_errors, gdal_path, remote_url, without_secrets

if TYPE_CHECKING:
    from rasterio import DatasetReader
    from rasterio.windows import Window

MOST_PIXELS = 500_000
"""Of a picture: a whole tile at 160 m, 8 km x 8 km at 20 m, 7 km x 7 km at 10 m."""
MOST_READ = 4 * MOST_PIXELS
"""Pixels that are read for it."""
QUALITY = 75
"""Of WebP, 0 to 100: 50 to 150 kB a picture."""
CORNERS = 21
"""Points of each edge by which the bounds of one projection are found in another."""
SOON = {"GDAL_HTTP_TIMEOUT": "20", "GDAL_HTTP_MAX_RETRY": "1"}
"""A picture is not worth waiting for: options that are stricter than those of the numbers."""


class PassPicture(Frozen):
    """What a picture shows, and where it lies."""

    scene_id: str
    tile: str
    time: datetime
    """Of the acquisition, UTC."""
    updated: datetime | None
    """When the catalogue had last changed the scene."""
    extent: str | None
    """Within which it was drawn; null is all of the scene."""
    corners: Corners


_Bounds = tuple[float, float, float, float]


class _Picture(NamedTuple):
    """Pixels as they lie on the map."""

    rgba: NDArray[np.uint8]
    """Rows, columns, channels."""
    bounds: _Bounds
    """West, south, east and north in degrees."""


def draw_pass(scene: Scene, extent: str | None) -> tuple[bytes, PassPicture] | None:
    """Return the picture of a scene as WebP, transparent where it has no data; None if it shows nothing of the extent.

    It is read from the overviews of the scene's true-colour image, of which a few blocks are enough.

    Args:
        scene: which has a true-colour image.
        extent: as the text of `Extent`; None is all of the scene.

    Raises:
        SceneUnreachable: the network or a server failed.
        SceneUnreadable: there is no such image, or it is broken.
    """
    import rasterio

    name, href = locate(scene, "visual")
    with gdal_env(**SOON), gdal_errors(name, remote_url(href)), rasterio.open(gdal_path(href)) as image:
        if image.count < 3 or image.dtypes[0] != "uint8" or image.crs is None:
            raise SceneUnreadable(f"{name}: expected an image of three bands of 8 bits, with a CRS")
        picture = _read(image, WORLD if extent is None else Extent.parse(extent))
    if picture is None:
        return None
    about = PassPicture(
        scene_id=scene.id,
        tile=scene.tile,
        time=scene.time,
        updated=scene.updated,
        extent=extent,
        corners=Corners.of(*picture.bounds),
    )
    return _webp(picture.rgba), about


def _read(image: "DatasetReader", extent: Extent) -> _Picture | None:
    """Return what the image shows of the extent, at a resolution by which it is no larger than `MOST_PIXELS`."""
    from rasterio.transform import from_bounds
    from rasterio.warp import Resampling, reproject, transform_bounds

    bounds = _common(image, extent)
    window = bounds and _window(image, bounds)
    if bounds is None or window is None:
        return None
    coarser = 1
    while (window.width / coarser) * (window.height / coarser) > MOST_PIXELS:
        coarser *= 2
    stored = max((factor for factor in image.overviews(1) if factor <= coarser), default=1)
    if (window.width / stored) * (window.height / stored) > MOST_READ:
        raise SceneUnreadable(f"{without_secrets(image.name)}: it has no overview that is coarse enough")
    rows, columns = ceil(window.height / coarser), ceil(window.width / coarser)
    seen = image.read((1, 2, 3), window=window, out_shape=(3, rows, columns))
    transform = image.window_transform(window) * image.transform.scale(window.width / columns, window.height / rows)
    west, south, east, north = transform_bounds("EPSG:4326", f"EPSG:{WEB_MERCATOR}", *bounds)
    width, height = _size(rows * columns, (east - west) / (north - south))
    rgb = np.zeros((3, height, width), np.uint8)
    reproject(
        seen,
        rgb,
        src_transform=transform,
        src_crs=image.crs,
        src_nodata=0,
        dst_transform=from_bounds(west, south, east, north, width, height),
        dst_crs=f"EPSG:{WEB_MERCATOR}",
        dst_nodata=0,
        resampling=Resampling.bilinear,
    )
    is_seen = (rgb > 0).any(axis=0)
    if not is_seen.any():
        return None
    opaque = np.where(is_seen, 255, 0).astype(np.uint8)
    return _Picture(np.dstack([*rgb, opaque]), bounds)


def _common(image: "DatasetReader", extent: Extent) -> _Bounds | None:
    """Return what the image has of the extent, in degrees; None if nothing, or if it crosses the antimeridian."""
    from rasterio.warp import transform_bounds

    west, south, east, north = transform_bounds(image.crs, "EPSG:4326", *image.bounds, densify_pts=CORNERS)
    if west > east:
        return None
    west, south = max(west, extent.west), max(south, extent.south)
    east, north = min(east, extent.east), min(north, extent.north)
    return (west, south, east, north) if west < east and south < north else None


def _window(image: "DatasetReader", bounds: _Bounds) -> "Window | None":
    """Return the whole pixels of the image that are within bounds in degrees."""
    from rasterio.warp import transform_bounds
    from rasterio.windows import Window

    west, south, east, north = transform_bounds("EPSG:4326", image.crs, *bounds, densify_pts=CORNERS)
    (left, top), (right, bottom) = ~image.transform * (west, north), ~image.transform * (east, south)
    first_column, first_row = max(floor(left), 0), max(floor(top), 0)
    columns, rows = min(ceil(right), image.width) - first_column, min(ceil(bottom), image.height) - first_row
    return Window(first_column, first_row, columns, rows) if columns > 0 and rows > 0 else None


def _size(pixels: int, proportion: float) -> tuple[int, int]:
    """Return the width and height of a picture with about so many pixels, of so many widths to a height."""
    width = (pixels * proportion) ** 0.5
    return max(round(width), 1), max(round(width / proportion), 1)


def _webp(rgba: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    file = BytesIO()
    Image.fromarray(rgba).save(file, "WEBP", quality=QUALITY)
    return file.getvalue()

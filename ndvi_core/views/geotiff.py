"""What is made of a field's rasters as GeoTIFFs, which say by themselves what they are."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ndvi_core.models.field_raster import FieldRaster


def write_geotiff(
    values: NDArray[Any], like: "FieldRaster", description: str, tags: Mapping[str, str], nodata: float
) -> bytes:
    """Return a GeoTIFF of one band on the grid of a raster.

    Args:
        values: (height, width), float32 or uint8.
        like: The raster on whose grid they are.
        description: Of the band.
        tags: Of the file.
        nodata: The value of pixels without one.
    """
    from rasterio.crs import CRS
    from rasterio.io import MemoryFile

    height, width = values.shape
    with MemoryFile() as file:
        with file.open(
            driver="GTiff",
            dtype=np.dtype(values.dtype).name,
            count=1,
            height=height,
            width=width,
            crs=CRS.from_epsg(like.epsg),
            transform=like.transform,
            nodata=nodata,
            compress="DEFLATE",
        ) as dataset:
            dataset.write(values, 1)
            dataset.set_band_description(1, description)
            dataset.update_tags(**tags)
        return bytes(file.read())

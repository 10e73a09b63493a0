"""The NDVI raster of a field and day as a Cloud-Optimized GeoTIFF."""

from typing import TYPE_CHECKING

import numpy as np

from ndvi_core.models.observation import Observation

if TYPE_CHECKING:
    from ndvi_core.models.field_raster import FieldRaster

COG_BLOCK = 128
"""Width and height of a COG's tiles in pixels: most fields fit into one."""


def ndvi_cog(raster: "FieldRaster", observation: Observation) -> bytes:
    """Return a Cloud-Optimized GeoTIFF of the field's NDVI: one float32 band, on the grid and in the CRS of the scene.

    Pixels that the field does not touch and those that are not valid (cloud, nodata) are NaN, which is the nodata
    value. The same raster gives the same bytes: there is no time stamp in it.
    """
    from rasterio.crs import CRS
    from rasterio.io import MemoryFile

    height, width = raster.ndvi.shape
    with MemoryFile() as file:
        with file.open(
            driver="COG",
            dtype="float32",
            count=1,
            height=height,
            width=width,
            crs=CRS.from_epsg(raster.epsg),
            transform=raster.transform,
            nodata=np.nan,
            blocksize=COG_BLOCK,
            compress="DEFLATE",
            predictor="FLOATING_POINT",
            overview_resampling="AVERAGE",
        ) as dataset:
            shown = (raster.coverage_fraction > 0) & np.isfinite(raster.ndvi)
            dataset.write(np.where(shown, raster.ndvi, np.float32(np.nan)), 1)
            dataset.set_band_description(1, "NDVI")
            dataset.set_band_unit(1, "1")
            dataset.update_tags(**_tags(observation))
        return bytes(file.read())


def _tags(observation: Observation) -> dict[str, str]:
    """Return the file's tags, which say what it is if it is found without its folder."""
    return {
        "TIFFTAG_IMAGEDESCRIPTION": f"NDVI of field {observation.field_id} on {observation.date}: "
        "(B08 - B04) / (B08 + B04) of Sentinel-2 L2A reflectance; NaN outside the field and under cloud",
        "TIFFTAG_SOFTWARE": f"ndvi_core, algorithm version {observation.algorithm_version}",
        "FIELD_ID": observation.field_id,
        "DATE": observation.date.isoformat(),
        "SCENES": ",".join(observation.scene_ids),
        "OFFSET_RULE": observation.offset_rule or "",
        "MASK_POLICY": observation.mask_policy,
        "FINGERPRINT": observation.fingerprint,
    }

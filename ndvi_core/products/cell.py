"""What is written of each cell besides its row: the NDVI raster (COG), a picture (PNG) and the observation (JSON)."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.observation import Observation
from ndvi_core.models.scene import Scene
from ndvi_core.products.quicklook import quicklook
from ndvi_core.zonal.coverage import project

if TYPE_CHECKING:
    from ndvi_core.zonal.observe import FieldRaster

COG_BLOCK = 128
"""Edge of a COG's tiles in pixels: most fields fit into one."""

HEAD = ("field_id", "date", "status", "reason")
"""Keys of the JSON that a person reads first."""


class Product(NamedTuple):
    """An object of a cell's folder."""

    name: str
    """One of `PRODUCT_NAMES`."""
    data: bytes
    content_type: str


PRODUCT_NAMES = frozenset({"ndvi.tif", "ndvi.png", "observation.json"})


def make_products(
    observation: Observation, raster: "FieldRaster | None", geometry: BaseGeometry, scenes: Sequence[Scene]
) -> list[Product]:
    """Return the objects of a cell's folder; of a cell without pixels (no raster) that is the JSON alone.

    Args:
        observation: What is known of the cell.
        raster: The field's pixels.
        geometry: The field's, WGS84.
        scenes: Those of the observation's `scene_ids`.
    """
    statement = Product("observation.json", observation_json(observation, scenes), "application/json")
    if raster is None:
        return [statement]
    boundary = project(geometry, raster.epsg)
    return [
        Product("ndvi.tif", ndvi_cog(raster, observation), "image/tiff"),
        Product("ndvi.png", quicklook(raster, boundary, observation), "image/png"),
        statement,
    ]


def ndvi_cog(raster: "FieldRaster", observation: Observation) -> bytes:
    """Return a Cloud-Optimized GeoTIFF of the field's NDVI: one float32 band, in the scene's CRS, on its own grid.

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
            shown = (raster.coverage > 0) & np.isfinite(raster.ndvi)
            dataset.write(np.where(shown, raster.ndvi, np.float32(np.nan)), 1)
            dataset.set_band_description(1, "NDVI")
            dataset.set_band_unit(1, "1")
            dataset.update_tags(**_tags(observation))
        return bytes(file.read())


def observation_json(observation: Observation, scenes: Sequence[Scene]) -> bytes:
    """Return the observation as JSON: what a person asks first, the statistics, the provenance, the scenes.

    Args:
        observation: All its attributes become keys of the same name.
        scenes: Those of the observation's `scene_ids`; their hrefs are as the catalogue gave them, unsigned.
    """
    values = observation.model_dump(mode="json")
    content = {key: values[key] for key in HEAD} | values
    content["scenes"] = [scene.model_dump(mode="json", exclude={"footprint"}) for scene in scenes]
    return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"


def _tags(observation: Observation) -> dict[str, str]:
    """Say in the file what it is, for when it is found without its folder."""
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

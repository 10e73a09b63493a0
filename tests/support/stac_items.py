"""STAC items in the dialects of the catalogues, as small as an item can be."""

from datetime import date
from typing import Any

from shapely.geometry.base import BaseGeometry
from support.features import polygon

from ndvi_core.catalog.search import search_scenes
from ndvi_core.models.scene import Scene
from ndvi_core.settings import Settings

FOOTPRINT = polygon((11.0, 46.0), (12.0, 46.0), (12.0, 47.0), (11.0, 47.0))


def earth_search(item_id: str = "S2A_32TPS_20220602_0_L2A", **changes: Any) -> dict[str, Any]:
    """An item of Earth Search v1, `sentinel-2-l2a` or `sentinel-2-c1-l2a`, and of catalogues of our own.

    `changes` go into the properties; a `geometry` or `assets` among them replaces the item's.
    """
    band = {"nodata": 0, "data_type": "uint16", "scale": 0.0001, "offset": -0.1}
    properties = {
        "datetime": "2022-06-02T10:10:31.024Z",
        "platform": "sentinel-2a",
        "grid:code": "MGRS-32TPS",
        "proj:epsg": 32632,
        "s2:processing_baseline": "04.00",
        "s2:datatake_id": "GS2A_20220602T101031_036268_N04.00",
        "updated": "2022-06-03T00:00:00Z",
    }
    assets = {
        "red": {"href": f"https://scenes.example/{item_id}/B04.tif", "raster:bands": [band]},
        "nir": {"href": f"https://scenes.example/{item_id}/B08.tif", "raster:bands": [band]},
        "scl": {"href": f"https://scenes.example/{item_id}/SCL.tif"},
    }
    return _item(item_id, "1.0.0", properties, assets, changes)


def planetary_computer(item_id: str = "S2A_MSIL2A_20220602T101031_R022_T32TPS_20220603T080000", **changes: Any) -> Any:
    properties = {
        "datetime": "2022-06-02T10:10:31.024Z",
        "platform": "Sentinel-2A",
        "proj:epsg": 32632,
        "s2:mgrs_tile": "32TPS",
        "s2:processing_baseline": "04.00",
        "s2:datatake_id": "GS2A_20220602T101031_036268_N04.00",
    }
    assets = {
        key: {"href": f"https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/{item_id}/{key}.tif"}
        for key in ("B04", "B08", "SCL")
    }
    return _item(item_id, "1.0.0", properties, assets, changes)


def cdse(item_id: str = "S2A_MSIL2A_20220602T101031_N0400_R022_T32TPS_20220603T080000", **changes: Any) -> Any:
    properties = {
        "datetime": "2022-06-02T10:10:31.024Z",
        "platform": "sentinel-2a",
        "grid:code": "MGRS-32TPS",
        "processing:version": "04.00",
        "eopf:datatake_id": "GS2A_20220602T101031_036268_N04.00",
        "updated": "2022-06-03T00:00:00Z",
    }
    scaled = {"raster:scale": 0.0001, "raster:offset": -0.1, "proj:code": "EPSG:32632"}
    assets = {
        "B04_10m": {"href": f"s3://eodata/{item_id}/B04_10m.jp2", **scaled},
        "B08_10m": {"href": f"s3://eodata/{item_id}/B08_10m.jp2", **scaled},
        "SCL_20m": {"href": f"s3://eodata/{item_id}/SCL_20m.jp2"},
    }
    return _item(item_id, "1.1.0", properties, assets, changes)


def _item(
    item_id: str, version: str, properties: dict[str, Any], assets: dict[str, Any], changes: dict[str, Any]
) -> dict[str, Any]:
    geometry = changes.pop("geometry", FOOTPRINT)
    assets = changes.pop("assets", assets)
    return {
        "type": "Feature",
        "stac_version": version,
        "stac_extensions": [],
        "id": item_id,
        "collection": "sentinel-2-l2a",
        "geometry": geometry,
        "bbox": [11.0, 46.0, 12.0, 47.0],
        "properties": properties | changes,
        "links": [],
        "assets": assets,
    }


def scenes_found(settings: Settings, area: BaseGeometry, start: date, end: date) -> list[Scene]:
    """Search, and return the scenes alone."""
    return search_scenes(settings, area, start, end).scenes

"""Real pixels to try the pipeline on: Sentinel-2 of June 2022 over the orchards and vineyards west of Bolzano.

The stack comes as bare COGs (`S2_L2A_32TPS_YYYYMMDD_{B04,B08,SCL}.tif`, reflectance * 10000 with the BOA offset already
removed); the STAC items that a catalogue would have for them are written here. The fields were drawn by hand over
parcels that the NDVI shows.
"""

import json
import re
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ndvi_core.errors import NotFound

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_DATA = Path(__file__).parent / "data"
EXTENT = _DATA / "southtyrol_extent.geojson"
FIELDS = _DATA / "southtyrol_fields.geojson"
"""18 fields: orchards, vineyards (one of two parts) and a chestnut grove where B04 of 17 June has no data."""
LATE_FIELDS = _DATA / "southtyrol_late.geojson"
"""Two more orchards, to be uploaded when the first days are done."""

COLLECTION = "sentinel-2-l2a"
TILE = "32TPS"
BASELINE = "04.00"
OVERPASS = time(10, 10, 31, tzinfo=UTC)
"""Time of day (UTC) at which the satellites cross the tile, within ten minutes; the files' names have the day alone."""
BANDS = {"red": "B04", "nir": "B08", "scl": "SCL"}
"""Key of the asset: what its file is called."""
TITLES = {"red": "Red (band 4)", "nir": "NIR (band 8)", "scl": "Scene classification, resampled from 20 m"}
SCALE = 0.0001

_RED_FILE = re.compile(rf"S2_L2A_{TILE}_(\d{{8}})_B04\.tif")


def write_catalogue(imagery: Path, out: Path, base_url: str) -> tuple[Path, Path]:
    """Write the collection and the items of the stack, for `rustac serve`.

    Args:
        imagery: folder of the COGs.
        out: folder to write `collection.json` and `items.json` into.
        base_url: where `imagery` is served; an href is this, a slash and the file's name.

    Returns:
        The files of the collection and of the items.

    Raises:
        NotFound: a COG is missing.
    """
    days = _days(imagery)
    items = [_item(imagery, day, base_url.rstrip("/")) for day in days]
    out.mkdir(parents=True, exist_ok=True)
    collection_file, items_file = out / "collection.json", out / "items.json"
    collection_file.write_text(json.dumps(_collection(days, items[0]["bbox"]), indent=1))
    items_file.write_text(json.dumps({"type": "FeatureCollection", "features": items}, indent=1))
    return collection_file, items_file


def _days(imagery: Path) -> list[date]:
    names = [file.name for file in imagery.iterdir()] if imagery.is_dir() else []
    days = sorted(date.fromisoformat(match[1]) for match in map(_RED_FILE.fullmatch, names) if match)
    if not days:
        raise NotFound(f"there is no S2_L2A_{TILE}_YYYYMMDD_B04.tif in {imagery}")
    return days


def _item(imagery: Path, day: date, base_url: str) -> dict[str, Any]:
    import rasterio

    item_id = f"S2_L2A_{TILE}_{day:%Y%m%d}"
    files = {key: imagery / f"{item_id}_{band}.tif" for key, band in BANDS.items()}
    missing = [file.name for file in files.values() if not file.is_file()]
    if missing:
        raise NotFound(f"{', '.join(missing)} should be in {imagery} beside the other bands of {day}")
    with rasterio.open(files["red"]) as red:
        geometry, bbox = _footprint(red)
        epsg = red.crs.to_epsg()
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/grid/v1.1.0/schema.json",
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
            "https://stac-extensions.github.io/sentinel-2/v1.0.0/schema.json",
        ],
        "id": item_id,
        "collection": COLLECTION,
        "geometry": geometry,
        "bbox": bbox,
        "properties": {
            "title": f"Sentinel-2 L2A, tile {TILE}, {day}: the orchards west of Bolzano",
            "datetime": _utc(datetime.combine(day, OVERPASS)),
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "grid:code": f"MGRS-{TILE}",
            "proj:epsg": epsg,
            "s2:processing_baseline": BASELINE,
        },
        "links": [{"rel": "collection", "href": "./collection.json", "type": "application/json"}],
        "assets": {key: _asset(key, file, f"{base_url}/{file.name}") for key, file in files.items()},
    }


def _asset(key: str, file: Path, href: str) -> dict[str, Any]:
    import rasterio

    with rasterio.open(file) as raster:
        band: dict[str, Any] = {"nodata": 0, "data_type": raster.dtypes[0], "spatial_resolution": raster.res[0]}
        shape, transform = list(raster.shape), list(raster.transform)[:6]
    if key != "scl":
        band |= {"scale": SCALE, "offset": 0}  # the shift of baseline 04.00 is out of the pixels already
    return {
        "href": href,
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "title": TITLES[key],
        "roles": ["data"],
        "proj:shape": shape,
        "proj:transform": transform,
        "raster:bands": [band],
    }


def _footprint(raster: "DatasetReader") -> tuple[dict[str, Any], list[float]]:
    """Return the raster's outline as a GeoJSON polygon and its bounds, WGS84."""
    from rasterio.warp import transform

    west, south, east, north = raster.bounds
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    longitudes, latitudes = transform(raster.crs, "EPSG:4326", *zip(*corners, strict=True))
    ring = [[round(x, 7), round(y, 7)] for x, y in zip(longitudes, latitudes, strict=True)]
    lowest, highest = (list(map(pick, zip(*ring, strict=True))) for pick in (min, max))
    return {"type": "Polygon", "coordinates": [ring]}, lowest + highest


def _collection(days: list[date], bbox: list[float]) -> dict[str, Any]:
    first, last = (_utc(datetime.combine(day, OVERPASS)) for day in (days[0], days[-1]))
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": COLLECTION,
        "title": "Sentinel-2 L2A west of Bolzano, June 2022",
        "description": "Contains modified Copernicus Sentinel data 2022. Cut from a test asset of "
        "Open-EO/openeo-processes-dask (Apache-2.0); the BOA offset is removed from the pixels.",
        "license": "Apache-2.0",
        "extent": {"spatial": {"bbox": [bbox]}, "temporal": {"interval": [[first, last]]}},
        "links": [],
    }


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

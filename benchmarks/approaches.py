"""The same task by each library, as its documentation would have a user do it: NDVI statistics of each clear field.

`python -m benchmarks.approaches NAME TASK OUT`: TASK is a JSON file of hrefs by date and of fields (WGS84 WKT); OUT
gets the mean, the standard deviation and the valid pixels of each field on each date, as JSON. A pixel counts if SCL
says that it is clear and no band is nodata; fields without such a pixel get nothing.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CLEAR = (2, 4, 5, 6, 7)
EPSG = 32632
GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_NUM_THREADS": "ALL_CPUS",
    "VSI_CACHE": "TRUE",
}
"""Tuned as the documents of these libraries say."""

Rows = Iterator[tuple[str, int, float, float, float]]
"""Date, field, mean, standard deviation, valid pixels."""


def _projected(fields: list[str]) -> Any:
    import numpy as np
    import shapely
    from rasterio.warp import transform

    def project(xy: Any) -> Any:
        return np.column_stack(transform("EPSG:4326", f"EPSG:{EPSG}", xy[:, 0], xy[:, 1]))

    return shapely.transform(np.array(shapely.from_wkt(fields)), project)


def _ndvi(red: Any, nir: Any, classes: Any) -> Any:
    """Return float32 NDVI, NaN where it does not count."""
    import numpy as np

    valid = np.isin(classes, CLEAR) & (red > 0) & (nir > 0)
    ndvi = np.full(red.shape, np.nan, np.float32)
    red, nir = red[valid].astype(np.float32), nir[valid].astype(np.float32)
    ndvi[valid] = (nir - red) / (nir + red)
    return ndvi


def _window_of_all(hrefs: dict[str, str], polygons: Any) -> tuple[Any, Any]:
    """Read the rectangle around all fields with rasterio and return its NDVI and its transform."""
    import numpy as np
    import rasterio
    import shapely
    from rasterio.windows import Window, from_bounds

    bands = {}
    for asset in ("red", "nir", "scl"):
        with rasterio.open(hrefs[asset]) as file:
            if asset == "red":
                exact = from_bounds(*shapely.total_bounds(polygons), file.transform)
                top, left = (int(start) // 2 * 2 for start in (exact.row_off, exact.col_off))
                height = int(np.ceil((exact.row_off + exact.height - top) / 2)) * 2
                width = int(np.ceil((exact.col_off + exact.width - left) / 2)) * 2
                window = Window(left, top, min(width, file.width - left), min(height, file.height - top))
                place = file.window_transform(window)
            half = Window(window.col_off // 2, window.row_off // 2, window.width // 2, window.height // 2)
            bands[asset] = file.read(1, window=half if asset == "scl" else window)
    classes = bands["scl"].repeat(2, axis=0).repeat(2, axis=1)
    return _ndvi(bands["red"], bands["nir"], classes), place


def exactextract(dates: dict[str, dict[str, str]], fields: list[str]) -> Rows:
    import rasterio
    from exactextract import exact_extract
    from exactextract.feature import JSONFeatureSource
    from exactextract.raster import NumPyRasterSource
    from shapely import to_geojson

    with rasterio.Env(**GDAL):
        polygons = _projected(fields)
        features = [
            {"type": "Feature", "properties": {}, "geometry": json.loads(text)} for text in to_geojson(polygons)
        ]
        for date, hrefs in dates.items():
            ndvi, place = _window_of_all(hrefs, polygons)
            height, width = ndvi.shape
            left, top = place.c, place.f
            source = NumPyRasterSource(
                ndvi, xmin=left, ymin=top - 10 * height, xmax=left + 10 * width, ymax=top, nodata=float("nan")
            )
            found = exact_extract(source, JSONFeatureSource(features), ["mean", "stdev", "count"])
            for number, feature in enumerate(found):
                of = feature["properties"]
                if of["count"]:
                    yield date, number, of["mean"], of["stdev"], of["count"]


def rasterstats(dates: dict[str, dict[str, str]], fields: list[str]) -> Rows:
    import rasterio
    from rasterstats import zonal_stats

    with rasterio.Env(**GDAL):
        polygons = _projected(fields)
        for date, hrefs in dates.items():
            ndvi, place = _window_of_all(hrefs, polygons)
            found = zonal_stats(list(polygons), ndvi, affine=place, nodata=float("nan"), stats=["mean", "std", "count"])
            for number, of in enumerate(found):
                if of["count"]:
                    yield date, number, of["mean"], of["std"], of["count"]


def rio_tiler(dates: dict[str, dict[str, str]], fields: list[str]) -> Rows:
    import numpy as np
    import rasterio
    import shapely
    from rio_tiler.io import Reader

    with rasterio.Env(**GDAL, GDAL_CACHEMAX=256):
        polygons = _projected(fields)
        blocks = np.floor(shapely.bounds(polygons)[:, [1, 0]] / 10_240).astype(int)
        neighbours = np.lexsort((blocks[:, 1], -blocks[:, 0]))  # kind to the block cache
        shapes = [json.loads(text) for text in shapely.to_geojson(polygons)]
        crs = rasterio.crs.CRS.from_epsg(EPSG)
        for date, hrefs in dates.items():
            with Reader(hrefs["red"]) as red, Reader(hrefs["nir"]) as nir, Reader(hrefs["scl"]) as scl:
                for number in neighbours.tolist():
                    one = red.feature(shapes[number], shape_crs=crs, dst_crs=crs)
                    size = {"height": one.height, "width": one.width}
                    two = nir.feature(shapes[number], shape_crs=crs, dst_crs=crs, **size)
                    three = scl.feature(shapes[number], shape_crs=crs, dst_crs=crs, **size)
                    one.array = np.ma.MaskedArray(
                        _ndvi(one.array.data, two.array.data, three.array.data), mask=one.array.mask
                    )
                    one.array.mask |= np.isnan(one.array.data)
                    share = one.get_coverage_array(shapes[number], shape_crs=crs)
                    of = one.statistics(coverage=share)["b1"]
                    if of.count:
                        yield date, number, of.mean, of.std, of.count


def rioxarray(dates: dict[str, dict[str, str]], fields: list[str]) -> Rows:
    import numpy as np
    import rasterio
    import rioxarray as rxr
    import shapely

    with rasterio.Env(**GDAL):
        polygons = _projected(fields)
        left, bottom, right, top = shapely.total_bounds(polygons)
        around = {"minx": left - 20, "miny": bottom - 20, "maxx": right + 20, "maxy": top + 20}
        for date, hrefs in dates.items():
            red, nir, scl = (
                rxr.open_rasterio(hrefs[asset]).squeeze("band", drop=True).rio.clip_box(**around)
                for asset in ("red", "nir", "scl")
            )
            scl = scl.rio.reproject_match(red)
            ndvi = red.copy(data=_ndvi(red.values, nir.values, scl.values))
            ndvi = ndvi.rio.write_nodata(np.nan)
            for number, polygon in enumerate(polygons):
                values = ndvi.rio.clip_box(*polygon.bounds).rio.clip([polygon]).values
                count = np.isfinite(values).sum()
                if count:
                    yield date, number, float(np.nanmean(values)), float(np.nanstd(values)), float(count)


def odc_stac(dates: dict[str, dict[str, str]], fields: list[str]) -> Rows:
    import numpy as np
    import odc.stac
    import pystac
    import rasterio
    import shapely
    from odc.geo.geobox import GeoBox
    from rasterio.features import rasterize

    odc.stac.configure_rio(cloud_defaults=True, **GDAL)
    polygons = _projected(fields)
    left, bottom, right, top = shapely.total_bounds(polygons)
    edges = (left // 20 * 20, bottom // 20 * 20, -(-right // 20) * 20, -(-top // 20) * 20)
    box = GeoBox.from_bbox(edges, f"EPSG:{EPSG}", resolution=10)
    around = shapely.union_all(shapely.from_wkt(fields)).envelope
    footprint = shapely.geometry.mapping(around)
    labels = rasterize(
        ((polygon, number) for number, polygon in enumerate(polygons, start=1)),
        out_shape=box.shape,
        transform=box.affine,
        dtype=np.int32,
    )
    for date, hrefs in dates.items():
        with rasterio.open(hrefs["red"]) as file:
            shape, place = file.shape, list(file.transform)[:6]
        properties = {"proj:code": f"EPSG:{EPSG}", "proj:shape": list(shape), "proj:transform": place}
        item = pystac.Item(date, footprint, list(around.bounds), datetime(2025, 6, 14, tzinfo=UTC), properties)
        for asset, href in hrefs.items():
            item.add_asset(asset, pystac.Asset(href, media_type=pystac.MediaType.COG, roles=["data"]))
        found = odc.stac.load([item], bands=["red", "nir", "scl"], geobox=box, resampling="nearest", pool=8)
        ndvi = _ndvi(*(found[asset].values[0] for asset in ("red", "nir", "scl")))
        valid = np.isfinite(ndvi) & (labels > 0)
        where, values = labels[valid], ndvi[valid].astype(np.float64)
        count = np.bincount(where, minlength=len(polygons) + 1)
        total = np.bincount(where, values, len(polygons) + 1)
        square = np.bincount(where, values**2, len(polygons) + 1)
        for number in range(1, len(polygons) + 1):
            if count[number]:
                mean = total[number] / count[number]
                deviation = max(square[number] / count[number] - mean**2, 0) ** 0.5
                yield date, number - 1, mean, deviation, float(count[number])


APPROACHES: dict[str, Callable[[dict[str, dict[str, str]], list[str]], Rows]] = {
    "exactextract": exactextract,
    "rasterstats": rasterstats,
    "rio-tiler": rio_tiler,
    "rioxarray": rioxarray,
    "odc-stac": odc_stac,
}


def main() -> None:
    name, task, out = sys.argv[1:]
    wanted = json.loads(Path(task).read_text())
    rows = list(APPROACHES[name](wanted["dates"], wanted["fields"]))
    Path(out).write_text(json.dumps(rows))
    sys.stdout.flush()
    os._exit(0)  # the tear-down of thread pools is no part of the task


if __name__ == "__main__":
    main()

"""The pixels of cells as numbers: of a day, of one day less another, and the rasters of a season as files."""

import base64
import zipfile
from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import Field as Attribute

from ndvi_airflow.web.answers import READS, errors
from ndvi_airflow.web.dependencies import Bucket, Current, Registry, RegistryAtNeed
from ndvi_airflow.web.downloads import saved_as
from ndvi_airflow.web.fields import FieldId, require_field
from ndvi_airflow.web.pagination import Day, Period, json_response
from ndvi_airflow.web.products import key_of, product, stated_raster, usable
from ndvi_airflow.web.security import reader
from ndvi_core.errors import NotFound
from ndvi_core.models.frozen import Frozen
from ndvi_core.registry.ledger import load_series
from ndvi_core.storage.object_store import Store
from ndvi_core.support.concurrency import map_bounded
from ndvi_core.views import pixels as views
from ndvi_core.views.geotiff import write_geotiff

GEOTIFF, ZIP = "image/tiff", "application/zip"
MAX_RASTERS = 1_000
READ_AT_ONCE = 8

router = APIRouter(prefix="/api/fields/{field_id}", dependencies=[reader], tags=["pixels"], responses=READS)


class Pixels(Frozen):
    """The values of a cell's pixels, where they lie, and their spread."""

    field_id: str
    day: date
    minus: date | None
    """The day whose values were taken from those of `day`; null if none were."""
    index: Literal["ndvi"] = "ndvi"
    epsg: int
    """Code of the CRS."""
    transform: tuple[float, float, float, float, float, float]
    """From columns and rows to the CRS: x = a column + b row + c, y = d column + e row + f."""
    width: int
    height: int
    values: str = Attribute(json_schema_extra={"contentEncoding": "base64"})
    """float32, little-endian, row by row from the upper left pixel; NaN where there is no value."""
    outline: tuple[views.Ring, ...]
    """Rings of what was computed, in columns and rows."""
    statistics: views.PixelStatistics | None
    histogram: views.Histogram | None


@router.get("/pixels/{day}", responses={200: {"model": Pixels, "content": {GEOTIFF: {}}}, **errors(404, 422)})
def pixels(
    field_id: FieldId,
    day: Day,
    settings: Current,
    bucket: Bucket,
    registry: RegistryAtNeed,
    minus: Annotated[Day | None, Query(description="A day whose values are taken from those")] = None,
    format: Literal["json", "tif"] = "json",
) -> Response:
    """Return the NDVI of a cell's pixels, or by how much it is higher than on another day."""
    if format == "tif" and minus is None:
        return Response(product(bucket, settings, field_id, day, "ndvi.tif"), 200, _tif(field_id, "ndvi", day), GEOTIFF)
    cell = read_cell(field_id, day, settings, bucket, registry)
    raster = cell.raster
    if minus is not None:
        before = read_cell(field_id, minus, settings, bucket, registry).raster
        found = views.difference(raster, before)
        if found is None:
            raise HTTPException(
                422, f"{day} and {minus} have no pixels in common: one is in EPSG:{raster.epsg}, one in {before.epsg}"
            )
        raster = found
        if format == "tif":
            tags = {"FIELD_ID": field_id, "DATE": str(day), "MINUS": str(minus)}
            content = write_geotiff(raster.ndvi, raster, f"NDVI of {day} minus {minus}", tags, np.nan)
            return Response(content, 200, _tif(field_id, "ndvi", day, "minus", minus), GEOTIFF)
    return json_response(
        Pixels(
            field_id=field_id,
            day=day,
            minus=minus,
            epsg=raster.epsg,
            transform=tuple(raster.transform)[:6],
            width=raster.ndvi.shape[1],
            height=raster.ndvi.shape[0],
            values=base64.b64encode(raster.ndvi.astype("<f4").tobytes()).decode(),
            outline=views.outline(cell),
            statistics=views.statistics(raster),
            histogram=views.histogram(raster),
        )
    )


@router.get(
    "/rasters",
    response_class=Response,
    responses={200: {"content": {ZIP: {}}, "description": "The rasters"}, **errors(404, 422)},
)
def rasters(field_id: FieldId, connection: Registry, period: Period, settings: Current, bucket: Bucket) -> Response:
    """Return the rasters of some days, `<field_id>_ndvi_<day>.tif` each, in one ZIP file."""
    require_field(connection, field_id)
    series = load_series(connection, [field_id], *period, MAX_RASTERS)
    if series.has_more:
        raise HTTPException(422, f"more than {MAX_RASTERS} days: ask for them in several requests")
    connection.close()  # given back before the bucket is read
    days = [row.date for row in series.rows if row.ndvi_mean is not None]
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as file:  # stored: the rasters are compressed
        found = map_bounded(_raster_or_none(bucket, settings, field_id), days, READ_AT_ONCE)
        for day, content in zip(days, found, strict=True):
            if content is not None:
                name = zipfile.ZipInfo(f"{field_id}_ndvi_{day}.tif", (day.year, day.month, day.day, 0, 0, 0))
                file.writestr(name, content)
        if not file.namelist():
            raise HTTPException(404, f"{field_id} has no rasters from {period[0]} to {period[1]}")
    return Response(packed.getvalue(), 200, saved_as("zip", field_id, "ndvi", *period), ZIP)


def read_cell(field_id: str, day: date, settings: Current, bucket: Store, registry: RegistryAtNeed) -> views.Cell:
    """Return the pixels of a cell, with the boundary that it was computed for.

    Raises:
        HTTPException: 404.
        BadInput: its raster or its JSON is damaged.
    """
    with usable(f"the raster of {field_id}, {day}"):
        stated = stated_raster(bucket, settings, registry, field_id, day)
        return views.read_cell(stated.raster, stated.boundary, stated.observation.extent)


def _tif(*parts: str | date) -> dict[str, str]:
    return saved_as("tif", *parts)


def _raster_or_none(bucket: Store, settings: Current, field_id: str) -> Callable[[date], bytes | None]:
    def read(day: date) -> bytes | None:
        try:
            return bucket.read(key_of(settings, field_id, day, "ndvi.tif"))
        except NotFound:
            return None

    return read

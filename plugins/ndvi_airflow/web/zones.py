"""Zones within a field, from the pixels of several of its days: as numbers, as GeoJSON and as a GeoTIFF."""

import base64
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import Field as Attribute

from ndvi_airflow.web.answers import GEOJSON, READS, errors
from ndvi_airflow.web.cells import GEOTIFF, READ_AT_ONCE
from ndvi_airflow.web.dependencies import Bucket, Current, RegistryAtNeed
from ndvi_airflow.web.downloads import saved_as
from ndvi_airflow.web.fields import FieldId, require_field
from ndvi_airflow.web.pagination import json_response
from ndvi_airflow.web.products import product, usable
from ndvi_airflow.web.security import reader
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import Geometry
from ndvi_core.models.observation import Observation
from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.registry.fields import load_boundary
from ndvi_core.registry.ledger import load_series
from ndvi_core.support.concurrency import map_bounded
from ndvi_core.views import pixels
from ndvi_core.views.geotiff import write_geotiff
from ndvi_core.views.pixels import Cell, Ring
from ndvi_core.views.zones import SPECKLE_PIXELS, ZonesOfDays, zones_of_days

CLEAR = 0.95
"""Valid fraction from which a day of the season is taken."""
MAX_DAYS = 120
"""Days that zones are made of, at most."""
SEASON_ROWS = 2_000

router = APIRouter(prefix="/api/fields/{field_id}", dependencies=[reader], tags=["pixels"], responses=READS)


class ZoneEntry(Frozen):
    """A zone of a field."""

    field_id: str
    index: Literal["ndvi"] = "ndvi"
    zone: int
    """1 is the lowest."""
    zones: int
    """How many were asked for; of a field that is all alike there are fewer."""
    mean: float
    """Mean over its whole pixels of the median of the days."""
    area_ha: float
    """Geodetic area."""
    pixels: int
    """Whole pixels."""
    first_day: date
    last_day: date
    days: int
    """Of which the zones are made."""


class Zones(Frozen):
    """The zones of a field on the grid of its rasters."""

    field_id: str
    season: str
    index: Literal["ndvi"] = "ndvi"
    days: tuple[date, ...]
    """Of which the zones are made."""
    left_out: tuple[date, ...]
    """Days that have a raster on another grid, or of another boundary."""
    edges: tuple[float, ...]
    """Values between the zones, ascending."""
    zones: tuple[ZoneEntry, ...]
    """The lowest first."""
    epsg: int
    transform: tuple[float, float, float, float, float, float]
    width: int
    height: int
    classes: str = Attribute(json_schema_extra={"contentEncoding": "base64"})
    """uint8, row by row from the upper left pixel; 0 is outside the field."""
    outline: tuple[Ring, ...]
    """Rings of what was computed, in columns and rows."""


class ZoneFeature(Frozen):
    """A zone as GeoJSON."""

    type: Literal["Feature"] = "Feature"
    geometry: Geometry
    properties: ZoneEntry


class ZoneCollection(Frozen):
    """The zones of a field as GeoJSON."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: tuple[ZoneFeature, ...]


@router.get("/zones", responses={200: {"model": Zones, "content": {GEOJSON: {}, GEOTIFF: {}}}, **errors(404, 422)})
def zones(
    field_id: FieldId,
    settings: Current,
    bucket: Bucket,
    registry: RegistryAtNeed,
    season: Annotated[str | None, Query(description="Name of the season; without, the last one")] = None,
    days: Annotated[
        str | None,
        Query(
            description=f"Days of the season, with commas; without, all with {CLEAR:.0%} of the field valid",
            pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}(,[0-9]{4}-[0-9]{2}-[0-9]{2})*$",
            max_length=11 * MAX_DAYS,
        ),
    ] = None,
    count: Annotated[int, Query(ge=3, le=5, description="Of zones")] = 4,
    format: Literal["json", "geojson", "tif"] = "json",
) -> Response:
    """Return the zones of a field: classes of the median of several days, pixel by pixel, by its quantiles."""
    with registry() as connection:
        its, rows = _season(connection, settings, field_id, season)
        chosen = _chosen(rows, days)
        if not chosen:
            raise HTTPException(404, f"no day of season {its} shows {CLEAR:.0%} of {field_id}: choose `days`")
        latest = chosen[-1]
        boundary = load_boundary(connection, field_id, latest.geometry_hash)
    if boundary is None:
        raise HTTPException(404, f"the registry does not have the boundary that {field_id} had on {latest.date}")
    same = [row for row in chosen if (row.geometry_hash, row.extent) == (latest.geometry_hash, latest.extent)]

    def read(row: Observation) -> Cell:
        raster = product(bucket, settings, field_id, row.date, "ndvi.tif")
        with usable(f"the raster of {field_id}, {row.date}"):
            return pixels.read_cell(raster, boundary, row.extent)

    cells = {row.date: cell for row, cell in zip(same, map_bounded(read, same, READ_AT_ONCE), strict=True)}
    found = zones_of_days(cells, count)
    if found is None:
        raise HTTPException(
            422,
            f"{field_id} is too small for {count} zones: less than {count * SPECKLE_PIXELS} pixels lie wholly inside "
            "and have values on half of the days",
        )
    left_out = tuple(row.date for row in chosen if row.date not in found.days)
    return _FORMATS[format](_Found(field_id, its, left_out, count, found))


class _Found(NamedTuple):
    """What an answer is made of."""

    field_id: str
    season: str
    left_out: tuple[date, ...]
    wanted: int
    """Zones."""
    zones: ZonesOfDays

    def entries(self) -> list[ZoneEntry]:
        days = self.zones.days
        return [
            ZoneEntry(
                field_id=self.field_id,
                zone=one.zone,
                zones=self.wanted,
                mean=round(one.mean, 4),
                area_ha=one.area_ha,
                pixels=one.pixels,
                first_day=days[0],
                last_day=days[-1],
                days=len(days),
            )
            for one in self.zones.zones
        ]

    def saved_as(self, extension: str) -> dict[str, str]:
        return saved_as(extension, self.field_id, "ndvi", "zones", self.zones.days[0], self.zones.days[-1])


def _season(connection: Any, settings: Current, field_id: str, name: str | None) -> tuple[str, list[Observation]]:
    """Return the name of a season and the rows of its days.

    Raises:
        HTTPException: 404.
    """
    seasons = require_field(connection, field_id).seasons
    its = seasons[-1] if name is None else next((one for one in seasons if one.name == name), None)
    if its is None:
        raise HTTPException(404, f"field {field_id} has no season {name}")
    end = max(its.plant_date, its.end_date or last_owed_day(connection, settings.start_date))
    return its.name, load_series(connection, [field_id], its.plant_date, end, SEASON_ROWS).rows


def _chosen(rows: Sequence[Observation], days: str | None) -> list[Observation]:
    """Return the rows of the days that zones are to be made of.

    Raises:
        HTTPException: 404.
    """
    if days is None:
        return [row for row in rows if row.status == "computed" and (row.valid_fraction or 0.0) >= CLEAR][-MAX_DAYS:]
    wanted = set(days.split(","))
    found = [row for row in rows if str(row.date) in wanted and row.ndvi_mean is not None]
    missing = sorted(wanted - {str(row.date) for row in found})
    if missing:
        raise HTTPException(404, f"{', '.join(missing[:5])}: no such days with a value in this season")
    return found


def _json(found: _Found) -> Response:
    zones, raster = found.zones, found.zones.cell.raster
    answer = Zones(
        field_id=found.field_id,
        season=found.season,
        days=zones.days,
        left_out=found.left_out,
        edges=zones.map.edges,
        zones=tuple(found.entries()),
        epsg=raster.epsg,
        transform=tuple(raster.transform)[:6],
        width=raster.ndvi.shape[1],
        height=raster.ndvi.shape[0],
        classes=base64.b64encode(zones.map.classes.tobytes()).decode(),
        outline=pixels.outline(zones.cell),
    )
    return json_response(answer)


def _geojson(found: _Found) -> Response:
    pairs = zip(found.zones.zones, found.entries(), strict=True)
    features = tuple(ZoneFeature(geometry=one.geometry, properties=entry) for one, entry in pairs)
    return json_response(ZoneCollection(features=features), found.saved_as("geojson"), GEOJSON)


def _tif(found: _Found) -> Response:
    zones = found.zones
    tags = {"FIELD_ID": found.field_id, "SEASON": found.season, "DATES": ",".join(map(str, zones.days))}
    what = f"zones of NDVI, 1 to {found.wanted} from the lowest"
    content = write_geotiff(zones.map.classes, zones.cell.raster, what, tags, 0)
    return Response(content, 200, found.saved_as("tif"), GEOTIFF)


_FORMATS = {"json": _json, "geojson": _geojson, "tif": _tif}

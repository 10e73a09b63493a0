"""Fields, their days and the extent, for maps, tables and heat maps."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

import numpy as np
import shapely
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import Field as Attribute
from pydantic import ValidationError

from ndvi_airflow.airflow_compat import GetUserDep
from ndvi_airflow.web.answers import GEOJSON, READS, GeoJSONResponse, errors
from ndvi_airflow.web.dependencies import Bucket, Current, Registry
from ndvi_airflow.web.downloads import saved_as
from ndvi_airflow.web.etags import UNCHANGED, tag_of_days
from ndvi_airflow.web.pagination import Limit, Offset, Period, json_response, next_page
from ndvi_airflow.web.security import may_recompute, may_review, may_upload, reader
from ndvi_airflow.web.shared import shared
from ndvi_core.intake.extent_file import load_extent
from ndvi_core.models.extent import Extent
from ndvi_core.models.field import FIELD_ID_PATTERN, RegisteredField
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import Geometry
from ndvi_core.registry import fields as registry
from ndvi_core.registry.columns import simplified
from ndvi_core.registry.day_grid import DayGrid, day_grid
from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.registry.progress import FieldStatus, field_statuses

DIGITS = 6
"""Decimals of a degree in the coordinates of simplified boundaries: a decimetre."""
NUMBER = r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
MAX_CELLS = 2_000_000
"""Cells of a grid, at most."""

FieldId = Annotated[str, Path(pattern=FIELD_ID_PATTERN)]
Tolerance = Annotated[float, Query(ge=0, le=100_000, description="Metres by which boundaries may be off")]

router = APIRouter(prefix="/api", dependencies=[reader], tags=["fields"], responses=READS)


class Session(Frozen):
    """The signed-in user's rights, and what the page has to know beforehand."""

    user: str
    may_upload: bool
    may_review: bool
    may_recompute: bool
    tiles_url: str | None
    """Template of background tiles; null is a map without."""
    tiles_attribution: str
    start_date: date
    """First day of the first field."""
    last_day: date
    """Up to which days have answers, or should."""


class FieldDetails(FieldStatus):
    """The status of a field and what the registry knows of it."""

    sequence: int
    revision: int
    geometry_hash: str
    changed_at: datetime
    caught_up: bool


class ExtentProperties(Frozen):
    """The properties that tell the extent from a field."""

    object_type: Literal["extent"] = "extent"


class ExtentFeature(Frozen):
    """The processing extent as GeoJSON."""

    type: Literal["Feature"] = "Feature"
    geometry: Geometry
    properties: ExtentProperties = ExtentProperties()


class FieldFeature(Frozen):
    """A field as GeoJSON."""

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: Geometry
    properties: FieldStatus

    @classmethod
    def of(cls, status: FieldStatus, geometry: Any) -> Self:
        """Return the feature of a field with its status."""
        return cls(id=status.field_id, geometry=geometry, properties=status)


class DetailedFeature(FieldFeature):
    """A field as GeoJSON, with all that the registry knows of it."""

    properties: FieldDetails


class FieldCollection(Frozen):
    """A page of fields as GeoJSON."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: tuple[FieldFeature, ...]
    number_matched: int = Attribute(serialization_alias="numberMatched")
    """Fields that there are (in the box)."""
    number_returned: int = Attribute(serialization_alias="numberReturned")
    """Fields of this page."""


@router.get("/session")
def session(
    user: GetUserDep,
    settings: Current,
    connection: Registry,
    may_upload: Annotated[bool, Depends(may_upload)],
    may_review: Annotated[bool, Depends(may_review)],
    may_recompute: Annotated[bool, Depends(may_recompute)],
) -> Session:
    """Return who is signed in and what they may do."""
    return Session(
        user=user.get_name(),
        may_upload=may_upload,
        may_review=may_review,
        may_recompute=may_recompute,
        tiles_url=settings.map_tiles_url,
        tiles_attribution=settings.map_tiles_attribution,
        start_date=registry.first_day(connection) or settings.start_date,
        last_day=last_owed_day(connection, settings.start_date),
    )


@router.get("/extent", response_class=GeoJSONResponse, responses={200: {"model": ExtentFeature}, **errors(404)})
def extent(settings: Current, bucket: Bucket) -> Response:
    """Return the processing extent as GeoJSON."""
    found = load_extent(bucket, settings.extent_key)
    return json_response(ExtentFeature(geometry=found.polygon), media_type=GEOJSON)


@router.get(
    "/fields", response_class=GeoJSONResponse, responses={200: {"model": FieldCollection}, **UNCHANGED, **errors(422)}
)
def fields(
    request: Request,
    settings: Current,
    connection: Registry,
    limit: Limit = 1000,
    offset: Offset = 0,
    bbox: Annotated[
        str | None,
        Query(
            description="west,south,east,north in degrees: fields that meet it",
            json_schema_extra={"pattern": f"^{NUMBER}(,{NUMBER}){{3}}$"},
        ),
    ] = None,
    tolerance: Tolerance = 0,
) -> Response:
    """Return a page of fields with their status as GeoJSON, in the order of registration."""
    tag = tag_of_days(request, connection, settings.start_date)
    box = _box(bbox).polygon if bbox else None

    def make() -> Response:
        field_ids = registry.field_ids_within(connection, box)
        page = field_ids[offset : offset + limit]
        found = registry.load_fields(connection, page)
        statuses = field_statuses(connection, settings.start_date, page)
        collection = FieldCollection(
            features=tuple(map(FieldFeature.of, statuses, _simplified(found, tolerance))),
            number_matched=len(field_ids),
            number_returned=len(statuses),
        )
        headers = next_page(request, limit, offset, offset + limit < len(field_ids))
        return json_response(collection, headers, GEOJSON)

    return shared(request, connection, tag, make)


@router.get(
    "/fields/{field_id}",
    response_class=GeoJSONResponse,
    responses={200: {"model": DetailedFeature}, **errors(404, 422)},
)
def field(field_id: FieldId, settings: Current, connection: Registry) -> Response:
    """Return a field in full resolution with all that is known of it."""
    found = require_field(connection, field_id)
    (status,) = field_statuses(connection, settings.start_date, [field_id])
    known = {name: getattr(found, name) for name in FieldDetails.model_fields if name not in FieldStatus.model_fields}
    details = FieldDetails(**status.model_dump(), **known)
    headers = saved_as("geojson", field_id, "boundary")
    return json_response(DetailedFeature.of(details, found.geometry), headers, GEOJSON)


@router.get("/grid", responses={200: {"model": DayGrid}, **UNCHANGED, **errors(422)})
def grid(
    request: Request,
    settings: Current,
    connection: Registry,
    period: Period,
    limit: Limit = 1000,
    offset: Offset = 0,
) -> Response:
    """Return the days of a page of fields: for each a letter a day, and NDVI in thousandths."""
    start, end = period
    cells = limit * ((end - start).days + 1)
    if cells > MAX_CELLS:
        raise HTTPException(
            422, f"{cells} cells are more than {MAX_CELLS}: ask for fewer days, or pages of fewer fields"
        )
    tag = tag_of_days(request, connection, settings.start_date, period)

    def make() -> Response:
        found = day_grid(connection, settings.start_date, start, end, limit, offset)
        has_more = offset + limit < registry.count_fields(connection)
        return json_response(found, next_page(request, limit, offset, has_more))

    return shared(request, connection, tag, make)


def require_field(connection: Any, field_id: str) -> RegisteredField:
    """Return the field.

    Raises:
        HTTPException: 404.
    """
    found = registry.load_fields(connection, [field_id])
    if not found:
        raise HTTPException(404, f"no field {field_id} in the registry")
    return found[0]


def _box(bbox: str) -> Extent:
    try:
        west, south, east, north = map(float, bbox.split(","))
        return Extent(west=west, south=south, east=east, north=north)
    except (ValueError, ValidationError) as error:
        raise HTTPException(422, f"bbox has to be west,south,east,north in degrees, not {bbox[:100]!r}") from error


def _simplified(found: Sequence[RegisteredField], tolerance: float) -> Sequence[Any]:
    """Return the boundaries with fewer vertices, off by at most so many metres (and a rounding); 0 is as they are."""
    shapes = [one.geometry for one in found]
    if not tolerance:
        return shapes
    return list(shapely.transform(simplified(np.array(shapes), tolerance), lambda xy: xy.round(DIGITS)))

"""Uploads: the intake's own check as a dry run, and the way into `pending/`."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from ndvi_airflow.web.answers import READS, error_or, errors
from ndvi_airflow.web.dependencies import Bucket, Current, RegistryAtNeed
from ndvi_airflow.web.pagination import json_response
from ndvi_airflow.web.security import UPLOAD_TYPES, same_site, uploader
from ndvi_core.intake.changes import Change, Effect
from ndvi_core.intake.features import Problem
from ndvi_core.intake.review import Reviewed
from ndvi_core.intake.submit import check_file, submit
from ndvi_core.models.field import Field
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import Geometry

MAX_NAME = 1024


async def _body(request: Request, settings: Current) -> bytes:
    """Return the body, read no further than intake would.

    Raises:
        HTTPException: 415 for another content type, 413 for too large a file.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in UPLOAD_TYPES:
        raise HTTPException(415, f"the content type has to be {' or '.join(UPLOAD_TYPES)}, not {content_type!r}")
    most, data = settings.max_geojson_bytes, bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise HTTPException(413, f"the file has more than {most} bytes: split it, or raise NDVI_MAX_GEOJSON_BYTES")
    return bytes(data)


Body = Annotated[bytes, Depends(_body)]

router = APIRouter(
    prefix="/api/uploads", dependencies=[uploader, same_site], tags=["uploads"], responses={**READS, **errors(413, 415)}
)
_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {content_type: {"schema": {"type": "object"}} for content_type in UPLOAD_TYPES},
    }
}


class CheckedProperties(Frozen):
    """A field of a checked file, and what registering it would do."""

    field_id: str
    plant_type: str
    plant_date: date
    end_date: date | None
    season: str
    """Name of the season that it states, or would be given."""
    effect: Effect
    """What registering it would do, as the registry is now."""
    changes: tuple[str, ...]
    """What would become another, for a person."""
    days: int
    """Days that would become due."""
    waits: bool
    """Whether it would wait for a confirmation."""


class CheckedFeature(Frozen):
    """A field of a checked file as GeoJSON."""

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: Geometry
    properties: CheckedProperties


class CheckedCollection(Frozen):
    """The fields of a checked file as GeoJSON."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: tuple[CheckedFeature, ...]


class Checked(Frozen):
    """What the intake would make of a file."""

    fields: CheckedCollection
    """Those that would be registered, now or once they are confirmed."""
    problems: tuple[Problem, ...]
    """What is wrong, and warnings (`registered`), in the order of the file; as in `<name>.errors.json`."""
    summary: str
    """How many fields are new or change, and which days become due."""


class Uploaded(Checked):
    """A file that is in `pending/` now."""

    key: str


@router.post("/check", responses={200: {"model": Checked}, **errors(422)}, openapi_extra=_REQUEST)
def check(data: Body, registry: RegistryAtNeed, settings: Current, bucket: Bucket) -> Response:
    """Check a file by the rules of the intake; nothing is written."""
    return json_response(_checked(check_file(data, registry, bucket, settings)))


@router.post(
    "",
    status_code=201,
    responses={201: {"model": Uploaded}, **error_or(Checked, 422)},
    openapi_extra=_REQUEST,
)
def upload(
    data: Body,
    registry: RegistryAtNeed,
    settings: Current,
    bucket: Bucket,
    name: Annotated[str, Query(min_length=1, max_length=MAX_NAME, description="Of the file, e.g. late.geojson")],
    confirm: Annotated[bool, Query(description="Whether fields that would wait for it are confirmed")] = False,
) -> Response:
    """Put a file into `pending/`, where the intake finds it; one without any good field is refused."""
    reviewed, key = submit(bucket, settings, registry, name, data, confirm=confirm)
    checked = _checked(reviewed)
    if key is None:
        return json_response(checked, status_code=422)
    return json_response(Uploaded(**dict(checked), key=key), status_code=201)


def _checked(reviewed: Reviewed) -> Checked:
    fields = {field.field_id: field for field in (*reviewed.ready, *reviewed.waiting)}
    features = tuple(_feature(fields[change.field_id], change) for change in reviewed.changes)
    return Checked(fields=CheckedCollection(features=features), problems=reviewed.problems, summary=reviewed.summary)


def _feature(field: Field, change: Change) -> CheckedFeature:
    known = field.model_dump(include={"field_id", "plant_type", "plant_date", "end_date"})
    its = change.model_dump(include={"season", "effect", "changes", "days", "waits"})
    return CheckedFeature(id=field.field_id, geometry=field.geometry, properties=CheckedProperties(**known, **its))

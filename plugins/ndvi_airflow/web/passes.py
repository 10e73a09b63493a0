"""The true-colour pictures of passes, which lie below the fields on the map."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response
from pydantic import RootModel, ValidationError

from ndvi_airflow.web.answers import READS, errors
from ndvi_airflow.web.dependencies import Bucket, Current, Registry
from ndvi_airflow.web.etags import UNCHANGED, unchanged
from ndvi_airflow.web.pagination import Day, Period, json_response
from ndvi_airflow.web.security import reader
from ndvi_core.errors import BadInput, NotFound
from ndvi_core.models.frozen import Frozen
from ndvi_core.products.pass_picture import PassPicture
from ndvi_core.products.passes import WEBP, pass_key, pictured

HEADERS = {"Cache-Control": "private, max-age=3600"}
"""A picture is drawn once; another one of the same scene, which is rare, may be shown an hour late."""

SceneId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=200)]

router = APIRouter(prefix="/api/passes", dependencies=[reader], tags=["passes"], responses=READS)


class WebPResponse(Response):
    """A picture."""

    media_type = WEBP


class Pictured(Frozen):
    """A scene that there is a picture of."""

    day: date
    scene_id: str


class Pictures(RootModel[list[Pictured]]):
    """In the order of their days."""


@router.get("", responses={200: {"model": Pictures}, **errors(422)})
def passes(settings: Current, bucket: Bucket, connection: Registry, period: Period) -> Response:
    """Return which scenes there are pictures of."""
    connection.close()  # the period's is given back before the bucket is read
    start, end = period
    found = pictured(bucket, settings.passes_prefix, start, end)
    return json_response(Pictures([Pictured(day=day, scene_id=scene_id) for day, scene_id in found]))


@router.get("/{day}/{scene_id}.webp", response_class=WebPResponse, responses=UNCHANGED | errors(404, 422))
def picture(request: Request, day: Day, scene_id: SceneId, settings: Current, bucket: Bucket) -> Response:
    """Return the picture: WebP in Web Mercator, transparent where the scene has no data."""
    key = settings.passes_prefix + pass_key(day, scene_id, "webp")
    try:
        if "If-None-Match" in request.headers and unchanged(request, tag := f'"{bucket.head(key).etag}"'):
            return Response(status_code=304, headers={**HEADERS, "ETag": tag})
        info, data = bucket.get(key)
    except NotFound as error:
        raise HTTPException(404, f"there is no picture of {scene_id} on {day}") from error
    return Response(data, media_type=WEBP, headers={**HEADERS, "ETag": f'"{info.etag}"'})


@router.get("/{day}/{scene_id}.json", responses={200: {"model": PassPicture}, **errors(404, 422)})
def place(day: Day, scene_id: SceneId, settings: Current, bucket: Bucket) -> Response:
    """Return what the picture shows and where it lies."""
    key = settings.passes_prefix + pass_key(day, scene_id, "json")
    try:
        about = PassPicture.model_validate_json(bucket.read(key))
    except NotFound as error:
        raise HTTPException(404, f"there is no picture of {scene_id} on {day}") from error
    except ValidationError as error:
        raise BadInput(f"{key} cannot be used: remove it, and compute a field of {day} again") from error
    return json_response(about, HEADERS)

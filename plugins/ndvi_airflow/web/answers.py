"""How answers are described in OpenAPI: media types, and the errors in which routes may end."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from ndvi_core.models.frozen import Frozen

GEOJSON = "application/geo+json"
PNG = "image/png"

Responses = dict[int | str, dict[str, Any]]
"""What FastAPI takes as the `responses` of a route."""

_WHEN = {
    400: "The body is no text",
    401: "Nobody is signed in",
    403: "The right to do this is missing",
    404: "It is not there",
    413: "The file is too large",
    415: "The content type is another one",
    422: "It makes no sense",
    502: "The registry or the bucket refuses, or holds something that cannot be used; trying again is of no use",
    503: "The registry or the bucket cannot be reached for now",
}


class ErrorDetail(Frozen):
    """Why an answer is none, and what to do."""

    detail: str


class GeoJSONResponse(JSONResponse):
    """GeoJSON (RFC 7946), which FastAPI describes as JSON."""

    media_type = GEOJSON


class PNGResponse(Response):
    """A picture."""

    media_type = PNG


def errors(*statuses: int) -> Responses:
    """Return the description of errors, all of one shape whatever the route's own media type is."""
    return {status: _error(_WHEN[status], _reference(ErrorDetail)) for status in statuses}


def error_or(model: type[Frozen], status: int) -> Responses:
    """Return the description of an error that comes with what was found instead, where there is something."""
    return {status: _error(_WHEN[status], {"anyOf": [_reference(model), _reference(ErrorDetail)]})}


def describe(app: FastAPI) -> None:
    """Let all errors have the one shape, and the description of the app have its model."""

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        said = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return JSONResponse({"detail": "; ".join(said)}, 422)

    def openapi() -> dict[str, Any]:
        described = FastAPI.openapi(app)
        described["components"]["schemas"][ErrorDetail.__name__] = ErrorDetail.model_json_schema()
        return described

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation does it


def _error(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _reference(model: type[Frozen]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


READS = errors(401, 403, 502, 503)
"""What may happen to whoever asks for something."""

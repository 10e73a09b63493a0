"""The app that Airflow's server mounts at /ndvi: the API, the pictures, and the files of the page."""

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.staticfiles import StaticFiles

from ndvi_airflow.airflow_compat import bearer_scheme, get_user
from ndvi_airflow.settings import load_settings
from ndvi_airflow.web import (
    cells,
    columns,
    events,
    fields,
    indices,
    observations,
    passes,
    pictures,
    seasons,
    standings,
    uploads,
    zones,
)
from ndvi_airflow.web.answers import describe
from ndvi_airflow.web.dependencies import answer_errors
from ndvi_core import __version__

STATIC = Path(__file__).parent / "static"

app = FastAPI(
    title="NDVI fields",
    version=__version__,
    description="Fields, their NDVI observations and pictures. Users, tokens and rights are those of Airflow's API.",
    docs_url=None,  # they load scripts from other hosts
    redoc_url=None,
)
answer_errors(app)
describe(app)
for routes in (
    columns,
    fields,
    indices,
    observations,
    passes,
    pictures,
    cells,
    zones,
    seasons,
    standings,
    events,
    uploads,
):
    app.include_router(routes.router)


@cache
def _headers() -> dict[str, str]:
    """Return what every answer says unless it says otherwise itself."""
    tiles = load_settings().map_tiles_url
    images = "'self' data: blob:"
    if tiles:
        scheme, host, *_ = urlsplit(tiles)
        images = f"{images} {scheme}://{host}"
    sources = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": images,
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in sources.items()),
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }


@app.middleware("http")
async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in _headers().items():
        response.headers.setdefault(name, value)
    return response


async def _or_log_in(
    request: Request, token: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]
) -> None:
    """Lead a visitor who is not signed in to Airflow's login, and back here."""
    try:
        await get_user(request, None, token)
    except HTTPException as error:
        here = quote(f"{request.url.path}?{request.url.query}", safe="")
        raise HTTPException(307, headers={"Location": f"../api/v2/auth/login?next={here}"}) from error


files = StaticFiles(directory=STATIC)


@app.get("/", dependencies=[Depends(_or_log_in)], include_in_schema=False)
async def page(request: Request) -> Response:
    """Return the page."""
    return await files.get_response("index.html", request.scope)


app.mount("/", files)  # no secret in them, so they are for everyone, as Airflow's own are

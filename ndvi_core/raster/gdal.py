"""How this program uses GDAL: its options, where it finds scenes, and what its errors mean."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ndvi_core.errors import SceneUnreachable, SceneUnreadable

if TYPE_CHECKING:
    from rasterio import Env

OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # no listing, no search for side-car files
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",  # the whole header of a COG in one request
    "GDAL_CACHEMAX": 64_000_000,  # bytes; each block is read once
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",  # seconds
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "0.5",  # seconds, doubled at each
}
"""For COGs over HTTP. A variable of the same name in the environment wins."""

SCENE_PREFIX = "NDVI_SCENE_AWS_"
"""Prefix of the variables that lead to the scenes' S3 when it is not the products': as `AWS_*`, all or none."""

AWS = "https://s3.amazonaws.com"

S3_DEFAULTS = {
    "ACCESS_KEY_ID": "",
    "SECRET_ACCESS_KEY": "",
    "SESSION_TOKEN": "",
    "REGION": "us-east-1",
    "NO_SIGN_REQUEST": "NO",
    "REQUEST_PAYER": "",
}
"""Options of the scenes' S3 besides its endpoint, with GDAL's defaults."""


def import_rasterio() -> None:
    """Import rasterio without boto3, which it would import for sessions of its own that are not used here.

    That takes longer than all other imports of a process that computes a few fields. What needs boto3 itself imports
    it as ever.
    """
    if "rasterio" in sys.modules or "boto3" in sys.modules:
        return
    hidden: dict[str, None] = {"boto3": None}  # as Python notes a module that cannot be imported
    sys.modules.update(hidden)  # type: ignore[arg-type]
    try:
        import rasterio  # noqa: F401
    finally:
        del sys.modules["boto3"]


def gdal_path(href: str) -> str:
    """Return the href as GDAL's path, which rasterio passes on as it is (it would ask boto3 about S3)."""
    if href.startswith(("http://", "https://")):
        return f"/vsicurl/{href}"
    if href.startswith("s3://"):
        return f"/vsis3/{href.removeprefix('s3://')}"
    return unquote(urlsplit(href).path) if href.startswith("file://") else href


def remote_url(href: str) -> str | None:
    """Return the href if it leads to a server, None if it is a file's."""
    return href if href.startswith(("http://", "https://", "s3://")) else None


def gdal_env(**others: str) -> "Env":
    """Return GDAL's settings as a context; entered around each call, since callers of an iterator have their own.

    Args:
        others: options that take the place of those of `OPTIONS` and of the environment.
    """
    import rasterio
    from rasterio.session import DummySession

    tuning = {name: value for name, value in OPTIONS.items() if name not in os.environ}
    # Without a session it would ask boto3 for credentials.
    env = rasterio.Env(session=DummySession(), **tuning | others)
    env.options.update(_s3_options())  # the constructor refuses AWS keys
    return env


def _s3_options() -> dict[str, str]:
    """Return GDAL's options for the S3 that scenes are on, from `NDVI_SCENE_AWS_*` or else `AWS_*`.

    Of the latter GDAL knows all but the endpoint's address, so that roles and profiles work as they do everywhere.
    """
    given = {name: value for name, value in os.environ.items() if value}
    own = {name.removeprefix(SCENE_PREFIX): value for name, value in given.items() if name.startswith(SCENE_PREFIX)}
    endpoint = own.get("ENDPOINT_URL", AWS) if own else given.get("AWS_ENDPOINT_URL")
    options = {}
    if own:  # an option, be it empty, hides the variable of its name, which is for the other S3
        options = {f"AWS_{name}": own.get(name, default) for name, default in S3_DEFAULTS.items()}
    if endpoint:
        parts = urlsplit(endpoint)
        options["AWS_S3_ENDPOINT"] = parts.netloc
        options["AWS_HTTPS"] = "YES" if parts.scheme == "https" else "NO"
        options["AWS_VIRTUAL_HOSTING"] = "TRUE" if endpoint == AWS else "FALSE"
    return options


@contextmanager
def gdal_errors(name: str, url: str | None, needed: int = 0) -> Iterator[None]:
    """Turn GDAL's errors into the library's: failures that may pass, and defects of the asset.

    GDAL's own are not kept as the cause, for they may have a signed URL in them.

    Args:
        name: Scene, asset and href, for messages.
        url: Where it is read from, `https://...` or `s3://...`; None for a file, which no network can fail.
        needed: Bytes that the file has to have for what is read.
    """
    from rasterio.errors import CRSError, RasterioError

    try:
        yield
    except (CRSError, RasterioError) as error:
        from ndvi_core.raster.faults import is_passing  # with an HTTP client, which most tasks never need

        said = without_secrets("; ".join(_chain(error)))
        kind = SceneUnreachable if url and is_passing(url, said, needed) else SceneUnreadable
        raise kind(f"{name}: {said}") from None


def _chain(error: BaseException | None) -> Iterator[str]:
    """Yield what GDAL said, the cause last."""
    while error is not None:
        yield str(error)
        error = error.__cause__


def without_secrets(text: str) -> str:
    """Return `text` without the query strings and passwords of URLs, which may be secrets."""
    return re.sub(r"(?<=://)[^/\s@]+@", "", re.sub(r"\?\S+", "", text))

"""Reading the products of cells, which may be missing or damaged."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException
from pydantic import ValidationError

from ndvi_airflow.web.dependencies import Bucket, Current
from ndvi_airflow.web.pagination import Day
from ndvi_core.errors import BadInput, NotFound


@contextmanager
def usable(name: str) -> Iterator[None]:
    """Let an object that is damaged end in an answer that says so.

    Raises:
        BadInput: it cannot be read.
    """
    from rasterio.errors import CRSError, RasterioError

    try:
        yield
    except NotFound:
        raise
    except (BadInput, CRSError, RasterioError, ValidationError) as error:
        raise BadInput(f"{name} cannot be used: {str(error).splitlines()[0]}; compute the cell again") from error


def product(bucket: Bucket, settings: Current, field_id: str, day: Day, name: str) -> bytes:
    """Return an object of a cell's folder.

    Raises:
        HTTPException: 404.
    """
    try:
        return bucket.read(key_of(settings, field_id, day, name))
    except NotFound as error:
        raise HTTPException(404, f"{field_id} has no picture of {day}") from error


def key_of(settings: Current, field_id: str, day: Day, name: str) -> str:
    """Return the key of an object of a cell's folder."""
    return f"{settings.products_prefix}{field_id}/{day}/{name}"

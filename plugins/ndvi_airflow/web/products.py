"""Reading the products of cells, which may be missing or damaged."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fastapi import HTTPException
from pydantic import ValidationError
from shapely.geometry.base import BaseGeometry

from ndvi_airflow.web.dependencies import Bucket, Current, RegistryAtNeed
from ndvi_airflow.web.pagination import Day
from ndvi_core.errors import BadInput, NotFound
from ndvi_core.models.observation import Observation
from ndvi_core.products.cell import STATEMENT, read_observation_json
from ndvi_core.registry.fields import load_boundary


class StatedRaster(NamedTuple):
    """A cell's raster, and what it was computed for."""

    raster: bytes
    """GeoTIFF."""
    observation: Observation
    boundary: BaseGeometry
    """WGS84; that of the observation, which may be an earlier one of the field's."""


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
        raise HTTPException(
            404, f"{field_id} has nothing of {day}: no value was computed, or its row alone is kept"
        ) from error


def stated_raster(bucket: Bucket, settings: Current, registry: RegistryAtNeed, field_id: str, day: Day) -> StatedRaster:
    """Return a cell's raster with its observation and boundary.

    Raises:
        HTTPException: 404.
        BadInput: the observation's JSON is damaged.
    """
    raster = product(bucket, settings, field_id, day, "ndvi.tif")
    observation = read_observation_json(product(bucket, settings, field_id, day, STATEMENT))
    with registry() as connection:
        boundary = load_boundary(connection, observation.field_id, observation.geometry_hash)
    if boundary is None:
        raise HTTPException(404, f"the registry does not have the boundary that {field_id} had on {day}")
    return StatedRaster(raster, observation, boundary)


def key_of(settings: Current, field_id: str, day: Day, name: str) -> str:
    """Return the key of an object of a cell's folder."""
    return f"{settings.products_prefix}{field_id}/{day}/{name}"

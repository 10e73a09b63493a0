"""The geometry type of all models: shapely polygons in WGS84, GeoJSON in JSON, with a stable content hash."""

import hashlib
from typing import Annotated, Any

import shapely
from pydantic import PlainSerializer, PlainValidator
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

HASH_PRECISION = 9
"""Decimals of a degree (0.1 mm) that count for the hash: noise of float formatting below that is not a change."""


def _as_geometry(value: Any) -> BaseGeometry:
    if isinstance(value, BaseGeometry):
        return value
    try:
        return shape(value)
    except (AttributeError, LookupError, TypeError, shapely.errors.ShapelyError) as error:  # as malformed input has it
        raise ValueError(f"not a GeoJSON geometry: {error}") from error


Geometry = Annotated[BaseGeometry, PlainValidator(_as_geometry), PlainSerializer(mapping, return_type=dict)]
"""A shapely geometry, longitude and latitude in degrees (WGS84, OGC:CRS84 axis order)."""


def geometry_hash(geometry: BaseGeometry) -> str:
    """Return 16 hex digits of the SHA-256 of the geometry's content.

    Ring orientation, the start of a ring and the order of parts do not count, nor do digits beyond `HASH_PRECISION`.
    """
    rounded = shapely.transform(geometry, lambda xy: xy.round(HASH_PRECISION) + 0.0)  # + 0.0 turns -0.0 into 0.0
    return hashlib.sha256(shapely.to_wkb(shapely.normalize(rounded), byte_order=1)).hexdigest()[:16]


def polygonal(geometry: BaseGeometry) -> BaseGeometry | None:
    """Return the parts of a valid geometry that have an area, as one Polygon or MultiPolygon; None if there is none."""
    if geometry.geom_type == "Polygon":
        return shapely.orient_polygons(geometry) if geometry.area > 0 else None
    parts = shapely.get_parts(shapely.get_parts(geometry))  # twice: a collection may hold multi-part geometries
    parts = parts[shapely.area(parts) > 0]
    if len(parts) == 0:
        return None
    return shapely.orient_polygons(parts[0] if len(parts) == 1 else shapely.multipolygons(parts))

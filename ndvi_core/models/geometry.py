"""The geometry type of all models: shapely polygons in WGS84, GeoJSON in JSON, with a stable content hash."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

HASH_PRECISION = 9
"""Decimals of a degree (0.1 mm) that count for the hash: noise of float formatting below that is not a change."""

EQUATORIAL_RADIUS = 6_378_137.0
"""WGS84's semi-major axis, metres (NIMA TR8350.2, table 3.1)."""
ECCENTRICITY = (2 / 298.257223563 - 298.257223563**-2) ** 0.5
"""WGS84's first eccentricity, from its flattening (ibid.)."""
AREA_DIGITS = 8
"""Decimals of a hectare (1 cm²) in areas: noise of a machine's sine below that is not in files."""


def _as_geometry(value: Any) -> BaseGeometry:
    if isinstance(value, BaseGeometry):
        return value
    try:
        return shape(value)
    # As malformed input has it.
    except (AttributeError, LookupError, OverflowError, TypeError, shapely.errors.ShapelyError) as error:
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


def area_ha(geometries: Sequence[BaseGeometry]) -> NDArray[np.float64]:
    """Return the areas of polygons and multipolygons on the ellipsoid (WGS84), in hectares; holes do not count.

    The plane that longitude and `q` of Snyder 1987 (Map projections: a working manual), eq. 3-12, make has equal areas.
    An edge is straight in longitude and latitude, as GeoJSON has it (RFC 7946, 3.1.1), and so a curve there: what lies
    below it is by Simpson's rule.
    """
    parts, owners = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
    # Exteriors run against the clock and holes with it, so that the areas of the rings add up.
    rings, parts_of_rings = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
    degrees, rings_of_points = shapely.get_coordinates(rings, return_index=True)
    longitude, latitude = np.radians(degrees).T
    q, q_midway = _authalic_q(latitude), _authalic_q((latitude[1:] + latitude[:-1]) / 2)
    is_edge = rings_of_points[1:] == rings_of_points[:-1]
    below = np.where(is_edge, (longitude[1:] - longitude[:-1]) * (q[1:] + 4 * q_midway + q[:-1]) / 6, 0.0)
    owner = owners[parts_of_rings[rings_of_points[:-1]]]
    strips = np.bincount(owner, weights=below, minlength=len(geometries))
    square_metres = -strips * EQUATORIAL_RADIUS**2 / 2
    return np.round(square_metres / 10_000, AREA_DIGITS) + 0.0


def _authalic_q(latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return q of Snyder 1987, eq. 3-12: twice the area between the equator and a latitude, by radian and radius².

    Args:
        latitude: radians.
    """
    e, sine = ECCENTRICITY, np.sin(latitude)
    return (1 - e**2) * (sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e)

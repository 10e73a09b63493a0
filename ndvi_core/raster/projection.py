"""From longitude and latitude to the plane of a raster's CRS."""

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import BadInput
from ndvi_core.models.arrays import Floats, Indexes

MAX_SEGMENT = 0.001
"""Degrees, the longest edge that is projected by its ends alone.

An edge is straight in longitude and latitude (RFC 7946, 3.1.1), not in the raster's CRS. Of an edge with the extents
`dlon`, `dlat` (radians), the projected chord is off by at most `R / 8 * (2 * dlon * dlat * sin(lat))` eastwards and
`R / 8 * (dlon**2 * sin(lat) * cos(lat))` northwards (the second derivatives of `R * dlon * cos(lat)` and of a
parallel's bend): 0.24 mm at worst, far below a hundredth of a pixel. Ten times longer edges would do for the map, but
would show in the sixth decimal of a field's NDVI.
"""

WGS84 = 4326
"""EPSG code of longitude and latitude."""


def project(geometry: BaseGeometry, epsg: int) -> BaseGeometry:
    """Return a polygon or multipolygon (WGS84) in the CRS `epsg`, its edges running where they do on the ground.

    Raises:
        BadInput: when it has no place in that CRS.
    """
    kind, coordinates, offsets = shapely.to_ragged_array([geometry], include_z=False)
    dense, ring_start = densify(coordinates, offsets[0])
    projected = to_crs(dense, epsg)
    if projected is None:
        raise BadInput(f"a geometry with the bounds {geometry.bounds} (WGS84) cannot be shown in EPSG:{epsg}")
    return shapely.from_ragged_array(kind, projected, (ring_start, *offsets[1:]))[0]


def shrink(geometry: BaseGeometry, metres: float) -> BaseGeometry:
    """Return a polygon or multipolygon (WGS84) without what is nearer to its edge; it may be empty.

    It is shrunk in the UTM zone that its centre is in, where a metre is one to 0.04 %.
    """
    if not metres:
        return geometry
    centre = geometry.centroid
    zone = min(int((centre.x + 180) / 6) + 1, 60)
    epsg = (32600 if centre.y >= 0 else 32700) + zone
    return unproject(project(geometry, epsg).buffer(-metres), epsg)


def unproject(geometry: BaseGeometry, epsg: int) -> BaseGeometry:
    """Return a geometry of the CRS `epsg` in longitude and latitude, vertex by vertex."""
    from rasterio.crs import CRS
    from rasterio.warp import transform

    def degrees(points: Floats) -> Floats:
        return np.column_stack(transform(CRS.from_epsg(epsg), CRS.from_epsg(WGS84), points[:, 0], points[:, 1]))

    return shapely.transform(geometry, degrees)


def densify(coordinates: Floats, ring_start: Indexes) -> tuple[Floats, Indexes]:
    """Return rings with more vertices, so that no edge is longer than `MAX_SEGMENT`.

    `shapely.segmentize` is not used since it repairs what it takes for invalid: a thin polygon may come out as a line.

    Args:
        coordinates: (n, 2) vertices of all rings.
        ring_start: index of each ring's first vertex, then n.
    """
    step = np.diff(coordinates, axis=0, append=coordinates[-1:])
    step[ring_start[1:] - 1] = 0.0  # a ring's last vertex begins no edge
    parts = np.maximum(np.ceil(np.hypot(step[:, 0], step[:, 1]) / MAX_SEGMENT), 1).astype(np.intp)
    end = np.cumsum(parts)
    vertex = np.repeat(np.arange(len(parts)), parts)
    fraction = (np.arange(len(vertex)) - (end - parts)[vertex]) / parts[vertex]
    return coordinates[vertex] + step[vertex] * fraction[:, np.newaxis], np.append(0, end)[ring_start]


def to_crs(coordinates: Floats, epsg: int) -> Floats | None:
    """Return (n, 2) longitudes and latitudes in the CRS `epsg`, None when one of them has no place in it."""
    from rasterio._err import CPLE_BaseError  # rasterio lets it through and has no public name for it
    from rasterio.crs import CRS
    from rasterio.warp import transform

    try:
        x, y = transform(CRS.from_epsg(WGS84), CRS.from_epsg(epsg), coordinates[:, 0], coordinates[:, 1])
    except CPLE_BaseError:
        return None
    projected = np.column_stack([x, y])
    return projected if np.isfinite(projected).all() else None

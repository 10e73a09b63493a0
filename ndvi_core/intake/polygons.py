"""From the coordinates of a GeoJSON geometry to a valid polygon, repaired where that is safe."""

from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.intake.crs import check_crs
from ndvi_core.intake.document import Note, Reason, Rejection, as_object, show
from ndvi_core.models.geometry import polygonal

MAX_VERTICES = 200_000
"""Vertices of one field, at most. Cadastral boundaries have hundreds; more than this is a mistake or an attack."""
MAX_AREA_CHANGE = 0.01
"""Fraction of a self-intersecting boundary's area by which a repair may change it."""
MAX_CROSSINGS = 1_000
"""Self-intersections beyond which a repair is not tried: its time and memory grow with their number."""

_SEGMENT_PAIRS = 2_000_000
"""Pairs of segments that counting the crossings holds at a time (32 MB)."""
_NO_HEIGHT = ("", "-", "n/a", "na", "nil", "none", "null")
"""Texts for a height that is missing, besides those that Python reads as NaN."""
_TYPES = ("Polygon", "MultiPolygon", "GeometryCollection")


class ReadGeometry(NamedTuple):
    """A geometry that was read, and what there is to tell of it."""

    geometry: BaseGeometry
    """Polygon or MultiPolygon of two or more parts, valid, WGS84, 2D, exterior rings counter-clockwise (RFC 7946)."""
    notes: tuple[Note, ...]
    """That it was repaired, how much that changed the area; that its reference system was taken as WGS84."""


def read_geometry(geometry: object, where: str) -> ReadGeometry:
    """Read a Polygon, a MultiPolygon, or a GeometryCollection of these, which is taken as one MultiPolygon.

    Rings may wind either way; all but the first two members of a position (Z, M) are dropped, even if they are missing
    (null, "NaN"); `bbox` is not read.

    Args:
        geometry: as `document.read_json` returns it, all numbers floats.
        where: JSON pointer to it.

    Raises:
        Rejection: naming the position, ring or member that is wrong and what to do.
    """
    notes: list[Note] = []
    polygons = [_polygon(coordinates, at) for coordinates, at in _polygons(geometry, where, notes)]
    drawn = polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)
    vertices = shapely.get_num_coordinates(drawn)
    if vertices > MAX_VERTICES:
        raise Rejection(
            "too_many_vertices",
            where,
            f"{vertices} vertices are more than the {MAX_VERTICES} that a field may have: simplify the boundary",
        )
    valid = drawn
    if not shapely.is_valid(drawn):
        valid, repair = _repair(drawn, where)
        notes.append(Note("mended", where, f"{repair}: check that it is still the field"))
    whole = polygonal(valid)
    if whole is None:
        raise Rejection("zero_area", where, "the boundary encloses no area: draw it around the field")
    return ReadGeometry(whole, tuple(notes))


def _polygons(geometry: object, where: str, notes: list[Note]) -> list[tuple[Any, str]]:
    """Return the `coordinates` of each polygon with its JSON pointer, and add to `notes`."""
    members = as_object(geometry, where, "no_geometry", "geometry")
    note = check_crs(members, where)
    if note is not None:
        notes.append(note)
    kind = members.get("type")
    if kind not in _TYPES:
        raise Rejection("not_polygonal", f"{where}/type", f"a field is a Polygon or a MultiPolygon, not {show(kind)}")
    if kind == "Polygon":
        return [(members.get("coordinates"), f"{where}/coordinates")]
    if kind == "MultiPolygon":
        return _numbered(members.get("coordinates"), f"{where}/coordinates", "the coordinates of a MultiPolygon")
    found: list[tuple[Any, str]] = []
    for part, at in _numbered(members.get("geometries"), f"{where}/geometries", "the geometries of a collection"):
        if isinstance(part, dict) and part.get("type") == "GeometryCollection":
            raise Rejection("not_polygonal", at, "collections within collections are not read: make it a MultiPolygon")
        found += _polygons(part, at, notes)
    return found


def _polygon(coordinates: object, where: str) -> BaseGeometry:
    shell, *holes = (_ring(ring, at) for ring, at in _numbered(coordinates, where, "the coordinates of a Polygon"))
    return shapely.polygons(shell, holes=holes or None)


def _ring(positions: object, where: str) -> BaseGeometry:
    if not isinstance(positions, list):
        raise Rejection("bad_coordinates", where, f"a ring has to be an array of positions, not {show(positions)}")
    _check_positions(positions, where)
    if len(positions) < 4:
        raise Rejection(
            "too_few_points",
            where,
            f"the ring has {len(positions)} positions: it takes at least 4, the last of which repeats the first",
        )
    lonlat = np.array([position[:2] for position in positions])
    west, south = lonlat.min(axis=0)
    east, north = lonlat.max(axis=0)
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):  # NaN is not either
        raise _out_of_range(lonlat, where)
    if positions[0][:2] != positions[-1][:2]:
        raise Rejection(
            "unclosed_ring",
            where,
            f"the ring ends at {_place(lonlat[-1])}, not where it began: repeat {_place(lonlat[0])} at its end, "
            "or restore the vertices that were lost",
        )
    if east - west > 180:
        raise Rejection(
            "antimeridian",
            where,
            "the ring spans more than 180 degrees of longitude: if the field crosses the antimeridian, cut it at 180 "
            "into a MultiPolygon with one part on either side (RFC 7946, section 3.1.9)",
        )
    return shapely.linearrings(lonlat)


def _check_positions(positions: list[Any], where: str) -> None:
    """Check that each position is an array of two numbers and perhaps heights, fast where all are numbers."""
    if not positions:
        return
    if (
        set(map(type, positions)) == {list}
        and min(map(len, positions)) >= 2
        and set(map(type, chain.from_iterable(positions))) == {float}
    ):
        return
    for index, position in enumerate(positions):
        if not isinstance(position, list):
            raise Rejection(
                "bad_coordinates",
                f"{where}/{index}",
                f"a position has to be [longitude, latitude], not {show(position)}: check the depth of the arrays",
            )
        wrong = [value for value in position[:2] if not isinstance(value, float)]
        wrong += [value for value in position[2:] if not _is_height(value)]
        if wrong or len(position) < 2:
            got = f"with {show(wrong[0])} in it" if wrong else f"of {len(position)} numbers"
            raise Rejection(
                "bad_coordinates", f"{where}/{index}", f"a position has to be [longitude, latitude], not an array {got}"
            )


def _is_height(value: object) -> bool:
    """Return whether a value stands where a height may be: a number, or what programs write for one that is missing."""
    if value is None or isinstance(value, float):
        return True
    if not isinstance(value, str):
        return False
    if value.strip().lower() in _NO_HEIGHT:
        return True
    try:
        float(value)
    except ValueError:
        return False
    return True


def _out_of_range(lonlat: NDArray[np.float64], where: str) -> Rejection:
    within = (np.abs(lonlat) <= (180.0, 90.0)).all(axis=1)
    index = int(np.argmin(within))
    longitude, latitude = lonlat[index]
    reason: Reason = "out_of_range"
    if not np.isfinite(lonlat[index]).all():
        reason, remedy = "not_finite", "it has to be two finite numbers: remove or correct the vertex"
    elif abs(longitude) <= 90 and abs(latitude) <= 180:
        remedy = (
            "latitudes end at 90. Longitude comes first in GeoJSON: it looks as if the two were swapped "
            "(only an impossible latitude gives that away, so check the file's other fields too)"
        )
    elif abs(latitude) <= 90 and abs(longitude) <= 360:
        remedy = "longitudes end at 180: count from -180, and cut a field that crosses the antimeridian at 180"
    else:
        remedy = "it is not in degrees: reproject to WGS84 (EPSG:4326) and export again"
    return Rejection(reason, f"{where}/{index}", f"the position is {_place(lonlat[index])}: {remedy}")


def _repair(drawn: BaseGeometry, where: str) -> tuple[BaseGeometry, str]:
    """Make a self-intersecting boundary valid if that hardly changes its area, else reject it.

    The intended area is that of the shoelace formula over its rings, shells less holes. Lobes that are wound the other
    way count as negative there, doubly enclosed ground twice; neither does in the repaired polygon. So a spur or a loop
    at a corner is repaired, and a bow-tie or a field drawn over itself is rejected.
    """
    wrong = shapely.is_valid_reason(drawn)
    if not _crosses_little(drawn):
        raise _self_intersection(where, wrong, f"more than {MAX_CROSSINGS} times")
    repaired = _made_valid(drawn)
    if repaired is None:
        raise _self_intersection(where, wrong, "in a way that cannot be repaired")
    if repaired.area == 0:
        raise Rejection("zero_area", where, f"the boundary encloses no area ({wrong}): draw it around the field")
    if not abs(repaired.area - drawn.area) <= MAX_AREA_CHANGE * drawn.area:
        raise _self_intersection(where, wrong, f"so that a repair would change its area by over {MAX_AREA_CHANGE:.0%}")
    change = repaired.area / drawn.area - 1
    return repaired, f"the boundary was not valid ({wrong}) and was repaired; its area changed by {change:+.3%}"


def _made_valid(drawn: BaseGeometry) -> BaseGeometry | None:
    """Return the geometry made valid by the first of GEOS's two methods whose result is; None if neither's is.

    The structure method, which keeps to the rings as shells and holes, gives now and then a geometry that is not valid.
    """
    for options in ({"method": "structure", "keep_collapsed": False}, {"method": "linework"}):
        try:
            made = shapely.make_valid(drawn, **options)
        except shapely.errors.GEOSException:
            continue
        if shapely.is_valid(made):
            return made
    return None


def _self_intersection(where: str, wrong: str, how: str) -> Rejection:
    return Rejection(
        "self_intersection",
        where,
        f"the boundary crosses or touches itself ({wrong}, longitude and latitude) {how}: correct it in an editor",
    )


def _crosses_little(drawn: BaseGeometry) -> bool:
    """Return whether no more than `MAX_CROSSINGS` pairs of segments meet that are not neighbours."""
    rings = shapely.get_rings(shapely.get_parts(drawn))
    vertices, ring = shapely.get_coordinates(rings, return_index=True)
    segments = shapely.linestrings(np.stack([vertices[:-1], vertices[1:]], axis=1)[ring[:-1] == ring[1:]])
    tree = shapely.STRtree(segments)
    at_once = max(1, _SEGMENT_PAIRS // len(segments))
    meetings = 0
    for start, end in pairwise([*range(0, len(segments), at_once), len(segments)]):
        _, met = tree.query(segments[start:end], predicate="intersects")
        meetings += len(met) - 3 * (end - start)  # each meets itself and its two neighbours
        if meetings > 2 * MAX_CROSSINGS:  # each pair is met from both sides
            return False
    return True


def _numbered(values: object, where: str, what: str) -> list[tuple[Any, str]]:
    if not isinstance(values, list) or not values:
        got = show(values) if not isinstance(values, list) else "an empty one"
        raise Rejection("bad_coordinates", where, f"{what} have to be an array, not {got}")
    return [(value, f"{where}/{index}") for index, value in enumerate(values)]


def _place(position: NDArray[np.float64]) -> str:
    return f"[{position[0]:.10g}, {position[1]:.10g}]"

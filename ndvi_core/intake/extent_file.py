"""The file that states the processing extent."""

from ndvi_core.errors import BadInput, NotFound
from ndvi_core.intake.crs import check_crs
from ndvi_core.intake.document import Rejection, as_object, read_json, show
from ndvi_core.intake.formats import explained
from ndvi_core.intake.polygons import read_geometry
from ndvi_core.models.extent import Extent
from ndvi_core.storage.object_store import Store

MIN_RECTANGULARITY = 0.99
"""Share of its bounding box that the polygon has to fill: a rectangle but for rounding."""


def load_extent(store: Store, key: str) -> Extent:
    """Read the extent: a rectangle as a GeoJSON Polygon, bare, in a Feature, or in a FeatureCollection of one.

    Raises:
        NotFound: there is no such file.
        BadInput: it is not that; the message names the file, the place in it and the remedy.
    """
    try:
        data = store.read(key)
    except NotFound as error:
        raise NotFound(
            f"the extent {store.uri(key)} does not exist: upload a GeoJSON file with one rectangle (WGS84) there, "
            "or name another key by NDVI_EXTENT_KEY"
        ) from error
    try:
        return _rectangle(*_only_geometry(read_json(data)))
    except Rejection as error:
        rejection = explained(error, data)
        place = f" at {rejection.where}" if rejection.where else ""
        raise BadInput(f"the extent {store.uri(key)} is not usable{place}: {rejection.message}") from error


def _only_geometry(document: object) -> tuple[object, str]:
    """Return the one geometry of a document and its JSON pointer."""
    members = as_object(document, "", "not_geojson", "a GeoJSON file")
    check_crs(members, "")
    where = ""
    if members.get("type") == "FeatureCollection":
        features = members.get("features")
        count = len(features) if isinstance(features, list) else 0
        if not isinstance(features, list) or count != 1:
            raise Rejection("no_features", "/features", f"it has to have one feature, the rectangle, not {count}")
        where = "/features/0"
        members = as_object(features[0], where, "not_a_feature", "a feature")
        if members.get("type") != "Feature":
            raise Rejection(
                "not_a_feature", f"{where}/type", f'it has to be "Feature", not {show(members.get("type"))}'
            )
    if members.get("type") == "Feature":
        check_crs(members, where)
        return members.get("geometry"), f"{where}/geometry"
    return members, where


def _rectangle(geometry: object, where: str) -> Extent:
    drawn = read_geometry(geometry, where).geometry
    west, south, east, north = drawn.bounds
    if drawn.area < MIN_RECTANGULARITY * (east - west) * (north - south):
        raise Rejection(
            "not_polygonal",
            where,
            "the extent has to be a rectangle along meridians and parallels; the one around this polygon is "
            f"west {west:.10g}, south {south:.10g}, east {east:.10g}, north {north:.10g}",
        )
    return Extent(west=west, south=south, east=east, north=north)

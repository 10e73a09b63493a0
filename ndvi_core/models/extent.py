"""The extent: the rectangle outside which nothing is processed."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import shapely
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Attribute
from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import BadInput, NotFound
from ndvi_core.intake.document import Rejection, as_object, check_crs, read_json, show
from ndvi_core.intake.polygons import polygonal, read_boundary
from ndvi_core.models.geometry import geometry_hash
from ndvi_core.storage.object_store import Store

MIN_RECTANGULARITY = 0.99
"""Share of its bounding box that the polygon has to fill: a rectangle but for rounding."""


class Extent(BaseModel):
    """A rectangle along meridians and parallels, degrees, WGS84; it does not cross the antimeridian."""

    model_config = ConfigDict(frozen=True)

    west: float = Attribute(ge=-180, le=180)
    south: float = Attribute(ge=-90, le=90)
    east: float = Attribute(ge=-180, le=180)
    north: float = Attribute(ge=-90, le=90)

    @model_validator(mode="after")
    def _has_an_area(self) -> Self:
        if not (self.west < self.east and self.south < self.north):
            raise ValueError("west has to be less than east, and south less than north")
        return self

    @property
    def polygon(self) -> BaseGeometry:
        return shapely.box(self.west, self.south, self.east, self.north)

    @property
    def content_hash(self) -> str:
        """16 hex digits, as `geometry_hash` of the polygon."""
        return geometry_hash(self.polygon)


def load_extent(store: Store, key: str) -> Extent:
    """Read the extent: a rectangle as a GeoJSON Polygon, bare, in a Feature, or in a FeatureCollection of one.

    Raises:
        NotFound: there is no such file.
        BadInput: it is not that; the message names the file, the place in it and the mend.
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
    except Rejection as rejection:
        place = f" at {rejection.where}" if rejection.where else ""
        raise BadInput(f"the extent {store.uri(key)} is not usable{place}: {rejection.message}") from rejection


def clip(geometries: Sequence[BaseGeometry], extent: Extent) -> list[BaseGeometry | None]:
    """Return what of each valid polygon or multipolygon lies within the extent.

    A geometry that is wholly inside comes back as the same object; None is one that has no area inside.
    """
    bounds = shapely.bounds(list(geometries)).reshape(-1, 4)
    low, high = (extent.west, extent.south), (extent.east, extent.north)
    inside = np.all((bounds[:, :2] >= low) & (bounds[:, 2:] <= high), axis=1).tolist()
    return [
        geometry if whole else polygonal(shapely.intersection(geometry, extent.polygon))
        for geometry, whole in zip(geometries, inside, strict=True)
    ]


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
    drawn = read_boundary(geometry, where).geometry
    west, south, east, north = drawn.bounds
    if drawn.area < MIN_RECTANGULARITY * (east - west) * (north - south):
        raise Rejection(
            "not_polygonal",
            where,
            "the extent has to be a rectangle along meridians and parallels; the one around this polygon is "
            f"west {west:.10g}, south {south:.10g}, east {east:.10g}, north {north:.10g}",
        )
    return Extent(west=west, south=south, east=east, north=north)

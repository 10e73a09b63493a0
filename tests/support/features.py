"""GeoJSON: polygons, features and files of features, and the problems that the intake finds in them."""

import json
from typing import Any
from zlib import crc32

from ndvi_core.intake.features import ParsedFields, Problem

RING = [[10.0, 40.0], [10.01, 40.0], [10.01, 40.01], [10.0, 40.01], [10.0, 40.0]]
SQUARE = {"type": "Polygon", "coordinates": [RING]}
PROPERTIES = {"object-type": "field", "object-id": "field_1", "plant-date": "2025-04-01", "plant-type": "maize"}
ABSENT = object()


def ring(*corners: tuple[float, ...]) -> list[list[float]]:
    return [list(corner) for corner in (*corners, corners[0])]


def polygon(*corners: tuple[Any, ...]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring(*corners)]}


def square_of(object_id: Any) -> dict[str, Any]:
    """Return a square in a place that goes by the id, so that fields lie apart; that of most tests is `SQUARE`."""
    if object_id == PROPERTIES["object-id"]:
        return SQUARE
    east, north = divmod(crc32(str(object_id).encode(errors="replace")) % 10_000, 100)
    return {"type": "Polygon", "coordinates": [[[x + 0.02 * (east + 1), y + 0.02 * north] for x, y in RING]]}


def feature(geometry: Any = ABSENT, **properties: Any) -> dict[str, Any]:
    """Return a feature; properties are named with `_` for `-`."""
    if geometry is ABSENT:
        geometry = square_of(properties.get("object_id", PROPERTIES["object-id"]))
    given = {**PROPERTIES, **{name.replace("_", "-"): value for name, value in properties.items()}}
    return {
        "type": "Feature",
        "properties": {name: value for name, value in given.items() if value is not ABSENT},
        "geometry": geometry,
    }


def collection(*features: Any, **members: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", **members, "features": features}).encode()


def found(parsed: ParsedFields) -> list[tuple[int | None, str, str]]:
    return [(problem.feature, problem.reason, problem.where) for problem in parsed.problems]


def only_problem(parsed: ParsedFields) -> Problem:
    assert len(parsed.problems) == 1
    return parsed.problems[0]

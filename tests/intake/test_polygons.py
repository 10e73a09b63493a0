"""Which geometries are boundaries, which are mended, and which are rejected with what words."""

from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import shape
from support.features import RING, SQUARE, collection, feature, found, only_problem, polygon, ring

from ndvi_core.intake.features import parse_fields
from ndvi_core.intake.polygons import MAX_VERTICES

HOLE = ring((10.002, 40.002), (10.002, 40.004), (10.004, 40.004), (10.004, 40.002))
FAR = ring((10.05, 40.0), (10.06, 40.0), (10.06, 40.01))
TWO = {"type": "MultiPolygon", "coordinates": [[RING], [FAR]]}


@pytest.mark.parametrize(
    ("geometry", "same_as"),
    [
        pytest.param({"type": "Polygon", "coordinates": [RING[::-1]]}, SQUARE, id="clockwise"),
        pytest.param({"type": "Polygon", "coordinates": [RING, HOLE[::-1]]}, None, id="hole counter-clockwise"),
        pytest.param({"type": "Polygon", "coordinates": [[[*p, 99.5] for p in RING]]}, SQUARE, id="3D"),
        pytest.param({"type": "Polygon", "coordinates": [[[*p, 1, 2] for p in RING]]}, SQUARE, id="4D"),
        pytest.param({"type": "Polygon", "coordinates": [[[*p, None] for p in RING]]}, SQUARE, id="null heights"),
        pytest.param(
            {"type": "Polygon", "coordinates": [[[*p, "NaN"] for p in RING]]}, SQUARE, id="heights NaN in quotes"
        ),
        pytest.param(
            {"type": "Polygon", "coordinates": [[[*p, float("nan")] for p in RING]]}, SQUARE, id="heights NaN"
        ),
        pytest.param(
            {
                "type": "Polygon",
                "coordinates": [[[*p, z, None] for p, z in zip(RING, [1, "", "n/a", "9.5", None], strict=True)]],
            },
            SQUARE,
            id="mixed",
        ),
        pytest.param({"type": "Polygon", "coordinates": [[RING[0], *([*p, 3] for p in RING[1:])]]}, SQUARE, id="some"),
        pytest.param({"type": "Polygon", "coordinates": [[p for p in RING for _ in "ab"]]}, None, id="repeated"),
        pytest.param({"type": "MultiPolygon", "coordinates": [[RING]]}, SQUARE, id="one part"),
        pytest.param(TWO, None, id="two parts"),
        pytest.param({"type": "GeometryCollection", "geometries": [SQUARE]}, SQUARE, id="collection of one"),
        pytest.param(
            {"type": "GeometryCollection", "geometries": [SQUARE, {"type": "MultiPolygon", "coordinates": [[FAR]]}]},
            TWO,
            id="collection of polygons",
        ),
        pytest.param(
            {
                "type": "MultiPolygon",
                "coordinates": [
                    [ring((179, 10), (180, 10), (180, 11), (179, 11))],
                    [ring((-180, 10), (-179, 10), (-179, 11), (-180, 11))],
                ],
            },
            None,
            id="cut at the antimeridian",
        ),
        pytest.param({"type": "Polygon", "coordinates": [ring((10, 40), (11, 40), (11, 41))]}, None, id="integers"),
    ],
)
def test_these_geometries_are_taken_as_they_are_meant(geometry: Any, same_as: Any) -> None:
    parsed = parse_fields(collection(feature(geometry)))
    assert parsed.problems == ()
    (field,) = parsed.fields
    assert field.geometry.equals(shape(same_as or geometry))
    assert field.geometry.is_valid
    assert not field.geometry.has_z
    if same_as is not None:
        (reference,) = parse_fields(collection(feature(same_as))).fields
        assert field.geometry_hash == reference.geometry_hash
    for part in shapely.get_parts(field.geometry):
        assert part.exterior.is_ccw
        assert not any(hole.is_ccw for hole in part.interiors)


GEOMETRIES_REJECTED = [
    pytest.param(None, "no_geometry", "", id="null"),
    pytest.param("POLYGON ((0 0, 1 0, 1 1, 0 0))", "no_geometry", "", id="WKT"),
    pytest.param({"coordinates": [RING]}, "not_polygonal", "/type", id="no type"),
    pytest.param({"type": {}, "coordinates": [RING]}, "not_polygonal", "/type", id="the type is an object"),
    pytest.param({"type": "LineString", "coordinates": RING}, "not_polygonal", "/type", id="a line"),
    pytest.param({"type": "Polygon"}, "bad_coordinates", "/coordinates", id="no coordinates"),
    pytest.param({"type": "Polygon", "coordinates": []}, "bad_coordinates", "/coordinates", id="no ring"),
    pytest.param({"type": "Polygon", "coordinates": {}}, "bad_coordinates", "/coordinates", id="an object"),
    pytest.param({"type": "Polygon", "coordinates": [[]]}, "too_few_points", "/coordinates/0", id="empty ring"),
    pytest.param({"type": "Polygon", "coordinates": [RING, []]}, "too_few_points", "/coordinates/1", id="empty hole"),
    pytest.param({"type": "Polygon", "coordinates": RING}, "bad_coordinates", "/coordinates/0/0", id="too shallow"),
    pytest.param({"type": "Polygon", "coordinates": [[RING]]}, "bad_coordinates", "/coordinates/0/0", id="too deep"),
    pytest.param({"type": "MultiPolygon", "coordinates": [RING]}, "bad_coordinates", "/coordinates/0/0/0", id="flat"),
    pytest.param({"type": "MultiPolygon", "coordinates": []}, "bad_coordinates", "/coordinates", id="no parts"),
    pytest.param(polygon((0, 0), ("1", 0), (1, 1)), "bad_coordinates", "/coordinates/0/1", id="number in quotes"),
    pytest.param(polygon((0, 0), (1, 0), (True, 1)), "bad_coordinates", "/coordinates/0/2", id="a boolean"),
    pytest.param(polygon((0, 0), (1, None), (1, 1)), "bad_coordinates", "/coordinates/0/1", id="a null"),
    pytest.param(polygon((0, 0), (1,), (1, 1)), "bad_coordinates", "/coordinates/0/1", id="a longitude alone"),
    pytest.param(polygon((0, 0), (1, 0, "z"), (1, 1)), "bad_coordinates", "/coordinates/0/1", id="a text as height"),
    pytest.param(polygon((0, 0), (float("nan"), 0), (1, 1)), "not_finite", "/coordinates/0/1", id="NaN"),
    pytest.param(polygon((0, 0), (1, 0), (1, float("inf"))), "not_finite", "/coordinates/0/2", id="Infinity"),
    pytest.param(polygon((0, 0), (10**400, 0), (1, 1)), "not_finite", "/coordinates/0/1", id="a huge integer"),
    pytest.param(polygon((0, 0), (1, 0)), "too_few_points", "/coordinates/0", id="two corners"),
    pytest.param({"type": "Polygon", "coordinates": [RING[:-1]]}, "unclosed_ring", "/coordinates/0", id="not closed"),
    pytest.param(polygon((0, 0), (1, 0), (181, 1)), "out_of_range", "/coordinates/0/2", id="longitude 181"),
    pytest.param(polygon((0, 89), (1, 89), (1, 90.5)), "out_of_range", "/coordinates/0/2", id="latitude 90.5"),
    pytest.param(polygon((40, 139), (40, 140), (41, 140)), "out_of_range", "/coordinates/0/0", id="swapped"),
    pytest.param(polygon((5e5, 5e6), (6e5, 5e6), (6e5, 6e6)), "out_of_range", "/coordinates/0/0", id="metres"),
    pytest.param(polygon((179, 0), (-179, 0), (-179, 1)), "antimeridian", "/coordinates/0", id="antimeridian"),
    pytest.param(polygon((0, 0), (1, 1), (2, 2)), "zero_area", "", id="corners in a line"),
    pytest.param(polygon((0, 0), (0, 0), (0, 0)), "zero_area", "", id="one corner thrice"),
    pytest.param({"type": "Polygon", "coordinates": [RING, RING]}, "zero_area", "", id="all hole"),
    pytest.param(polygon((0, 0), (1, 1), (1, 0), (0, 1)), "self_intersection", "", id="bow-tie"),
    pytest.param(polygon((0, 0), (3, 3), (3, 0), (0, 1)), "self_intersection", "", id="uneven bow-tie"),
    pytest.param(polygon(*RING[:-1], *RING[:-1]), "self_intersection", "", id="drawn twice"),
    pytest.param({"type": "MultiPolygon", "coordinates": [[RING], [RING]]}, "self_intersection", "", id="part twice"),
    pytest.param({"type": "GeometryCollection"}, "bad_coordinates", "/geometries", id="no geometries"),
    pytest.param({"type": "GeometryCollection", "geometries": []}, "bad_coordinates", "/geometries", id="empty"),
    pytest.param({"type": "GeometryCollection", "geometries": [5]}, "no_geometry", "/geometries/0", id="of a number"),
    pytest.param(
        {"type": "GeometryCollection", "geometries": [SQUARE, {"type": "Point", "coordinates": [10, 40]}]},
        "not_polygonal",
        "/geometries/1/type",
        id="collection with a point",
    ),
    pytest.param(
        {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection", "geometries": [SQUARE]}]},
        "not_polygonal",
        "/geometries/0",
        id="collection in a collection",
    ),
]


@pytest.mark.parametrize(("geometry", "reason", "where"), GEOMETRIES_REJECTED)
def test_a_bad_geometry_is_rejected_with_its_place(geometry: Any, reason: str, where: str) -> None:
    parsed = parse_fields(collection(feature(object_id="good"), feature(geometry)))
    assert [field.field_id for field in parsed.fields] == ["good"]
    assert found(parsed) == [(1, reason, f"/features/1/geometry{where}")]
    assert parsed.problems[0].id == "field_1"


@pytest.mark.parametrize(
    ("geometry", "mend"),
    [
        (polygon((40, 139), (40, 140), (41, 140)), "swapped"),
        (polygon((5e5, 5e6), (6e5, 5e6), (6e5, 6e6)), "reproject to WGS84"),
        (polygon((179, 0), (181, 0), (181, 1)), "cut a field that crosses the antimeridian at 180"),
        (polygon((179, 0), (-179, 0), (-179, 1)), "cut it at 180"),
        (polygon((0, 0), (1, 1), (1, 0), (0, 1)), r"Self-intersection\[0.5 0.5\]"),
        ({"type": "Polygon", "coordinates": [RING[:-1]]}, r"repeat \[10, 40\] at its end"),
    ],
)
def test_messages_name_the_mend(geometry: Any, mend: str) -> None:
    with pytest.raises(AssertionError, match=mend):
        raise AssertionError(only_problem(parse_fields(collection(feature(geometry)))).message)


SPUR = [*RING[:2], [10.01, 40.005], [10.02, 40.005], [10.01, 40.005], *RING[2:]]
LOOP = [*RING[:2], [10.0101, 40.01], [10.01, 40.0101], [10.01, 40.0099], *RING[3:]]


@pytest.mark.parametrize(
    ("geometry", "area"),
    [
        pytest.param({"type": "Polygon", "coordinates": [SPUR]}, 1e-4, id="a spur that goes out and back"),
        pytest.param(
            # The overlap of 0.0001 by 0.01 counts once.
            {
                "type": "MultiPolygon",
                "coordinates": [
                    [RING],
                    [ring((10.0099, 40.0), (10.02, 40.0), (10.02, 40.01), (10.0099, 40.01))],
                ],
            },
            2e-4,
            id="parts that overlap a little",
        ),
        pytest.param(
            {
                "type": "MultiPolygon",
                "coordinates": [[RING], [ring((10.01, 40.0), (10.02, 40.0), (10.02, 40.01), (10.01, 40.01))]],
            },
            2e-4,
            id="parts that share an edge",
        ),
        pytest.param(
            # Of the hole, 0.0001 by 0.001 sticks out; what is inside, 0.0009 by 0.001, stays a hole.
            {
                "type": "Polygon",
                "coordinates": [RING, ring((10.0091, 40.004), (10.0101, 40.004), (10.0101, 40.005), (10.0091, 40.005))],
            },
            1e-4 - 9e-7,
            id="a hole that sticks out a little",
        ),
    ],
)
def test_a_small_self_intersection_is_mended_with_a_note(geometry: Any, area: float) -> None:
    parsed = parse_fields(collection(feature(geometry)))
    (field,) = parsed.fields
    assert field.geometry.is_valid
    assert field.geometry.area == pytest.approx(area, rel=1e-6)
    note = only_problem(parsed)
    assert (note.reason, note.where, note.registered) == ("mended", "/features/0/geometry", True)


@pytest.mark.parametrize(("lobe", "mended"), [(0.04, True), (0.08, False), (0.5, False)])
def test_a_lobe_is_mended_up_to_one_percent_of_the_area(lobe: float, mended: bool) -> None:
    """Two triangles that touch at (0, 0): one of area 1, one of area lobe², wound the other way.

    The shoelace formula gives 1 - lobe², the mended polygon has 1 + lobe²: apart by 0.3 % and 1.3 % for the first two.
    """
    crossing = polygon((1, 1), (1, -1), (-lobe, lobe), (-lobe, -lobe))
    parsed = parse_fields(collection(feature(crossing)))
    assert len(parsed.fields) == int(mended)
    assert only_problem(parsed).reason == ("mended" if mended else "self_intersection")
    if mended:
        assert parsed.fields[0].geometry.area == pytest.approx(1 + lobe**2)


def test_a_boundary_that_stays_invalid_when_it_is_mended_is_rejected() -> None:
    """GEOS's structure method makes of this ring a geometry with crossings, its other method one of 6 % less area."""
    corners = [(10.5, 40.0), (9.0, 39.5625), (11.0, 39.5625), (9.0, 39.625), (10.5, 39.0), (9.0, 39.5625)]
    corners += [(10.625, 39.5625), (9.0, 40.0), (11.0, 39.5), (9.0, 41.0), (10.0, 39.6875)]
    parsed = parse_fields(collection(feature(polygon(*corners)), feature(object_id="neighbour")))
    assert only_problem(parsed).reason == "self_intersection"
    assert [field.field_id for field in parsed.fields] == ["neighbour"]


def test_a_scribble_is_rejected_without_an_attempt_to_mend_it() -> None:
    corners = np.random.default_rng(1).random((20_000, 2)).round(6).tolist()
    parsed = parse_fields(collection(feature({"type": "Polygon", "coordinates": [[*corners, corners[0]]]})))
    assert only_problem(parsed).reason == "self_intersection"
    assert "1000 times" in only_problem(parsed).message


def circle(vertices: int) -> dict[str, Any]:
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    corners = np.column_stack([10 + 0.01 * np.cos(angle), 40 + 0.01 * np.sin(angle)]).tolist()
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


def test_a_hundred_thousand_vertices_are_taken() -> None:
    parsed = parse_fields(collection(feature(circle(100_000))))
    assert parsed.problems == ()
    assert parsed.fields[0].geometry.area == pytest.approx(np.pi * 1e-4, rel=1e-6)


def test_more_vertices_than_the_limit_are_rejected() -> None:
    assert only_problem(parse_fields(collection(feature(circle(MAX_VERTICES))))).reason == "too_many_vertices"

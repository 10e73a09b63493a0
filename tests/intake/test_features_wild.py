"""GeoJSON as it comes: 162 files of other projects' validators, real parcels, and whatever hypothesis thinks of."""

import csv
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import shape
from support.chance import examples
from support.features import PROPERTIES, RING, SQUARE, collection, feature, ring

from ndvi_core.intake.features import ParsedFields, Problem, parse_fields

TWO = {"type": "MultiPolygon", "coordinates": [[RING], [ring((10.05, 40.0), (10.06, 40.0), (10.06, 40.01))]]}


def wrapped(document: Any) -> bytes | None:
    """Return a document with valid properties in each of its features, so that geometry alone decides; None if none."""
    if not isinstance(document, dict):
        return None
    if document.get("type") == "FeatureCollection" and isinstance(document.get("features"), list):
        features = document["features"]
    elif document.get("type") == "Feature":
        features, document = [document], {"type": "FeatureCollection", "features": [document]}
    else:
        features = [{"type": "Feature", "geometry": document}]
        document = {"type": "FeatureCollection", "features": features}
    for index, one in enumerate(features):
        if isinstance(one, dict):
            one["properties"] = {**PROPERTIES, "object-id": f"f{index}"}
    return json.dumps(document).encode()


def geometries(document: Any) -> Iterator[Any]:
    """Yield the polygonal geometries of a document by a reading of its own."""
    if not isinstance(document, dict):
        return
    if document.get("type") == "FeatureCollection":
        for one in document.get("features", []):
            yield from geometries(one)
    elif document.get("type") == "Feature":
        yield from geometries(document.get("geometry"))
    elif document.get("type") == "GeometryCollection":
        if all(list(geometries(part)) for part in document.get("geometries", [])):
            yield document
    elif document.get("type") in ("Polygon", "MultiPolygon"):
        yield document


GEOMETRY_DECIDES_OTHERWISE = {
    # Valid for shapely, which knows neither degrees nor closed rings; and two that it refuses for no reason of ours.
    "FeatureCollection03.json": "wrong_crs",
    "FeatureCollection08.json": "wrong_crs",
    "FeatureCollection09.json": "wrong_crs",
    "test_geojson_crs_from_epsg_utm.geojson": "wrong_crs",
    "problematic_crs_defined.geojson": "wrong_crs",
    "test_geojson_invalid_coordinates.geojson": "out_of_range",
    "problematic_outside_lat_lon_boundaries.geojson": "out_of_range",
    "issue82.geojson": "out_of_range",
    "problematic_crosses_antimeridian.geojson": "antimeridian",
    "invalid_unclosed.geojson": "unclosed_ring",
    "different-first-last.geojson": "unclosed_ring",
    "short-linearring.geojson": "too_few_points",
    "problematic_self_intersection_small.geojson": "mended",
    "problematic_4d_coordinates.geojson": None,
    "different-first-size.geojson": None,
}


def bad_files(realdata: Path) -> Iterator[tuple[Path, str]]:
    folder = realdata / "badgeojson"
    with (folder / "index.csv").open(newline="") as index:
        for row in csv.DictReader(index):
            yield folder / row["file"], row["shapely_verdict"]


def test_162_files_of_other_validators_end_with_a_reason_each(realdata: Path) -> None:
    files = [path for path, _ in bad_files(realdata)]
    assert len(files) == 162
    for path in files:
        parsed = parse_fields(path.read_bytes())
        assert parsed.fields == (), path  # none has our properties
        assert parsed.problems, path
        assert all(problem.message for problem in parsed.problems), path


def test_given_our_properties_geometry_decides_as_shapely_judges_it(realdata: Path) -> None:
    seen = set()
    for path, verdict in bad_files(realdata):
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            continue
        data = wrapped(document)
        if data is None:
            continue
        parsed = parse_fields(data)
        polygons = len(list(geometries(document)))
        if path.name in GEOMETRY_DECIDES_OTHERWISE:
            reason = GEOMETRY_DECIDES_OTHERWISE[path.name]
            assert [problem.reason for problem in parsed.problems] == ([reason] if reason else []), path
            seen.add(path.name)
        elif verdict.startswith("Valid Geometry"):
            assert len(parsed.fields) == polygons, path
        else:
            assert parsed.fields == (), path
            assert parsed.problems, path
    assert seen == set(GEOMETRY_DECIDES_OTHERWISE)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("si_2021_gsaa_slovenia.geojson", 100),
        ("nl_brp_2023.geojson", 100),
        ("us_ca_statewide_crop_2023_3d.geojson", 100),
        ("example.json", 2),
    ],
)
def test_real_parcels_are_all_taken_with_their_area(realdata: Path, name: str, count: int) -> None:
    document = json.loads((realdata / "fields" / name).read_bytes())
    expected = [shapely.force_2d(shape(one["geometry"])).area for one in document["features"]]
    data = wrapped(document)
    assert data is not None
    parsed = parse_fields(data)
    assert parsed.problems == ()
    assert len(parsed.fields) == count
    assert [field.geometry.area for field in parsed.fields] == pytest.approx(expected, rel=1e-9)


def check_invariants(parsed: ParsedFields, features: int | None = None) -> None:
    ids = [field.field_id for field in parsed.fields]
    assert len(ids) == len(set(ids))
    assert parsed.fields or parsed.problems
    for field in parsed.fields:
        west, south, east, north = field.geometry.bounds
        assert field.geometry.is_valid
        assert field.geometry.area > 0
        assert field.geometry.geom_type in ("Polygon", "MultiPolygon")
        assert west >= -180
        assert south >= -90
        assert east <= 180
        assert north <= 90
    for problem in parsed.problems:
        assert Problem.model_validate_json(problem.model_dump_json()) == problem
    if features is not None:
        without = {
            problem.feature
            for problem in parsed.problems
            if problem.reason not in ("mended", "near_property", "ids_differ_in_case", "crs_taken_as_wgs84")
        }
        assert len(ids) == features - len(without)


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    check_invariants(parse_fields(data))


MEMBERS = ["type", "features", "geometry", "properties", "coordinates", "geometries", "crs", "name"]
TYPES = ["Feature", "FeatureCollection", "Polygon", "MultiPolygon", "GeometryCollection"]
WORDS = st.sampled_from([*MEMBERS, *TYPES, *PROPERTIES, "end-date"])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS | st.sampled_from([*RING])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5),
    max_leaves=20,
)


@given(JSON, st.sampled_from(["FeatureCollection", "Feature", None]))
def test_no_json_raises(document: Any, kind: str | None) -> None:
    if kind and isinstance(document, dict):
        document["type"] = kind
    check_invariants(parse_fields(json.dumps(document).encode()))


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    yield from chain.from_iterable(paths(inner, (*path, key)) for key, inner in items)


@given(st.data())
@examples(200)
def test_a_feature_with_anything_anywhere_in_it_never_harms_its_neighbour(data: st.DataObject) -> None:
    geometry = data.draw(st.sampled_from([SQUARE, TWO, {"type": "GeometryCollection", "geometries": [SQUARE, TWO]}]))
    target = json.loads(json.dumps({"it": feature(geometry)}))
    path = data.draw(st.sampled_from([path for path in paths(target) if path]))
    holder = target
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = data.draw(JSON)
    parsed = parse_fields(collection(feature(object_id="good"), target["it"]))
    check_invariants(parsed, features=2)
    assert parsed.fields[0].field_id == "good"


@given(st.lists(st.tuples(st.floats(9, 11), st.floats(39, 41)), min_size=1, max_size=12))
@examples(200)
def test_any_ring_is_taken_valid_or_rejected(corners: list[tuple[float, float]]) -> None:
    parsed = parse_fields(collection(feature({"type": "Polygon", "coordinates": [ring(*corners)]})))
    check_invariants(parsed, features=1)

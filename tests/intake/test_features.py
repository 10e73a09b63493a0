"""What of a GeoJSON file becomes a field, and what is said of the rest: documents, properties, shared ids."""

import json
from datetime import date
from typing import Any

import pytest
from shapely.geometry import shape
from support.features import ABSENT, RING, SQUARE, collection, feature, found, only_problem

from ndvi_core.intake.features import ALWAYS_PLANTED, MAX_FEATURES, parse_fields


def test_a_good_feature_becomes_a_field_as_it_was_written() -> None:
    parsed = parse_fields(collection(feature(end_date="2025-09-30")))
    assert parsed.problems == ()
    (field,) = parsed.fields
    assert (field.field_id, field.plant_type) == ("field_1", "maize")
    assert (field.plant_date, field.end_date) == (date(2025, 4, 1), date(2025, 9, 30))
    assert field.geometry.equals(shape(SQUARE))


@pytest.mark.parametrize(
    ("data", "reason", "where"),
    [
        pytest.param(b"", "empty_file", "", id="no bytes"),
        pytest.param(b" \r\n\t", "empty_file", "", id="white space"),
        pytest.param(b"\xef\xbb\xbf", "empty_file", "", id="a byte order mark alone"),
        pytest.param(b"<html/>", "not_json", "line 1 column 1", id="html"),
        pytest.param(b'{"a": 1,\n "b" 2}', "not_json", "line 2 column 6", id="a colon is missing"),
        pytest.param(b"{}{}", "not_json", "line 1 column 3", id="two documents"),
        pytest.param(b"PK\x03\x04\x14\x00\xff", "not_utf8", "line 1 column 7", id="a zip file"),
        pytest.param(b'{\n"caf\xe9": 1}', "not_utf8", "line 2 column 5", id="Latin-1"),
        pytest.param(collection(feature()).decode().encode("utf-16"), "not_utf8", "", id="UTF-16 with its mark"),
        pytest.param(collection(feature()).decode().encode("utf-16-be"), "not_utf8", "", id="UTF-16 without"),
        pytest.param(collection(feature()).decode().encode("utf-32"), "not_utf8", "", id="UTF-32"),
        pytest.param(b"[" * 200_000, "too_deep", "", id="arrays without end"),
        pytest.param(b'{"features":' * 200_000, "too_deep", "", id="objects without end"),
        pytest.param(b"[]", "not_geojson", "", id="an array"),
        pytest.param(b'"text"', "not_geojson", "", id="a text"),
        pytest.param(b"NaN", "not_geojson", "", id="NaN alone"),
        pytest.param(b"1" * 10_000, "not_geojson", "", id="a number of 10000 digits"),
        pytest.param(b"{}", "not_geojson", "/type", id="no type"),
        pytest.param(b'{"type": ["FeatureCollection"]}', "not_geojson", "/type", id="the type is an array"),
        pytest.param(b'{"type": "featurecollection"}', "not_geojson", "/type", id="the type in small letters"),
        pytest.param(b'{"type": "Topology"}', "not_geojson", "/type", id="TopoJSON"),
        pytest.param(json.dumps(SQUARE).encode(), "bare_geometry", "/type", id="a bare polygon"),
        pytest.param(b'{"type": "FeatureCollection"}', "no_features", "/features", id="no features member"),
        pytest.param(b'{"type": "FeatureCollection", "features": {}}', "no_features", "/features", id="an object"),
        pytest.param(b'{"type": "FeatureCollection", "features": []}', "no_features", "/features", id="none in it"),
        pytest.param(
            b'{"type": "FeatureCollection", "features": [], "features": []}', "repeated_member", "", id="twice"
        ),
        pytest.param(collection(*[0] * (MAX_FEATURES + 1)), "too_many_features", "/features", id="too many"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem_of_the_whole_file(data: bytes, reason: str, where: str) -> None:
    parsed = parse_fields(data)
    assert parsed.fields == ()
    assert found(parsed) == [(None, reason, where)]


def test_a_file_cut_off_anywhere_is_rejected_and_said_to_be_cut_off() -> None:
    data = collection(feature())
    for length in range(1, len(data)):
        parsed = parse_fields(data[:length])
        assert parsed.fields == ()
        assert only_problem(parsed).reason == "not_json"
    assert "cut off" in only_problem(parse_fields(data[:-1])).message
    assert "cut off" in only_problem(parse_fields(data[: data.index(b"maize") + 2])).message


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xef\xbb\xbf" + collection(feature()), id="byte order mark"),
        pytest.param(json.dumps(feature()).encode(), id="a single feature"),
        pytest.param(b"\n  " + collection(feature()) + b"\n\n", id="white space around"),
        pytest.param(collection({**feature(), "bbox": "nonsense", "id": [1]}, bbox=[1], extra=1e999), id="foreign"),
        pytest.param(collection(feature(area=float("nan"), note="\ud800")), id="strange properties of others"),
        pytest.param(collection(feature(end_date=None)), id="no end date"),
    ],
)
def test_these_files_hold_one_good_field(data: bytes) -> None:
    parsed = parse_fields(data)
    assert parsed.problems == ()
    assert [field.field_id for field in parsed.fields] == ["field_1"]


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", True),
        ("urn:ogc:def:crs:OGC::CRS84", True),
        ("urn:ogc:def:crs:EPSG::4326", True),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", True),
        ("https://www.opengis.net/def/crs/EPSG/0/4326", True),
        ("EPSG:4326", True),
        ("epsg:4979", True),
        ("OGC:CRS84h", True),
        ("WGS 84", True),
        ("urn:ogc:def:crs:EPSG::32630", False),
        ("EPSG:14326", False),
        ("EPSG:43260", False),
        ("EPSG:4269", False),
        ("EPSG:4283", False),
        ("EPSG:25832", False),
        ("", False),
        (None, False),
        (4326, False),
    ],
)
def test_a_crs_member_has_to_name_wgs84(name: Any, accepted: bool) -> None:
    crs = {"type": "name", "properties": {"name": name}}
    for data, feature_index, where in [
        (collection(feature(), crs=crs), None, "/crs"),
        (collection({**feature(), "crs": crs}), 0, "/features/0/crs"),
        (collection(feature({**SQUARE, "crs": crs})), 0, "/features/0/geometry/crs"),
    ]:
        parsed = parse_fields(data)
        assert (len(parsed.fields), found(parsed)) == (
            (1, []) if accepted else (0, [(feature_index, "wrong_crs", where)])
        )
        assert accepted or "EPSG:4326" in parsed.problems[0].message


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "EPSG", "properties": {"code": 4326}},
        {"type": "EPSG", "properties": {"code": "4326"}},
        {"type": "epsg", "properties": {"code": 4979}},
        {"type": "OGC", "properties": {"urn": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
    ],
)
def test_wgs84_may_be_named_by_its_code(crs: Any) -> None:
    parsed = parse_fields(collection(feature(), crs=crs))
    assert (len(parsed.fields), parsed.problems) == (1, ())


@pytest.mark.parametrize(
    ("crs", "name"),
    [
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4258"}}, "ETRS89"),
        ({"type": "EPSG", "properties": {"code": 4258}}, "ETRS89"),
        ({"type": "name", "properties": {"name": "http://www.opengis.net/def/crs/EPSG/0/4171"}}, "RGF93"),
        ({"type": "name", "properties": {"name": "EPSG:4674"}}, "SIRGAS 2000"),
    ],
)
def test_what_is_wgs84_to_a_metre_is_taken_with_a_note(crs: Any, name: str) -> None:
    for data, feature_index, where in [
        (collection(feature(), crs=crs), None, "/crs"),
        (collection({**feature(), "crs": crs}), 0, "/features/0/crs"),
        (collection(feature({**SQUARE, "crs": crs})), 0, "/features/0/geometry/crs"),
        (json.dumps({**feature(), "crs": crs}).encode(), 0, "/crs"),
    ]:
        parsed = parse_fields(data)
        assert (len(parsed.fields), found(parsed)) == (1, [(feature_index, "crs_taken_as_wgs84", where)])
        assert parsed.problems[0].registered
        assert name in parsed.problems[0].message


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "EPSG", "properties": {"code": 25832}},
        {"type": "EPSG", "properties": {"code": "4326x"}},
        {"type": "EPSG", "properties": {"code": 4326.5}},
        {"type": "other", "properties": {"code": 4326}},
        {"type": "EPSG", "properties": {}},
    ],
)
def test_another_code_is_rejected(crs: Any) -> None:
    assert only_problem(parse_fields(collection(feature(), crs=crs))).reason == "wrong_crs"


@pytest.mark.parametrize("crs", ["EPSG:4326", 1, [], {}, {"type": "link", "properties": {"href": "x"}}])
def test_a_crs_member_that_cannot_be_understood_is_rejected(crs: Any) -> None:
    assert only_problem(parse_fields(collection(feature(), crs=crs))).reason == "wrong_crs"


@pytest.mark.parametrize(
    ("bad", "reason", "where"),
    [
        pytest.param(None, "not_a_feature", "", id="null"),
        pytest.param(7, "not_a_feature", "", id="a number"),
        pytest.param(SQUARE, "not_a_feature", "/type", id="a geometry among features"),
        pytest.param({**feature(), "properties": None}, "no_properties", "/properties", id="properties null"),
        pytest.param({**feature(), "properties": []}, "no_properties", "/properties", id="properties an array"),
        pytest.param({"type": "Feature", "geometry": SQUARE}, "no_properties", "/properties", id="no properties"),
        pytest.param(feature(object_type=ABSENT), "missing_property", "/properties/object-type", id="no type"),
        pytest.param(feature(object_type=None), "missing_property", "/properties/object-type", id="null as type"),
        pytest.param(feature(object_type="farm"), "wrong_object_type", "/properties/object-type", id="a farm"),
        pytest.param(feature(object_type=["field"]), "wrong_object_type", "/properties/object-type", id="array"),
        pytest.param(feature(object_id=ABSENT), "missing_property", "/properties/object-id", id="no id"),
        pytest.param(feature(object_id=""), "bad_id", "/properties/object-id", id="empty id"),
        pytest.param(feature(object_id=7.5), "bad_id", "/properties/object-id", id="half a number as id"),
        pytest.param(feature(object_id=-7), "bad_id", "/properties/object-id", id="a negative number as id"),
        pytest.param(feature(object_id=2.0**53), "bad_id", "/properties/object-id", id="a float beyond 2^53 as id"),
        pytest.param(feature(object_id=float("nan")), "bad_id", "/properties/object-id", id="NaN as id"),
        pytest.param(feature(object_id=True), "bad_id", "/properties/object-id", id="true as id"),
        pytest.param(feature(object_id=10**400), "bad_id", "/properties/object-id", id="a huge number as id"),
        pytest.param(feature(object_id="../../etc"), "bad_id", "/properties/object-id", id="a path as id"),
        pytest.param(feature(object_id=".."), "bad_id", "/properties/object-id", id="dots as id"),
        pytest.param(feature(object_id="a b"), "bad_id", "/properties/object-id", id="a space in an id"),
        pytest.param(feature(object_id="feld_ä"), "bad_id", "/properties/object-id", id="an umlaut in an id"),
        pytest.param(feature(object_id="field_1\n"), "bad_id", "/properties/object-id", id="a line end in an id"),
        pytest.param(feature(object_id="\ud800"), "bad_id", "/properties/object-id", id="half a character as id"),
        pytest.param(feature(object_id="-a"), "bad_id", "/properties/object-id", id="an id with a dash first"),
        pytest.param(feature(object_id="a" * 64), "bad_id", "/properties/object-id", id="64 characters"),
        pytest.param(feature(plant_type=ABSENT), "missing_property", "/properties/plant-type", id="no crop"),
        pytest.param(feature(plant_type=" "), "bad_plant_type", "/properties/plant-type", id="a blank crop"),
        pytest.param(feature(plant_type=3), "bad_plant_type", "/properties/plant-type", id="a number as crop"),
        pytest.param(feature(plant_type="a\0b"), "bad_plant_type", "/properties/plant-type", id="NUL in a crop"),
        pytest.param(feature(plant_type="\udfff"), "bad_plant_type", "/properties/plant-type", id="half a character"),
        pytest.param(feature(plant_type="a" * 101), "bad_plant_type", "/properties/plant-type", id="a long crop"),
        pytest.param(feature(plant_date=ABSENT), "missing_property", "/properties/plant-date", id="no plant date"),
        pytest.param(feature(plant_date=20250401), "bad_date", "/properties/plant-date", id="a number as date"),
        pytest.param(feature(plant_date="2025-02-29"), "bad_date", "/properties/plant-date", id="29 February 2025"),
        pytest.param(feature(plant_date="0000-01-01"), "bad_date", "/properties/plant-date", id="year 0"),
        pytest.param(feature(plant_date="01.04.2025"), "bad_date", "/properties/plant-date", id="German order"),
        pytest.param(feature(plant_date="20250401"), "bad_date", "/properties/plant-date", id="without dashes"),
        pytest.param(feature(plant_date="2025-W14-2"), "bad_date", "/properties/plant-date", id="a week date"),
        pytest.param(feature(plant_date="2025-04-01T00:00Z"), "bad_date", "/properties/plant-date", id="a time"),
        pytest.param(
            feature(plant_date="\uff12\uff10\uff12\uff15-04-01"), "bad_date", "/properties/plant-date", id="wide digits"
        ),
        pytest.param(feature(end_date=""), "bad_date", "/properties/end-date", id="an empty end date"),
        pytest.param(feature(end_date="2025-13-01"), "bad_date", "/properties/end-date", id="month 13"),
        pytest.param(feature(end_date="2025-03-31"), "end_before_plant", "/properties/end-date", id="ends too early"),
    ],
)
def test_a_bad_feature_is_listed_and_its_neighbours_are_registered(bad: Any, reason: str, where: str) -> None:
    parsed = parse_fields(collection(feature(object_id="before"), bad, feature(object_id="after")))
    assert [field.field_id for field in parsed.fields] == ["before", "after"]
    assert found(parsed) == [(1, reason, f"/features/1{where}")]
    assert not parsed.problems[0].registered
    assert parsed.problems[0].model_dump_json()  # it can be written to the errors file


def test_all_that_is_wrong_with_a_feature_is_told_at_once() -> None:
    parsed = parse_fields(
        collection(feature({"type": "Point", "coordinates": [1, 2]}, object_id="a b", plant_date="soon"))
    )
    assert [problem.reason for problem in parsed.problems] == ["bad_id", "bad_date", "not_polygonal"]
    assert {problem.id for problem in parsed.problems} == {"a b"}


def test_a_member_that_is_there_twice_rejects_only_its_feature() -> None:
    twice = json.dumps(feature()).replace('"object-id"', '"object-id": "other", "object-id"')
    data = collection(feature(object_id="good"), "TWICE").replace(b'"TWICE"', twice.encode())
    parsed = parse_fields(data)
    assert [field.field_id for field in parsed.fields] == ["good"]
    assert found(parsed) == [(1, "repeated_member", "/features/1/properties")]
    assert "object-id" in parsed.problems[0].message


def test_features_that_share_an_id_and_differ_are_all_rejected() -> None:
    parsed = parse_fields(
        collection(
            feature(object_id="a"),
            feature(object_id="b"),
            feature(object_id="a", plant_type="wheat"),
            feature(None, object_id="b"),
            feature(object_id="c"),
        )
    )
    assert [field.field_id for field in parsed.fields] == ["c"]
    assert [(problem.feature, problem.id, problem.reason) for problem in parsed.problems] == [
        (0, "a", "duplicate_id"),
        (1, "b", "duplicate_id"),
        (2, "a", "duplicate_id"),
        (3, "b", "no_geometry"),
        (3, "b", "duplicate_id"),
    ]
    assert "0 and 2" in parsed.problems[0].message
    assert not any(problem.registered for problem in parsed.problems)


def test_features_that_say_the_same_are_registered_once_with_a_note() -> None:
    turned = {"type": "Polygon", "coordinates": [[*RING[2:], *RING[1:3]][::-1]]}
    parsed = parse_fields(collection(feature(), feature(object_id="other"), feature(turned), feature()))
    assert [field.field_id for field in parsed.fields] == ["field_1", "other"]
    assert [(p.feature, p.reason, p.registered) for p in parsed.problems] == [
        (2, "repeated_feature", True),
        (3, "repeated_feature", True),
    ]


def test_two_ids_may_share_a_geometry() -> None:
    parsed = parse_fields(collection(feature(), feature(object_id="field_5")))
    assert [field.field_id for field in parsed.fields] == ["field_1", "field_5"]


def test_ids_that_differ_in_case_are_two_fields_with_a_note_each() -> None:
    parsed = parse_fields(
        collection(feature(object_id="North-1"), feature(object_id="b"), feature(object_id="north-1"))
    )
    assert [field.field_id for field in parsed.fields] == ["North-1", "b", "north-1"]
    assert [(p.feature, p.id, p.reason, p.registered) for p in parsed.problems] == [
        (0, "North-1", "ids_differ_in_case", True),
        (2, "north-1", "ids_differ_in_case", True),
    ]
    assert "North-1 and north-1" in parsed.problems[0].message


def test_fifty_thousand_features_are_each_read_by_themselves() -> None:
    features = [feature(object_id=f"f{index}") for index in range(50_000)]
    features[777] = feature(object_id="x/y")
    parsed = parse_fields(collection(*features))
    assert len(parsed.fields) == 49_999
    assert found(parsed) == [(777, "bad_id", "/features/777/properties/object-id")]


@pytest.mark.parametrize("missing", [ABSENT, None], ids=["absent", "null"])
def test_crop_and_plant_date_may_be_missing_where_nobody_asks_for_them(missing: Any) -> None:
    data = collection(feature(plant_type=missing, plant_date=missing, end_date="2025-05-01"))
    (field,) = parse_fields(data, crop_required=False).fields
    assert (field.plant_type, field.plant_date, field.end_date) == ("", ALWAYS_PLANTED, date(2025, 5, 1))
    assert {problem.reason for problem in parse_fields(data).problems} == {"missing_property"}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [({"plant_date": "soon"}, "bad_date"), ({"plant_type": ""}, "bad_plant_type"), ({"end_date": "x"}, "bad_date")],
)
def test_what_is_stated_has_to_be_right_all_the_same(properties: dict[str, Any], reason: str) -> None:
    parsed = parse_fields(collection(feature(**properties)), crop_required=False)
    assert (parsed.fields, only_problem(parsed).reason) == ((), reason)

"""A feature a line, and GeoJSON text sequences (RFC 8142): what is taken, and what a broken text costs."""

import json
from typing import Any

import pytest
from support.features import collection, feature, found, only_problem

from ndvi_core.intake import sequence
from ndvi_core.intake.features import ParsedFields, parse_fields


def text(object_id: str, **properties: Any) -> bytes:
    return json.dumps(feature(object_id=object_id, **properties)).encode()


def ids(parsed: ParsedFields) -> list[str]:
    return [field.field_id for field in parsed.fields]


A, B, C = text("a"), text("b"), text("c")
INDENTED = json.dumps(feature(object_id="b"), indent=2).encode()
TWO = collection(feature(object_id="b"), feature(object_id="c"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(A + b"\n" + B + b"\n", "ab", id="lines"),
        pytest.param(A + b"\n" + B, "ab", id="no line end at the end"),
        pytest.param(A + b"\r\n" + B + b"\r\n", "ab", id="lines of Windows"),
        pytest.param(A + b"\r" + B, "ab", id="lines of old Macs"),
        pytest.param(b"\n\n" + A + b"\n \n\n" + B + b"\n\n\n", "ab", id="empty lines"),
        pytest.param(b"\xef\xbb\xbf" + A + b"\n" + B, "ab", id="byte order mark"),
        pytest.param(A + b"\n\xef\xbb\xbf" + B, "ab", id="files with a byte order mark joined"),
        pytest.param(A + b"\n" + TWO, "abc", id="a collection on a line"),
        pytest.param(collection(feature(object_id="a")) + b"\n" + TWO, "abc", id="collections"),
        pytest.param(A + B, "ab", id="nothing between"),
        pytest.param(A + b"\n" + INDENTED + b"\n" + C, "abc", id="indented"),
        pytest.param(b"\x1e" + A + b"\n\x1e" + B + b"\n", "ab", id="RFC 8142"),
        pytest.param(b"\x1e" + A + b"\x1e" + B, "ab", id="RFC 8142 without line ends"),
        pytest.param(b"\xef\xbb\xbf\n\x1e\x1e\n" + A + b"\n\x1e\n\x1e" + INDENTED, "ab", id="empty records"),
        pytest.param(b"\x1e" + A, "a", id="one record"),
        pytest.param(b"\x1e" + A + b"\n\x1e" + TWO, "abc", id="a collection in a record"),
        pytest.param(A + b"\n\x1e" + B, "ab", id="a separator between"),
    ],
)
def test_these_sequences_are_taken(data: bytes, expected: str) -> None:
    parsed = parse_fields(data)
    assert (ids(parsed), parsed.problems) == (list(expected), ())


@pytest.mark.parametrize("cut", range(1, len(B), 7))
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("before", "after"), [(b"", b"\n"), (b"\x1e", b"\n")])
def test_a_text_that_is_cut_off_costs_its_feature_alone(cut: int, place: int, before: bytes, after: bytes) -> None:
    texts = [A, C]
    texts.insert(place, B[:cut])
    parsed = parse_fields(b"".join(before + one + after for one in texts))
    assert ids(parsed) == ["a", "c"]
    problem = only_problem(parsed)
    assert (problem.feature, problem.reason, problem.registered) == (place, "not_json", False)
    assert problem.where.startswith(f"record {place + 1} line {place + 1} " if before else f"line {place + 1} column")


@pytest.mark.parametrize(
    ("broken", "reason", "where"),
    [
        (b"garbage", "not_json", "line 2 column 1"),
        (b'{"type": "Feature" "properties"}', "not_json", "line 2 column 20"),
        (B + b",", "not_json", f"line 2 column {len(B) + 1}"),
        (b'{"a": "\xff"}', "not_utf8", "line 2"),
        (b'{"a": ' + b"[" * 100_000, "too_deep", "line 2"),
        (b"[]", "not_geojson", "line 2"),
        (b"{}", "not_geojson", "line 2/type"),
        (b'{"type": "Point", "coordinates": [1, 2]}', "bare_geometry", "line 2/type"),
        (b'{"type": "FeatureCollection", "features": []}', "no_features", "line 2/features"),
        (b'{"type": "FeatureCollection", "features": [', "not_json", "line 2 column 44"),
        (text("a b"), "bad_id", "line 2/properties/object-id"),
        (collection(feature(object_id="a b")), "bad_id", "line 2/features/0/properties/object-id"),
    ],
)
def test_a_problem_names_its_line(broken: bytes, reason: str, where: str) -> None:
    parsed = parse_fields(A + b"\n" + broken + b"\n" + C)
    assert ids(parsed) == (["a", "b", "c"] if broken.startswith(B) else ["a", "c"])
    assert (parsed.problems[-1].reason, parsed.problems[-1].where) == (reason, where)
    assert parsed.problems[-1].feature == (2 if broken.startswith(B) else 1)


def test_a_reference_system_counts_for_its_text_alone() -> None:
    utm, etrs89 = ({"type": "EPSG", "properties": {"code": code}} for code in (25832, 4258))
    data = b"\n".join([A, collection(feature(object_id="b"), crs=utm), collection(feature(object_id="c"), crs=etrs89)])
    parsed = parse_fields(data)
    assert ids(parsed) == ["a", "c"]
    assert found(parsed) == [(None, "crs_taken_as_wgs84", "line 3/crs"), (1, "wrong_crs", "line 2/crs")]


def test_ids_are_shared_across_lines() -> None:
    parsed = parse_fields(A + b"\n" + A + b"\n" + B + b"\n" + text("b", plant_type="rye"))
    assert found(parsed) == [
        (1, "repeated_feature", "line 2/properties/object-id"),
        (2, "duplicate_id", "line 3/properties/object-id"),
        (3, "duplicate_id", "line 4/properties/object-id"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"type": "FeatureCollection", "features": [\n' + A + b"\n", id="its head alone"),
        pytest.param(
            b'{\n"type": "FeatureCollection",\n"features": [\n' + A + b",\n" + B + b"\n", id="ogr2ogr's, cut off"
        ),
        pytest.param(
            b'{\n"type": "FeatureCollection",\n"features": [\n' + A + b"\n" + B + b"\n]\n}\n", id="a comma is missing"
        ),
        pytest.param(b'{"type": "FeatureCollection", "features": [' + A + b",\n" + B, id="begun on the first line"),
    ],
)
def test_a_damaged_collection_is_no_sequence_since_its_crs_may_be_lost(data: bytes) -> None:
    parsed = parse_fields(data)
    assert parsed.fields == ()
    assert only_problem(parsed).feature is None
    assert only_problem(parsed).reason == "not_json"


def test_more_texts_than_features_may_be_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence, "MAX_TEXTS", 3)
    assert only_problem(parse_fields(A + b"\n{}" * 3)).reason == "too_many_features"
    assert only_problem(parse_fields(b"\x1e{" * 4)).reason == "too_many_features"
    assert only_problem(parse_fields(b"{\n" * 4)).reason == "not_json"

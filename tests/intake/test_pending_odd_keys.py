"""Intake of keys that others chose: one that is no path is put aside, and the files beside it are taken in."""

import json
import time

import pytest
from sqlalchemy import Engine
from support.features import collection, feature
from support.uploads import PENDING, PROCESSED, REJECTED, SETTINGS, fields, objects, put, upload

from ndvi_airflow.local.services import S3
from ndvi_core.intake.pending import process_pending
from ndvi_core.storage.object_store import Store

ODD = collection(feature(object_id="odd"))
GOOD = collection(feature(object_id="good"))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("/b.geojson", "b"),
        ("farm//b.geojson", "b"),
        ("../../b.geojson", "b"),
        ("farm/./b.geojson", "b"),
        ("..", "fields"),
        ("tab\t.geojson", "tab"),
        ("bell\x07.geojson", "bell"),
        ("delete\x7f.geojson", "delete"),
        ("folder/", "fields"),
        ("/", "fields"),
        ("/" + "x" * 900, "x" * 160),
    ],
)
def test_an_odd_key_is_put_aside_and_stops_no_other(
    any_keys: Store, moto: S3, engine: Engine, name: str, plain: str
) -> None:
    put(moto, any_keys, f"{PENDING}{name}", ODD)
    upload(any_keys, "a.geojson", GOOD)
    report = process_pending(any_keys, SETTINGS, engine)

    assert {file.key: file.outcome for file in report.files} == {
        f"{PENDING}{name}": "rejected",
        f"{PENDING}a.geojson": "registered",
    }
    assert list(fields(engine)) == ["good"]
    assert objects(any_keys, PENDING) == {}
    assert list(objects(any_keys, PROCESSED).values()) == [GOOD]
    rejected = objects(any_keys, REJECTED)
    moved, errors_file = sorted(rejected)
    assert moved.startswith(f"{plain}-")
    assert rejected[moved] == ODD
    assert errors_file == f"{moved}.errors.json"
    errors = json.loads(rejected[errors_file])
    assert (errors["file"], errors["moved_to"], errors["registered"]) == (f"{PENDING}{name}", f"{REJECTED}{moved}", 0)
    (problem,) = errors["problems"]
    assert problem["reason"] == "bad_key"
    assert f"upload the file again as {PENDING}{plain[:100]}" in problem["message"]
    lines = report.summary()
    assert all(line.isprintable() for line in lines)
    assert any(f"{PENDING}{name}".encode("unicode_escape").decode() in line for line in lines)
    assert process_pending(any_keys, SETTINGS, engine).files == ()


@pytest.mark.parametrize(
    "name",
    ["100%.geojson", "a%2F..%2Fb.geojson", "a%00b", "%", "x" * 200, "deep/" * 180 + "a.geojson", "größe/e\u0301"],
)
def test_keys_that_are_paths_are_taken_in_however_long_or_strange(
    any_keys: Store, moto: S3, engine: Engine, name: str
) -> None:
    put(moto, any_keys, f"{PENDING}{name}", ODD)
    (file,) = process_pending(any_keys, SETTINGS, engine).files
    assert (file.outcome, file.added) == ("registered", ("odd",))
    assert objects(any_keys, PENDING) == {}
    assert list(objects(any_keys, PROCESSED).values()) == [ODD]


def test_folder_markers_are_passed_over(any_keys: Store, moto: S3, engine: Engine) -> None:
    markers = [PENDING, f"{PENDING}farm/", f"{PENDING}/"]
    for marker in markers:
        put(moto, any_keys, marker, b"")
    upload(any_keys, "farm/a.geojson", GOOD)
    report = process_pending(any_keys, SETTINGS, engine)
    assert [file.key for file in report.files] == [f"{PENDING}farm/a.geojson"]
    assert sorted(info.key for info in any_keys.list(PENDING)) == sorted(markers)
    assert objects(any_keys, REJECTED) == {}


def test_odd_keys_of_one_name_are_all_kept(any_keys: Store, moto: S3, engine: Engine) -> None:
    for name in ("/b.geojson", "//b.geojson", "../b.geojson"):
        put(moto, any_keys, f"{PENDING}{name}", ODD)
    process_pending(any_keys, SETTINGS, engine)
    assert sorted(name.endswith(".errors.json") for name in objects(any_keys, REJECTED)) == [False] * 3 + [True] * 3


def test_a_line_end_in_a_key_stops_no_other_and_loses_nothing(s3: S3, s3_store: Store, engine: Engine) -> None:
    # This server lists an object up to a second late, and a line end of its key as such or, later, as the sign for it
    # (U+240A): under that name, which is a path, the file is taken in.
    put(s3, s3_store, f"{PENDING}two\nlines.geojson", ODD)
    upload(s3_store, "a.geojson", GOOD)
    found: list[tuple[str, str]] = []
    while len(found) < 2:
        found += [(file.key, file.outcome) for file in process_pending(s3_store, SETTINGS, engine).files]
        time.sleep(0.1)
    outcomes = {key.removeprefix(PENDING): outcome for key, outcome in found}
    assert outcomes in (
        {"a.geojson": "registered", "two\nlines.geojson": "rejected"},
        {"a.geojson": "registered", "two\u240alines.geojson": "registered"},
    )
    assert objects(s3_store, PENDING) == {}
    assert ODD in (objects(s3_store, REJECTED) | objects(s3_store, PROCESSED)).values()

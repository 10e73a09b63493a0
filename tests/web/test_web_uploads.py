"""Handing in fields by the API: the check says what the intake then does."""

import json
from collections.abc import Iterator

import pytest
from support.features import collection, feature
from support.uploads import PENDING, TRIANGLE, objects
from support.web import Ask, Server, SignIn

from ndvi_core.intake.features import parse_fields
from ndvi_core.intake.pending import process_pending
from ndvi_core.registry import fields as registry
from ndvi_core.settings import Settings

GEOJSON = {"Content-Type": "application/geo+json"}


@pytest.fixture(autouse=True)
def _empty(server: Server) -> Iterator[None]:
    yield
    server.empty()


@pytest.fixture
def send(sign_in: SignIn) -> Ask:
    """Send a file to a route as somebody who may upload."""
    client = sign_in("user", cookie=True)
    return lambda path, data, **headers: client.post(path, content=data, headers={**GEOJSON, **headers})


def pending(server: Server) -> dict[str, bytes]:
    return objects(server.bucket, PENDING)


def test_the_check_says_what_the_intake_then_does(send: Ask, server: Server) -> None:
    known = collection(feature(object_id="same"), feature(object_id="moved"))
    with server.engine.begin() as connection:
        registry.upsert_fields(connection, parse_fields(known).fields, "file")
    data = collection(
        feature(object_id="same"),
        feature(TRIANGLE, object_id="moved"),
        feature(object_id="fresh", end_date="2025-09-01"),
        feature(object_id="x y"),
    )

    checked = send("api/uploads/check", data)

    assert checked.status_code == 200
    found = checked.json()["fields"]
    assert found["type"] == "FeatureCollection"
    effects = {one["id"]: one["properties"]["effect"] for one in found["features"]}
    assert effects == {"same": "unchanged", "moved": "changed", "fresh": "new"}
    assert found["features"][2]["properties"]["end_date"] == "2025-09-01"
    assert pending(server) == {}, "a dry run"

    uploaded = send("api/uploads?name=late.geojson", data)

    assert uploaded.status_code == 201
    assert uploaded.json()["fields"] == found
    key = uploaded.json()["key"]
    assert pending(server) == {key.removeprefix(PENDING): data}
    (file,) = process_pending(server.bucket, Settings(), server.engine).files
    assert (file.key, file.added, file.changed, file.unchanged) == (key, ("fresh",), ("moved",), ("same",))
    errors = json.loads(server.bucket.read(f"{file.destination}.errors.json"))
    assert checked.json()["problems"] == errors["problems"]


@pytest.mark.parametrize("data", [b"", b"no json", b"{}", b"\xff\xfe", collection(feature(plant_date="soon"))])
def test_a_file_without_a_good_field_is_not_taken(send: Ask, server: Server, data: bytes) -> None:
    checked, uploaded = send("api/uploads/check", data), send("api/uploads?name=bad.geojson", data)
    assert (checked.status_code, uploaded.status_code) == (200, 422)
    assert checked.json() == uploaded.json()
    problems = [problem.model_dump(mode="json") for problem in parse_fields(data).problems]
    assert (checked.json()["fields"]["features"], checked.json()["problems"]) == ([], problems)
    assert pending(server) == {}


@pytest.mark.parametrize(
    ("name", "beginning", "end"),
    [
        ("late.geojson", "late-", ".geojson"),
        ("../../etc/passwd", "passwd-", ""),
        ("..\\..\\late.json", "late-", ".json"),
        ("/", "fields-", ".geojson"),
        ("..", "fields-", ".geojson"),
        ("a\x00b\n\x1b[31m.geojson", "ab[31m-", ".geojson"),
        ("größe 日本.geojson", "größe 日本-", ".geojson"),
        ("x" * 1000 + ".geojson", "x" * 160 + "-", ".geojson"),
    ],
)
def test_a_file_of_any_name_lies_in_pending(
    send: Ask, server: Server, sign_in: SignIn, name: str, beginning: str, end: str
) -> None:
    data = collection(feature())
    answer = sign_in("user").post("api/uploads", params={"name": name}, content=data, headers=GEOJSON)
    assert answer.status_code == 201
    (key,) = pending(server)
    assert answer.json()["key"] == f"{PENDING}{key}"
    assert "/" not in key
    assert key.startswith(beginning)
    assert key.endswith(end)


def test_two_files_of_one_name_are_both_kept(send: Ask, server: Server) -> None:
    for name in ("a", "b"):
        send("api/uploads?name=farm.geojson", collection(feature(object_id=name)))
    assert len(pending(server)) == 2


def test_a_file_that_is_too_large_is_refused(send: Ask, server: Server) -> None:
    for path in ("api/uploads/check", "api/uploads?name=large.geojson"):
        answer = send(path, b" " * (server.max_bytes + 1))
        assert answer.status_code == 413
        assert "NDVI_MAX_GEOJSON_BYTES" in answer.json()["detail"]
    assert send("api/uploads/check", b" " * server.max_bytes).status_code == 200


def test_a_large_file_that_does_not_say_its_size_is_refused(send: Ask, server: Server) -> None:
    pieces = (b" " * 1000 for _ in range(server.max_bytes // 1000 + 1))
    assert send("api/uploads/check", pieces).status_code == 413


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json"]
)
def test_only_geojson_is_taken(send: Ask, content_type: str) -> None:
    for path in ("api/uploads/check", "api/uploads?name=a.geojson"):
        assert send(path, collection(feature()), **{"Content-Type": content_type}).status_code == 415


def test_plain_json_is_taken_too(send: Ask) -> None:
    checked = send("api/uploads/check", collection(feature()), **{"Content-Type": "Application/JSON; charset=utf-8"})
    assert checked.status_code == 200

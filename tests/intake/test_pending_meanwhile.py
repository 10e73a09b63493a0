"""Intake while files change, stores fail, processes die and others run: nothing is lost or done twice."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from support.features import collection, feature, polygon
from support.uploads import PENDING, PROCESSED, REJECTED, SETTINGS, TRIANGLE, fields, objects, put, upload

from ndvi_airflow.local.services import S3
from ndvi_core.errors import BadInput, TryAgain
from ndvi_core.intake.features import parse_fields
from ndvi_core.intake.pending import process_pending
from ndvi_core.registry import fields as registry
from ndvi_core.storage.object_info import ObjectInfo
from ndvi_core.storage.object_store import Store


class Touchy(Store):
    """A store that does something of the test's between two operations of the intake."""

    before: Callable[[str, str], None] = staticmethod(lambda verb, key: None)
    after: Callable[[str, str], None] = staticmethod(lambda verb, key: None)

    def get(self, key: str) -> tuple[ObjectInfo, bytes]:
        return self._around("get", key, super().get, key)

    def head(self, key: str) -> ObjectInfo:
        return self._around("head", key, super().head, key)

    def write(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> str:
        return self._around("write", key, super().write, key, data, content_type)

    def copy(self, source: str, target: str) -> None:
        return self._around("copy", source, super().copy, source, target)

    def delete(self, key: str) -> None:
        return self._around("delete", key, super().delete, key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        yield from self._around("list", prefix, lambda: [*super(Touchy, self).list(prefix)])

    def _around(self, verb: str, key: str, operation: Callable[..., Any], *arguments: Any) -> Any:
        self.before(verb, key)
        result = operation(*arguments)
        self.after(verb, key)
        return result


def test_a_file_over_the_limit_is_rejected_unread(bucket: Store, engine: Engine) -> None:
    data = b"x" * (SETTINGS.max_geojson_bytes + 1)
    upload(bucket, "big.geojson", data)
    upload(bucket, "small.geojson", collection(feature()))
    touchy = Touchy(bucket.url)
    got = []
    touchy.before = lambda verb, key: got.append(key) if verb == "get" else None
    report = process_pending(touchy, SETTINGS, engine)
    assert got == [f"{PENDING}small.geojson", SETTINGS.extent_key]
    big = report.files[0]
    assert (big.outcome, big.first_problems[0].reason) == ("rejected", "too_large")
    assert "NDVI_MAX_GEOJSON_BYTES" in big.first_problems[0].message
    assert bucket.read(str(big.destination)) == data
    assert bucket.exists(f"{big.destination}.errors.json")
    assert objects(bucket, PENDING) == {}


def once(verb: str, key: str, action: Callable[[], Any]) -> Callable[[str, str], None]:
    """Return a hook that acts at the first such operation on an object below pending."""
    left = [action]

    def hook(done: str, on: str) -> None:
        if left and done == verb and on == f"{PENDING}{key}":
            left.pop()()

    return hook


@pytest.mark.parametrize("moment", ["get", "head", "write"])
def test_a_file_that_is_replaced_meanwhile_stays_for_the_next_round(bucket: Store, engine: Engine, moment: str) -> None:
    upload(bucket, "a.geojson", collection(feature()))
    new = collection(feature(TRIANGLE, object_id="new"), feature(TRIANGLE))
    touchy = Touchy(bucket.url)
    if moment == "write":
        # After the fields were committed, while the file is written to its new place.
        touchy.after = lambda verb, key: upload(bucket, "a.geojson", new) if verb == "write" else None
    else:
        touchy.after = once(moment, "a.geojson", lambda: upload(bucket, "a.geojson", new))
    process_pending(touchy, SETTINGS, engine)
    assert objects(bucket, PENDING) == {"a.geojson": new}

    process_pending(bucket, SETTINGS, engine)
    assert objects(bucket, PENDING) == {}
    assert {field_id: field.geometry.area for field_id, field in fields(engine).items()} == {
        "field_1": pytest.approx(5e-5),
        "new": pytest.approx(5e-5),
    }
    assert new in objects(bucket, PROCESSED).values()


def test_a_file_over_the_limit_that_is_replaced_meanwhile_stays_too(bucket: Store, engine: Engine) -> None:
    upload(bucket, "a.geojson", b"x" * (SETTINGS.max_geojson_bytes + 1))
    touchy = Touchy(bucket.url)
    touchy.before = once("head", "a.geojson", lambda: upload(bucket, "a.geojson", b"new"))
    process_pending(touchy, SETTINGS, engine)
    assert objects(bucket, PENDING) == {"a.geojson": b"new"}


@pytest.mark.parametrize(("verb", "size"), [("get", 10), ("copy", SETTINGS.max_geojson_bytes + 1)])
def test_a_file_that_vanishes_meanwhile_is_passed_over(bucket: Store, engine: Engine, verb: str, size: int) -> None:
    upload(bucket, "a.geojson", b"x" * size)
    upload(bucket, "b.geojson", collection(feature()))
    touchy = Touchy(bucket.url)
    touchy.before = once(verb, "a.geojson", lambda: bucket.delete(f"{PENDING}a.geojson"))
    report = process_pending(touchy, SETTINGS, engine)
    assert [file.key for file in report.files] == [f"{PENDING}b.geojson"]
    assert objects(bucket, REJECTED) == {}


def test_an_object_that_may_not_be_read_stays_and_stops_no_other(store: Store, engine: Engine) -> None:
    def refuse(verb: str, key: str) -> None:
        if verb == "get" and key.endswith("secret.geojson"):
            raise BadInput("no right to read it")

    upload(store, "secret.geojson", b"?")
    upload(store, "z.geojson", collection(feature()))
    touchy = Touchy(store.url)
    touchy.before = refuse
    report = process_pending(touchy, SETTINGS, engine)
    assert [(file.outcome, file.destination is None) for file in report.files] == [
        ("unreadable", True),
        ("registered", False),
    ]
    assert "no right to read it" in "\n".join(report.summary())
    assert objects(store, PENDING) == {"secret.geojson": b"?"}


@pytest.mark.parametrize("error", [BadInput, TryAgain])
@pytest.mark.parametrize("verb", ["copy", "delete"])
def test_an_odd_key_that_the_server_refuses_to_move_is_explained_once_and_stops_no_other(
    any_keys: Store, moto: S3, engine: Engine, verb: str, error: type[Exception]
) -> None:
    odd = f"{PENDING}/b.geojson"
    written = []

    def refuse(done: str, key: str) -> None:
        if key == odd and done == verb:
            raise error("the server does not like that key")
        if done == "write":
            written.append(key)

    put(moto, any_keys, odd, b"{}")
    touchy = Touchy(any_keys.url)
    touchy.before = refuse
    for round_ in range(2):
        upload(any_keys, "z.geojson", collection(feature(object_id=f"field_{round_}")))
        report = process_pending(touchy, SETTINGS, engine)
        assert [(file.key, file.outcome) for file in report.files] == [
            (odd, "unreadable"),
            (f"{PENDING}z.geojson", "registered"),
        ]
        assert "the server does not like that key" in "\n".join(report.summary())
    assert [info.key for info in any_keys.list(PENDING)] == [odd]
    (errors_file,) = (key for key in written if key.endswith(".errors.json"))
    errors = json.loads(any_keys.read(errors_file))
    assert errors["file"] == odd
    assert (errors["moved_to"] is None) == (verb == "copy")
    assert ("refuses to move" in errors["problems"][0]["message"]) == (verb == "copy")

    process_pending(any_keys, SETTINGS, engine)
    moved = errors_file.removesuffix(".errors.json")
    assert [info.key for info in any_keys.list(PENDING)] == []
    assert any_keys.read(moved) == b"{}"
    assert json.loads(any_keys.read(errors_file))["moved_to"] == moved


def test_an_odd_key_that_another_intake_moves_meanwhile_is_passed_over(
    any_keys: Store, moto: S3, engine: Engine
) -> None:
    odd = f"{PENDING}/b.geojson"
    put(moto, any_keys, odd, b"{}")
    touchy = Touchy(any_keys.url)
    touchy.before = once("copy", "/b.geojson", lambda: process_pending(any_keys, SETTINGS, engine))
    assert process_pending(touchy, SETTINGS, engine).files == ()
    errors = [data for name, data in objects(any_keys, REJECTED).items() if name.endswith(".errors.json")]
    assert [json.loads(data)["moved_to"] is None for data in errors] == [False]


def test_a_registry_that_cannot_be_reached_is_worth_another_try(store: Store) -> None:
    upload(store, "a.geojson", collection(feature()))
    with pytest.raises(TryAgain, match=r"cannot register the fields of file:.*a\.geojson"):
        process_pending(store, SETTINGS, create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    assert list(objects(store, PENDING)) == ["a.geojson"]
    assert objects(store, PROCESSED) == {}


class Fuse:
    """Lets a number of steps happen and breaks the next one."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.burnt = 0

    def step(self, *_: Any, **__: Any) -> None:
        if self.left == 0:
            raise TryAgain("the power went out")
        self.left -= 1
        self.burnt += 1


def run_with(fuse: Fuse, url: str, engine: Engine) -> None:
    """Run an intake that ends before or after any operation of the store, statement, or commit when the fuse blows."""
    store = Touchy(url)
    store.before = store.after = fuse.step
    own = create_engine(engine.url)
    for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(own, moment, fuse.step)
    try:
        process_pending(store, SETTINGS, own)
    finally:
        own.dispose()


def test_a_crash_between_any_two_steps_loses_and_doubles_nothing(bucket: Store, engine: Engine) -> None:
    uploads = {
        "a.geojson": collection(feature(TRIANGLE, object_id="known"), feature(object_id="a"), feature(object_id="x y")),
        "b.geojson": collection(feature(TRIANGLE, object_id="a")),
        "big.geojson": b"x" * (SETTINGS.max_geojson_bytes + 1),
        "sub/junk.geojson": b"{",
    }
    known = parse_fields(collection(feature(object_id="known"))).fields

    def begin() -> None:
        for info in bucket.list("staticdata"):
            bucket.delete(info.key)
        for name, data in uploads.items():
            upload(bucket, name, data)
        with engine.begin() as connection:
            connection.execute(text("TRUNCATE field, field_revision RESTART IDENTITY CASCADE"))
            registry.upsert_fields(connection, known, source="before")

    def state() -> tuple[Any, ...]:
        with engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT field_id, f.revision, plant_type, s.geometry_hash, s.source, number FROM field f "
                    "JOIN season s USING (sequence) ORDER BY sequence, number"
                )
            ).all()
            revisions = connection.execute(
                text(
                    "SELECT field_id, r.revision, r.geometry_hash FROM field_revision r JOIN field USING (sequence) "
                    "ORDER BY field_id, r.revision"
                )
            ).all()
        # The digest of a file that is not read is that of its ETag, which on a folder is another for each upload.
        masked = {
            re.sub("big-[0-9a-f]+", "big", key): re.sub(b"big-[0-9a-f]+", b"big", data)
            for key, data in objects(bucket, "staticdata").items()
        }
        return rows, revisions, masked

    begin()
    whole = Fuse(10_000)
    run_with(whole, bucket.url, engine)
    expected = state()
    assert [(row.field_id, row.revision) for row in expected[0]] == [("known", 2), ("a", 2)]
    assert whole.burnt > 50

    for steps in range(whole.burnt):
        begin()
        with pytest.raises(TryAgain, match="the power went out"):
            run_with(Fuse(steps), bucket.url, engine)
        assert set(uploads.values()) <= set(objects(bucket, "staticdata").values()), f"lost after {steps} steps"
        process_pending(bucket, SETTINGS, engine)
        assert state() == expected, f"after {steps} steps"


def test_an_intake_that_is_overtaken_puts_no_older_boundary_back(bucket: Store, engine: Engine) -> None:
    upload(bucket, "a.geojson", collection(feature()))
    upload(bucket, "b.geojson", collection(feature(TRIANGLE)))
    slow = Touchy(bucket.url)
    slow.after = once("get", "a.geojson", lambda: process_pending(bucket, SETTINGS, engine))
    assert process_pending(slow, SETTINGS, engine).files == ()
    field = fields(engine)["field_1"]
    assert (field.revision, field.geometry.area) == (2, pytest.approx(5e-5))
    assert len(objects(bucket, PROCESSED)) == 2


def test_two_intakes_at_once_do_everything_once(bucket: Store, engine: Engine) -> None:
    count = 12
    for index in range(count):
        shape = polygon((10, 40), (10.01, 40), (10.01, 40.01 + index / 100))
        upload(
            bucket,
            f"{index:02}.geojson",
            collection(feature(shape, object_id="shared"), feature(object_id=f"f{index}")),
        )
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: process_pending(bucket, SETTINGS, engine), range(2)))
    added = [field_id for report in reports for file in report.files for field_id in file.added]
    assert sorted(added) == sorted(["shared", *(f"f{index}" for index in range(count))])
    assert objects(bucket, PENDING) == {}
    assert len(objects(bucket, PROCESSED)) == count
    shared = fields(engine)["shared"]
    assert (shared.revision, shared.geometry.bounds[3]) == (count, pytest.approx(40.12))

"""Intake on a real registry and real stores: what becomes of each file, and that nothing is lost or done twice."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from features import PROPERTIES, collection, feature, polygon
from sqlalchemy import Engine, create_engine, event, text

from ndvi_core import registry
from ndvi_core.errors import BadInput, TryAgain
from ndvi_core.field import RegisteredField
from ndvi_core.geojson import parse_fields
from ndvi_core.intake import process_pending
from ndvi_core.settings import Settings
from ndvi_core.store import ObjectInfo, Store

SETTINGS = Settings(max_geojson_bytes=20_000)
PENDING, PROCESSED, REJECTED = (f"staticdata/fields/{name}/" for name in ("pending", "processed", "rejected"))
TRIANGLE = polygon((10, 40), (10.01, 40), (10.01, 40.01))


@pytest.fixture(params=["file", "s3"])
def bucket(request: pytest.FixtureRequest) -> Store:
    """A store on a folder, and one on S3."""
    store: Store = request.getfixturevalue("store" if request.param == "file" else "s3_store")
    return store


def upload(store: Store, name: str, data: bytes) -> None:
    store.write(f"{PENDING}{name}", data)


def objects(store: Store, prefix: str) -> dict[str, bytes]:
    """Return the content of each object below a prefix by its key after that."""
    return {info.key.removeprefix(prefix): store.read(info.key) for info in store.list(prefix)}


def fields(engine: Engine) -> dict[str, RegisteredField]:
    with engine.connect() as connection:
        return {field.field_id: field for field in registry.load_fields(connection)}


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


def test_each_file_ends_registered_or_rejected_with_its_reasons(bucket: Store, engine: Engine) -> None:
    good = collection(feature(object_id="a"), feature(object_id="b"))
    mixed = collection(feature(object_id="c"), feature(object_id="d", plant_date="soon"))
    junk = b"no json"
    upload(bucket, "good.geojson", good)
    upload(bucket, "farm 1/mixed.json", mixed)
    upload(bucket, "junk", junk)

    report = process_pending(bucket, SETTINGS, engine)

    assert [(file.key, file.outcome, file.added, file.problems) for file in report.files] == [
        (f"{PENDING}farm 1/mixed.json", "partly_registered", ("c",), 1),
        (f"{PENDING}good.geojson", "registered", ("a", "b"), 0),
        (f"{PENDING}junk", "rejected", (), 1),
    ]
    assert list(fields(engine)) == ["c", "a", "b"]
    assert objects(bucket, PENDING) == {}
    processed, rejected = objects(bucket, PROCESSED), objects(bucket, REJECTED)
    mixed_name = f"farm 1/mixed-{digest(mixed)}.json"
    assert sorted(processed) == [mixed_name, f"{mixed_name}.errors.json", f"good-{digest(good)}.geojson"]
    assert processed[mixed_name] == mixed
    assert processed[f"good-{digest(good)}.geojson"] == good
    assert sorted(rejected) == [f"junk-{digest(junk)}", f"junk-{digest(junk)}.errors.json"]
    assert rejected[f"junk-{digest(junk)}"] == junk

    errors = json.loads(processed[f"{mixed_name}.errors.json"])
    assert (errors["file"], errors["moved_to"]) == (f"{PENDING}farm 1/mixed.json", f"{PROCESSED}{mixed_name}")
    assert errors["registered"] == 1
    (problem,) = errors["problems"]
    assert (problem["feature"], problem["id"], problem["reason"]) == (1, "d", "bad_date")
    assert problem["where"] == "/features/1/properties/plant-date"
    assert "YYYY-MM-DD" in problem["message"]


def test_the_registry_names_the_moved_file_as_the_source(store: Store, engine: Engine) -> None:
    data = collection(feature())
    upload(store, "x.geojson", data)
    process_pending(store, SETTINGS, engine)
    with engine.connect() as connection:
        source = connection.execute(text("SELECT source FROM field")).scalar_one()
    assert store.read(store.key(source)) == data


def test_the_summary_tells_people_what_became_of_each_file(store: Store, engine: Engine) -> None:
    assert process_pending(store, SETTINGS, engine).summary() == ["no file is pending"]
    upload(store, "a.geojson", collection(feature(object_id="a"), feature(object_id="x y")))
    upload(store, "b.geojson", collection(feature(TRIANGLE, object_id="a")))
    upload(store, "c.geojson", collection(*[None] * 7))
    lines = process_pending(store, SETTINGS, engine).summary()
    assert "a.geojson: partly registered (1 added, 0 changed, 0 unchanged), 1 problems, moved to" in lines[0]
    assert "x y /features/1/properties/object-id: 'x y' cannot be an object-id" in lines[1]
    assert "b.geojson: registered (0 added, 1 changed, 0 unchanged), 0 problems" in lines[2]
    assert "c.geojson: rejected (0 added, 0 changed, 0 unchanged), 7 problems" in lines[3]
    assert "and 2 more in staticdata/fields/rejected/c-" in lines[-2]
    assert lines[-1] == f"a is in 2 files, of which the last counts: {PENDING}a.geojson, {PENDING}b.geojson"


@pytest.mark.parametrize(
    "name",
    [
        "two words.geojson",
        "größe.geojson",
        "e\u0301.geojson",
        "日本/畑.geojson",
        "a..b.geojson",
        "..geojson",
        "...",
        "a%20b%2F.geojson",
        "100%.geojson",
        "#?+&=.geojson",
        "[x]{y}~^`.geojson",
        "back\\slash.geojson",
        "quo\"te'.geojson",
        "no suffix",
        ".geojson",
        "deep/er/and/deeper.geojson",
        "v1.2/farm.v3.geojson",
        "x" * 240 + ".geojson",
        "ü" * 120 + ".geojson",
        "x." + "y" * 240,
    ],
)
def test_any_name_that_the_store_takes_is_taken(bucket: Store, engine: Engine, name: str) -> None:
    data = collection(feature())
    upload(bucket, name, data)
    (file,) = process_pending(bucket, SETTINGS, engine).files
    assert file.outcome == "registered"
    assert objects(bucket, PENDING) == {}
    assert objects(bucket, PROCESSED) == {str(file.destination).removeprefix(PROCESSED): data}
    assert str(file.destination).startswith(f"{PROCESSED}{name[:40].removesuffix('.geojson')}")


def test_two_uploads_of_one_name_are_both_kept(bucket: Store, engine: Engine) -> None:
    first, second = collection(feature(object_id="a")), collection(feature(object_id="b"))
    for data in (first, second):
        upload(bucket, "farm.geojson", data)
        process_pending(bucket, SETTINGS, engine)
    assert sorted(objects(bucket, PROCESSED).values()) == [first, second]
    assert list(fields(engine)) == ["a", "b"]


def test_the_same_upload_again_changes_nothing(bucket: Store, engine: Engine) -> None:
    data = collection(feature(), feature(object_id="x y"))
    states = []
    for _ in range(2):
        upload(bucket, "farm.geojson", data)
        (file,) = process_pending(bucket, SETTINGS, engine).files
        states.append((objects(bucket, ""), fields(engine)["field_1"].model_dump()))
    assert states[0] == states[1]
    assert (file.added, file.changed, file.unchanged) == ((), (), ("field_1",))


def test_of_two_files_with_one_id_the_last_key_wins_and_both_are_reported(bucket: Store, engine: Engine) -> None:
    upload(bucket, "b.geojson", collection(feature(TRIANGLE)))
    upload(bucket, "a.geojson", collection(feature()))
    report = process_pending(bucket, SETTINGS, engine)
    assert [(file.added, file.changed) for file in report.files] == [(("field_1",), ()), ((), ("field_1",))]
    assert report.repeated_ids() == {"field_1": (f"{PENDING}a.geojson", f"{PENDING}b.geojson")}
    field = fields(engine)["field_1"]
    assert (field.revision, field.geometry.area) == (2, pytest.approx(5e-5))


def test_a_file_of_repeated_ids_that_cannot_be_used_leaves_the_registered_field_alone(
    store: Store, engine: Engine
) -> None:
    upload(store, "a.geojson", collection(feature()))
    process_pending(store, SETTINGS, engine)
    before = fields(engine)
    upload(store, "b.geojson", collection(feature(TRIANGLE), feature(plant_type="oats")))
    (file,) = process_pending(store, SETTINGS, engine).files
    assert file.outcome == "rejected"
    assert fields(engine) == before


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
    assert got == [f"{PENDING}small.geojson"]
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


class WithFolderMarkers(Store):
    """A store that lists folder markers, as S3 does for folders that its console made: as given and without the slash,
    which is how obstore passes them on."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for key in (PENDING, PENDING.rstrip("/"), f"{PENDING}farm/", f"{PENDING}farm"):
            yield ObjectInfo(key=key, size=0, etag="d41d8cd98f00b204e9800998ecf8427e")
        yield from super().list(prefix)


def test_folder_markers_are_passed_over(store: Store, engine: Engine) -> None:
    upload(store, "farm/a.geojson", collection(feature()))
    report = process_pending(WithFolderMarkers(store.url), SETTINGS, engine)
    assert [file.key for file in report.files] == [f"{PENDING}farm/a.geojson"]
    assert objects(store, REJECTED) == {}


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
                text("SELECT field_id, revision, plant_type, geometry_hash, source FROM field ORDER BY sequence")
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


def test_162_bad_files_are_all_kept_with_a_reason_beside_them(realdata: Path, store: Store, engine: Engine) -> None:
    files = sorted(path for path in (realdata / "badgeojson").rglob("*") if path.suffix in (".json", ".geojson"))
    for path in files:
        upload(store, str(path.relative_to(realdata)), path.read_bytes())
    report = process_pending(store, Settings(), engine)
    assert len(report.files) == len(files) == 162
    for file in report.files:
        assert file.outcome == "rejected"
        assert file.problems > 0
        assert json.loads(store.read(f"{file.destination}.errors.json"))["problems"]
    assert sorted(path.read_bytes() for path in files) == sorted(
        data for name, data in objects(store, REJECTED).items() if not name.endswith(".errors.json")
    )
    assert objects(store, PENDING) == {}
    assert fields(engine) == {}


def test_real_parcels_are_registered_in_the_order_of_the_file(realdata: Path, store: Store, engine: Engine) -> None:
    for path in sorted((realdata / "fields").iterdir()):
        document = json.loads(path.read_bytes())
        for index, one in enumerate(document["features"]):
            one["properties"] = {**PROPERTIES, "object-id": f"{path.stem}_{index}"[-60:]}
        upload(store, path.name, json.dumps(document).encode())
    report = process_pending(store, Settings(), engine)
    assert [len(file.added) for file in report.files] == [2, 100, 100, 100]
    assert list(fields(engine)) == [field_id for file in report.files for field_id in file.added]

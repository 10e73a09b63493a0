"""Intake on a real registry and real stores: what becomes of each file."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from support.features import PROPERTIES, collection, feature
from support.uploads import PENDING, PROCESSED, REJECTED, SETTINGS, TRIANGLE, digest, fields, objects, upload

from ndvi_core.intake.pending import process_pending
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store


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
    assert "b.geojson: registered (0 added, 1 changed, 0 unchanged), 1 problems" in lines[2]
    assert lines[3] == "  a: boundary by 100%"
    assert "a /features/0/geometry: the boundary changes by 100%: is it still the same field?" in lines[4]
    assert "c.geojson: rejected (0 added, 0 changed, 0 unchanged), 7 problems" in lines[5]
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

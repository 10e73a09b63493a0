"""Late data is exact: what comes late or changes recomputes its own cells, and nothing else is read or written."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import shapely
from shapely.geometry import mapping, shape
from support.farm import DAYS, END, START, Farm, Item, Objects, acquisitions, published, rows_of

from ndvi_core.support.days import days_between


def planted(features: list[Item], name: str) -> date:
    (feature,) = (f for f in features if f["properties"]["object-id"] == name)
    return date.fromisoformat(feature["properties"]["plant-date"])


def changed_cells(before: Objects, after: Objects) -> set[tuple[str, date]]:
    """The (field, day) of the product folders in which anything differs."""
    keys = {key for key in before | after if before.get(key) != after.get(key) and key.startswith("fields/")}
    return {(field_id, date.fromisoformat(day)) for _, field_id, day, _ in (key.split("/") for key in keys)}


def test_days_without_an_acquisition_need_no_task_and_say_so(farm: Farm) -> None:
    with_scene = acquisitions(farm)
    for day in DAYS:
        run = farm.daily(day)
        if day in with_scene:
            assert {found for _, found in run.cells} == {day}
        else:
            assert run.plan.orders == ()
            assert set(run.recorded.counts) == {"no_scene"}
            assert run.read == set()


def test_a_second_run_over_the_same_days_reads_no_pixel_and_writes_nothing(grown: Farm) -> None:
    before = published(grown)
    for day in DAYS:
        run = grown.daily(day)
        assert (run.cells, run.read, run.recorded.days) == (set(), set(), ())
    assert grown.by_hand(start=START, end=END).read == set()
    assert published(grown) == before


def test_late_fields_get_precisely_their_cells(grown: Farm) -> None:
    before = published(grown)
    late = json.loads(grown.season.late_fields.read_text())["features"]
    grown.upload(grown.season.late_fields, "late.geojson")
    grown.intake()
    run = grown.catch_up()

    owed = {(name, day) for name in ("field_4", "field_5") for day in days_between(planted(late, name), END)}
    computed = {(name, day) for name, day in owed if day in acquisitions(grown)}
    assert run.cells <= computed
    assert {name for name, _ in run.cells} == {"field_4", "field_5"}
    assert {order.label for order in run.plan.orders} == {"field_4", "field_5"}
    assert sum(run.recorded.counts.values()) == len(owed)

    after = published(grown)
    assert changed_cells(before, after) == run.cells
    assert {f"/{item['id']}" for day in acquisitions(grown).values() for item in day} >= {
        path.rpartition("/")[0] for path in run.read
    }
    for key, data in before.items():
        if key.startswith("fields/"):
            assert after[key] == data
    for day in DAYS:
        assert rows_of(grown, after, day, {"field_1", "field_2", "field_3"}) == rows_of(
            grown, before, day, {"field_1", "field_2", "field_3"}
        )
    assert grown.catch_up().cells == set()


def test_two_fields_on_one_boundary_have_equal_numbers(grown: Farm) -> None:
    grown.upload(grown.season.late_fields, "late.geojson")
    grown.intake()
    grown.catch_up()
    objects = published(grown)
    for day in sorted(acquisitions(grown)):
        rows = {row.field_id: row for row in rows_of(grown, objects, day, {"field_1", "field_5"})}
        if "field_5" in rows:
            same = {"field_id": "", "fingerprint": ""}
            assert rows["field_1"].model_copy(update=same) == rows["field_5"].model_copy(update=same)


def test_a_corrected_boundary_recomputes_its_field_alone(grown: Farm) -> None:
    before = published(grown)
    document = json.loads(grown.season.fields.read_text())
    feature = next(f for f in document["features"] if f["properties"]["object-id"] == "field_2")
    feature["geometry"] = mapping(shapely.affinity.scale(shape(feature["geometry"]), 0.8, 0.8))
    grown.upload(json.dumps(document).encode(), "corrected.geojson")
    report = grown.intake()
    run = grown.catch_up()

    planted_on = planted(document["features"], "field_2")
    assert {name for name, _ in run.cells} == {"field_2"}
    assert {day for _, day in run.cells} == {day for day in acquisitions(grown) if day >= planted_on}
    assert changed_cells(before, published(grown)) == run.cells
    assert report.files[0].outcome == "registered"


def test_a_scene_that_appears_two_days_late_is_picked_up(farm: Farm) -> None:
    late_day = sorted(acquisitions(farm))[1]
    late_items = acquisitions(farm)[late_day]
    farm.publish(lambda items: [item for item in items if item["properties"]["datetime"][:10] != str(late_day)])
    for day in days_between(START, late_day + timedelta(1)):
        farm.daily(day)
    before = published(farm)
    farm.publish(lambda items: items + late_items)
    run = farm.daily(late_day + timedelta(2))
    assert late_day in {day for _, day in run.cells}
    assert {day for _, day in run.cells} <= {late_day, late_day + timedelta(2)}
    assert changed_cells(before, published(farm)) == run.cells


def test_a_reprocessed_scene_recomputes_its_day_alone(grown: Farm) -> None:
    day = sorted(acquisitions(grown))[-1]
    before = published(grown)

    def reprocess(items: list[Item]) -> list[Item]:
        for item in items:
            if item["properties"]["datetime"][:10] == str(day):
                item["id"] += "_again"
                item["properties"]["s2:processing_baseline"] = "05.12"
        return items

    grown.publish(reprocess)
    run = grown.daily(END + timedelta(1))
    assert {found for _, found in run.cells} == {day}
    assert {found for _, found in changed_cells(before, published(grown))} == {day}


def test_the_same_upload_twice_computes_nothing(grown: Farm) -> None:
    before = published(grown)
    grown.upload(grown.season.fields, "again.geojson")
    grown.intake()
    run = grown.catch_up()
    assert (run.cells, run.read) == (set(), set())
    assert published(grown) == before


def test_two_uploads_at_once_register_each_field_once(grown: Farm) -> None:
    late = json.loads(grown.season.late_fields.read_text())
    for name in ("one", "two"):
        grown.upload(json.dumps(late).encode(), f"{name}.geojson")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: grown.intake(), range(2)))
    assert list(grown.store.list(grown.settings.pending_prefix)) == []
    run = grown.catch_up()
    assert {order.label for order in run.plan.orders} == {"field_4", "field_5"}
    assert grown.catch_up().cells == set()


def test_force_computes_again_to_the_same_bytes(grown: Farm) -> None:
    before = published(grown)
    run = grown.by_hand(field_ids=["field_1"], start=START, end=END, force=True)
    assert {name for name, _ in run.cells} == {"field_1"}
    assert published(grown) == before


def test_a_result_that_cannot_be_used_fails_its_own_field_alone(farm: Farm) -> None:
    day = sorted(acquisitions(farm))[0]
    run = farm.daily(day, before_record=lambda folder: farm.store.write(folder.results_key(0), b"PAR1 broken"))
    (failure,) = run.recorded.failures
    assert run.plan.orders[0].label in failure
    assert sum(run.recorded.counts.values()) - run.recorded.counts["failed"] == len(run.plan.orders) - 1
    assert {name for name, _ in farm.daily(day).cells} == {run.plan.orders[0].label}


def test_an_item_that_cannot_be_read_fails_its_cells_until_it_can(farm: Farm) -> None:
    """The western tile of a pass loses an asset in the catalogue: field_2 is seen by no other tile."""
    day = min(acquisitions(farm))
    (west,) = [item["id"] for item in acquisitions(farm)[day] if "30UXV" in item["id"]]
    missing: Item = {}

    def lose(items: list[Item]) -> list[Item]:
        missing.update(next(item for item in items if item["id"] == west)["assets"].pop("nir"))
        return items

    def restore(items: list[Item]) -> list[Item]:
        next(item for item in items if item["id"] == west)["assets"]["nir"] = missing
        return items

    farm.publish(lose)
    before = farm.daily(day).recorded
    assert before.counts["computed"] > 0
    assert "no_scene" not in before.counts
    assert f"field_2 {day}: " in "".join(before.failures)
    assert all(f"item {west}: asset 'nir' is missing" in failure for failure in before.failures)
    farm.publish(restore)
    after = farm.daily(day).recorded
    assert set(after.counts) == {"computed"}
    assert "field_2" in after.field_ids

"""Fields end, get another id, and are purged; registry, published days and products say the same afterwards."""

import json
from datetime import date, timedelta

import pytest
from support.farm import DAYS, END, START, Farm, published, rows_of

from ndvi_core.errors import BadInput, TryAgain
from ndvi_core.models.observation import Observation
from ndvi_core.registry import fields as registry
from ndvi_core.registry.day_grid import day_grid
from ndvi_core.registry.progress import field_statuses
from ndvi_core.runs import field_life

MIDDLE = DAYS[len(DAYS) // 2]


def days_published(farm: Farm, name: str) -> list[date]:
    objects = published(farm)
    return [
        day
        for day in DAYS
        if f"observations/date={day}/observations.parquet" in objects and rows_of(farm, objects, day, {name})
    ]


def rows(farm: Farm, name: str) -> list[Observation]:
    objects = published(farm)
    return [row for day in DAYS for row in rows_of(farm, objects, day, {name})]


def days_due(farm: Farm, name: str) -> list[date]:
    """The days that the status of a field counts, and the page shows, which have to be as many."""
    with farm.engine.connect() as connection:
        (status,) = field_statuses(connection, START, [name])
        grid = day_grid(connection, START, START, END, 100)
    shown = grid.status[grid.field_ids.index(name)]
    due = [day for day, letter in zip(grid.days, shown, strict=True) if letter != "-"]
    assert status.days == len(due)
    return due


def test_a_retired_field_ends_everywhere_at_once(grown: Farm) -> None:
    before = published(grown)
    due = [day for day in days_published(grown, "field_2") if day <= MIDDLE]
    days = field_life.retire(grown.store, grown.settings, grown.engine, ["field_2"], MIDDLE)
    assert days == [day for day in DAYS if day > MIDDLE]
    assert days_published(grown, "field_2") == days_due(grown, "field_2") == due
    after = published(grown)
    assert {key for key in before if key.startswith("fields/")} == {key for key in after if key.startswith("fields/")}

    assert field_life.retire(grown.store, grown.settings, grown.engine, ["field_2"], END) == days
    assert published(grown) == before
    assert grown.catch_up().cells == set(), "nothing has to be computed"


@pytest.mark.parametrize(
    ("on", "named", "message"), [(MIDDLE, "nope", "nope"), (START - timedelta(60), "field_2", "is planted on")]
)
def test_what_cannot_be_retired_is_refused_and_nothing_changes(grown: Farm, on: date, named: str, message: str) -> None:
    before = published(grown)
    with pytest.raises(BadInput, match=message):
        field_life.retire(grown.store, grown.settings, grown.engine, ["field_1", named], on)
    assert published(grown) == before
    with grown.engine.connect() as connection:
        assert {field.seasons[-1].end_date for field in registry.load_fields(connection)} == {None}


def test_the_history_of_a_renamed_field_follows(grown: Farm) -> None:
    objects, known = published(grown), rows(grown, "field_2")
    old = {key for key in objects if key.startswith("fields/field_2/")}
    due = days_due(grown, "field_2")
    field_life.rename(grown.store, grown.settings, grown.engine, "field_2", "north-7")

    after = published(grown)
    assert rows(grown, "north-7") == [row.model_copy(update={"field_id": "north-7"}) for row in known]
    assert days_due(grown, "north-7") == due
    assert not any(key.startswith("fields/field_2/") for key in after)
    assert {key.replace("field_2", "north-7") for key in old} == {key for key in after if "north-7" in key}
    for key in old:
        moved = after[key.replace("field_2", "north-7")]
        if key.endswith(".json"):
            assert json.loads(moved) == json.loads(objects[key]) | {"field_id": "north-7"}
        else:
            assert moved == objects[key]
    assert grown.daily(END).cells == set(), "nothing has to be computed"
    assert rows_of(grown, after, END, {"field_2"}) == []


@pytest.mark.parametrize("steps", [0, 3])
def test_a_renaming_that_failed_is_done_again(grown: Farm, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Whenever the bucket is away, no object is left under the old id, where another field may come to be."""
    before = published(grown)
    delete, left = grown.store.delete, [*range(steps)]

    def away(key: str) -> None:
        if not left:
            raise TryAgain(f"{key} cannot be reached")
        left.pop()
        delete(key)

    with monkeypatch.context() as context:
        context.setattr(grown.store, "delete", away)
        with pytest.raises(TryAgain):
            field_life.rename(grown.store, grown.settings, grown.engine, "field_2", "north-7")
    field_life.rename(grown.store, grown.settings, grown.engine, "field_2", "north-7")
    after = {key for key in published(grown) if key.startswith("fields/")}
    assert after == {key.replace("field_2", "north-7") for key in before if key.startswith("fields/")}


@pytest.mark.parametrize(("old", "new"), [("field_2", "field_1"), ("nope", "north"), ("field_2", "no/slash")])
def test_a_name_that_cannot_be_given_is_refused_and_nothing_changes(grown: Farm, old: str, new: str) -> None:
    before = published(grown)
    with pytest.raises(BadInput, match=new if old != "nope" else old):
        field_life.rename(grown.store, grown.settings, grown.engine, old, new)
    assert published(grown) == before


def test_a_purged_field_leaves_nothing_and_costs_the_others_nothing(grown: Farm) -> None:
    before = published(grown)
    ids = ["field_1", "field_2", "field_3"]
    others = {name: rows(grown, name) for name in ids[1:]}
    (would,) = field_life.would_purge(grown.store, grown.settings, grown.engine, ["field_1"])
    assert published(grown) == before, "the dry run removes nothing"
    assert would.rows == len(rows(grown, "field_1"))
    assert would.objects == sum(key.startswith("fields/field_1/") for key in before)

    field_life.purge(grown.store, grown.settings, grown.engine, ["field_1"])
    assert days_published(grown, "field_1") == []
    assert not any(key.startswith("fields/field_1/") for key in published(grown))
    assert {name: rows(grown, name) for name in others} == others
    with grown.engine.connect() as connection:
        assert [field.field_id for field in registry.load_fields(connection)] == ids[1:]

    field_life.purge(grown.store, grown.settings, grown.engine, ids[1:])
    assert published(grown) == {}, "a day without a row has no file"


def test_a_purge_that_failed_is_done_again(grown: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(key: str) -> None:
        raise TryAgain(f"{key} cannot be reached")

    with monkeypatch.context() as context:
        context.setattr(grown.store, "delete", away)
        with pytest.raises(TryAgain):
            field_life.purge(grown.store, grown.settings, grown.engine, ["field_1"])
    field_life.purge(grown.store, grown.settings, grown.engine, ["field_1", "field_1"])
    assert not any(key.startswith("fields/field_1/") for key in published(grown))
    assert days_published(grown, "field_1") == []


def test_nothing_is_purged_beside_a_field_that_there_is_not(grown: Farm) -> None:
    before = published(grown)
    with pytest.raises(BadInput, match="nope"):
        field_life.purge(grown.store, grown.settings, grown.engine, ["field_1", "nope"])
    assert published(grown) == before


def test_a_purged_field_may_come_again(grown: Farm) -> None:
    before = published(grown)
    field_life.purge(grown.store, grown.settings, grown.engine, ["field_3"])
    grown.upload(grown.season.fields, "again.geojson")
    grown.intake()
    grown.catch_up()
    assert set(published(grown)) == set(before)
    assert {row.field_id for row in rows(grown, "field_3")} == {"field_3"}

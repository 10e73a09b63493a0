"""Planning a run over a registry on a real PostgreSQL and a folder."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Thread

import pytest
import shapely
from sqlalchemy import Engine, func, select
from support.models import a_field, a_scene, square

from ndvi_core.models.observation import Observation
from ndvi_core.registry import fields as registry
from ndvi_core.registry import recorded_days
from ndvi_core.registry.database import lock_claims
from ndvi_core.runs import selection, selectors
from ndvi_core.runs.folder import RunFolder, RunPlan, SceneList
from ndvi_core.runs.prepare import plan_run, search_scope
from ndvi_core.runs.scope import SearchScope
from ndvi_core.runs.selection import Wanted
from ndvi_core.settings import Settings
from ndvi_core.storage.geoparquet import read_observations
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.work_orders import read_order

SCENES = (
    a_scene(footprint=shapely.box(0, 0, 0.5, 1)),
    a_scene(scene_id="other", footprint=shapely.box(0.4, 0, 0.6, 1)),
)
DAY = SCENES[0].day
FIELDS = [a_field(f"field_{number}", square(0.1 * number, 0.1 * (number % 2))) for number in range(11)]
SETTINGS = Settings(field_tasks=3)


@pytest.fixture
def folder(engine: Engine, store: Store) -> RunFolder:
    """A run that has searched; the extent cuts field_9 and leaves field_10 out."""
    folder = RunFolder.of(store, SETTINGS, "test", "run")
    store.write(SETTINGS.extent_key, json.dumps(shapely.geometry.mapping(shapely.box(0, 0, 0.905, 1))).encode())
    found = SceneList(area=shapely.box(0, 0, 1, 1), period=(DAY, DAY), scenes=SCENES)
    store.write(folder.scenes_key, found.model_dump_json().encode())
    with engine.begin() as connection:
        registry.upsert_fields(connection, FIELDS, "file")
    return folder


def planned(engine: Engine, folder: RunFolder) -> tuple[RunPlan, list[bytes], list[Observation]]:
    """Plan the day and return the plan, the orders and what was settled."""
    with engine.begin() as connection:
        plan = plan_run(folder, SETTINGS, selectors.select_day(connection, DAY, 0), connection)
    store = folder.store
    orders = [store.read(store.key(order.uri)) for order in plan.orders]
    return plan, orders, [row for file in plan.settled for row in read_observations(store.read(store.key(file.uri)))]


def test_planning_in_several_slices_comes_to_the_same(
    engine: Engine, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, orders, settled = planned(engine, folder)
    monkeypatch.setattr(selection, "_SLICE", 2)
    sliced, orders_sliced, settled_sliced = planned(engine, folder)
    assert (sliced.orders, orders_sliced, settled_sliced) == (whole.orders, orders, settled)
    assert len(sliced.settled) > len(whole.settled) == 1
    computed = {field.field_id for order in orders for field in read_order(order).fields}
    assert computed | {row.field_id for row in settled} == {field.field_id for field in FIELDS}


def test_the_search_scope_of_several_slices_is_the_same(
    engine: Engine, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scope() -> SearchScope:
        with engine.begin() as connection:
            return search_scope(folder, SETTINGS, selectors.select_day(connection, DAY, 0), connection)

    whole = scope()
    monkeypatch.setattr(selection, "_SLICE", 2)
    assert scope() == whole
    assert (whole.fields, whole.period) == (11, (DAY, DAY))
    assert whole.area.bounds == pytest.approx((0, 0, 0.905, 0.11))


@pytest.mark.parametrize("wanted", [True, False])
def test_each_scene_with_a_picture_is_drawn_by_one_task(engine: Engine, folder: RunFolder, wanted: bool) -> None:
    shown, hidden, older = (one.model_copy(update={"visual": "/TCI.tif"}) for one in (*SCENES, a_scene(scene_id="old")))
    found = SceneList(
        area=shapely.box(0, 0, 1, 1),
        period=(DAY, DAY),
        scenes=(shown, hidden.model_copy(update={"visual": None})),
        older=(older,),
    )
    folder.store.write(folder.scenes_key, found.model_dump_json().encode())
    settings = SETTINGS.model_copy(update={"pass_pictures": wanted, "field_tasks": 1000})
    with engine.begin() as connection:
        plan = plan_run(folder, settings, selectors.select_day(connection, DAY, 0), connection)
    orders = [read_order(folder.store.read(folder.store.key(order.uri))) for order in plan.orders]
    assert len(orders) > 3
    drawn = [(order.passes.uri, order.scenes[n].id) for order in orders if order.passes for n in order.passes.scenes]
    assert drawn == ([(folder.store.uri("passes"), shown.id)] if wanted else [])


def test_an_order_has_the_boundary_that_was_planned_though_it_is_corrected_meanwhile(
    engine: Engine, folder: RunFolder
) -> None:
    def corrected_at_the_end(wanted: Iterable[Wanted]) -> Iterator[Wanted]:
        yield from wanted
        with engine.begin() as other:
            registry.upsert_fields(other, [a_field("field_0", square(0.2))], "file")

    with engine.connect() as connection:
        selected = selectors.select_range(connection, DAY + timedelta(1), ["field_0"], DAY, DAY)
        (order,) = plan_run(
            folder, SETTINGS, selection.Selection(wanted=corrected_at_the_end(selected.wanted)), connection
        ).orders
    (field,) = read_order(folder.store.read(folder.store.key(order.uri))).fields
    assert field.geometry_hash == FIELDS[0].geometry_hash
    assert field.geometry.equals(FIELDS[0].geometry)


def test_a_run_is_planned_when_it_need_not_wait_for_the_planning_of_another_one(
    engine: Engine, folder: RunFolder
) -> None:
    """What is recorded while it waits is older than its plan, which knows of it."""
    plans: list[RunPlan] = []

    def plan() -> None:
        with engine.begin() as connection:
            chosen = selectors.select_range(connection, DAY, start=DAY, end=DAY)
            plans.append(plan_run(folder, SETTINGS, chosen, connection))

    with engine.begin() as connection:
        recorded_days.mark_recorded(connection, DAY, DAY)
    waiting = Thread(target=plan)
    with engine.begin() as connection:
        lock_claims(connection)
        waiting.start()
        waiting.join(1.0)
        assert plans == []
        meanwhile = connection.execute(select(func.clock_timestamp())).scalar_one()
    waiting.join()
    assert plans[0].planned_at > meanwhile


def test_an_order_says_when_its_run_was_planned_and_not_when_it_was_written(
    engine: Engine, folder: RunFolder, s3_store: Store
) -> None:
    """Products go by it as rows go by their plan, though another run is planned and written meanwhile."""
    for key in (SETTINGS.extent_key, folder.scenes_key):
        s3_store.write(key, folder.store.read(key))
    there = RunFolder(s3_store, folder.prefix)
    planned(engine, there)  # which notes the extent; the others need not wait for each other then

    def written_meanwhile(wanted: Iterable[Wanted]) -> Iterator[Wanted]:
        yield from wanted
        meanwhile.append(planned(engine, there)[0].planned_at)

    meanwhile: list[datetime] = []
    with engine.begin() as connection:
        chosen = selectors.select_day(connection, DAY, 0)
        chosen = replace(chosen, wanted=written_meanwhile(chosen.wanted))
        plan = plan_run(there, SETTINGS, chosen, connection)
    assert plan.planned_at < meanwhile[0]
    for order in plan.orders:
        _, metadata = s3_store.described(s3_store.key(order.uri))
        assert datetime.fromisoformat(metadata["planned-at"]) == plan.planned_at

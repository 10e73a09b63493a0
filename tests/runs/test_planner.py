"""The planner: which cells are due, and what a work order says of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import shapely
from support import models
from support.models import a_field, a_scene, square

from ndvi_core.models.entry import Entry
from ndvi_core.models.extent import Extent
from ndvi_core.models.field import RegisteredField
from ndvi_core.models.scene import Offset, Scene, UnreadableItem
from ndvi_core.models.work_order import Policy
from ndvi_core.runs.planner import Plan, fingerprint, make_plan, order_parts
from ndvi_core.runs.selection import Selection

DAY = date(2025, 4, 20)
EXTENT = Extent(west=-1, south=-1, east=1, north=1)
POLICY = Policy()


def registered(sequence: int = 1, **changes: Any) -> RegisteredField:
    return models.registered(a_field(**{"field_id": f"field_{sequence}", **changes}), sequence)


def plan(
    *fields: RegisteredField,
    scenes: Sequence[Scene] = (),
    known: Mapping[tuple[int, date], Entry] | None = None,
    days: Iterable[date] = (DAY,),
    policy: Policy = POLICY,
    **selection: Any,
) -> Plan:
    wanted = Selection(wanted=tuple((field, tuple(days)) for field in fields or (registered(),)), **selection)
    return make_plan(wanted, scenes, known or {}, EXTENT, policy)


def boundaries(*fields: RegisteredField) -> dict[tuple[int, int], tuple[shapely.Geometry, str]]:
    """As the registry has them."""
    return {(field.sequence, field.revision): (field.geometry, field.geometry_hash) for field in fields}


def answer(
    scenes: Sequence[Scene], status: str = "computed", field: RegisteredField | None = None, policy: Policy = POLICY
) -> dict[tuple[int, date], Entry]:
    """The ledger after `scenes` were computed."""
    field = field or registered()
    return {(field.sequence, DAY): Entry(fingerprint(field.geometry_hash, scenes, policy), status)}


SCENE = a_scene(DAY, "S2A_31NAA_20250420_0_L2A")
SHIFTED = a_scene(
    DAY,
    "S2B_31NBA_20250420_0_L2A",
    baseline="04.00",
    offset=Offset(rule="planetary-computer@1", red=-1000, nir=-1000),
    updated=None,
)
MULTIBAND = SCENE.model_copy(update={"offset": Offset(rule="none@1", others={"nir08": -1000, "swir16": -1000})})


@pytest.mark.parametrize(
    ("clipped_hash", "scenes", "policy", "expected"),
    [
        ("0123456789abcdef", [SCENE], Policy(), "11ba5bf6532e9b69"),
        ("0123456789abcdef", [SHIFTED, SCENE], Policy(), "518a5ba7ec2c73f9"),
        ("0123456789abcdef", [SCENE, SHIFTED], Policy(), "518a5ba7ec2c73f9"),
        ("0123456789abcdef", [MULTIBAND], Policy(indices=("evi2", "ndmi")), "1795ee7d6d8f99d6"),
        (None, [], Policy(), "2beeef74237fc13c"),
        ("0123456789abcdef", [SCENE.model_copy(update={"bands": {"swir16": "x"}})], Policy(), "11ba5bf6532e9b69"),
        (
            "0123456789abcdef",
            [],
            Policy(mask="scl-strict@1", min_valid_fraction=0.75, min_pixels=4),
            "f2e518c0ed613e7b",
        ),
    ],
)
def test_fingerprints_stay_what_they_were(
    clipped_hash: str | None, scenes: list[Scene], policy: Policy, expected: str
) -> None:
    """If they changed, every cell of every registry would be computed anew: raise `ALGORITHM_VERSION` for that."""
    assert fingerprint(clipped_hash, scenes, policy) == expected


def test_a_cell_with_a_scene_and_no_row_is_due() -> None:
    result = plan(scenes=[a_scene(DAY)])
    (cell,) = result.due
    assert (cell.field.field_id, cell.date, [scene.id for scene in cell.scenes]) == (
        "field_1",
        DAY,
        ["S2A_31NAA_20250420_0_L2A"],
    )
    assert result.settled == ()


def test_a_cell_without_a_scene_is_settled_without_a_task() -> None:
    result = plan(scenes=[a_scene(DAY + timedelta(1)), a_scene(DAY, footprint=shapely.box(5, 5, 6, 6))])
    assert result.due == ()
    assert [row.status for row in result.settled] == ["no_scene"]


def test_a_field_beyond_the_extent_is_settled() -> None:
    result = plan(registered(geometry=square(3)), scenes=[a_scene(DAY, footprint=shapely.box(-9, -9, 9, 9))])
    assert result.due == ()
    assert [row.status for row in result.settled] == ["outside_extent"]


def test_a_field_across_the_extent_is_clipped() -> None:
    across = registered(geometry=shapely.box(0.9, 0, 1.1, 0.1))
    (ordered,), _, _ = order_parts(plan(across, scenes=[a_scene(DAY)]).due, boundaries(across), EXTENT)
    assert ordered.geometry.bounds == pytest.approx((0.9, 0, 1, 0.1))
    assert ordered.geometry_hash == across.geometry_hash


SCENE = a_scene(DAY)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ([SCENE], 0),
        ([SCENE, a_scene(DAY, "late")], 1),
        ([SCENE.model_copy(update={"baseline": "05.12"})], 1),
        ([SCENE.model_copy(update={"updated": datetime(2025, 6, 1, tzinfo=UTC)})], 1),
        ([SCENE.model_copy(update={"offset": Offset(rule="other@2", red=-1000, nir=-1000)})], 1),
        ([SCENE.model_copy(update={"offset": Offset(rule="none@1", others={"swir16": 0})})], 1),
        ([SCENE.model_copy(update={"red": "https://elsewhere.example/B04.tif"})], 0),
    ],
    ids=["same", "late scene", "newer baseline", "updated", "offset rule", "further band", "moved files"],
)
def test_an_answer_holds_as_long_as_what_decides_it(now: list[Scene], due: int) -> None:
    assert len(plan(scenes=now, known=answer([SCENE])).due) == due


@pytest.mark.parametrize(
    "policy",
    [
        Policy(mask="scl-strict@1"),
        Policy(min_valid_fraction=0.7),
        Policy(algorithm_version="next"),
        Policy(indices=("evi2",)),
    ],
)
def test_another_policy_makes_everything_due(policy: Policy) -> None:
    assert len(plan(scenes=[SCENE], known=answer([SCENE]), policy=policy).due) == 1


def test_a_corrected_boundary_is_due() -> None:
    assert len(plan(registered(geometry=square(0.002)), scenes=[SCENE], known=answer([SCENE])).due) == 1


def test_the_order_of_scenes_does_not_matter() -> None:
    two = [SCENE, a_scene(DAY, "other")]
    assert plan(scenes=two, known=answer(two[::-1])).due == ()


def test_a_scene_for_a_day_that_had_none_makes_it_due() -> None:
    known = answer([], "no_scene")
    assert plan(known=known).settled == ()
    assert len(plan(scenes=[SCENE], known=known).due) == 1


@pytest.mark.parametrize(("retried", "due"), [(None, 1), (frozenset([DAY]), 1), (frozenset(), 0)])
def test_what_failed_is_retried_where_the_selection_says_so(retried: frozenset[date] | None, due: int) -> None:
    assert len(plan(scenes=[SCENE], known=answer([SCENE], "failed"), retried=retried).due) == due


@pytest.mark.parametrize(("retried", "due"), [(frozenset([DAY]), 1), (frozenset(), 0)])
def test_an_attempt_that_failed_beside_an_answer_is_not_made_day_after_day(
    retried: frozenset[date] | None, due: int
) -> None:
    newer = SCENE.model_copy(update={"baseline": "05.12"})
    (key, old), (_, new) = *answer([SCENE]).items(), *answer([newer]).items()
    known = {key: Entry(old.fingerprint, "computed", failed_fingerprint=new.fingerprint)}
    assert len(plan(scenes=[newer], known=known, retried=retried).due) == due


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    ("status", "kept"), [("computed", True), ("cloudy", True), ("failed", False), ("outside_extent", False)]
)
def test_an_answer_outlives_its_scenes_in_the_catalogue(status: str, kept: bool, force: bool) -> None:
    result = plan(scenes=[], known=answer([SCENE], status), force=force)
    assert result.due == ()
    assert (result.settled == ()) is kept


def test_force_computes_again() -> None:
    assert len(plan(scenes=[SCENE], known=answer([SCENE]), force=True).due) == 1


def test_a_work_order_states_each_field_and_scene_once() -> None:
    days = [DAY, DAY + timedelta(1)]
    known = (registered(1), registered(2))
    due = plan(*known, scenes=[a_scene(day) for day in days], days=days).due
    fields, scenes, cells = order_parts(due, boundaries(*known), EXTENT)
    assert [field.field_id for field in fields] == ["field_1", "field_2"]
    assert [scene.day for scene in scenes] == days
    assert [(cell.field, cell.date, cell.scene_set.scenes) for cell in cells] == [
        (0, days[0], (0,)),
        (0, days[1], (1,)),
        (1, days[0], (0,)),
        (1, days[1], (1,)),
    ]


def test_a_pass_over_the_antimeridian_is_one_day_of_a_field_that_lies_across() -> None:
    """At 22:30 UTC it is the next day in the west of Fiji, the same in the east: the field's larger part decides."""
    at = datetime(2025, 4, 19, 22, 30, tzinfo=UTC)
    both_sides = shapely.MultiPolygon([shapely.box(179, -18, 180, -16), shapely.box(-180, -18, -179, -16)])
    scenes = [
        a_scene(scene_id=name, tile=tile, time=at, footprint=both_sides)
        for name, tile in (("W", "60KXF"), ("E", "01KAB"))
    ]
    wide, narrow = shapely.box(179.99, -17.01, 180, -17), shapely.box(-180, -17.01, -179.998, -17)
    field = registered(geometry=shapely.MultiPolygon([wide, narrow]))
    world = Extent(west=-180, south=-90, east=180, north=90)
    selection = Selection(wanted=((field, (date(2025, 4, 19), date(2025, 4, 20))),))
    result = make_plan(selection, scenes, {}, world, POLICY)
    assert [(cell.date, [scene.id for scene in cell.scenes]) for cell in result.due] == [
        (date(2025, 4, 20), ["W", "E"])
    ]
    assert [(row.date, row.status) for row in result.settled] == [(date(2025, 4, 19), "no_scene")]


WHERE = square()


def unreadable(footprint: shapely.Geometry | None = WHERE, day: date | None = DAY) -> UnreadableItem:
    return UnreadableItem(id="broken", reason="item broken: no datetime", footprint=footprint, day=day)


def plan_with(
    item: UnreadableItem, scenes: Sequence[Scene] = (), known: dict[tuple[int, date], Entry] | None = None
) -> Plan:
    selection = Selection(wanted=((registered(), (DAY,)),), retried=frozenset())
    return make_plan(selection, scenes, known or {}, EXTENT, POLICY, [item])


@pytest.mark.parametrize("item", [unreadable(), unreadable(footprint=None), unreadable(day=None)])
def test_a_cell_whose_only_item_cannot_be_read_is_no_cell_without_a_scene(item: UnreadableItem) -> None:
    result = plan_with(item)
    assert result.settled == ()
    assert [(cell.scenes, cell.unreadable) for cell in result.due] == [((), ("item broken: no datetime",))]


@pytest.mark.parametrize("item", [unreadable(shapely.box(5, 5, 6, 6)), unreadable(day=DAY + timedelta(1))])
def test_an_unreadable_item_elsewhere_is_nothing_to_a_cell(item: UnreadableItem) -> None:
    assert [row.status for row in plan_with(item).settled] == ["no_scene"]


def test_an_item_that_can_be_read_again_makes_its_cell_due() -> None:
    (cell,) = plan_with(unreadable()).due
    failed = {(1, DAY): Entry(cell.fingerprint, "failed")}
    assert plan_with(unreadable(), known=failed).due == (), "nothing has changed"
    assert len(plan_with(unreadable(shapely.box(5, 5, 6, 6)), [SCENE], failed).due) == 1

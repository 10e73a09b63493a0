"""How due cells become work orders: a task a field while there are few, else as many tasks as their work is worth."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import pytest
import shapely
from support.models import a_scene

from ndvi_core.runs.batches import Batch, keep_places, pack
from ndvi_core.runs.locality import window_pixels
from ndvi_core.runs.planner import DueCell, DueField
from ndvi_core.settings import Settings

DAY = date(2025, 4, 20)
NUMBERS = Settings(field_tasks=3, parallel_tasks=4, products="none")
PICTURES = NUMBERS.model_copy(update={"products": "all"})


def cells_of(count: int, days: int = 1, *, places: int = 1, pixels: int = 600, names: str = "") -> list[DueCell]:
    """The cells of fields on several days, in the registry's order; those of a place are not beside each other."""
    scenes = [a_scene(DAY + timedelta(number)) for number in range(days)]
    fields = [
        DueField(number, 1, names[number : number + 1] or f"field_{number}", number % places, pixels)
        for number in range(count)
    ]
    return [DueCell(field, scene.day, (scene,), "0" * 16) for field in fields for scene in scenes]


def sequences(batches: Sequence[Batch]) -> list[list[int]]:
    return [list(dict.fromkeys(cell.field.sequence for cell in batch.cells)) for batch in batches]


def test_a_few_fields_have_a_task_each_in_the_registry_s_order_with_all_their_days() -> None:
    batches = pack(cells_of(3, days=2, names="zax"), NUMBERS)
    assert [batch.label for batch in batches] == ["z", "a", "x"]
    assert [[cell.date for cell in batch.cells] for batch in batches] == [[DAY, DAY + timedelta(1)]] * 3


def test_nothing_due_makes_no_batch() -> None:
    assert pack([], NUMBERS) == []
    assert pack([], NUMBERS.model_copy(update={"field_tasks": 0})) == []


def test_data_without_pictures_are_less_work() -> None:
    data = NUMBERS.model_copy(update={"products": "data", "parallel_tasks": 100})
    pictures = data.model_copy(update={"products": "all"})
    late = cells_of(2000, days=15)
    assert 1 < len(pack(late, data)) < len(pack(late, pictures))


def test_work_that_is_soon_done_is_one_task() -> None:
    """2,000 fields of one day take a second or two, the start of a task takes longer."""
    assert len(pack(cells_of(2000), NUMBERS)) == 1


def test_much_work_is_divided_among_the_tasks_that_can_run_at_the_same_time() -> None:
    late = cells_of(2000, days=15)
    assert len(pack(late, PICTURES)) == 4
    assert len(pack(late, PICTURES.model_copy(update={"parallel_tasks": 2}))) == 2
    assert 1 < len(pack(late, PICTURES.model_copy(update={"parallel_tasks": 100}))) < 100


@pytest.mark.parametrize("settings", [NUMBERS, PICTURES])
def test_no_cell_is_lost_or_doubled_and_each_task_has_about_as_much_of_it(settings: Settings) -> None:
    due = cells_of(3000, days=11, places=9)
    batches = pack(due, settings)
    assert len(batches) > 1
    packed = [(cell.field.sequence, cell.date) for batch in batches for cell in batch.cells]
    assert sorted(packed) == sorted((cell.field.sequence, cell.date) for cell in due)
    sizes = [len(batch.cells) for batch in batches]
    assert max(sizes) < 1.3 * min(sizes)


def test_a_field_is_in_one_task_with_all_its_days_and_neighbours_are_together() -> None:
    batches = pack(cells_of(2000, days=15, places=40), PICTURES)
    fields = [number for of_batch in sequences(batches) for number in of_batch]
    assert len(fields) == len(set(fields))
    places = [{cell.field.locality for cell in batch.cells} for batch in batches]
    shared = [left & right for left, right in pairwise(places)]
    assert all(len(common) <= 1 for common in shared), "a border between two tasks goes through one place at most"


def test_a_task_is_bounded_however_few_can_run() -> None:
    alone = NUMBERS.model_copy(update={"parallel_tasks": 1})
    assert max(len(batch.cells) for batch in pack(cells_of(60_000), alone)) <= 25_000
    large = pack(cells_of(100, pixels=1_000_000), alone)
    assert max(sum(cell.field.pixels for cell in batch.cells) for batch in large) <= 10_000_000


def test_a_run_never_has_more_tasks_than_airflow_maps_over() -> None:
    many = pack(cells_of(2000, pixels=50_000_000), NUMBERS)
    assert len(many) == 1000


def test_cells_without_a_scene_are_work_too() -> None:
    field = DueField(1, 1, "a", 0, 600)
    (batch,) = pack([DueCell(field, DAY, (), "0" * 16)], NUMBERS.model_copy(update={"field_tasks": 0}))
    assert batch.label == "batch 1 (of 1, no tile, 1 fields)"


@pytest.mark.parametrize(
    ("before", "batches", "places"),
    [
        ([], ["a", "b"], ["a", "b"]),
        (["a", "b"], [], ["(a)", "(b)"]),
        (["a", "b", "c"], ["b"], ["(a)", "b", "(c)"]),
        (["a", "c"], ["a", "b", "c"], ["a", "c", "b"]),
        (
            ["batch 1 (of 3, 30UXV, 3 fields)", "batch 2 (of 3, 30UXV, 2 fields)", "batch 3 (of 3, 30UXV, 2 fields)"],
            ["batch 1 (of 2, 30UYV, 4 fields)", "batch 2 (of 2, 30UYV, 4 fields)"],
            ["batch 1 (of 2, 30UYV, 4 fields)", "batch 2 (of 2, 30UYV, 4 fields)", "(batch 3 (of 3, 30UXV, 2 fields))"],
        ),
    ],
)
def test_a_run_that_is_planned_again_keeps_its_places(before: list[str], batches: list[str], places: list[str]) -> None:
    (cell,) = cells_of(1)
    kept = keep_places([Batch(label, (cell,)) for label in batches], before)
    assert [batch.label if batch.cells else f"({batch.label})" for batch in kept] == places


def test_the_pixels_of_a_window_are_those_of_the_ground() -> None:
    """At 60 degrees north a degree of longitude is half as long as one of latitude, which is 111 km."""
    west_to_east = window_pixels([shapely.box(10, 60, 10.02, 60.01), None])
    assert west_to_east[0] == pytest.approx(111 * 111, rel=0.05)
    assert west_to_east[1] == 0

"""How due cells are divided into work orders: by the work that they are, for a task is worth its start.

Up to `NDVI_FIELD_TASKS` due fields each have a task of their own, which a person can clear. Beyond that, neighbours
share tasks: one for each `TASK_SECONDS` of estimated work, but no more than `NDVI_PARALLEL_TASKS`, unless a task would
have more than `MAX_CELLS` cells or `MAX_PIXELS` pixels.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil

import numpy as np

from ndvi_core.runs.planner import DueCell
from ndvi_core.settings import Settings

TASK_SECONDS = 20.0
"""Work that a task is worth: many times the 2 s that its start takes, the scheduler's process and the command's (`make
bench-pipeline`)."""
CELL_SECONDS = 2e-4
"""Of a cell without products, once its blocks are read: 20,000 fields take 5.4 s on two cores (`make bench`), 2,000 in
the same blocks 2.7."""
PIXEL_SECONDS = 1e-7
"""More for each pixel of its window: the coverage of a large field, and its statistics."""
PRODUCTS_SECONDS = {"all": 3e-3, "data": 1e-3, "none": 0.0}
"""More with products: 4 ms of CPU to draw and compress, of which pictures are all but half a millisecond, and 2 ms to
write, over two cores."""
BLOCK_SECONDS = 0.02
"""To read and decode what a scene has of 10 km x 10 km: 1.6 MB in three bands, at 100 MB/s."""
MAX_CELLS = 25_000
"""Of a task: what is lost with it, and computed again, is some minutes' work."""
MAX_PIXELS = 10_000_000
"""Of the windows of a task's fields: 0.8 GB, by which its memory grows (`WorkOrder.memory`)."""
MAX_BATCHES = 1000
"""Of a run: schedulers bound how many tasks one may be divided into, by default at 1024."""


@dataclass(frozen=True)
class Batch:
    """The cells of one work order."""

    label: str
    """The field's id, or the number of the batch with its tile and number of fields."""
    cells: tuple[DueCell, ...] = dataclasses.field(repr=False)


def pack(due: Sequence[DueCell], settings: Settings) -> list[Batch]:
    """Divide due cells into batches; the cells of a field are always together.

    The same cells and settings always give the same batches, however busy a cluster is.

    Args:
        due: the cells, in the order of the registry, then of the days.
        settings: how many fields may have tasks of their own, how many tasks can run, and whether there are products.
    """
    fields = [tuple(cells) for _, cells in groupby(due, key=lambda cell: cell.field.sequence)]
    if len(fields) <= settings.field_tasks:
        return [Batch(cells[0].field.field_id, cells) for cells in fields]
    fields.sort(key=lambda cells: (_tile(cells), cells[0].field.locality, cells[0].field.sequence))
    work = _seconds(fields, PRODUCTS_SECONDS[settings.products])
    by_memory = max(len(due) / MAX_CELLS, sum(cells[0].field.pixels for cells in fields) / MAX_PIXELS)
    by_work = min(sum(work) / TASK_SECONDS, settings.parallel_tasks)
    wanted = min(ceil(max(by_work, by_memory, 1)), MAX_BATCHES)
    # The middle of a field's work says which of equal parts of the whole it belongs to.
    middles = np.cumsum(work) - np.array(work) / 2
    parts = (middles * (wanted / sum(work))).astype(int)
    chunks = [list(chunk) for _, chunk in groupby(range(len(fields)), key=parts.__getitem__)]
    return [
        Batch(
            f"batch {number} (of {len(chunks)}, {_tile(fields[chunk[0]]) or 'no tile'}, {len(chunk)} fields)",
            tuple(cell for position in chunk for cell in fields[position]),
        )
        for number, chunk in enumerate(chunks, start=1)
    ]


def keep_places(batches: Sequence[Batch], before: Sequence[str]) -> list[Batch]:
    """Return a run's batches in the places of those of the same name, which an earlier plan of the run had.

    Places that are not needed any more stay, empty: a number means the same field as long as the run exists, and a
    scheduler need not bring back a task whose number was once beyond the last.

    Args:
        batches: of the plan that is being made.
        before: labels of the earlier plan's orders, in their order.
    """
    places = {_place(batch.label): batch for batch in batches}
    kept = [places.pop(_place(label), Batch(label, ())) for label in before]
    return [*kept, *places.values()]


def _seconds(fields: Sequence[Sequence[DueCell]], products: float) -> list[float]:
    """Return the estimated work of each field; what is read of a scene counts for the first field there."""
    a_cell = CELL_SECONDS + products
    read: set[tuple[int, str]] = set()
    work = []
    for cells in fields:
        field = cells[0].field
        blocks = {(field.locality, scene.id) for cell in cells for scene in cell.scenes} - read
        read |= blocks
        work.append(len(cells) * (a_cell + field.pixels * PIXEL_SECONDS) + len(blocks) * BLOCK_SECONDS)
    return work


def _tile(cells: Sequence[DueCell]) -> str:
    """Return the tile of the first scene; empty if the first cell has none."""
    return next((scene.tile for scene in cells[0].scenes), "")


def _place(label: str) -> str:
    """Return what of a label stays when the fields of a batch change."""
    return label.partition(" (")[0]

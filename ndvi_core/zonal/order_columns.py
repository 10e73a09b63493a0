"""A work order's cells as columns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ndvi_core.models.arrays import Indexes
from ndvi_core.models.work_order import SceneSet, WorkOrder


@dataclass(frozen=True, eq=False)
class CellColumns:
    """The cells of an order, (n) each."""

    field: Indexes
    """Index into the order's fields."""
    day: Sequence[date]
    scene_set: Indexes
    """Index into `sets`."""
    sets: Sequence[SceneSet]

    @classmethod
    def of(cls, order: WorkOrder) -> "CellColumns":
        """Return the columns of an order."""
        sets = tuple(dict.fromkeys(cell.scene_set for cell in order.cells))
        numbers = {one: number for number, one in enumerate(sets)}
        return cls(
            field=np.array([cell.field for cell in order.cells], np.intp),
            day=[cell.date for cell in order.cells],
            scene_set=np.array([numbers[cell.scene_set] for cell in order.cells], np.intp),
            sets=sets,
        )

    def cells_by_day(self) -> list[Indexes]:
        """Return the numbers of the cells of each day, ascending; the earliest day first."""
        days: dict[date, list[int]] = defaultdict(list)
        for number, day in enumerate(self.day):
            days[day].append(number)
        return [np.array(days[day]) for day in sorted(days)]

    def scenes_of(self, cell: int) -> SceneSet:
        """Return what a cell can be computed from."""
        return self.sets[int(self.scene_set[cell])]

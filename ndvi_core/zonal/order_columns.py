"""A work order's cells as columns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ndvi_core.models.arrays import Indexes
from ndvi_core.models.work_order import Cell, WorkOrder


@dataclass(frozen=True)
class SceneSet:
    """The scenes that cells can be computed from, by their numbers in the order; many cells share one."""

    scenes: tuple[int, ...]
    """The newest products of the day that may contain the field."""
    older: tuple[int, ...]
    """Older products of the same acquisitions."""
    unreadable: tuple[str, ...]
    """Why items of the catalogue that may be further such scenes cannot be read."""


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
        known: dict[SceneSet, int] = {}

        def number(cell: Cell) -> int:
            return known.setdefault(SceneSet(cell.scenes, cell.older, cell.unreadable), len(known))

        return cls(
            field=np.array([cell.field for cell in order.cells], np.intp),
            day=[cell.date for cell in order.cells],
            scene_set=np.array([number(cell) for cell in order.cells], np.intp),
            sets=tuple(known),
        )

    def cells_by_day(self) -> list[Indexes]:
        """Return the numbers of the cells of each day, ascending; the earliest day first."""
        days: dict[date, list[int]] = defaultdict(list)
        for number, day in enumerate(self.day):
            days[day].append(number)
        return [np.array(days[day]) for day in sorted(days)]

    def of_day(self, cell: int) -> SceneSet:
        """Return the scenes of a cell."""
        return self.sets[int(self.scene_set[cell])]

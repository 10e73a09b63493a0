"""The observations of a work order's cells as columns."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.models.observation import Doubt, IndexStatistics, Observation, Statistics, Status, index_columns
from ndvi_core.models.work_order import WorkOrder

DOUBTS: tuple[Doubt, ...] = tuple(sorted(get_args(Doubt)))
COUNTS = ("pure_pixel_count",)
"""Statistics that are whole numbers."""


class ObservationTable:
    """One row for each cell of a work order, in its order; days that are computed side by side fill their own rows."""

    def __init__(self, order: WorkOrder) -> None:
        size = len(order.cells)
        self.status: NDArray[np.object_] = np.full(size, None)
        """None while a cell is not observed."""
        self.reason: NDArray[np.object_] = np.full(size, None)
        self.note: NDArray[np.object_] = np.full(size, None)
        self.is_passing = np.zeros(size, bool)
        """Whether a cell failed for a reason that may pass."""
        self._further = index_columns(order.policy.indices)
        self.statistics: dict[str, Floats] = {
            name: np.full(size, np.nan) for name in (*Statistics.model_fields, *self._further)
        }
        """By the names of files' columns; NaN is unknown."""
        self.blocks_read = self.bytes_read = 0
        """Of all scenes."""
        self._order = order
        self._doubts = np.zeros(size, np.intp)
        self._scenes = np.zeros(size, np.intp)
        self._scene_sets: dict[tuple[int, ...], int] = {(): 0}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.status)

    def settle(self, cells: Indexes | int, status: Status, scenes: Sequence[int], reason: str | None = None) -> None:
        """State the outcome of cells that have the same scenes.

        Args:
            cells: Their numbers.
            status: The outcome.
            scenes: Numbers of the scenes that the values come from, or that were considered.
            reason: Why there is no value.
        """
        with self._lock:
            self._scenes[cells] = self._scene_sets.setdefault(tuple(scenes), len(self._scene_sets))
        self.status[cells], self.reason[cells] = status, reason

    def doubt(self, cells: Indexes | int, doubt: Doubt) -> None:
        """State a doubt about cells."""
        self._doubts[cells] |= 1 << DOUBTS.index(doubt)

    def fail(self, cell: int, reason: str) -> None:
        """Take back what is stated of a cell but its provenance: it failed."""
        for column in self.statistics.values():
            column[cell] = np.nan
        self.status[cell], self.reason[cell], self.note[cell] = "failed", reason, None
        self._doubts[cell] = 0

    def note_read(self, blocks: int, size: int) -> None:
        """Note how many blocks and bytes of scenes were read, besides those that are noted."""
        with self._lock:
            self.blocks_read += blocks
            self.bytes_read += size

    def columns(self, cells: Indexes | None = None) -> dict[str, list[Any]]:
        """Return the attributes of observations, one value for each of the cells; None are all."""
        order = self._order
        chosen = np.arange(len(self)) if cells is None else cells
        numbers = chosen.tolist()
        fields = [order.cells[number].field for number in numbers]
        known = {name: _values(column[chosen], name in COUNTS) for name, column in self.statistics.items()}
        return {
            **known,
            "field_id": [order.fields[field].field_id for field in fields],
            "date": [order.cells[number].date for number in numbers],
            "status": self.status[chosen].tolist(),
            "reason": self.reason[chosen].tolist(),
            "quality": [_named(mask) for mask in self._doubts[chosen].tolist()],
            "note": self.note[chosen].tolist(),
            **self._provenance(chosen),
            "mask_policy": [order.policy.mask] * len(numbers),
            "algorithm_version": [order.policy.algorithm_version] * len(numbers),
            "geometry_hash": [order.fields[field].geometry_hash for field in fields],
            "extent": [order.extent] * len(numbers),
            "fingerprint": [order.cells[number].fingerprint for number in numbers],
        }

    def observations(self, cells: Indexes | None = None) -> list[Observation]:
        """Return rows by themselves; None are all."""
        columns = self.columns(cells)
        columns["indices"] = self._indices_of_rows(columns)
        of_rows = {name: column for name, column in columns.items() if name not in self._further}
        rows = zip(*of_rows.values(), strict=True)
        return [Observation.model_construct(**dict(zip(of_rows, row, strict=True))) for row in rows]

    def _indices_of_rows(self, columns: Mapping[str, list[Any]]) -> list[dict[str, IndexStatistics]]:
        """Return the further indices of each row, given the columns; one without numbers is left out."""
        found: list[dict[str, IndexStatistics]] = [{} for _ in columns["status"]]
        for name in dict.fromkeys(column.index for column in self._further.values()):
            own = {column.statistic: columns[key] for key, column in self._further.items() if column.index == name}
            for row, values in zip(found, zip(*own.values(), strict=True), strict=True):
                if any(value is not None for value in values):
                    row[name] = IndexStatistics(**dict(zip(own, values, strict=True)))
        return found

    def _provenance(self, cells: Indexes) -> dict[str, list[Any]]:
        with self._lock:  # days that are not done add to them
            sets = tuple(self._scene_sets)
        chosen = self._scenes[cells].tolist()
        of_sets = {number: self._of_scenes(sets[number]) for number in {0, *chosen}}
        return {name: [of_sets[number][name] for number in chosen] for name in of_sets[0]}

    def _of_scenes(self, numbers: Sequence[int]) -> dict[str, Any]:
        scenes = [self._order.scenes[number] for number in numbers]
        first = min(scenes, key=lambda scene: (scene.time, scene.id), default=None)
        return {
            "scene_ids": tuple(scene.id for scene in scenes),
            "acquired_at": first and first.time,
            "platform": first and first.platform,
            "relative_orbit": first and first.relative_orbit,
            "sun_zenith": first and first.sun_zenith,
            "view_zenith": first and first.view_zenith,
            "baseline": _joined(scene.baseline for scene in scenes),
            "offset_rule": _joined(scene.offset.rule for scene in scenes),
        }


@cache
def _named(doubts: int) -> tuple[Doubt, ...]:
    """Return the doubts that a number's bits stand for."""
    return tuple(name for bit, name in enumerate(DOUBTS) if doubts >> bit & 1)


def _values(column: Floats, is_count: bool) -> list[float | int | None]:
    unknown = np.isnan(column)
    known = np.where(unknown, 0, column)
    values = (known.astype(np.intp) if is_count else known).astype(object)
    values[unknown] = None
    return list(values)


def _joined(names: Iterable[str]) -> str | None:
    return ", ".join(sorted(set(names))) or None

"""The hot core: from a work order to the observation of each cell, each needed block of each scene read once.

A day at a time: the scenes' classification (SCL) is read first. It settles which scenes each field is computed from,
and which fields are hidden altogether; red and near infrared are then read for the others.
"""

import logging
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.field_raster import FieldRaster
from ndvi_core.models.observation import Observation
from ndvi_core.models.work_order import Cell, WorkOrder
from ndvi_core.raster.band import Asset
from ndvi_core.raster.grid import Grid, TileLayout
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.raster.windows import BandWindow, Pixels, gather
from ndvi_core.support.concurrency import prefetch_in_order
from ndvi_core.zonal.coverage import Coverage, cover
from ndvi_core.zonal.mask import get_policy
from ndvi_core.zonal.measure import Measurement, measure
from ndvi_core.zonal.mosaic import Candidate, Mosaic, classify, sample_classes, select_scenes, shortlist
from ndvi_core.zonal.observation_builder import ObservationBuilder
from ndvi_core.zonal.offset_check import HarmonisedCheck

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)

MAX_DAYS = 8
"""Days that are computed side by side: while the blocks of one are awaited, those of another are computed."""

MAX_CELLS = 10_000
"""Cells of such days together: each takes some kilobytes from when its scenes are chosen until it is computed."""

MAX_PIXELS = 100_000
"""Pixels of windows that are looked at together: enough to hide numpy's overhead, few enough for the CPU's caches."""

READ_AHEAD = 8
"""The part of the order's memory, one in so many, that is for blocks which are read before they are needed."""


@dataclass(frozen=True, eq=False)
class CellOutcome:
    """What became of a cell."""

    observation: Observation
    raster: FieldRaster | None
    """None when no pixel is valid, and when the order asks for no pictures."""


def observe(order: WorkOrder) -> Iterator[CellOutcome]:
    """Yield the outcome of every cell of the order, day by day, and within a day as the pixels come.

    A cell's outcome does not depend on the order's other cells, nor on how the scenes are stored in blocks.

    Raises:
        BadInput: the mask policy is unknown.
        TryAgain: the network or a server failed.
    """
    coverages = _Coverages([item.geometry for item in order.fields])
    days: dict[date, list[Cell]] = defaultdict(list)
    for cell in order.cells:
        days[cell.date].append(cell)
    at_once = max(1, min(MAX_DAYS, MAX_CELLS // max(map(len, days.values()), default=1), len(days)))
    memory = order.memory_mb * 1_000_000 // READ_AHEAD // at_once
    return prefetch_in_order(
        [partial(_observe_day, order, coverages, days[day], memory) for day in sorted(days)], at_once
    )


def _observe_day(order: WorkOrder, coverages: "_Coverages", cells: list[Cell], memory: int) -> Generator[CellOutcome]:
    with ExitStack() as stack:
        numbers = sorted({number for cell in cells for number in cell.scenes})
        scenes = {number: stack.enter_context(OpenScene(order.scenes[number])) for number in numbers}
        yield from _Day(order, coverages, scenes, memory).observe(cells)


class _Coverages:
    """The coverage of each field on each grid, computed once however many days and scenes need it."""

    def __init__(self, geometries: list[BaseGeometry]) -> None:
        self._geometries = geometries
        self._found: dict[Grid, dict[int, Coverage | None]] = defaultdict(dict)
        self._lock = Lock()

    def prepare(self, grid: Grid, fields: Iterable[int]) -> None:
        """Compute what is not known yet of these fields, all at once, which is several times faster than singly."""
        with self._lock:
            known = self._found[grid]
            new = sorted(set(fields) - known.keys())
            known.update(zip(new, cover([self._geometries[index] for index in new], grid), strict=True))

    def get(self, grid: Grid, index: int) -> Coverage | None:
        return self._found[grid][index]


@dataclass(eq=False)
class _Task:
    """A cell on its way to its outcome."""

    cell: Cell
    candidates: list[Candidate] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """Why scenes had to be left out."""


class _Day:
    """The cells of one day, with the scenes that they need, open, by their number in the order."""

    def __init__(self, order: WorkOrder, coverages: _Coverages, scenes: dict[int, OpenScene], memory: int) -> None:
        self._builder = ObservationBuilder(order)
        self._valid_classes = get_policy(order.policy.mask).valid
        self._coverages = coverages
        self._scenes = scenes
        self._memory = memory
        self._pictures = order.pictures
        self._check = HarmonisedCheck()
        self._warned: set[str] = set()

    def observe(self, cells: Sequence[Cell]) -> Iterator[CellOutcome]:
        """Yield the cells' outcomes. A cell that loses a scene on the way goes round again with what is left."""
        waiting = self._begin(cells)
        while waiting:
            ready: list[_Task] = []
            for task in waiting:
                observation = self._builder.without_pixels(task.cell, task.candidates, task.unreadable)
                if observation is None:
                    ready.append(task)
                else:
                    yield CellOutcome(observation, None)
            waiting = []
            chosen: dict[_Task, Mosaic] = {}
            for task, choice in self._choices(ready):
                if choice is None:
                    waiting.append(task)
                elif choice.sees_ground:
                    chosen[task] = choice
                    for scene in choice.scenes:
                        scene.begin("nir")
                else:
                    yield self._outcome(task, choice, Measurement(None, choice.masked_pixels))
            for task, outcome in self._outcomes(chosen):
                if outcome is None:
                    waiting.append(task)
                else:
                    yield outcome
        self._report()

    def _begin(self, cells: Sequence[Cell]) -> list[_Task]:
        """Open the red bands, compute the coverages, and find which scenes hold some of which field."""
        layouts: dict[int, TileLayout] = {}
        broken: dict[int, SceneUnreadable] = {}
        for scene in self._scenes.values():
            scene.begin("red", "scl")
        for number, scene in self._scenes.items():
            try:
                layouts[number] = scene.band("red").layout
            except SceneUnreadable as error:
                broken[number] = error
        fields: dict[Grid, set[int]] = defaultdict(set)
        for cell in cells:
            for number in layouts.keys() & cell.scenes:
                fields[layouts[number].grid].add(cell.field)
        for grid, indexes in fields.items():
            self._coverages.prepare(grid, indexes)

        tasks = [_Task(cell) for cell in cells]
        for task in tasks:
            for number in task.cell.scenes:
                if number in broken:
                    self._leave_out(task, self._scenes[number], broken[number])
                elif candidate := self._candidate(task.cell, number, layouts[number]):
                    task.candidates.append(candidate)
        return tasks

    def _candidate(self, cell: Cell, number: int, layout: TileLayout) -> Candidate | None:
        coverage = self._coverages.get(layout.grid, cell.field)
        common = coverage.window.intersection(layout.window) if coverage else None
        if coverage is None or common is None:
            return None
        holds = common == coverage.window
        covers_some = holds or coverage.share[common.slices_in(coverage.window)].any()
        if coverage.pixels > 0 and not covers_some:  # a field without any area is not outside but too small
            return None
        return Candidate(self._scenes[number], layout.grid, coverage, holds)

    def _choices(self, tasks: Sequence[_Task]) -> Iterator[tuple[_Task, Mosaic | None]]:
        """Yield which scenes each cell is computed from; None when a scene had to be left out."""
        shortlists: dict[_Task, list[Candidate]] = {}
        by_scene: dict[OpenScene, list[Candidate]] = defaultdict(list)
        for task in tasks:
            candidates = shortlist(task.candidates)
            if self._opens(task, [candidate.scene for candidate in candidates], "scl"):
                shortlists[task] = candidates
                for candidate in candidates:
                    by_scene[candidate.scene].append(candidate)
            else:
                yield task, None
        samples = {sample.candidate: sample for of_scene in by_scene.values() for sample in sample_classes(of_scene)}
        wanted = {task: [samples[candidate].part for candidate in own] for task, own in shortlists.items()}
        for found in _together(gather(wanted, self._memory)):
            whole: list[_Task] = []
            parts: list[NDArray[np.integer]] = []
            for task, pixels in found:
                classes = self._whole(task, [candidate.scene for candidate in shortlists[task]], pixels)
                if classes is None:
                    yield task, None
                else:
                    whole.append(task)
                    parts += classes
            seen = [samples.pop(candidate) for task in whole for candidate in shortlists[task]]
            looks = iter(classify(seen, parts, self._valid_classes))
            for task in whole:
                yield task, select_scenes(list(islice(looks, len(shortlists.pop(task)))))

    def _outcomes(self, chosen: dict[_Task, Mosaic]) -> Iterator[tuple[_Task, CellOutcome | None]]:
        """Yield the outcome of each cell; None when a scene had to be left out."""
        wanted: dict[_Task, list[BandWindow]] = {}
        for task, choice in chosen.items():
            if self._opens(task, choice.scenes, "nir"):
                window = choice.coverage.window
                wanted[task] = [BandWindow(s.band(asset), window) for s in choice.scenes for asset in ("red", "nir")]
            else:
                yield task, None
        for found in _together(gather(wanted, self._memory)):
            bands: dict[_Task, list[NDArray[np.integer]]] = {}
            for task, pixels in found:
                read = self._whole(task, [scene for scene in chosen[task].scenes for _ in ("red", "nir")], pixels)
                if read is None:
                    yield task, None
                else:
                    bands[task] = read
            choices = [chosen.pop(task) for task in bands]
            for task, choice, measured in zip(
                bands, choices, measure(choices, list(bands.values()), self._check), strict=True
            ):
                yield task, self._outcome(task, choice, measured)

    def _outcome(self, task: _Task, choice: Mosaic, measured: Measurement) -> CellOutcome:
        observation = self._builder.measured(task.cell, choice, measured, task.unreadable)
        if measured.ndvi is None or not self._pictures:
            return CellOutcome(observation, None)
        return CellOutcome(observation, _field_raster(choice, measured.ndvi))

    def _opens(self, task: _Task, scenes: Sequence[OpenScene], asset: Asset) -> bool:
        """Open a band of each scene; leave those out of the cell for which that fails, and say whether none did."""
        whole = True
        for scene in scenes:
            try:
                scene.band(asset)
            except SceneUnreadable as error:
                self._leave_out(task, scene, error)
                whole = False
        return whole

    def _whole(
        self, task: _Task, scenes: Sequence[OpenScene], pixels: Sequence[Pixels]
    ) -> list[NDArray[np.integer]] | None:
        """Return the pixels, None if they are broken in any scene, which is then left out of the cell."""
        for scene, part in zip(scenes, pixels, strict=True):
            if isinstance(part, SceneUnreadable):
                self._leave_out(task, scene, part)
        arrays = [part for part in pixels if not isinstance(part, SceneUnreadable)]
        return arrays if len(arrays) == len(pixels) else None

    def _leave_out(self, task: _Task, scene: OpenScene, error: SceneUnreadable) -> None:
        task.candidates = [candidate for candidate in task.candidates if candidate.scene is not scene]
        task.unreadable.append(str(error))
        if str(error) not in self._warned:
            self._warned.add(str(error))
            log.warning("%s", error)

    def _report(self) -> None:
        """Log what was read of each scene."""
        for warning in self._check.warnings():
            log.warning("%s", warning)
        for scene in self._scenes.values():
            read = [
                f"{asset} {band.blocks_read} blocks, {band.bytes_read / 1e6:.2f} MB"
                for asset, band in scene.opened().items()
                if band.blocks_read
            ]
            log.info("scene %s: %s", scene.scene.id, "; ".join(read) or "nothing read")


def _field_raster(choice: Mosaic, values: NDArray[np.float64]) -> FieldRaster:
    window = choice.coverage.window
    return FieldRaster(
        ndvi=values.astype(np.float32),
        coverage=choice.coverage.share,
        transform=choice.grid.transform(window),
        epsg=choice.grid.epsg,
        bounds=choice.grid.bounds(window),
    )


def _together(found: Iterable[tuple[_Task, list[Pixels]]]) -> Iterator[list[tuple[_Task, list[Pixels]]]]:
    """Yield what was found in lists that are worth a call of numpy."""
    some: list[tuple[_Task, list[Pixels]]] = []
    size = 0
    for task, pixels in found:
        some.append((task, pixels))
        size += max((part.size for part in pixels if not isinstance(part, SceneUnreadable)), default=0)
        if size >= MAX_PIXELS:
            yield some
            some, size = [], 0
    if some:
        yield some

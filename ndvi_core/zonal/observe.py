"""The hot core: from a work order to the observation of each cell, each needed block of each scene read once.

The cells of a day go through the same steps together:

1. prepare: open the red bands, compute the fields' coverages, and find the scenes that contain some of each field;
2. classify: read the scenes' classification (SCL), and select the scenes of each field's mosaic;
3. measure: read red and near infrared of the mosaics that have valid pixels, and compute the statistics.

A cell that is settled leaves after any step. A cell goes through classify and measure again, with other scenes, when
a scene turns out to be unreadable, or when the scenes that were looked at lack pixels that others may have.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from itertools import islice
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import SceneUnreachable, SceneUnreadable
from ndvi_core.models.arrays import Floats
from ndvi_core.models.field_raster import FieldRaster
from ndvi_core.models.observation import Observation
from ndvi_core.models.scene import number_passes
from ndvi_core.models.work_order import Cell, WorkOrder
from ndvi_core.raster.band import Asset
from ndvi_core.raster.grid import Grid, TileLayout
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.raster.projection import shrink
from ndvi_core.raster.windows import BandWindow, Pixels, gather
from ndvi_core.support.concurrency import prefetch_in_order
from ndvi_core.zonal.coverage import Coverage, cover
from ndvi_core.zonal.mask import Mask, get_policy
from ndvi_core.zonal.measure import BANDS, ZonalStatistics, masked_only, measure, pair_red_nir, red_nir_windows
from ndvi_core.zonal.mosaic import (
    Candidate,
    ClassifiedScene,
    ClassSample,
    Mosaic,
    classify,
    sample_classes,
    select_scenes,
    shortlist,
)
from ndvi_core.zonal.observation_builder import Findings, ObservationBuilder
from ndvi_core.zonal.offset_check import OffsetCheck

log = logging.getLogger(__name__)

MAX_DAYS = 8
"""Days that are computed side by side: while the blocks of one are awaited, those of another are computed."""

MAX_CELLS = 10_000
"""Cells of such days together: each takes some kilobytes from when its scenes are selected until it is computed."""

MAX_PIXELS = 100_000
"""Pixels of windows that are computed together: enough to hide numpy's overhead, few enough for the CPU's caches."""

READ_AHEAD = 8
"""One part in so many of the order's memory is for blocks that are read before they are needed."""


@dataclass(frozen=True, eq=False, slots=True)
class ObservedCell:
    """The observation of a cell, with the pixels that its products are made of."""

    observation: Observation
    raster: FieldRaster | None = None
    """None when no pixel is valid, and when the order asks for no pictures."""
    is_passing: bool = False
    """Whether it failed for a reason that may pass."""


def observe(order: WorkOrder) -> Iterator[ObservedCell]:
    """Yield every cell of the order, observed, day by day, and within a day as the pixels come.

    A cell's observation does not depend on the order's other cells, nor on how the scenes are stored in blocks.

    Raises:
        BadInput: The mask policy is unknown.
    """
    inner = order.policy.inner_buffer_m
    coverages = _Coverages([shrink(item.geometry, inner) for item in order.fields])
    days: dict[date, list[Cell]] = defaultdict(list)
    for cell in order.cells:
        days[cell.date].append(cell)
    at_once = max(1, min(MAX_DAYS, MAX_CELLS // max(map(len, days.values()), default=1), len(days)))
    memory = order.memory_mb * 1_000_000 // READ_AHEAD // at_once
    return prefetch_in_order(
        [partial(_observe_day, order, coverages, days[day], memory) for day in sorted(days)], at_once
    )


def _observe_day(order: WorkOrder, coverages: "_Coverages", cells: list[Cell], memory: int) -> Generator[ObservedCell]:
    with ExitStack() as stack:
        numbers = sorted({number for cell in cells for number in (*cell.scenes, *cell.older)})
        scenes = {number: stack.enter_context(OpenScene(order.scenes[number])) for number in numbers}
        yield from _Day(order, coverages, scenes, memory).observe(cells)


class _Coverages:
    """The coverage of each field on each grid, computed once however many days and scenes need it."""

    def __init__(self, geometries: list[BaseGeometry]) -> None:
        self._geometries = geometries
        self._found: dict[Grid, dict[int, Coverage | None]] = defaultdict(dict)
        self._lock = Lock()

    def prepare(self, grid: Grid, fields: Iterable[int]) -> None:
        """Compute the coverages of these fields that are missing, all at once, which is much faster than singly."""
        with self._lock:
            known = self._found[grid]
            new = sorted(set(fields) - known.keys())
            known.update(zip(new, cover([self._geometries[index] for index in new], grid), strict=True))

    def is_empty(self, index: int) -> bool:
        """Return whether nothing is left of a field."""
        return bool(self._geometries[index].is_empty)

    def get(self, grid: Grid, index: int) -> Coverage | None:
        """Return the coverage of a field that was prepared, None if it has none on this grid."""
        return self._found[grid][index]


@dataclass(frozen=True, eq=False, slots=True)
class _PreparedCell:
    """A cell and the scenes that it can be computed from."""

    cell: Cell
    candidates: Sequence[Candidate]
    """Each on its own grid."""
    unreadable: Sequence[str]
    """Why other scenes cannot be read."""
    looked_at: Sequence[Candidate]
    """Those whose classification is read: the likely ones, or all, or all of one pass on one grid."""
    has_older: bool = False
    """Whether older products are among the candidates."""
    is_on_one_grid: bool = False
    """Whether all candidates of a pass are looked at, on one grid: there are no more to ask."""
    holes: Mapping[OpenScene, Mask] = field(default_factory=dict)
    """Where scenes were found to lack pixels, (height, width) on that grid."""


@dataclass(frozen=True, eq=False, slots=True)
class _SampledCell:
    """A cell whose scenes' classification is about to be read."""

    prepared: _PreparedCell
    samples: Sequence[ClassSample]
    """One for each scene that is looked at."""


@dataclass(frozen=True, eq=False, slots=True)
class _CellMosaic:
    """A cell whose scenes are selected."""

    prepared: _PreparedCell
    mosaic: Mosaic


@dataclass(frozen=True, eq=False, slots=True)
class _Again:
    """A cell that has to be classified anew, with other scenes or without some of their pixels."""

    prepared: _PreparedCell


_Unreadable = Sequence[tuple[OpenScene, SceneUnreadable]]
"""Scenes that cannot be read, and why."""


class _Day:
    """The cells of one day, with the scenes that they need, open, by their number in the order."""

    def __init__(self, order: WorkOrder, coverages: _Coverages, scenes: dict[int, OpenScene], memory: int) -> None:
        self._builder = ObservationBuilder(order)
        self._policy = get_policy(order.policy.mask)
        self._coverages = coverages
        self._scenes = scenes
        numbers = number_passes([scene.scene for scene in scenes.values()])
        self._passes = dict(zip(scenes.values(), numbers, strict=True))
        self._memory = memory
        self._pictures = order.pictures
        self._check = OffsetCheck()
        self._warned: set[str] = set()

    def observe(self, cells: Sequence[Cell]) -> Iterator[ObservedCell]:
        """Yield each cell, observed; then log what was read of each scene."""
        waiting: list[_PreparedCell] = []
        for item in self._prepare(cells):
            if isinstance(item, ObservedCell):
                yield item
            else:
                waiting.append(item)
        while waiting:
            again: list[_PreparedCell] = []
            for found in self._observe_prepared(waiting):
                if isinstance(found, _Again):
                    again.append(found.prepared)
                else:
                    yield found
            waiting = again
        self._report()

    def _observe_prepared(self, cells: Iterable[_PreparedCell]) -> Iterator[ObservedCell | _Again]:
        """Take each cell through classify and measure, as far as it needs to go."""
        to_classify: list[_PreparedCell] = []
        for cell in cells:
            observation = self._builder.without_pixels(cell.cell, cell.candidates, cell.unreadable)
            if observation is None:
                to_classify.append(cell)
            elif not cell.candidates and cell.cell.older and not cell.has_older:
                yield _Again(self._with_older(cell))
            else:
                yield ObservedCell(observation)
        to_measure: list[_CellMosaic] = []
        for item in self._classify(to_classify):
            if not isinstance(item, _CellMosaic):
                yield item
            elif not item.mosaic.is_whole and self._has_more(item):
                yield _Again(self._on_one_grid(item))
            elif item.mosaic.has_valid_pixels:
                to_measure.append(item)
                for scene in item.mosaic.scenes:
                    scene.begin("nir")
            else:
                yield self._observed(item, masked_only(item.mosaic))
        yield from self._measure(to_measure)

    def _prepare(self, cells: Sequence[Cell]) -> Iterator[_PreparedCell | ObservedCell]:
        """Open the red bands, compute the coverages, and find the scenes that contain some of each field."""
        layouts, broken = self._red_layouts({number for cell in cells for number in cell.scenes})
        fields: dict[Grid, set[int]] = defaultdict(set)
        for cell in cells:
            for number in layouts.keys() & cell.scenes:
                fields[layouts[number].grid].add(cell.field)
        for grid, indexes in fields.items():
            self._coverages.prepare(grid, indexes)
        for cell in cells:
            if self._coverages.is_empty(cell.field):
                yield ObservedCell(self._builder.without_inside(cell))
                continue
            unreadable = [broken[number] for number in cell.scenes if number in broken]
            reasons = [*cell.unreadable, *map(str, unreadable)]
            if any(isinstance(error, SceneUnreachable) for error in unreadable):
                yield ObservedCell(self._builder.failed(cell, reasons), is_passing=True)
                continue
            found = (self._candidate(cell, number, layouts[number]) for number in cell.scenes if number in layouts)
            candidates = [candidate for candidate in found if candidate]
            yield _PreparedCell(cell, candidates, reasons, shortlist(candidates, self._passes))

    def _red_layouts(self, numbers: Collection[int]) -> tuple[dict[int, TileLayout], dict[int, SceneUnreadable]]:
        """Return the layout of each scene's red band, or why the band cannot be opened."""
        scenes = {number: scene for number, scene in self._scenes.items() if number in numbers}
        for scene in scenes.values():
            scene.begin("red", "scl")
        layouts: dict[int, TileLayout] = {}
        broken: dict[int, SceneUnreadable] = {}
        for number, scene in scenes.items():
            try:
                layouts[number] = scene.band("red").layout
            except SceneUnreadable as error:
                broken[number] = error
                self._warn(error)
        return layouts, broken

    def _candidate(self, cell: Cell, number: int, layout: TileLayout, *, is_older: bool = False) -> Candidate | None:
        """Return the scene of that number as a candidate, None if its raster contains nothing of the field."""
        coverage = self._coverages.get(layout.grid, cell.field)
        common = coverage.window.intersection(layout.window) if coverage else None
        if coverage is None or common is None:
            return None
        around = coverage.window.widened(self._policy.margin(layout.grid.size_x))
        contains_field = layout.window.contains(around)
        contains_some = contains_field or coverage.coverage_fraction[common.slices_in(coverage.window)].any()
        if coverage.pixels > 0 and not contains_some:  # a field without any area is not outside but too small
            return None
        return Candidate(self._scenes[number], layout.grid, coverage, contains_field, is_older)

    def _has_more(self, item: _CellMosaic) -> bool:
        """Return whether scenes that were not looked at, or not on the mosaic's grid, may have what it lacks."""
        cell = item.prepared
        if cell.is_on_one_grid:
            return False
        of_pass = self._passes[item.mosaic.scenes[0]]
        return bool(cell.cell.older and not cell.has_older) or any(
            candidate.grid != item.mosaic.grid or candidate not in cell.looked_at
            for candidate in cell.candidates
            if self._passes[candidate.scene] == of_pass
        )

    def _with_older(self, cell: _PreparedCell) -> _PreparedCell:
        """Return the cell with its older products, all of whose scenes are to be looked at."""
        if cell.has_older:
            return replace(cell, looked_at=cell.candidates)
        layouts, broken = self._red_layouts(cell.cell.older)
        for layout in layouts.values():
            self._coverages.prepare(layout.grid, [cell.cell.field])
        found = (self._candidate(cell.cell, number, layouts[number], is_older=True) for number in layouts)
        candidates = [*cell.candidates, *(candidate for candidate in found if candidate)]
        reasons = [*cell.unreadable, *map(str, broken.values())]
        return _PreparedCell(cell.cell, candidates, reasons, candidates, has_older=True)

    def _on_one_grid(self, item: _CellMosaic) -> _PreparedCell:
        """Return the cell with all scenes of its pass, older ones too, to be looked at on its mosaic's grid."""
        mosaic, cell = item.mosaic, self._with_older(item.prepared)
        of_pass = self._passes[mosaic.scenes[0]]
        looked_at = [
            replace(candidate, grid=mosaic.grid, coverage=mosaic.coverage)
            for candidate in cell.candidates
            if self._passes[candidate.scene] == of_pass
        ]
        return replace(cell, looked_at=looked_at, is_on_one_grid=True)

    def _classify(self, cells: Iterable[_PreparedCell]) -> Iterator[_CellMosaic | _Again | ObservedCell]:
        """Read the classification of the scenes to look at, and select the scenes of each cell's mosaic."""
        wanted: dict[_SampledCell, list[BandWindow]] = {}
        to_read: list[_PreparedCell] = []
        for cell in cells:
            if unreadable := _not_opened([candidate.scene for candidate in cell.looked_at], "scl"):
                yield self._lost(cell, unreadable)
            else:
                to_read.append(cell)
        for item in self._sample(to_read):
            wanted[item] = [sample.window for sample in item.samples]
        for batch in _batches(gather(wanted, self._memory)):
            sampled: list[_SampledCell] = []
            classes: list[NDArray[np.integer]] = []
            for item, pixels in batch:
                arrays, unreadable = _sort_out([sample.candidate.scene for sample in item.samples], pixels)
                if unreadable:
                    yield self._lost(item.prepared, unreadable)
                else:
                    sampled.append(item)
                    classes += arrays
            samples = [sample for item in sampled for sample in item.samples]
            classified_scenes = iter(classify(samples, classes, self._policy))
            for item in sampled:
                of_cell = list(islice(classified_scenes, len(item.samples)))
                if holes := item.prepared.holes:
                    of_cell = [_without(one, holes) for one in of_cell]
                yield _CellMosaic(item.prepared, select_scenes(of_cell, self._passes))

    def _sample(self, cells: Sequence[_PreparedCell]) -> Iterator[_SampledCell]:
        """Yield where the classification of each cell's scenes is sampled."""
        together: dict[tuple[OpenScene, Grid], list[Candidate]] = defaultdict(list)
        for cell in cells:
            for candidate in cell.looked_at:
                together[candidate.scene, candidate.grid].append(candidate)
        samples = {
            sample.candidate: sample for group in together.values() for sample in sample_classes(group, self._policy)
        }
        for cell in cells:
            yield _SampledCell(cell, [samples[candidate] for candidate in cell.looked_at])

    def _measure(self, cells: Iterable[_CellMosaic]) -> Iterator[ObservedCell | _Again]:
        """Read red and near infrared of the mosaics, and compute the cells' statistics."""
        wanted: dict[_CellMosaic, list[BandWindow]] = {}
        for item in cells:
            if unreadable := _not_opened(item.mosaic.scenes, "nir"):
                yield self._lost(item.prepared, unreadable)
            else:
                wanted[item] = red_nir_windows(item.mosaic)
        for batch in _batches(gather(wanted, self._memory)):
            whole: list[_CellMosaic] = []
            bands = []
            for item, pixels in batch:
                arrays, unreadable = _sort_out([scene for scene in item.mosaic.scenes for _ in BANDS], pixels)
                if unreadable:
                    yield self._lost(item.prepared, unreadable)
                else:
                    whole.append(item)
                    bands.append(pair_red_nir(item.mosaic, arrays))
            for item, found in zip(whole, measure([item.mosaic for item in whole], bands), strict=True):
                filled = self._filled(item, found.holes)
                yield _Again(filled) if filled else self._observed(item, found)

    def _filled(self, item: _CellMosaic, holes: Mask | None) -> _PreparedCell | None:
        """Return the cell as it has to be classified anew so that others fill the holes; None if none may."""
        if holes is None:
            return None
        mosaic, cell = item.mosaic, item.prepared
        if not (self._has_more(item) or (mosaic.elsewhere is not None and (mosaic.elsewhere & holes).any())):
            return None
        wide = cell if cell.is_on_one_grid else self._on_one_grid(item)
        of_scenes = dict(wide.holes)
        for number, scene in enumerate(mosaic.scenes):
            own = holes & (mosaic.source == number)
            of_scenes[scene] = own | of_scenes[scene] if scene in of_scenes else own
        return replace(wide, holes=of_scenes)

    def _observed(self, item: _CellMosaic, found: ZonalStatistics) -> ObservedCell:
        cell, mosaic = item.prepared, item.mosaic
        try:
            doubts = [self._check.doubt(scene, found.dark_share) for scene in mosaic.scenes] if found.statistics else []
        except SceneUnreachable as error:
            return ObservedCell(self._builder.failed(cell.cell, [str(error)]), is_passing=True)
        findings = Findings(mosaic, found, cell.unreadable, [doubt for doubt in doubts if doubt])
        observation = self._builder.measured(cell.cell, findings)
        if found.ndvi is None or not self._pictures:
            return ObservedCell(observation)
        return ObservedCell(observation, _field_raster(mosaic, found.ndvi))

    def _lost(self, cell: _PreparedCell, unreadable: _Unreadable) -> ObservedCell | _Again:
        """Return the cell without scenes that cannot be read, to be classified anew.

        What cannot be read for now fails it: another scene would give an answer that stays.
        """
        for _, error in unreadable:
            self._warn(error)
        reasons = [*cell.unreadable, *dict.fromkeys(str(error) for _, error in unreadable)]
        if any(isinstance(error, SceneUnreachable) for _, error in unreadable):
            return ObservedCell(self._builder.failed(cell.cell, reasons), is_passing=True)
        lost = {scene for scene, _ in unreadable}
        left = [candidate for candidate in cell.candidates if candidate.scene not in lost]
        return _Again(self._with_older(_PreparedCell(cell.cell, left, reasons, left, cell.has_older)))

    def _warn(self, error: SceneUnreadable) -> None:
        """Log why a scene cannot be read, once however many cells need it."""
        if str(error) not in self._warned:
            self._warned.add(str(error))
            log.warning("%s", error)

    def _report(self) -> None:
        """Log what was read of each scene."""
        for scene in self._scenes.values():
            read = [
                f"{asset} {band.blocks_read} blocks, {band.bytes_read / 1e6:.2f} MB"
                for asset, band in scene.opened().items()
                if band.blocks_read
            ]
            log.info("scene %s: %s", scene.scene.id, "; ".join(read) or "nothing read")


def _field_raster(mosaic: Mosaic, ndvi: Floats) -> FieldRaster:
    window = mosaic.coverage.window
    return FieldRaster(
        ndvi=ndvi.astype(np.float32),
        coverage_fraction=mosaic.coverage.coverage_fraction,
        transform=mosaic.grid.transform(window),
        epsg=mosaic.grid.epsg,
        bounds=mosaic.grid.bounds(window),
    )


def _without(scene: ClassifiedScene, holes: Mapping[OpenScene, Mask]) -> ClassifiedScene:
    own = holes.get(scene.candidate.scene)
    return scene if own is None else scene.without(own)


def _not_opened(scenes: Sequence[OpenScene], asset: Asset) -> _Unreadable:
    """Open a band of each scene, and return the scenes for which that fails."""
    failed = []
    for scene in scenes:
        try:
            scene.band(asset)
        except SceneUnreadable as error:
            failed.append((scene, error))
    return failed


def _sort_out(scenes: Sequence[OpenScene], pixels: Sequence[Pixels]) -> tuple[list[NDArray[np.integer]], _Unreadable]:
    """Divide what was read of scenes into pixels and failures; pixels are whole only without a failure."""
    arrays = [part for part in pixels if not isinstance(part, SceneUnreadable)]
    if len(arrays) == len(pixels):
        return arrays, ()
    parts = zip(scenes, pixels, strict=True)
    return arrays, [(scene, part) for scene, part in parts if isinstance(part, SceneUnreadable)]


_Key = TypeVar("_Key")


def _batches(found: Iterable[tuple[_Key, list[Pixels]]]) -> Iterator[list[tuple[_Key, list[Pixels]]]]:
    """Yield what was read in lists of about `MAX_PIXELS` pixels of windows, each worth a call of numpy."""
    batch: list[tuple[_Key, list[Pixels]]] = []
    size = 0
    for key, pixels in found:
        batch.append((key, pixels))
        size += max((part.size for part in pixels if not isinstance(part, SceneUnreadable)), default=0)
        if size >= MAX_PIXELS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch

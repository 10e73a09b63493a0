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
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import SceneUnreachable, SceneUnreadable
from ndvi_core.models.arrays import Floats
from ndvi_core.models.field_raster import FieldRaster
from ndvi_core.models.observation import Observation
from ndvi_core.models.work_order import Cell, WorkOrder
from ndvi_core.raster.band import Asset
from ndvi_core.raster.grid import Grid
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.raster.projection import shrink
from ndvi_core.raster.windows import BandWindow, Pixels, gather
from ndvi_core.support.concurrency import prefetch_in_order
from ndvi_core.zonal.candidates import Coverages, DayScenes, PreparedCell, Unreadable
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
    coverages = Coverages([shrink(item.geometry, inner) for item in order.fields])
    days: dict[date, list[Cell]] = defaultdict(list)
    for cell in order.cells:
        days[cell.date].append(cell)
    at_once = max(1, min(MAX_DAYS, MAX_CELLS // max(map(len, days.values()), default=1), len(days)))
    memory = order.memory_mb * 1_000_000 // READ_AHEAD // at_once
    return prefetch_in_order(
        [partial(_observe_day, order, coverages, days[day], memory) for day in sorted(days)], at_once
    )


def _observe_day(order: WorkOrder, coverages: "Coverages", cells: list[Cell], memory: int) -> Generator[ObservedCell]:
    with ExitStack() as stack:
        numbers = sorted({number for cell in cells for number in (*cell.scenes, *cell.older)})
        scenes = {number: stack.enter_context(OpenScene(order.scenes[number])) for number in numbers}
        yield from _Day(order, coverages, scenes, memory).observe(cells)


@dataclass(frozen=True, eq=False, slots=True)
class _SampledCell:
    """A cell whose scenes' classification is about to be read."""

    prepared: PreparedCell
    samples: Sequence[ClassSample]
    """One for each scene that is looked at."""


@dataclass(frozen=True, eq=False, slots=True)
class _CellMosaic:
    """A cell whose scenes are selected."""

    prepared: PreparedCell
    mosaic: Mosaic


@dataclass(frozen=True, eq=False, slots=True)
class _Again:
    """A cell that has to be classified anew, with other scenes or without some of their pixels."""

    prepared: PreparedCell


class _Day:
    """The cells of one day."""

    def __init__(self, order: WorkOrder, coverages: Coverages, scenes: Mapping[int, OpenScene], memory: int) -> None:
        self._builder = ObservationBuilder(order)
        self._policy = get_policy(order.policy.mask)
        self._coverages = coverages
        self._open = scenes.values()
        self._scenes = DayScenes(scenes, coverages, self._policy)
        self._memory = memory
        self._pictures = order.pictures
        self._check = OffsetCheck()

    def observe(self, cells: Sequence[Cell]) -> Iterator[ObservedCell]:
        """Yield each cell, observed; then log what was read of each scene."""
        waiting = list(self._scenes.prepare(cells))
        while waiting:
            again: list[PreparedCell] = []
            for item in self._observe_prepared(waiting):
                if isinstance(item, _Again):
                    again.append(item.prepared)
                else:
                    yield item
            waiting = again
        self._report()

    def _observe_prepared(self, cells: Iterable[PreparedCell]) -> Iterator[ObservedCell | _Again]:
        """Take each cell through classify and measure, as far as it needs to go."""
        to_classify: list[PreparedCell] = []
        for cell in cells:
            settled = self._without_pixels(cell)
            if settled is None:
                to_classify.append(cell)
            else:
                yield settled
        to_measure: list[_CellMosaic] = []
        for item in self._classify(to_classify):
            if isinstance(item, _Again):
                yield item
            elif not item.mosaic.is_whole and self._scenes.has_more(item.prepared, item.mosaic):
                yield _Again(self._scenes.on_one_grid(item.prepared, item.mosaic))
            elif item.mosaic.has_valid_pixels:
                to_measure.append(item)
                for scene in item.mosaic.scenes:
                    scene.begin("nir")
            else:
                yield self._observed(item, masked_only(item.mosaic))
        yield from self._measure(to_measure)

    def _without_pixels(self, cell: PreparedCell) -> ObservedCell | _Again | None:
        """Return what becomes of a cell of which no pixel has to be read, None if some have to be."""
        if self._coverages.is_empty(cell.cell.field):
            return ObservedCell(self._builder.without_inside(cell.cell))
        if cell.is_unreachable:
            return ObservedCell(self._builder.failed(cell.cell, cell.unreadable), is_passing=True)
        if not cell.candidates and cell.cell.older and not cell.has_older:
            return _Again(self._scenes.with_older(cell))
        observation = self._builder.without_pixels(cell.cell, cell.candidates, cell.unreadable)
        return None if observation is None else ObservedCell(observation)

    def _classify(self, cells: Iterable[PreparedCell]) -> Iterator[_CellMosaic | _Again]:
        """Read the classification of the scenes to look at, and select the scenes of each cell's mosaic."""
        wanted: dict[_SampledCell, list[BandWindow]] = {}
        to_read: list[PreparedCell] = []
        for cell in cells:
            if unreadable := _not_opened([candidate.scene for candidate in cell.looked_at], "scl"):
                yield _Again(self._scenes.without(cell, unreadable))
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
                    yield _Again(self._scenes.without(item.prepared, unreadable))
                else:
                    sampled.append(item)
                    classes += arrays
            samples = [sample for item in sampled for sample in item.samples]
            classified_scenes = iter(classify(samples, classes, self._policy))
            for item in sampled:
                of_cell = list(islice(classified_scenes, len(item.samples)))
                if holes := item.prepared.holes:
                    of_cell = [_without(one, holes) for one in of_cell]
                yield _CellMosaic(item.prepared, select_scenes(of_cell, self._scenes.passes))

    def _sample(self, cells: Sequence[PreparedCell]) -> Iterator[_SampledCell]:
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
                yield _Again(self._scenes.without(item.prepared, unreadable))
            else:
                wanted[item] = red_nir_windows(item.mosaic)
        for batch in _batches(gather(wanted, self._memory)):
            whole: list[_CellMosaic] = []
            bands = []
            for item, pixels in batch:
                arrays, unreadable = _sort_out([scene for scene in item.mosaic.scenes for _ in BANDS], pixels)
                if unreadable:
                    yield _Again(self._scenes.without(item.prepared, unreadable))
                else:
                    whole.append(item)
                    bands.append(pair_red_nir(item.mosaic, arrays))
            for item, found in zip(whole, measure([item.mosaic for item in whole], bands), strict=True):
                filled = self._scenes.fill(item.prepared, item.mosaic, found.holes)
                yield _Again(filled) if filled else self._observed(item, found)

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

    def _report(self) -> None:
        """Log what was read of each scene."""
        for scene in self._open:
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


def _not_opened(scenes: Sequence[OpenScene], asset: Asset) -> Unreadable:
    """Open a band of each scene, and return the scenes for which that fails."""
    failed = []
    for scene in scenes:
        try:
            scene.band(asset)
        except SceneUnreadable as error:
            failed.append((scene, error))
    return failed


def _sort_out(scenes: Sequence[OpenScene], pixels: Sequence[Pixels]) -> tuple[list[NDArray[np.integer]], Unreadable]:
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

"""The hot core: from a work order to the observation of each cell, each needed block of each scene read once.

The cells of a day go through the same steps together:

1. prepare: open the red bands, compute the fields' coverages, and find the scenes that contain some of each field;
2. classify: read the scenes' classification (SCL), and select the scenes of each field's mosaic;
3. measure: read red and near infrared of the mosaics that have valid pixels, and compute the statistics.

Most cells come from one scene and stay rows of columns all the way. Those that need more (several scenes, one that
cannot be read, pixels that are missing) are taken out of the columns, decided on one by one, and put back.

A cell that is settled leaves after any step. A cell goes through classify and measure again, with other scenes, when
a scene turns out to be unreadable, or when the scenes that were looked at lack pixels that others may have.
"""

import logging
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ndvi_core.errors import SceneUnreachable, SceneUnreadable
from ndvi_core.models.arrays import Floats, Indexes, distinct, ranges
from ndvi_core.models.field_raster import FieldRaster
from ndvi_core.models.indices import bands_beside_ndvi, get_indices
from ndvi_core.models.observation import Doubt
from ndvi_core.models.scene import Asset
from ndvi_core.models.work_order import WorkOrder
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.raster.projection import shrink
from ndvi_core.raster.windows import BandWindows, gather
from ndvi_core.support.concurrency import WAITING, prefetch_in_order
from ndvi_core.zonal.candidates import CandidateTable, DayScenes, FieldCoverages, PreparedCell
from ndvi_core.zonal.classification import Classification
from ndvi_core.zonal.field_group import FieldGroup
from ndvi_core.zonal.mask import Mask, get_policy
from ndvi_core.zonal.measure import FieldPixels, ZonalStatistics, areas_by_cause, measure
from ndvi_core.zonal.mosaic import Mosaic, is_whole, mosaic_of_one, select_scenes
from ndvi_core.zonal.mosaic_pixels import FurtherIndices, MosaicPixels
from ndvi_core.zonal.observation_builder import Findings, ObservationBuilder, Remark
from ndvi_core.zonal.observation_table import ObservationTable
from ndvi_core.zonal.offset_check import OffsetCheck
from ndvi_core.zonal.order_columns import CellColumns

log = logging.getLogger(__name__)

MAX_DAYS = 8
"""Days that are computed side by side: while the blocks of one are awaited, those of another are computed."""

MAX_CELLS = 10_000
"""Cells of such days together: each takes some kilobytes from when its scenes are selected until it is computed."""

MAX_FIELD_PIXELS = 1_000_000
"""Pixels of the largest field of such days together: those of a field are computed at once, and take most then."""

WAITING_RASTERS = 4
"""Batches of cells that a day may be ahead of the drawing of their pictures: each holds their pixels."""

READ_AHEAD = 8
"""One part in so many of the order's memory is for blocks that are read before they are needed."""


@dataclass(frozen=True, eq=False)
class ObservedCells:
    """Cells whose rows are in the table, with the pixels that their products are made of."""

    cells: Indexes
    """Their numbers in the order."""
    rasters: Mapping[int, FieldRaster] = field(default_factory=dict)
    """By the cells' numbers; none where no pixel is valid, and when the order asks for no pictures."""


def observe(order: WorkOrder, table: ObservationTable) -> Iterator[ObservedCells]:
    """Observe every cell of the order, and yield those that are, day by day, and within a day as the pixels come.

    A cell's observation does not depend on the order's other cells, nor on how the scenes are stored in blocks.

    Args:
        order: The work order.
        table: Of the order, without any outcome; it gets the observations.

    Raises:
        BadInput: The mask policy is unknown.
    """
    inner = order.policy.inner_buffer_m
    coverages = FieldCoverages([shrink(item.geometry, inner) for item in order.fields])
    columns = CellColumns.of(order)
    days = columns.cells_by_day()
    cells, pixels = max(map(len, days), default=1), max((item.window_pixels for item in order.fields), default=1.0)
    at_once = max(1, min(MAX_DAYS, MAX_CELLS // cells, int(MAX_FIELD_PIXELS / pixels), len(days)))
    memory = order.memory_mb * 1_000_000 // READ_AHEAD // at_once
    return prefetch_in_order(
        [partial(_observe_day, order, table, columns, coverages, cells, memory) for cells in days],
        at_once,
        WAITING if order.products is None else WAITING_RASTERS,
    )


def _observe_day(
    order: WorkOrder,
    table: ObservationTable,
    columns: CellColumns,
    coverages: FieldCoverages,
    cells: Indexes,
    memory: int,
) -> Generator[ObservedCells]:
    sets = [columns.sets[number] for number in distinct(columns.scene_set[cells]).tolist()]
    numbers = sorted({number for scene_set in sets for number in (*scene_set.scenes, *scene_set.older)})
    with ExitStack() as stack:
        scenes = {number: stack.enter_context(OpenScene(order.scenes[number])) for number in numbers}
        yield from _Day(order, table, columns, coverages, scenes, memory).observe(cells)


class _Day:
    """The cells of one day."""

    def __init__(
        self,
        order: WorkOrder,
        table: ObservationTable,
        columns: CellColumns,
        coverages: FieldCoverages,
        scenes: Mapping[int, OpenScene],
        memory: int,
    ) -> None:
        self._table = table
        self._builder = ObservationBuilder(order, table)
        self._policy = get_policy(order.policy.mask)
        self._columns = columns
        self._coverages = coverages
        self._scenes = DayScenes(scenes, columns, coverages, self._policy)
        self._memory = memory
        self._has_products = order.products is not None
        self._indices = [index for index in get_indices(order.policy.indices) if index.name != "ndvi"]
        self._further_bands = bands_beside_ndvi(order.policy.indices)
        self._check = OffsetCheck()
        self._first: CandidateTable = self._scenes.looked_at(())
        """The candidates of all cells, as they were found at first."""
        self._prepared: dict[int, PreparedCell] = {}
        """Cells that have left the way of most."""
        self._mosaics: dict[int, Mosaic] = {}
        """Those of cells with several scenes of which one was selected."""
        self._again: list[PreparedCell] = []
        """Cells that have to be classified anew, with other scenes or without some of their pixels."""

    def observe(self, cells: Indexes) -> Iterator[ObservedCells]:
        """Yield the cells, observed; then log what was read of each scene."""
        self._first = self._scenes.prepare(cells)
        is_ordinary = self._are_ordinary(cells)
        waiting = [self._cell(cell) for cell in cells[~is_ordinary].tolist()]
        shortlisted = self._first.take(self._scenes.shortlisted(self._first))
        rows = shortlisted.take(np.isin(shortlisted.cell, cells[is_ordinary]))
        while len(rows) or waiting:
            for cell in waiting:
                self._mosaics.pop(cell.cell, None)
            settled, to_classify = self._settle(waiting)
            yield ObservedCells(np.array(settled, np.intp))
            self._prepared |= {cell.cell: cell for cell in to_classify}
            rows = CandidateTable.joined([rows, self._scenes.looked_at(to_classify)])
            yield from self._observe_rows(rows.take(np.argsort(rows.cell, kind="stable")))
            waiting, self._again, rows = self._again, [], self._scenes.looked_at(())
        self._table.note_read(*self._scenes.report())

    def _are_ordinary(self, cells: Indexes) -> Mask:
        """Return which of the cells have readable scenes alone, of which some contain enough of the field."""
        pixels = self._scenes.largest_areas(self._first, cells)
        return self._builder.is_large_enough(pixels) & ~self._scenes.with_trouble(cells)

    def _cell(self, cell: int) -> PreparedCell:
        """Return a cell by itself."""
        if cell in self._prepared:
            return self._prepared[cell]
        start, end = np.searchsorted(self._first.cell, [cell, cell + 1])
        return self._scenes.prepared(cell, self._first.take(np.arange(start, end)))

    def _settle(self, cells: Iterable[PreparedCell]) -> tuple[list[int], list[PreparedCell]]:
        """Settle the cells of which no pixel has to be read; return their numbers, and the others."""
        settled, others = [], []
        for cell in cells:
            if self._coverages.is_empty(int(self._columns.field[cell.cell])):
                self._builder.without_inside(cell.cell, cell.scene_set)
            elif cell.is_unreachable:
                self._builder.failed(cell.cell, cell.scene_set, cell.unreadable, is_passing=True)
            elif not cell.candidates and cell.scene_set.older and not cell.has_older:
                self._again.append(self._scenes.with_older(cell))
                continue
            elif not self._builder.without_pixels(cell.cell, cell.scene_set, cell.candidates, cell.unreadable):
                others.append(cell)
                continue
            settled.append(cell.cell)
        return settled, others

    def _observe_rows(self, table: CandidateTable) -> Iterator[ObservedCells]:
        """Take candidates, those of a cell in turn, through classify and measure, as far as they need to go."""
        table = table.take(self._that_open(table, "scl"))
        if not len(table):
            return
        cells, first, keys, counts = np.unique(table.cell, return_index=True, return_inverse=True, return_counts=True)
        found = Classification(table, keys, self._scenes, self._policy)
        rows_of_one, of_several = [np.zeros(0, np.intp)], {}
        for batch in gather([read for _, read in found.wanted], len(cells), self._memory):
            whole = self._that_are_whole(found.wanted, cells, batch)
            found.compute(ranges(first[whole], counts[whole]))
            with_holes = [cell for cell, prepared in self._prepared.items() if prepared.holes]
            is_single = (counts[whole] == 1) & ~np.isin(cells[whole], with_holes)
            rows_of_one.append(self._with_data(found, first[whole[is_single]]))
            for key in whole[~is_single].tolist():
                row, mosaic = self._select(found, range(first[key], first[key] + counts[key]))
                if row is not None:
                    rows_of_one.append(np.array([row]))
                elif mosaic is not None:
                    of_several[int(cells[key])] = mosaic
        rows = np.concatenate(rows_of_one)
        has_valid = found.valid_pixels[rows] > 0
        yield self._masked_rows(found, rows[~has_valid])
        for cell, mosaic in of_several.items():
            if not mosaic.has_valid_pixels:
                yield self._masked_mosaic(cell, mosaic)
        to_measure = {cell: mosaic for cell, mosaic in of_several.items() if mosaic.has_valid_pixels}
        yield from self._measure(found, rows[has_valid], to_measure)

    def _with_data(self, found: Classification, rows: Indexes) -> Indexes:
        """Return the rows, single ones of their cells, that other scenes cannot add to; the other cells come again."""
        is_kept = is_whole(found.data_pixels[rows], found.pixels[rows])
        for index in np.flatnonzero(~is_kept).tolist():
            row = int(rows[index])
            cell = self._cell(int(found.table.cell[row]))
            is_kept[index] = not self._comes_again(cell, mosaic_of_one(found.classified(row)))
        kept = rows[is_kept]
        self._begin(distinct(found.table.scene[kept[found.valid_pixels[kept] > 0]]).tolist())
        return kept

    def _begin(self, scenes: Iterable[int]) -> None:
        """Begin to open all bands of scenes that will be measured, while other scenes are classified."""
        for number in scenes:
            self._scenes.scenes[number].begin("nir", *self._further_bands)

    def _comes_again(self, cell: PreparedCell, mosaic: Mosaic) -> bool:
        """Return whether a cell is classified anew, on one grid, since other scenes may have what its mosaic lacks."""
        if mosaic.is_whole or not self._scenes.has_more(cell, mosaic):
            return False
        self._again.append(self._scenes.on_one_grid(cell, mosaic))
        return True

    def _select(self, found: Classification, rows: range) -> tuple[int | None, Mosaic | None]:
        """Select a cell's scenes; return its row, if that is all, else its mosaic, or nothing if it comes again."""
        cell = self._cell(int(found.table.cell[rows[0]]))
        classified = [one.without(cell.holes.get(one.candidate.scene)) for one in map(found.classified, rows)]
        mosaic = select_scenes(classified, self._scenes.passes)
        if self._comes_again(cell, mosaic):
            return None, None
        if mosaic.has_valid_pixels:
            self._begin(candidate.number for candidate in mosaic.candidates)
        if mosaic.candidates[0].is_native and not cell.holes:
            for row, one in zip(rows, classified, strict=True):
                if one.causes is mosaic.causes:  # the scene as it is, and nothing of the others
                    self._mosaics[cell.cell] = mosaic
                    return row, None
        return None, mosaic

    def _masked_rows(self, found: Classification, rows: Indexes) -> ObservedCells:
        """State the outcome of rows without a valid pixel, of which no band has to be read."""
        for own, areas in found.areas_by_cause(rows):
            self._state(FieldGroup.of_rows(found, own), areas)
        return ObservedCells(found.table.cell[rows])

    def _masked_mosaic(self, cell: int, mosaic: Mosaic) -> ObservedCells:
        fraction, causes = mosaic.coverage.coverage_fraction.ravel(), mosaic.causes.ravel()
        self._state(FieldGroup.of_mosaic(cell, mosaic), areas_by_cause(fraction, causes, np.zeros(1, np.intp)))
        return ObservedCells(np.array([cell]))

    def _measure(self, found: Classification, rows: Indexes, mosaics: dict[int, Mosaic]) -> Iterator[ObservedCells]:
        """Read red and near infrared of the mosaics, and compute the cells' statistics."""
        for band in ("nir", *self._further_bands):
            rows = rows[self._that_open(found.table.take(rows), band)]
            mosaics = {cell: mosaic for cell, mosaic in mosaics.items() if self._opens(cell, mosaic, band)}
        pixels = MosaicPixels(found, rows, mosaics, self._scenes, self._indices)
        for batch in gather([read for _, read in pixels.wanted], len(pixels.cells), self._memory):
            keys = self._that_are_whole(pixels.wanted, pixels.cells, batch)
            for number, own in pixels.by_scene(keys):
                of_scene = pixels.of_scene(number, own)
                further = pixels.indices_of_scene(number, own, of_scene) if self._indices else None
                yield self._measured(FieldGroup.of_rows(found, rows[own]), of_scene, further)
            for key in keys[keys >= len(rows)].tolist():
                cell, of_mosaic = int(pixels.cells[key]), pixels.of_mosaic(key)
                further = pixels.indices_of_mosaic(key, of_mosaic) if self._indices else None
                yield self._measured(FieldGroup.of_mosaic(cell, mosaics[cell]), of_mosaic, further)

    def _measured(self, fields: FieldGroup, pixels: FieldPixels, further: FurtherIndices | None) -> ObservedCells:
        """Compute the statistics of fields, state the outcome of those that no other scene can add to, return these."""
        found = measure(pixels, {number: self._scenes.scenes[number] for number in fields.scenes})
        is_kept = np.ones(len(fields.cells), bool)
        for index in np.flatnonzero(found.has_holes).tolist():
            number = int(fields.cells[index])
            mosaic = self._mosaics.get(number) or fields.mosaic(index)
            filled = self._scenes.fill(self._cell(number), mosaic, fields.windows.own(found.holes, index))
            if filled is not None:
                self._again.append(filled)
                is_kept[index] = False
        self._state(fields, found.areas, found, is_kept, further)
        drawn = np.flatnonzero(is_kept & found.is_valid).tolist() if self._has_products else []
        rasters = {int(fields.cells[index]): fields.raster(index, pixels, found) for index in drawn}
        return ObservedCells(fields.cells[is_kept], rasters)

    def _state(
        self,
        fields: FieldGroup,
        areas: Floats,
        found: ZonalStatistics | None = None,
        is_kept: Mask | None = None,
        further: FurtherIndices | None = None,
    ) -> None:
        """State the outcome of fields, all of them or those that are kept."""
        kept = np.arange(len(fields.cells)) if is_kept is None else np.flatnonzero(is_kept)
        cells = fields.cells[kept]
        doubts: dict[Doubt, Indexes] = {}
        offset_doubts: dict[int, list[str]] = {}
        unreachable: dict[int, str] = {}
        if found is not None:
            doubts = {
                "dark_pixels_dropped": cells[found.has_dropped_dark[kept]],
                "saturated_pixels_dropped": cells[found.has_dropped_saturated[kept]],
            }
            valued = kept[found.is_valid[kept]]
            scenes = [self._scenes.scenes[number] for number in fields.scenes]
            offset_doubts, unreachable = self._check.doubts(fields.cells[valued], found.dark_share[valued], scenes)
        missing = further.missing if further else {}
        remarks = {
            cell: self._remark(cell, fields, index, offset_doubts.get(cell, ()), missing.get(index, ()))
            for index, cell in zip(kept.tolist(), cells.tolist(), strict=True)
            if cell in self._prepared or cell in offset_doubts or index in missing or fields.has_remark[index]
        }
        columns = {**(found.statistics if found else {}), **(further.statistics if further else {})}
        self._builder.measured(
            Findings(
                cells,
                fields.scenes,
                fields.pixels[kept],
                fields.pure_pixels[kept],
                areas[kept],
                {name: column[kept] for name, column in columns.items()},
                doubts,
                remarks,
            )
        )
        for cell, reason in unreachable.items():
            self._builder.failed(cell, self._columns.scenes_of(cell), [reason], is_passing=True)

    def _remark(
        self, cell: int, fields: FieldGroup, index: int, offset_doubts: Sequence[str], missing: Sequence[str]
    ) -> Remark:
        older, resampled = fields.ids(index)
        prepared = self._prepared.get(cell)
        return Remark(
            "; ".join(offset_doubts),
            older,
            resampled,
            prepared.unreadable if prepared else (),
            prepared.scene_set.unreadable if prepared else (),
            missing,
        )

    def _that_open(self, table: CandidateTable, asset: Asset) -> Mask:
        """Return which rows are of cells of whose scenes a band can be opened; the other cells come again."""
        failed = self._decisive(self._scenes.unreadable(distinct(table.scene).tolist(), asset), asset)
        is_lost = np.isin(table.cell, table.cell[np.isin(table.scene, list(failed))])
        for cell in distinct(table.cell[is_lost]).tolist():
            scenes = table.scene[table.cell == cell].tolist()
            self._lose(cell, [(number, failed[number]) for number in scenes if number in failed])
        return ~is_lost

    def _opens(self, cell: int, mosaic: Mosaic, asset: Asset) -> bool:
        """Return whether a band of a mosaic's scenes can be opened; else the cell comes again."""
        if failed := self._decisive(self._scenes.unreadable([one.number for one in mosaic.candidates], asset), asset):
            self._lose(cell, list(failed.items()))
        return not failed

    def _that_are_whole(self, reads: Sequence[tuple[int, BandWindows]], cells: Indexes, keys: Indexes) -> Indexes:
        """Return the keys of which no window is broken that decides; the cells of the others come again."""
        lost: dict[int, list[tuple[int, SceneUnreadable]]] = defaultdict(list)
        for number, read in reads:
            broken = self._decisive(read.broken, read.asset)
            for key in keys[np.isin(keys, list(broken))].tolist() if broken else ():
                lost[key].append((number, broken[key]))
        for key, errors in lost.items():
            self._lose(int(cells[key]), errors)
        return keys[~np.isin(keys, list(lost))] if lost else keys

    def _decisive(self, errors: Mapping[int, SceneUnreadable], asset: Asset) -> Mapping[int, SceneUnreadable]:
        """Return the errors that a cell cannot do with: a further index is done without, unless it may be had later."""
        if asset not in self._further_bands:
            return errors
        return {number: error for number, error in errors.items() if isinstance(error, SceneUnreachable)}

    def _lose(self, cell: int, errors: Sequence[tuple[int, SceneUnreadable]]) -> None:
        """Let a cell come again without scenes that turned out to be unreadable."""
        self._again.append(self._scenes.without(self._cell(cell), errors))

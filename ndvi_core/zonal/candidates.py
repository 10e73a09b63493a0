"""Which scenes a cell can be computed from: at first the likely ones, and others where these turn out not to do."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import SceneUnreachable, SceneUnreadable
from ndvi_core.models.arrays import Floats, Indexes, distinct
from ndvi_core.models.scene import Asset, number_passes
from ndvi_core.models.work_order import SceneSet
from ndvi_core.raster.grid import Grid, TileLayout
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.zonal.coverage import Coverages, cover
from ndvi_core.zonal.mask import Mask, MaskPolicy
from ndvi_core.zonal.mosaic import Candidate, Mosaic
from ndvi_core.zonal.order_columns import CellColumns

log = logging.getLogger(__name__)

Unreadable = Sequence[tuple[int, SceneUnreadable]]
"""Numbers of scenes that cannot be read, and why."""


class FieldCoverages:
    """The coverage of each field on each grid, computed once however many days and scenes need it."""

    def __init__(self, geometries: list[BaseGeometry]) -> None:
        self._geometries = geometries
        self._found: dict[Grid, Coverages] = {}
        self._places: dict[Grid, Indexes] = {}
        self._lock = Lock()

    def prepare(self, grid: Grid, fields: Indexes) -> None:
        """Compute the coverages of these fields that are missing, all at once, which is much faster than singly."""
        with self._lock:
            places = self._places.setdefault(grid, np.full(len(self._geometries), -1, np.intp))
            new = distinct(fields[places[fields] < 0])
            if not len(new) and grid in self._found:
                return
            found = cover([self._geometries[index] for index in new.tolist()], grid)
            before = self._found.get(grid)
            self._found[grid] = found if before is None else Coverages.joined([before, found])
            places[new] = np.arange(len(new)) + (0 if before is None else len(before))

    def is_empty(self, index: int) -> bool:
        """Return whether nothing is left of a field."""
        return bool(self._geometries[index].is_empty)

    def on(self, grid: Grid) -> Coverages:
        """Return the coverages of the fields that were prepared; others are added at the end."""
        return self._found[grid]

    def places(self, grid: Grid, fields: Indexes) -> Indexes:
        """Return the number of each field among `on(grid)`."""
        return self._places[grid][fields]


@dataclass(frozen=True, eq=False)
class CandidateTable:
    """Scenes whose raster contains some of a field, (n) each column, see `Candidate`; those of a cell in turn."""

    cell: Indexes
    """Number of the cell in the order."""
    scene: Indexes
    """Number of the scene in the order."""
    grid: Indexes
    """Number of the grid, see `DayScenes.grids`."""
    place: Indexes
    """Number of the field among the coverages on the grid."""
    contains_field: NDArray[np.bool_]
    is_older: NDArray[np.bool_]
    is_native: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.cell)

    def take(self, numbers: NDArray[np.intp] | NDArray[np.bool_]) -> "CandidateTable":
        """Return the rows of these numbers, or where a mask is true."""
        return CandidateTable(**{name: column[numbers] for name, column in vars(self).items()})

    @staticmethod
    def joined(tables: Sequence["CandidateTable"]) -> "CandidateTable":
        """Return the rows of all tables, at least one."""
        return CandidateTable(
            **{name: np.concatenate([vars(table)[name] for table in tables]) for name in vars(tables[0])}
        )


@dataclass(frozen=True, eq=False, slots=True)
class PreparedCell:
    """A cell that takes another way than most, and the scenes that it can be computed from."""

    cell: int
    """Number of the cell in the order."""
    scene_set: SceneSet
    candidates: Sequence[Candidate]
    """Each on its own grid."""
    unreadable: Sequence[str]
    """Why other scenes cannot be read."""
    looked_at: Sequence[Candidate]
    """Those whose classification is read: the likely ones, or all, or all of one pass on one grid."""
    has_older: bool = False
    """Whether older products are among the candidates."""
    is_unreachable: bool = False
    """Whether a scene cannot be read for now: the cell fails, since another scene would give an answer that stays."""
    is_on_one_grid: bool = False
    """Whether all candidates of a pass are looked at, on one grid: there are no more to ask."""
    holes: Mapping[OpenScene, Mask] = field(default_factory=dict)
    """Where scenes were found to lack pixels, (height, width) on that grid."""


class DayScenes:
    """The scenes of a day, open, and which of them each cell can be computed from."""

    def __init__(
        self, scenes: Mapping[int, OpenScene], cells: CellColumns, coverages: FieldCoverages, policy: MaskPolicy
    ) -> None:
        """Describe a day.

        Args:
            scenes: By their numbers in the work order.
            cells: Of the order.
            coverages: Of the order's fields.
            policy: Its margin decides which scenes contain a field.
        """
        self.scenes = scenes
        self.grids: list[Grid] = []
        """Grids of the red bands that are open."""
        self._cells = cells
        self._coverages = coverages
        self._policy = policy
        numbers = number_passes([scene.scene for scene in scenes.values()])
        self.passes: Mapping[OpenScene, int] = dict(zip(scenes.values(), numbers, strict=True))
        """The number of each scene's pass."""
        self._warned: set[str] = set()
        self._day: dict[int, Indexes] = {}
        """The day's cells by their sets of scenes."""
        self._layouts: dict[int, TileLayout] = {}
        self._broken: dict[int, SceneUnreadable] = {}

    def coverages(self, grid: int) -> Coverages:
        """Return the coverages on the grid of that number."""
        return self._coverages.on(self.grids[grid])

    def coverages_on(self, grid: Grid, cells: Indexes) -> tuple[Coverages, Indexes]:
        """Return the coverages on any grid, and the number of each cell's field among them."""
        fields = self._cells.field[cells]
        self._coverages.prepare(grid, fields)
        return self._coverages.on(grid), self._coverages.places(grid, fields)

    def prepare(self, cells: Indexes) -> CandidateTable:
        """Open the red bands, compute the coverages, and find the scenes that contain some of each field.

        Args:
            cells: Numbers of the cells, ascending.
        """
        scene_set = self._cells.scene_set[cells]
        self._day = {number: cells[scene_set == number] for number in distinct(scene_set).tolist()}
        sets = [(self._cells.sets[number], own) for number, own in self._day.items()]
        self._open({scene for scene_set, _ in sets for scene in scene_set.scenes})
        found = [self._find(own, scene_set.scenes) for scene_set, own in sets]
        table = CandidateTable.joined(found)
        return table.take(np.argsort(table.cell, kind="stable"))

    def shortlisted(self, table: CandidateTable) -> NDArray[np.bool_]:
        """Return which scenes are looked at first: of each pass those that contain the field, else all of it."""
        of_pass = np.zeros(max(self.scenes, default=0) + 1, np.intp)
        for number, scene in self.scenes.items():
            of_pass[number] = self.passes[scene]
        _, group = np.unique(table.cell * len(of_pass) + of_pass[table.scene], return_inverse=True)
        is_contained = np.bincount(group, table.contains_field) > 0
        return table.contains_field | ~is_contained[group]

    def largest_areas(self, table: CandidateTable, cells: Indexes) -> Floats:
        """Return each cell's area, in pixels, on the grid of that of its candidates where it is the largest."""
        pixels = np.zeros(len(cells))
        for grid in distinct(table.grid).tolist():
            rows = table.grid == grid
            of_rows = self.coverages(grid).pixels[table.place[rows]]
            np.maximum.at(pixels, np.searchsorted(cells, table.cell[rows]), of_rows)
        return pixels

    def reasons(self, cell: int) -> list[str]:
        """Return why scenes of a cell cannot be read, as far as that was found while they were opened."""
        scene_set = self._cells.scenes_of(cell)
        broken = (str(self._broken[number]) for number in scene_set.scenes if number in self._broken)
        return [*scene_set.unreadable, *broken]

    def with_trouble(self, cells: Indexes) -> NDArray[np.bool_]:
        """Return which of the cells have scenes or items that cannot be read."""
        trouble = [
            bool(scene_set.unreadable) or not self._broken.keys().isdisjoint(scene_set.scenes)
            for scene_set in self._cells.sets
        ]
        return np.array(trouble)[self._cells.scene_set[cells]]

    def prepared(self, cell: int, table: CandidateTable) -> PreparedCell:
        """Return a cell by itself, given its rows."""
        scene_set = self._cells.scenes_of(cell)
        candidates = self.candidates(table)
        kept = self.shortlisted(table).tolist() if len(table) else []
        return PreparedCell(
            cell,
            scene_set,
            candidates,
            self.reasons(cell),
            [one for one, is_kept in zip(candidates, kept, strict=True) if is_kept],
            is_unreachable=any(isinstance(self._broken.get(number), SceneUnreachable) for number in scene_set.scenes),
        )

    def candidates(self, table: CandidateTable) -> list[Candidate]:
        """Return the rows as candidates."""
        rows = zip(*(column.tolist() for column in vars(table).values()), strict=True)
        return [self._candidate(*row[1:]) for row in rows]

    def _candidate(
        self, number: int, grid: int, place: int, contains_field: bool, is_older: bool, is_native: bool
    ) -> Candidate:
        coverage = self.coverages(grid)[place]
        if coverage is None:
            raise ValueError(f"field {place} has no coverage")
        scene = self.scenes[number]
        return Candidate(number, scene, self.grids[grid], place, coverage, contains_field, is_older, is_native)

    def looked_at(self, cells: Iterable[PreparedCell]) -> CandidateTable:
        """Return the rows of the candidates that are looked at."""
        rows = [
            (
                cell.cell,
                one.number,
                self.grids.index(one.grid),
                one.place,
                one.contains_field,
                one.is_older,
                one.is_native,
            )
            for cell in cells
            for one in cell.looked_at
        ]
        columns = zip(*rows, strict=True) if rows else [()] * 7
        types = (np.intp,) * 4 + (np.bool_,) * 3
        return CandidateTable(*(np.array(column, of) for column, of in zip(columns, types, strict=True)))

    def has_more(self, cell: PreparedCell, mosaic: Mosaic) -> bool:
        """Return whether scenes that were not looked at, or not on the mosaic's grid, may have what it lacks."""
        if cell.is_on_one_grid:
            return False
        of_pass = self.passes[mosaic.scenes[0]]
        looked_at = {candidate.scene for candidate in cell.looked_at}
        return bool(cell.scene_set.older and not cell.has_older) or any(
            candidate.grid != mosaic.grid or candidate.scene not in looked_at
            for candidate in cell.candidates
            if self.passes[candidate.scene] == of_pass
        )

    def with_older(self, cell: PreparedCell) -> PreparedCell:
        """Return the cell with its older products, all of whose scenes are to be looked at."""
        if cell.has_older:
            return replace(cell, looked_at=cell.candidates)
        older = cell.scene_set.older
        self._open(older)
        found = self._find(np.array([cell.cell]), older, is_older=True)
        candidates = [*cell.candidates, *self.candidates(found)]
        reasons = [*cell.unreadable, *(str(self._broken[number]) for number in older if number in self._broken)]
        return PreparedCell(cell.cell, cell.scene_set, candidates, reasons, candidates, has_older=True)

    def on_one_grid(self, cell: PreparedCell, mosaic: Mosaic) -> PreparedCell:
        """Return the cell with all scenes of its pass, older ones too, to be looked at on its mosaic's grid."""
        cell = self.with_older(cell)
        first = mosaic.candidates[0]
        looked_at = [
            replace(
                candidate,
                grid=first.grid,
                place=first.place,
                coverage=first.coverage,
                is_native=candidate.grid == first.grid,
            )
            for candidate in cell.candidates
            if self.passes[candidate.scene] == self.passes[first.scene]
        ]
        return replace(cell, looked_at=looked_at, is_on_one_grid=True)

    def without(self, cell: PreparedCell, unreadable: Unreadable) -> PreparedCell:
        """Return the cell without scenes that turned out to be unreadable, and with older products in their place."""
        for _, error in unreadable:
            self._warn(error)
        reasons = [*cell.unreadable, *dict.fromkeys(str(error) for _, error in unreadable)]
        lost = {number for number, _ in unreadable}
        left = [candidate for candidate in cell.candidates if candidate.number not in lost]
        without = PreparedCell(cell.cell, cell.scene_set, left, reasons, left, cell.has_older)
        if any(isinstance(error, SceneUnreachable) for _, error in unreadable):
            return replace(without, is_unreachable=True)
        return self.with_older(without)

    def fill(self, cell: PreparedCell, mosaic: Mosaic, holes: Mask) -> PreparedCell | None:
        """Return the cell as it has to be classified anew so that other scenes fill holes; None if none may.

        Args:
            cell: The cell.
            mosaic: Its scenes as they were selected.
            holes: (height, width) pixels that turned out to have no data.
        """
        if not (self.has_more(cell, mosaic) or (mosaic.elsewhere is not None and (mosaic.elsewhere & holes).any())):
            return None
        wide = cell if cell.is_on_one_grid else self.on_one_grid(cell, mosaic)
        of_scenes = dict(wide.holes)
        for number, scene in enumerate(mosaic.scenes):
            own = holes & (mosaic.source == number)
            of_scenes[scene] = own | of_scenes[scene] if scene in of_scenes else own
        return replace(wide, holes=of_scenes)

    def unreadable(self, numbers: Iterable[int], asset: Asset) -> dict[int, SceneUnreadable]:
        """Open a band of each of these scenes, and return by their numbers why that fails."""
        failed = {}
        for number in numbers:
            try:
                self.scenes[number].band(asset)
            except SceneUnreadable as error:
                failed[number] = error
        return failed

    def report(self) -> tuple[int, int]:
        """Log what was read of each scene, and return how many blocks and bytes of all."""
        blocks = size = 0
        for scene in self.scenes.values():
            bands = {asset: band for asset, band in scene.opened().items() if band.blocks_read}
            read = [
                f"{asset} {band.blocks_read} blocks, {band.bytes_read / 1e6:.2f} MB" for asset, band in bands.items()
            ]
            log.info("scene %s: %s", scene.scene.id, "; ".join(read) or "nothing read")
            blocks += sum(band.blocks_read for band in bands.values())
            size += sum(band.bytes_read for band in bands.values())
        return blocks, size

    def _open(self, numbers: Collection[int]) -> None:
        """Open the red bands of scenes, and note the layout of each, or why it cannot be opened.

        The coverages on its grid are computed of all fields that a scene may show, even if but one asks: when the
        newest product of a tile is broken, all of them do.
        """
        new = [number for number in self.scenes if number in numbers and number not in self._layouts]
        for number in new:
            self.scenes[number].begin("red", "scl")
        for number in new:
            try:
                layout = self._layouts[number] = self.scenes[number].band("red").layout
            except SceneUnreadable as error:
                self._broken[number] = error
                self._warn(error)
            else:
                if layout.grid not in self.grids:
                    self.grids.append(layout.grid)
                self._coverages.prepare(layout.grid, self._cells.field[self._cells_of(number)])

    def _cells_of(self, scene: int) -> Indexes:
        """Return the day's cells that a scene, or older product, is one of."""
        sets = ((self._cells.sets[number], own) for number, own in self._day.items())
        return np.concatenate([own for scene_set, own in sets if scene in scene_set.scenes or scene in scene_set.older])

    def _find(self, cells: Indexes, scenes: Sequence[int], *, is_older: bool = False) -> CandidateTable:
        """Return the scenes of those numbers whose rasters contain something of the cells' fields."""
        tables = [self._of_scene(cells, number, is_older) for number in scenes if number in self._layouts]
        return CandidateTable.joined([self.looked_at(()), *tables])

    def _of_scene(self, cells: Indexes, number: int, is_older: bool) -> CandidateTable:
        layout, fields = self._layouts[number], self._cells.field[cells]
        places, coverages = self._coverages.places(layout.grid, fields), self._coverages.on(layout.grid)
        windows = coverages.windows.take(places)
        common = windows.clipped(layout.window)
        contains_field = windows.widened(self._policy.margin(layout.grid.size_x)).within(layout.window)
        is_found = coverages.is_known[places] & (common.width > 0)
        for index in np.flatnonzero(is_found & ~contains_field).tolist():
            window, place = windows[index], int(places[index])
            own = coverages.windows.own(coverages.fraction, place)
            # A field without any area is not outside but too small.
            is_found[index] = coverages.pixels[place] == 0 or own[common[index].slices_in(window)].any()
        cells, places = cells[is_found], places[is_found]
        return CandidateTable(
            cells,
            np.full(len(cells), number),
            np.full(len(cells), self.grids.index(layout.grid)),
            places,
            contains_field[is_found],
            np.full(len(cells), is_older),
            np.ones(len(cells), bool),
        )

    def _warn(self, error: SceneUnreadable) -> None:
        """Log why a scene cannot be read, once however many cells need it."""
        if str(error) not in self._warned:
            self._warned.add(str(error))
            log.warning("%s", error)

"""Which scenes a cell can be computed from: at first the likely ones, and others where these turn out not to do."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import SceneUnreachable, SceneUnreadable
from ndvi_core.models.scene import number_passes
from ndvi_core.models.work_order import Cell
from ndvi_core.raster.grid import Grid, TileLayout
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.zonal.coverage import Coverage, cover
from ndvi_core.zonal.mask import Mask, MaskPolicy
from ndvi_core.zonal.mosaic import Candidate, Mosaic, shortlist

log = logging.getLogger(__name__)

Unreadable = Sequence[tuple[OpenScene, SceneUnreadable]]
"""Scenes that cannot be read, and why."""


class Coverages:
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
class PreparedCell:
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
    is_unreachable: bool = False
    """Whether a scene cannot be read for now: the cell fails, since another scene would give an answer that stays."""
    is_on_one_grid: bool = False
    """Whether all candidates of a pass are looked at, on one grid: there are no more to ask."""
    holes: Mapping[OpenScene, Mask] = field(default_factory=dict)
    """Where scenes were found to lack pixels, (height, width) on that grid."""


class DayScenes:
    """The scenes of a day, open, and which of them each cell can be computed from."""

    def __init__(self, scenes: Mapping[int, OpenScene], coverages: Coverages, policy: MaskPolicy) -> None:
        """Describe a day.

        Args:
            scenes: By their numbers in the work order.
            coverages: Of the order's fields.
            policy: Its margin decides which scenes contain a field.
        """
        self._scenes = scenes
        self._coverages = coverages
        self._policy = policy
        numbers = number_passes([scene.scene for scene in scenes.values()])
        self.passes: Mapping[OpenScene, int] = dict(zip(scenes.values(), numbers, strict=True))
        """The number of each scene's pass."""
        self._warned: set[str] = set()

    def prepare(self, cells: Sequence[Cell]) -> Iterator[PreparedCell]:
        """Open the red bands, compute the coverages, and find the scenes that contain some of each field."""
        layouts, broken = self._red_layouts({number for cell in cells for number in cell.scenes})
        fields: dict[Grid, set[int]] = defaultdict(set)
        for cell in cells:
            for number in layouts.keys() & cell.scenes:
                fields[layouts[number].grid].add(cell.field)
        for grid, indexes in fields.items():
            self._coverages.prepare(grid, indexes)
        for cell in cells:
            unreadable = [broken[number] for number in cell.scenes if number in broken]
            found = (self._candidate(cell, number, layouts[number]) for number in cell.scenes if number in layouts)
            candidates = [candidate for candidate in found if candidate]
            yield PreparedCell(
                cell,
                candidates,
                [*cell.unreadable, *map(str, unreadable)],
                shortlist(candidates, self.passes),
                is_unreachable=any(isinstance(error, SceneUnreachable) for error in unreadable),
            )

    def has_more(self, cell: PreparedCell, mosaic: Mosaic) -> bool:
        """Return whether scenes that were not looked at, or not on the mosaic's grid, may have what it lacks."""
        if cell.is_on_one_grid:
            return False
        of_pass = self.passes[mosaic.scenes[0]]
        return bool(cell.cell.older and not cell.has_older) or any(
            candidate.grid != mosaic.grid or candidate not in cell.looked_at
            for candidate in cell.candidates
            if self.passes[candidate.scene] == of_pass
        )

    def with_older(self, cell: PreparedCell) -> PreparedCell:
        """Return the cell with its older products, all of whose scenes are to be looked at."""
        if cell.has_older:
            return replace(cell, looked_at=cell.candidates)
        layouts, broken = self._red_layouts(cell.cell.older)
        for layout in layouts.values():
            self._coverages.prepare(layout.grid, [cell.cell.field])
        found = (self._candidate(cell.cell, number, layouts[number], is_older=True) for number in layouts)
        candidates = [*cell.candidates, *(candidate for candidate in found if candidate)]
        reasons = [*cell.unreadable, *map(str, broken.values())]
        return PreparedCell(cell.cell, candidates, reasons, candidates, has_older=True)

    def on_one_grid(self, cell: PreparedCell, mosaic: Mosaic) -> PreparedCell:
        """Return the cell with all scenes of its pass, older ones too, to be looked at on its mosaic's grid."""
        cell = self.with_older(cell)
        of_pass = self.passes[mosaic.scenes[0]]
        looked_at = [
            replace(candidate, grid=mosaic.grid, coverage=mosaic.coverage, is_native=candidate.grid == mosaic.grid)
            for candidate in cell.candidates
            if self.passes[candidate.scene] == of_pass
        ]
        return replace(cell, looked_at=looked_at, is_on_one_grid=True)

    def without(self, cell: PreparedCell, unreadable: Unreadable) -> PreparedCell:
        """Return the cell without scenes that turned out to be unreadable, and with older products in their place."""
        for _, error in unreadable:
            self._warn(error)
        reasons = [*cell.unreadable, *dict.fromkeys(str(error) for _, error in unreadable)]
        lost = {scene for scene, _ in unreadable}
        left = [candidate for candidate in cell.candidates if candidate.scene not in lost]
        without = PreparedCell(cell.cell, left, reasons, left, cell.has_older)
        if any(isinstance(error, SceneUnreachable) for _, error in unreadable):
            return replace(without, is_unreachable=True)
        return self.with_older(without)

    def fill(self, cell: PreparedCell, mosaic: Mosaic, holes: Mask | None) -> PreparedCell | None:
        """Return the cell as it has to be classified anew so that other scenes fill holes; None if none may.

        Args:
            cell: The cell.
            mosaic: Its scenes as they were selected.
            holes: (height, width) pixels that turned out to have no data; None is none.
        """
        if holes is None:
            return None
        if not (self.has_more(cell, mosaic) or (mosaic.elsewhere is not None and (mosaic.elsewhere & holes).any())):
            return None
        wide = cell if cell.is_on_one_grid else self.on_one_grid(cell, mosaic)
        of_scenes = dict(wide.holes)
        for number, scene in enumerate(mosaic.scenes):
            own = holes & (mosaic.source == number)
            of_scenes[scene] = own | of_scenes[scene] if scene in of_scenes else own
        return replace(wide, holes=of_scenes)

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

    def _warn(self, error: SceneUnreadable) -> None:
        """Log why a scene cannot be read, once however many cells need it."""
        if str(error) not in self._warned:
            self._warned.add(str(error))
            log.warning("%s", error)

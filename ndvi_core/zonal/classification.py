"""The scene classification (SCL) of candidates, sampled on the fields' grids by nearest neighbour."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ndvi_core.models.arrays import Indexes, distinct
from ndvi_core.raster.sampling import Sampling
from ndvi_core.raster.window_table import WindowTable
from ndvi_core.raster.windows import BandWindows
from ndvi_core.zonal.candidates import CandidateTable, DayScenes
from ndvi_core.zonal.coverage import Coverages
from ndvi_core.zonal.mask import NO_DATA, VALID, Causes, MaskPolicy
from ndvi_core.zonal.measure import areas_by_cause
from ndvi_core.zonal.mosaic import Candidate, ClassifiedScene
from ndvi_core.zonal.statistics import areas


@dataclass(frozen=True, eq=False)
class _Group:
    """Rows of one scene and one grid."""

    coverages: Coverages
    sampling: Sampling
    """Of the rows' windows, in their order."""
    band: BandWindows
    """The classification's windows of all groups of the scene."""
    first: int
    """Number of the first row's window among these."""


class Classification:
    """What becomes of the pixels of candidates, (n) each column."""

    def __init__(self, table: CandidateTable, keys: Indexes, scenes: DayScenes, policy: MaskPolicy) -> None:
        """Describe what has to be read.

        Args:
            table: The candidates; the classification of their scenes is open.
            keys: (n) number of what each is read for, see `BandWindows`.
            scenes: Of the day.
            policy: Decides what a class hides; its margin is read too.
        """
        self.table = table
        self._scenes = scenes
        self._policy = policy
        self.pixels = np.zeros(len(table))
        """The fields' areas in pixels of their grids."""
        self.pure_pixels = np.zeros(len(table), np.intp)
        self.windows = self._windows()
        """On the fields' grids."""
        self.causes: Causes = np.zeros(self.windows.size, np.uint8)
        """(pixels of all windows) what becomes of each."""
        self.reached: Causes = np.zeros(self.windows.size if policy.growth else 0, np.uint8)
        """Likewise: where cloud and shadow reach, see `Masked`."""
        self.valid_pixels = np.zeros(len(table))
        """Area of the valid pixels, in pixels."""
        self.data_pixels = np.zeros(len(table))
        """Area with data, in pixels."""
        self._group_of = np.zeros(len(table), np.intp)
        self._place_in_group = np.zeros(len(table), np.intp)
        self._groups: list[_Group] = []
        self.wanted = [(number, self._scene(number, keys)) for number in distinct(table.scene).tolist()]
        """What has to be read, each with its scene's number."""

    def compute(self, rows: Indexes) -> None:
        """Compute the columns of rows whose windows are read."""
        for number in distinct(self._group_of[rows]).tolist():
            group, own = self._groups[number], rows[self._group_of[rows] == number]
            self._compute(group, own, self._place_in_group[own])

    def areas_by_cause(self, rows: Indexes) -> "Iterator[tuple[Indexes, np.ndarray]]":
        """Yield rows, some at a time, with their areas by cause, see `areas_by_cause`."""
        for number in distinct(self._group_of[rows]).tolist():
            coverages, own = self._groups[number].coverages, rows[self._group_of[rows] == number]
            fraction = coverages.windows.pixels_of(coverages.fraction, self.table.place[own])
            causes = self.windows.pixels_of(self.causes, own)
            yield own, areas_by_cause(fraction, causes, self.windows.take(own).starts)

    def candidates(self, rows: Indexes) -> list[Candidate]:
        """Return the candidates of rows."""
        return self._scenes.candidates(self.table.take(rows))

    def classified(self, row: int) -> ClassifiedScene:
        """Return a row by itself."""
        (candidate,) = self.candidates(np.array([row]))
        return ClassifiedScene(
            candidate,
            self.windows.own(self.causes, row),
            float(self.valid_pixels[row]),
            float(self.data_pixels[row]),
            self.windows.own(self.reached, row) if len(self.reached) else None,
        )

    def _windows(self) -> WindowTable:
        columns = {name: np.zeros(len(self.table), np.intp) for name in WindowTable.COLUMNS}
        for grid in distinct(self.table.grid).tolist():
            rows = self.table.grid == grid
            coverages, places = self._scenes.coverages(grid), self.table.place[rows]
            self.pixels[rows], self.pure_pixels[rows] = coverages.pixels[places], coverages.pure_pixels[places]
            for name, column in columns.items():
                column[rows] = getattr(coverages.windows, name)[places]
        return WindowTable(**columns)

    def _scene(self, number: int, keys: Indexes) -> BandWindows:
        band = self._scenes.scenes[number].band("scl")
        own, margin = band.layout.grid, self._policy.margin(band.layout.grid.size_x)
        of_scene = np.flatnonzero(self.table.scene == number)
        rows = [of_scene[self.table.grid[of_scene] == grid] for grid in distinct(self.table.grid[of_scene])]
        grids = [int(self.table.grid[some[0]]) for some in rows]
        samplings = [
            Sampling.nearest(self._scenes.grids[grid], self.windows.take(some), own, margin)
            for grid, some in zip(grids, rows, strict=True)
        ]
        windows = WindowTable.joined([sampling.sampled for sampling in samplings])
        found = BandWindows("scl", band, windows, keys[np.concatenate(rows)])
        first = 0
        for grid, some, sampling in zip(grids, rows, samplings, strict=True):
            self._group_of[some], self._place_in_group[some] = len(self._groups), np.arange(len(some))
            self._groups.append(_Group(self._scenes.coverages(grid), sampling, found, first))
            first += len(some)
        return found

    def _compute(self, group: _Group, rows: Indexes, places: Indexes) -> None:
        sampled = group.band.windows.take(places + group.first)
        classes = group.band.windows.pixels_of(group.band.pixels, places + group.first)
        masked = self._policy.apply(classes, sampled, group.band.band.layout.grid.size_x)
        nearest = group.sampling.indexes(places, sampled.starts)
        causes = masked.causes[nearest]
        self.windows.put(self.causes, rows, causes)
        if masked.reached is not None:
            self.windows.put(self.reached, rows, masked.reached[nearest])
        coverages, starts = group.coverages, self.windows.take(rows).starts
        fraction = coverages.windows.pixels_of(coverages.fraction, self.table.place[rows])
        self.valid_pixels[rows] = areas(fraction, causes == VALID, starts)
        self.data_pixels[rows] = areas(fraction, causes != NO_DATA, starts)

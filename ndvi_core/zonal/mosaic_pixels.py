"""The bands of mosaics: what has to be read, and the pixels of each field from its own scenes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.arrays import Floats, Indexes, distinct
from ndvi_core.models.indices import COARSE, Band, Index
from ndvi_core.raster.grid import Grid
from ndvi_core.raster.sampling import Sampling, nearest_within
from ndvi_core.raster.window_table import WindowTable
from ndvi_core.raster.windows import BandWindows
from ndvi_core.zonal.candidates import DayScenes
from ndvi_core.zonal.classification import Classification
from ndvi_core.zonal.mask import VALID
from ndvi_core.zonal.measure import FieldPixels
from ndvi_core.zonal.mosaic import Candidate, Mosaic
from ndvi_core.zonal.reflectance import BandPixels, measure_indices

NDVI_BANDS: tuple[Band, ...] = ("red", "nir")
"""A mosaic whose scenes lack one of these has no value; without another one it lacks an index."""


@dataclass(frozen=True, eq=False)
class _SceneWindows:
    """The windows of a scene that are read, the same in bands of one grid."""

    windows: WindowTable
    bands: Mapping[Band, BandWindows]
    number_of: Indexes
    """(keys) number of each key's window; -1 is none."""

    def pixels(self, band: Band, keys: Indexes) -> NDArray[np.integer]:
        """Return the pixels of the windows of some keys."""
        return self.windows.pixels_of(self.bands[band].pixels, self.number_of[keys])


@dataclass(frozen=True, eq=False)
class FurtherIndices:
    """The indices besides NDVI of some fields, (fields) each column."""

    statistics: Mapping[str, Floats]
    """By the names of files' columns; NaN is unknown."""
    missing: Mapping[int, Sequence[str]]
    """Why indices of a field have no numbers, by its position."""


class MosaicPixels:
    """The pixels of many fields: of rows that are one scene each, and of mosaics of several.

    Keys are the rows' positions, and after them those of the mosaics.
    """

    def __init__(
        self,
        classification: Classification,
        rows: Indexes,
        mosaics: Mapping[int, Mosaic],
        scenes: DayScenes,
        indices: Sequence[Index],
    ) -> None:
        """Describe what has to be read.

        Args:
            classification: Of the rows.
            rows: Rows whose scene is the whole mosaic.
            mosaics: Mosaics of several scenes, by the cells' numbers.
            scenes: Of the day; the bands of NDVI of those that are needed are open.
            indices: Those besides NDVI.
        """
        self.rows = rows
        self.mosaics = list(mosaics.values())
        table = classification.table
        self.cells: Indexes = np.concatenate([table.cell[rows], np.array(list(mosaics), np.intp)])
        """(keys) numbers of the cells."""
        self._classification = classification
        self._scenes = scenes
        self._indices = indices
        self._scene_of_row = table.scene[rows]
        self._unreadable: dict[tuple[int, Band], str] = {}
        numbers = sorted({*self._scene_of_row.tolist(), *self._in_mosaics()})
        further = {band for index in indices for band in index.bands} - {*NDVI_BANDS}
        fine, coarse = further - {*COARSE}, further & {*COARSE}
        self._opened = {number: self._open(number, further) for number in numbers}
        self._read = {number: self._fine(number, {*NDVI_BANDS} | fine & self._opened[number]) for number in numbers}
        self._cover_on_20_m(numbers)
        self._coarse = {
            number: self._of_20_m(number, coarse & self._opened[number])
            for number in numbers
            if coarse & self._opened[number]
        }

    @property
    def wanted(self) -> list[tuple[int, BandWindows]]:
        """All that has to be read, each with its scene's number."""
        read = [*self._read.items(), *self._coarse.items()]
        return [(number, band) for number, of_scene in read for band in of_scene.bands.values()]

    def by_scene(self, keys: Indexes) -> list[tuple[int, Indexes]]:
        """Return the keys of rows among these by the number of their scene."""
        own = keys[keys < len(self.rows)]
        scenes = self._scene_of_row[own]
        return [(number, own[scenes == number]) for number in distinct(scenes).tolist()]

    def of_scene(self, number: int, keys: Indexes) -> FieldPixels:
        """Return the pixels of rows, given their scene and keys."""
        rows, classification = self.rows[keys], self._classification
        windows = classification.windows.take(rows)
        places = classification.table.place[rows]
        coverages = self._scenes.coverages(int(classification.table.grid[rows[0]]))
        found = self._read[number]
        return FieldPixels(
            starts=windows.starts,
            coverage_fraction=coverages.windows.pixels_of(coverages.fraction, places),
            causes=classification.windows.pixels_of(classification.causes, rows),
            scene=np.broadcast_to(np.int32(number), windows.size),
            red=found.pixels("red", keys),
            nir=found.pixels("nir", keys),
        )

    def of_mosaic(self, key: int) -> FieldPixels:
        """Return the pixels of a mosaic of several scenes."""
        mosaic = self.mosaics[key - len(self.rows)]
        source = mosaic.source.ravel()
        numbers = np.array([candidate.number for candidate in mosaic.candidates], np.int32)
        return FieldPixels(
            starts=np.zeros(1, np.intp),
            coverage_fraction=mosaic.coverage.coverage_fraction.ravel(),
            causes=mosaic.causes.ravel(),
            scene=np.take(numbers, source, mode="clip"),
            red=_from_sources(source, [self._resampled(one, "red", key) for one in mosaic.candidates]),
            nir=_from_sources(source, [self._resampled(one, "nir", key) for one in mosaic.candidates]),
        )

    def indices_of_scene(self, number: int, keys: Indexes, pixels: FieldPixels) -> FurtherIndices:
        """Return the further indices of rows, given their scene, keys and pixels."""
        grid = self._scenes.scenes[number].band("red").layout.grid
        windows = self._classification.windows.take(self.rows[keys])
        read = [of for of in (self._read[number], self._coarse.get(number)) if of]
        bands = {band: of.pixels(band, keys) for of in read for band in of.bands}
        return self._measured([number], keys, pixels, (grid, windows), bands)

    def indices_of_mosaic(self, key: int, pixels: FieldPixels) -> FurtherIndices:
        """Return the further indices of a mosaic of several scenes, given its key and pixels."""
        mosaic = self.mosaics[key - len(self.rows)]
        numbers = [candidate.number for candidate in mosaic.candidates]
        windows = WindowTable.of([mosaic.coverage.window])
        source = mosaic.source.ravel()
        fine = set.intersection(*(set(self._read[number].bands) for number in numbers))
        bands = {
            band: _from_sources(source, [self._resampled(one, band, key) for one in mosaic.candidates]) for band in fine
        }
        if all(number in self._coarse for number in numbers):
            grid, coarse = self._coarse_windows(numbers[0], np.array([key]))
            of_20_m = source[nearest_within(grid, coarse, mosaic.grid, windows)]
            for band in set.intersection(*(set(self._coarse[number].bands) for number in numbers)):
                parts = [self._resampled_20_m(number, band, key, grid, coarse) for number in numbers]
                bands[band] = _from_sources(of_20_m, parts)
        return self._measured(numbers, np.array([key]), pixels, (mosaic.grid, windows), bands)

    def _measured(
        self,
        numbers: Sequence[int],
        keys: Indexes,
        pixels: FieldPixels,
        place: tuple[Grid, WindowTable],
        bands: Mapping[Band, NDArray[np.integer]],
    ) -> FurtherIndices:
        """Return the further indices of fields that come from the same scenes, of the bands that there are."""
        scenes = {number: self._scenes.scenes[number] for number in numbers}
        is_clear = pixels.causes == VALID
        found: dict[str, Floats] = {}
        fine = [index for index in self._indices if index.resolution == 10 and bands.keys() >= {*index.bands}]
        if fine:
            of_10_m = BandPixels(pixels.starts, pixels.coverage_fraction, is_clear, pixels.scene, bands)
            found |= measure_indices(fine, of_10_m, scenes)
        coarse = [index for index in self._indices if index.resolution == 20 and bands.keys() >= {*index.bands}]
        if coarse:
            grid, windows = self._coarse_windows(numbers[0], keys)
            coverages, places = self._scenes.coverages_on(grid, self.cells[keys])
            at = nearest_within(grid, windows, *place)
            fraction = coverages.windows.pixels_of(coverages.fraction, places)
            of_20_m = BandPixels(windows.starts, fraction, is_clear[at], pixels.scene[at], bands)
            found |= measure_indices(coarse, of_20_m, scenes)
        return FurtherIndices(found, self._missing(numbers, keys, bands, found))

    def _missing(
        self,
        numbers: Sequence[int],
        keys: Indexes,
        bands: Mapping[Band, NDArray[np.integer]],
        found: Mapping[str, Floats],
    ) -> dict[int, list[str]]:
        """Return why indices have no numbers, and take back those of bands that turned out to be broken."""
        missing: dict[int, list[str]] = {}
        for index in self._indices:
            lost: dict[int, str] = {}
            for number in numbers:
                for band in set(index.bands) - set(NDVI_BANDS):
                    if band not in bands:
                        reason = self._unreadable.get((number, band))
                        lost |= dict.fromkeys(range(len(keys)), reason) if reason else {}
                    else:
                        read = self._coarse[number] if band in COARSE else self._read[number]
                        broken = read.bands[band].broken
                        lost |= {at: str(broken[key]) for at, key in enumerate(keys.tolist()) if key in broken}
            for at, reason in lost.items():
                missing.setdefault(at, []).append(f"no {index.name}: {reason}")
            for name, column in found.items():
                if lost and name.startswith(f"{index.name}_"):
                    column[list(lost)] = np.nan
        return missing

    def _resampled(self, candidate: Candidate, band: Band, key: int) -> NDArray[np.integer]:
        pixels = self._read[candidate.number].pixels(band, np.array([key]))
        if candidate.is_native:
            return pixels
        return pixels[candidate.resampling.indexes(_FIRST, _FIRST)]

    def _resampled_20_m(
        self, number: int, band: Band, key: int, grid: Grid, windows: WindowTable
    ) -> NDArray[np.integer]:
        of_scene = self._coarse[number]
        sampling = Sampling.nearest(grid, windows, of_scene.bands[band].band.layout.grid)
        return of_scene.pixels(band, np.array([key]))[sampling.indexes(_FIRST, _FIRST)]

    def _in_mosaics(self) -> set[int]:
        return {candidate.number for mosaic in self.mosaics for candidate in mosaic.candidates}

    def _open(self, number: int, bands: Iterable[Band]) -> set[Band]:
        """Open further bands of a scene; return those that can be read, and note why the others cannot."""
        scene, opened = self._scenes.scenes[number], set()
        for band in bands:
            try:
                scene.band(band)
            except SceneUnreadable as error:
                self._unreadable[number, band] = str(error)
            else:
                opened.add(band)
        return opened

    def _fine(self, number: int, bands: Iterable[Band]) -> _SceneWindows:
        of_rows = np.flatnonzero(self._scene_of_row == number)
        tables, keys = [self._classification.windows.take(self.rows[of_rows])], [of_rows]
        for key, candidate in self._candidates(number):
            tables.append(WindowTable.of([candidate.window]) if candidate.is_native else candidate.resampling.sampled)
            keys.append(np.array([key]))
        return self._windows(number, bands, tables, keys)

    def _cover_on_20_m(self, numbers: Iterable[int]) -> None:
        """Compute the coverages on the grids of 20 m, of all fields at once; each is on that of its first scene."""
        of_mosaics = np.array([mosaic.candidates[0].number for mosaic in self.mosaics], np.intp)
        first = np.concatenate([self._scene_of_row, of_mosaics])
        for number in numbers:
            if self._opened[number] & {*COARSE}:
                self._coarse_windows(number, np.flatnonzero(first == number))

    def _of_20_m(self, number: int, bands: Iterable[Band]) -> _SceneWindows:
        of_rows = np.flatnonzero(self._scene_of_row == number)
        own = self._grid_of_20_m(number)
        tables, keys = [self._coarse_windows(number, of_rows)[1]], [of_rows]
        for key, _ in self._candidates(number):
            first = self.mosaics[key - len(self.rows)].candidates[0].number
            if self._opened[first] & {*COARSE}:
                grid, windows = self._coarse_windows(first, np.array([key]))
                tables.append(Sampling.nearest(grid, windows, own).sampled)
                keys.append(np.array([key]))
        return self._windows(number, bands, tables, keys)

    def _windows(
        self, number: int, bands: Iterable[Band], tables: Sequence[WindowTable], keys: Sequence[Indexes]
    ) -> _SceneWindows:
        windows, of_keys = WindowTable.joined(tables), np.concatenate(keys)
        number_of = np.full(len(self.cells), -1, np.intp)
        number_of[of_keys] = np.arange(len(of_keys))
        scene = self._scenes.scenes[number]
        return _SceneWindows(
            windows, {band: BandWindows(band, scene.band(band), windows, of_keys) for band in sorted(bands)}, number_of
        )

    def _candidates(self, number: int) -> list[tuple[int, Candidate]]:
        """Return the keys and candidates of mosaics that are of a scene."""
        numbered = enumerate(self.mosaics, start=len(self.rows))
        return [(key, one) for key, mosaic in numbered for one in mosaic.candidates if one.number == number]

    def _grid_of_20_m(self, number: int) -> Grid:
        (band, *_) = sorted(self._opened[number] & {*COARSE})
        return self._scenes.scenes[number].band(band).layout.grid

    def _coarse_windows(self, number: int, keys: Indexes) -> tuple[Grid, WindowTable]:
        """Return the grid of a scene's bands of 20 m, and the windows of fields on it."""
        grid = self._grid_of_20_m(number)
        coverages, places = self._scenes.coverages_on(grid, self.cells[keys])
        return grid, coverages.windows.take(places)


_FIRST = np.zeros(1, np.intp)


def _from_sources(source: NDArray[np.uint8], band: Sequence[NDArray[np.integer]]) -> NDArray[np.integer]:
    """Return (n) each pixel of a window from its own scene; an arbitrary value where it has none.

    Args:
        source: (n) number of each pixel's scene.
        band: (n) each: one band of each of the scenes.
    """
    return band[0] if len(band) == 1 else np.choose(source, band, mode="clip")

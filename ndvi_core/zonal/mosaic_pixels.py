"""Red and near infrared of mosaics: what has to be read, and the pixels of each field from its own scenes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Indexes
from ndvi_core.raster.window_table import WindowTable
from ndvi_core.raster.windows import BandWindows
from ndvi_core.zonal.candidates import DayScenes
from ndvi_core.zonal.classification import Classification
from ndvi_core.zonal.measure import BANDS, FieldPixels
from ndvi_core.zonal.mosaic import Candidate, Mosaic


@dataclass(frozen=True, eq=False)
class _SceneWindows:
    """The windows of a scene that are read, the same in each band."""

    windows: WindowTable
    bands: Mapping[str, BandWindows]
    number_of: Indexes
    """(keys) number of each key's window; -1 is none."""

    def pixels(self, band: str, keys: Indexes) -> NDArray[np.integer]:
        """Return the pixels of the windows of some keys."""
        return self.windows.pixels_of(self.bands[band].pixels, self.number_of[keys])


class MosaicPixels:
    """The pixels of many fields: of rows that are one scene each, and of mosaics of several."""

    def __init__(
        self, classification: Classification, rows: Indexes, mosaics: Mapping[int, Mosaic], scenes: DayScenes
    ) -> None:
        """Describe what has to be read. Keys are the rows' positions, and after them those of the mosaics.

        Args:
            classification: Of the rows.
            rows: Rows whose scene is the whole mosaic.
            mosaics: Mosaics of several scenes, by the cells' numbers.
            scenes: Of the day; the near infrared of those that are needed is open.
        """
        self.rows = rows
        self.mosaics = list(mosaics.values())
        table = classification.table
        self.cells: Indexes = np.concatenate([table.cell[rows], np.array(list(mosaics), np.intp)])
        """(keys) numbers of the cells."""
        self._classification = classification
        self._scenes = scenes
        self._scene_of_row = table.scene[rows]
        self._read = {
            number: self._windows_of(number) for number in sorted({*self._scene_of_row.tolist(), *self._in_mosaics()})
        }

    @property
    def wanted(self) -> list[tuple[int, BandWindows]]:
        """What has to be read, each with its scene's number."""
        return [(number, band) for number, of_scene in self._read.items() for band in of_scene.bands.values()]

    def by_scene(self, keys: Indexes) -> list[tuple[int, Indexes]]:
        """Return the keys of rows among these by the number of their scene."""
        own = keys[keys < len(self.rows)]
        scenes = self._scene_of_row[own]
        return [(number, own[scenes == number]) for number in np.unique(scenes).tolist()]

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
            scene=np.full(windows.size, number),
            red=found.pixels("red", keys),
            nir=found.pixels("nir", keys),
        )

    def of_mosaic(self, key: int) -> FieldPixels:
        """Return the pixels of a mosaic of several scenes."""
        mosaic = self.mosaics[key - len(self.rows)]
        red, nir = ([self._resampled(candidate, band, key) for candidate in mosaic.candidates] for band in BANDS)
        source = mosaic.source.ravel()
        numbers = np.array([candidate.number for candidate in mosaic.candidates])
        return FieldPixels(
            starts=np.zeros(1, np.intp),
            coverage_fraction=mosaic.coverage.coverage_fraction.ravel(),
            causes=mosaic.causes.ravel(),
            scene=np.take(numbers, source, mode="clip"),
            red=_from_sources(source, red),
            nir=_from_sources(source, nir),
        )

    def _resampled(self, candidate: Candidate, band: str, key: int) -> NDArray[np.integer]:
        pixels = self._read[candidate.number].pixels(band, np.array([key]))
        if candidate.is_native:
            return pixels
        return pixels[candidate.resampling.indexes(np.zeros(1, np.intp), np.zeros(1, np.intp))]

    def _in_mosaics(self) -> set[int]:
        return {candidate.number for mosaic in self.mosaics for candidate in mosaic.candidates}

    def _windows_of(self, number: int) -> _SceneWindows:
        of_rows = np.flatnonzero(self._scene_of_row == number)
        tables, keys = [self._classification.windows.take(self.rows[of_rows])], [of_rows]
        for key, mosaic in enumerate(self.mosaics, start=len(self.rows)):
            for candidate in mosaic.candidates:
                if candidate.number == number:
                    own = WindowTable.of([candidate.window])
                    tables.append(own if candidate.is_native else candidate.resampling.sampled)
                    keys.append(np.array([key]))
        windows, of_keys = WindowTable.joined(tables), np.concatenate(keys)
        number_of = np.full(len(self.cells), -1, np.intp)
        number_of[of_keys] = np.arange(len(of_keys))
        scene = self._scenes.scenes[number]
        return _SceneWindows(
            windows, {band: BandWindows(scene.band(band), windows, of_keys) for band in BANDS}, number_of
        )


def _from_sources(source: NDArray[np.uint8], band: Sequence[NDArray[np.integer]]) -> NDArray[np.integer]:
    """Return (n) each pixel of a window from its own scene; an arbitrary value where it has none.

    Args:
        source: (n) number of each pixel's scene.
        band: (n) each: one band of each of the scenes.
    """
    return band[0] if len(band) == 1 else np.choose(source, band, mode="clip")

"""The mosaic that a field is computed from: which of a day's scenes, and which of them each pixel is from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ndvi_core.raster.grid import Grid, Window, nearest
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.raster.windows import BandWindow
from ndvi_core.zonal.coverage import Coverage
from ndvi_core.zonal.mask import CLOUD, NO_DATA_CLASS
from ndvi_core.zonal.statistics import area, areas, first_of_each

NO_SOURCE = 255
"""In `Mosaic.source`: the pixel is valid in none of the scenes."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A scene whose raster contains at least a part of a field."""

    scene: OpenScene
    grid: Grid
    """Grid of the red band."""
    coverage: Coverage
    """The field on that grid."""
    contains_field: bool
    """Whether the raster contains the whole field."""


@dataclass(frozen=True, eq=False)
class ClassSample:
    """Where a candidate's scene classification (SCL) is sampled, by nearest neighbour, for the field's window."""

    candidate: Candidate
    window: BandWindow
    """The pixels of the classification that are needed."""
    rows: NDArray[np.intp]
    """(height) for each row of the field's window, the row of `window` that is nearest to it."""
    cols: NDArray[np.intp]
    """(width) for each column of the field's window, the column of `window` that is nearest to it."""


@dataclass(frozen=True, eq=False)
class ClassifiedScene:
    """A candidate and its scene classification within the field's window."""

    candidate: Candidate
    classes: NDArray[np.uint8]
    """(height, width) on the red band's grid."""
    valid: NDArray[np.bool_]
    """(height, width): covered by the field at all, and not masked."""
    valid_pixels: float
    """Area of the valid pixels, in pixels."""
    cloud_pixels: float
    """Area under cloud, cloud shadow or cirrus, in pixels."""
    masked_pixels: float
    """Area with data that the mask hides, cloud included, in pixels."""


@dataclass(frozen=True, eq=False)
class Mosaic:
    """The scenes that a field is computed from, all on one grid."""

    scenes: tuple[OpenScene, ...]
    grid: Grid
    coverage: Coverage
    source: NDArray[np.uint8]
    """(height, width): index into `scenes` of the scene that a pixel is from, or `NO_SOURCE`."""
    cloud_pixels: float
    """Area under cloud, cloud shadow or cirrus, in pixels."""
    masked_pixels: float
    """Area with data that the mask hides, cloud included, in pixels."""

    @property
    def has_valid_pixels(self) -> bool:
        """Whether any pixel is valid by its class, so that red and NIR are worth reading."""
        return bool((self.source != NO_SOURCE).any())


def shortlist(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates whose classification is worth reading: those that contain the field, else all."""
    return [candidate for candidate in candidates if candidate.contains_field] or list(candidates)


def sample_classes(candidates: Sequence[Candidate]) -> Iterator[ClassSample]:
    """Yield for each candidate where its scene's classification, on the classification's own grid, is sampled.

    Args:
        candidates: At least one, all of the same scene.

    Raises:
        SceneUnreadable: The classification cannot be opened.
    """
    band, grid = candidates[0].scene.band("scl"), candidates[0].grid
    windows = [candidate.coverage.window for candidate in candidates]
    top, left = min(window.row_off for window in windows), min(window.col_off for window in windows)
    bottom, right = max(window.row_stop for window in windows), max(window.col_stop for window in windows)
    around = Window(col_off=left, row_off=top, width=right - left, height=bottom - top)
    all_rows, all_cols = nearest(grid, around, band.layout.grid)
    for candidate, window in zip(candidates, windows, strict=True):
        rows = all_rows[window.row_off - top : window.row_stop - top]
        cols = all_cols[window.col_off - left : window.col_stop - left]
        row, col = int(rows[0]), int(cols[0])
        needed = Window(col_off=col, row_off=row, width=int(cols[-1]) - col + 1, height=int(rows[-1]) - row + 1)
        yield ClassSample(candidate, BandWindow(band, needed), rows - row, cols - col)


def classify(
    samples: Sequence[ClassSample], pixels: Sequence[NDArray[np.integer]], valid_classes: NDArray[np.bool_]
) -> list[ClassifiedScene]:
    """Return each candidate with its classification on the red band's grid, and the areas by it.

    Args:
        samples: Where the classifications are sampled.
        pixels: For each sample the classes of its window.
        valid_classes: (256) whether a class is valid, by the mask policy.
    """
    if not samples:
        return []
    coverages = [sample.candidate.coverage for sample in samples]
    fraction = np.concatenate([coverage.coverage_fraction.ravel() for coverage in coverages])
    classes = np.concatenate(
        [part[sample.rows[:, np.newaxis], sample.cols].ravel() for sample, part in zip(samples, pixels, strict=True)]
    ).astype(np.uint8, copy=False)
    valid = valid_classes[classes] & (fraction > 0)
    starts = first_of_each([coverage.coverage_fraction.size for coverage in coverages])
    counted = (valid, CLOUD[classes] & ~valid, (classes != NO_DATA_CLASS) & ~valid)
    classified = []
    for sample, start, *found in zip(
        samples, starts.tolist(), *(areas(fraction, where, starts).tolist() for where in counted), strict=True
    ):
        window = sample.candidate.coverage.window
        own = slice(start, start + window.height * window.width)
        classified.append(
            ClassifiedScene(
                sample.candidate, classes[own].reshape(window.shape), valid[own].reshape(window.shape), *found
            )
        )
    return classified


def select_scenes(classified_scenes: Sequence[ClassifiedScene]) -> Mosaic:
    """Select the scenes of a field's mosaic.

    Among scenes that contain the whole field, the one with the most valid pixels is taken, by itself. If there is
    none, the mosaic is made of the scenes on one grid (one CRS), namely the grid on which the largest part of the
    field has data; a pixel that is valid in several scenes is taken from the scene with the most valid pixels. Ties go
    to the lower scene id.

    Args:
        classified_scenes: The field's shortlisted candidates, at least one.
    """
    ranked = sorted(classified_scenes, key=_rank)
    if ranked[0].candidate.contains_field:
        return _mosaic_of_one(ranked[0])
    by_grid = sorted(ranked, key=lambda item: _grid_key(item.candidate.grid))
    groups = [list(group) for _, group in groupby(by_grid, key=lambda item: _grid_key(item.candidate.grid))]
    return _mosaic_of_several(min(groups, key=lambda group: (-_data_fraction(group), *_rank(group[0]))))


def _rank(item: ClassifiedScene) -> tuple[float, str]:
    return -item.valid_pixels, item.candidate.scene.scene.id


def _grid_key(grid: Grid) -> tuple[float, ...]:
    return grid.epsg, grid.size_x, grid.size_y, grid.alignment_x, grid.alignment_y


def _data_fraction(group: Sequence[ClassifiedScene]) -> float:
    """Return the fraction of the field for which at least one of the scenes, all on one grid, has data."""
    has_data = np.logical_or.reduce([item.classes != NO_DATA_CLASS for item in group])
    coverage = group[0].candidate.coverage
    return area(coverage.coverage_fraction, has_data) / coverage.pixels


def _mosaic_of_one(only: ClassifiedScene) -> Mosaic:
    """Return what `_mosaic_of_several` gives for one scene; most fields have but one, so this way has to be fast."""
    return Mosaic(
        scenes=(only.candidate.scene,),
        grid=only.candidate.grid,
        coverage=only.candidate.coverage,
        source=np.where(only.valid, np.uint8(0), np.uint8(NO_SOURCE)),
        cloud_pixels=only.cloud_pixels,
        masked_pixels=only.masked_pixels,
    )


def _mosaic_of_several(ranked: Sequence[ClassifiedScene]) -> Mosaic:
    """Take each pixel from the first scene in which it is valid, and leave out scenes that add no pixel."""
    first = ranked[0].candidate
    source = np.full(ranked[0].classes.shape, NO_SOURCE, dtype=np.uint8)
    classes = np.full(ranked[0].classes.shape, NO_DATA_CLASS, dtype=np.uint8)
    scenes: list[OpenScene] = []
    for item in ranked:
        adds = item.valid & (source == NO_SOURCE)
        unseen = classes == NO_DATA_CLASS
        classes[unseen] = item.classes[unseen]
        if adds.any() or not scenes:
            source[adds] = len(scenes)
            scenes.append(item.candidate.scene)
    hidden = source == NO_SOURCE
    fraction = first.coverage.coverage_fraction
    return Mosaic(
        scenes=tuple(scenes),
        grid=first.grid,
        coverage=first.coverage,
        source=source,
        cloud_pixels=area(fraction, CLOUD[classes] & hidden),
        masked_pixels=area(fraction, (classes != NO_DATA_CLASS) & hidden),
    )

"""Which of a day's scenes a field is computed from."""

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


@dataclass(frozen=True, eq=False)
class Candidate:
    """A scene whose raster holds at least some of a field."""

    scene: OpenScene
    grid: Grid
    """The red band's."""
    coverage: Coverage
    holds: bool
    """Whether the raster holds all of the field."""


@dataclass(frozen=True, eq=False)
class ClassSample:
    """Which pixels of a candidate's classification are the nearest to the pixels of the field's window."""

    candidate: Candidate
    part: BandWindow
    """The classification's pixels that are needed."""
    rows: NDArray[np.intp]
    """(height) of the field's window: the row in the part."""
    cols: NDArray[np.intp]
    """(width) of the field's window: the column in the part."""


@dataclass(frozen=True, eq=False)
class ClassifiedScene:
    """A candidate and its scene classification within the field's window."""

    candidate: Candidate
    classes: NDArray[np.uint8]
    """(height, width) on the red band's grid."""
    valid: NDArray[np.bool_]
    """(height, width): covered by the field at all, and not masked."""
    valid_pixels: float
    """Area of the valid pixels."""
    cloud_pixels: float
    """Area under cloud, cloud shadow or cirrus."""
    masked_pixels: float
    """Area with data that the mask hides, cloud included."""


@dataclass(frozen=True, eq=False)
class Mosaic:
    """The scenes that a field is computed from, all on one grid."""

    scenes: tuple[OpenScene, ...]
    grid: Grid
    coverage: Coverage
    source: NDArray[np.uint8]
    """(height, width): which of the scenes a pixel is from, `NO_SOURCE` where it is valid in none."""
    cloud_pixels: float
    """Area under cloud, cloud shadow or cirrus."""
    masked_pixels: float
    """Area with data that the mask hides, cloud included."""

    @property
    def sees_ground(self) -> bool:
        return bool((self.source != NO_SOURCE).any())


def shortlist(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates whose classification is worth reading: those that hold the field, else all."""
    return [candidate for candidate in candidates if candidate.holds] or list(candidates)


def sample_classes(candidates: Sequence[Candidate]) -> Iterator[ClassSample]:
    """Yield where the classification of one scene, on its own grid, is to be read for each candidate.

    Raises:
        SceneUnreadable: the classification cannot be opened.
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
        part = BandWindow(band, needed)
        yield ClassSample(candidate, part, rows - row, cols - col)


def classify(
    samples: Sequence[ClassSample], pixels: Sequence[NDArray[np.integer]], valid_classes: NDArray[np.bool_]
) -> list[ClassifiedScene]:
    """Return what candidates' classifications say of the fields.

    Args:
        samples: where the pixels are from.
        pixels: of each sample's part.
        valid_classes: (256) of the mask policy.
    """
    if not samples:
        return []
    share = np.concatenate([sample.candidate.coverage.share.ravel() for sample in samples])
    classes = np.concatenate(
        [part[sample.rows[:, np.newaxis], sample.cols].ravel() for sample, part in zip(samples, pixels, strict=True)]
    ).astype(np.uint8, copy=False)
    valid = valid_classes[classes] & (share > 0)
    starts = first_of_each([sample.candidate.coverage.share.size for sample in samples])
    counted = (valid, CLOUD[classes] & ~valid, (classes != NO_DATA_CLASS) & ~valid)
    looks = []
    for sample, start, *found in zip(
        samples, starts.tolist(), *(areas(share, where, starts).tolist() for where in counted), strict=True
    ):
        window = sample.candidate.coverage.window
        own = slice(start, start + window.height * window.width)
        looks.append(
            ClassifiedScene(
                sample.candidate, classes[own].reshape(window.shape), valid[own].reshape(window.shape), *found
            )
        )
    return looks


def select_scenes(looks: Sequence[ClassifiedScene]) -> Mosaic:
    """Choose from at least one look at the shortlisted candidates.

    Of scenes that hold the whole field that with the most valid pixels is taken, by itself. Otherwise the field is
    put together from the scenes on one grid (one CRS) that have data for most of it; each pixel is from the scene with
    the most valid pixels of those in which it is valid. Ties go to the lower scene id.
    """
    ranked = sorted(looks, key=_rank)
    if ranked[0].candidate.holds:
        return _alone(ranked[0])
    by_grid = sorted(ranked, key=lambda item: _grid_key(item.candidate.grid))
    groups = [list(group) for _, group in groupby(by_grid, key=lambda item: _grid_key(item.candidate.grid))]
    return _join(min(groups, key=lambda group: (-_data_fraction(group), *_rank(group[0]))))


def _rank(item: ClassifiedScene) -> tuple[float, str]:
    return -item.valid_pixels, item.candidate.scene.scene.id


def _grid_key(grid: Grid) -> tuple[float, ...]:
    return grid.epsg, grid.size_x, grid.size_y, grid.alignment_x, grid.alignment_y


def _data_fraction(group: Sequence[ClassifiedScene]) -> float:
    """Return the share of the field that at least one look has data for. All are on one grid."""
    has_data = np.logical_or.reduce([item.classes != NO_DATA_CLASS for item in group])
    coverage = group[0].candidate.coverage
    return area(coverage.share, has_data) / coverage.pixels


def _alone(only: ClassifiedScene) -> Mosaic:
    return Mosaic(
        scenes=(only.candidate.scene,),
        grid=only.candidate.grid,
        coverage=only.candidate.coverage,
        source=np.where(only.valid, np.uint8(0), np.uint8(NO_SOURCE)),
        cloud_pixels=only.cloud_pixels,
        masked_pixels=only.masked_pixels,
    )


def _join(ranked: Sequence[ClassifiedScene]) -> Mosaic:
    """Take each pixel from the first look in which it is valid; leave out scenes that then have nothing to add."""
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
    share = first.coverage.share
    return Mosaic(
        scenes=tuple(scenes),
        grid=first.grid,
        coverage=first.coverage,
        source=source,
        cloud_pixels=area(share, CLOUD[classes] & hidden),
        masked_pixels=area(share, (classes != NO_DATA_CLASS) & hidden),
    )

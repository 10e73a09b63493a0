"""The mosaic that a field is computed from: which of a day's scenes, and which of them each pixel is from.

A pass of a satellite is one observation of a field, however many products, tiles and UTM zones it comes in:

1. Of several passes on a day, that with the most valid pixels is taken.
2. Within a pass, a scene that has data for the whole field is taken by itself; of several, the one with the most valid
   pixels.
3. If there is none, the pixels are those of one grid, namely of that on which the scenes of the pass have data for the
   largest part of the field. A pixel is taken from the scene with the most valid pixels of those in which it is valid.
   Where the mask policy grows clouds, those of each scene reach into the others, and a scene is whole only if it also
   holds as much around the field: at its edge it does not see what is beyond.
4. Pixels for which no scene of that grid has data are taken, by nearest neighbour, from the pass's scenes on other
   grids, and then from older products of the same acquisitions, by the same rule.

Ties go to the lower scene id.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats
from ndvi_core.models.scene import Scene
from ndvi_core.raster.grid import Grid, Window
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.raster.sampling import Sampling
from ndvi_core.raster.window_table import WindowTable
from ndvi_core.zonal.coverage import Coverage
from ndvi_core.zonal.mask import NO_DATA, VALID, Causes, Mask, hide
from ndvi_core.zonal.statistics import area

NO_SOURCE = 255
"""In `Mosaic.source`: the pixel is valid in none of the scenes."""

_EQUAL = 1e-6
"""Fractions of a field that differ by less are equal: a field has as many pixels on two grids, but for rounding."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A scene whose raster contains at least a part of a field."""

    number: int
    """Of the scene in the work order."""
    scene: OpenScene
    grid: Grid
    """The grid on which the scene is sampled: that of its red band, or the one that the field is computed on."""
    place: int
    """Number of the field among the coverages on that grid."""
    coverage: Coverage
    """The field on that grid."""
    contains_field: bool
    """Whether the raster contains the whole field, and around it what decides on its pixels."""
    is_older: bool = False
    """Whether it is an older product of an acquisition, which counts only where the newer ones have no data."""
    is_native: bool = True
    """Whether the grid is the scene's own, so that its pixels are taken as they are."""

    @cached_property
    def resampling(self) -> Sampling:
        """Which pixels of the scene's own grid are nearest to those of the window, where the grid is another."""
        return Sampling.nearest(self.grid, WindowTable.of([self.window]), self.scene.band("red").layout.grid)

    @property
    def window(self) -> Window:
        """The field's window, in the grid."""
        return self.coverage.window


@dataclass(frozen=True, eq=False)
class ClassifiedScene:
    """A candidate and what its scene classification says within the field's window."""

    candidate: Candidate
    causes: Causes
    """(height, width): what becomes of each pixel."""
    valid_pixels: float
    """Area of the valid pixels, in pixels."""
    data_pixels: float
    """Area with data, in pixels."""
    reached: Causes | None = None
    """(height, width): where cloud and shadow reach, see `Masked`."""

    @property
    def scene(self) -> Scene:
        """The scene's description."""
        return self.candidate.scene.scene

    @property
    def is_whole(self) -> bool:
        """Whether the scene has data for the whole field, and holds what decides on its pixels."""
        return self.candidate.contains_field and is_whole(self.data_pixels, self.candidate.coverage.pixels)

    def without(self, holes: Mask | None) -> "ClassifiedScene":
        """Return the same without data at the pixels `holes`, (height, width); None are none."""
        if holes is None:
            return self
        causes = np.where(holes, np.uint8(NO_DATA), self.causes)
        fraction = self.candidate.coverage.coverage_fraction
        return replace(
            self,
            causes=causes,
            valid_pixels=area(fraction, causes == VALID),
            data_pixels=area(fraction, causes != NO_DATA),
        )


@dataclass(frozen=True, eq=False)
class Mosaic:
    """The scenes that a field is computed from, on one grid."""

    candidates: tuple[Candidate, ...]
    """One for each scene, the best first."""
    source: NDArray[np.uint8]
    """(height, width): index into `candidates` of the scene that a valid pixel is from, else `NO_SOURCE`."""
    causes: Causes
    """(height, width): what becomes of each pixel, as far as the classification says."""
    valid_pixels: float
    """Area of the pixels that are valid by their class, in pixels."""
    data_pixels: float
    """Area for which one of the scenes has data, in pixels."""
    elsewhere: Mask | None = None
    """(height, width): whether yet another scene has data for a pixel; None if no other scene was looked at."""

    @cached_property
    def scenes(self) -> tuple[OpenScene, ...]:
        """The scenes, the best first."""
        return tuple(candidate.scene for candidate in self.candidates)

    @property
    def grid(self) -> Grid:
        """The grid of the pixels."""
        return self.candidates[0].grid

    @property
    def coverage(self) -> Coverage:
        """The field on the grid."""
        return self.candidates[0].coverage

    @property
    def has_valid_pixels(self) -> bool:
        """Whether any pixel of the field is valid by its class, so that red and NIR are worth reading."""
        return self.valid_pixels > 0

    @property
    def is_whole(self) -> bool:
        """Whether there is data for the whole field."""
        return is_whole(self.data_pixels, self.coverage.pixels)


@overload
def is_whole(data_pixels: float, pixels: float) -> bool: ...
@overload
def is_whole(data_pixels: Floats, pixels: Floats) -> Mask: ...
def is_whole(data_pixels: float | Floats, pixels: float | Floats) -> bool | Mask:
    """Return whether there is data for whole fields, given the area with data and their areas, in pixels."""
    return data_pixels >= pixels * (1 - _EQUAL)


def select_scenes(classified: Sequence[ClassifiedScene], passes: Mapping[OpenScene, int]) -> Mosaic:
    """Select the scenes of a field's mosaic, by the rule that the module states.

    Args:
        classified: The scenes that were looked at, at least one, each on its own grid or all on the field's.
        passes: The number of each scene's pass.
    """
    if len(classified) == 1:  # most fields have but one scene
        return mosaic_of_one(classified[0])
    ranked = sorted(classified, key=_rank)
    by_pass = _grouped(ranked, lambda item: (passes[item.candidate.scene],))
    mosaics = [_mosaic_of_pass(group) for group in by_pass]
    return min(zip(mosaics, by_pass, strict=True), key=lambda pair: (-pair[0].valid_pixels, _rank(pair[1][0])[1:]))[0]


def _mosaic_of_pass(ranked: Sequence[ClassifiedScene]) -> Mosaic:
    whole = [item for item in ranked if item.is_whole and _tier(item) == 0]
    if whole:
        others = [item for item in ranked if item is not whole[0] and item.candidate.grid == whole[0].candidate.grid]
        return replace(mosaic_of_one(whole[0]), elsewhere=_has_data(others) if others else None)
    groups = _grouped(ranked, lambda item: _grid_key(item.candidate.grid))
    shown = [_data_fraction(group) for group in groups]
    most = max(shown) - _EQUAL
    best = min((group for group, fraction in zip(groups, shown, strict=True) if fraction >= most), key=_first_rank)
    return _mosaic_of_several(best)


def _grouped(
    ranked: Sequence[ClassifiedScene], key: Callable[[ClassifiedScene], tuple[float, ...]]
) -> list[list[ClassifiedScene]]:
    """Return the scenes that have the same key together, in their order."""
    return [list(group) for _, group in groupby(sorted(ranked, key=key), key=key)]


def _first_rank(group: Sequence[ClassifiedScene]) -> tuple[int, float, str]:
    return _rank(group[0])


def _rank(item: ClassifiedScene) -> tuple[int, float, str]:
    """Order scenes by what they are good for: see `_tier`, then those with the most valid pixels."""
    return _tier(item), -item.valid_pixels, item.scene.id


def _tier(item: ClassifiedScene) -> int:
    """Return 0 for scenes on the field's grid, 1 for those of others, 2 and 3 for older products of them.

    A scene of one tier counts only where those of the lower ones have no data.
    """
    return 2 * item.candidate.is_older + (not item.candidate.is_native)


def _grid_key(grid: Grid) -> tuple[float, ...]:
    return grid.epsg, grid.size_x, grid.size_y, grid.alignment_x, grid.alignment_y


def _data_fraction(group: Sequence[ClassifiedScene]) -> float:
    """Return the fraction of the field for which at least one of the scenes, all on one grid, has data."""
    coverage = group[0].candidate.coverage
    return area(coverage.coverage_fraction, _has_data(group)) / coverage.pixels


def _has_data(group: Sequence[ClassifiedScene]) -> Mask:
    """Return (height, width) whether at least one of the scenes, all on one grid, has data."""
    found: Mask = np.logical_or.reduce([item.causes != NO_DATA for item in group])
    return found


def mosaic_of_one(only: ClassifiedScene) -> Mosaic:
    """Return what `_mosaic_of_several` gives for one scene."""
    source = np.where(only.causes == VALID, np.uint8(0), np.uint8(NO_SOURCE))
    return Mosaic((only.candidate,), source, only.causes, only.valid_pixels, only.data_pixels)


def _mosaic_of_several(ranked: Sequence[ClassifiedScene]) -> Mosaic:
    """Take each pixel from the first scene of the lowest tier in which it is valid, else in which it has data.

    Cloud of a tier, and of those before it, reaches into all its scenes, see `Masked`. Scenes that no valid pixel is
    from are left out, unless all are.
    """
    shape = ranked[0].causes.shape
    source = np.full(shape, NO_SOURCE, dtype=np.uint8)
    causes = np.full(shape, NO_DATA, dtype=np.uint8)
    reached = np.full(shape, VALID, dtype=np.uint8)
    shown_by = np.zeros(shape, dtype=np.uint8)
    fraction = ranked[0].candidate.coverage.coverage_fraction
    for _, tier in groupby(enumerate(ranked), key=lambda numbered: _tier(numbered[1])):
        open_to_tier = causes == NO_DATA
        for number, item in tier:
            has_data, is_valid = item.causes != NO_DATA, item.causes == VALID
            shown_by += has_data
            takes = open_to_tier & (has_data & (causes == NO_DATA) | is_valid & (causes != VALID))
            source[takes], causes[takes] = number, item.causes[takes]
            if item.reached is not None:
                np.copyto(reached, item.reached, where=reached == VALID)
        hide(causes, np.where(open_to_tier, reached, np.uint8(VALID)))
    source[causes != VALID] = NO_SOURCE
    used = [number for number in range(len(ranked)) if ((fraction > 0) & (source == number)).any()] or [0]
    renumbered = np.full(NO_SOURCE + 1, NO_SOURCE, dtype=np.uint8)
    renumbered[used] = range(len(used))
    return Mosaic(
        tuple(ranked[number].candidate for number in used),
        renumbered[source],
        causes,
        valid_pixels=area(fraction, causes == VALID),
        data_pixels=area(fraction, causes != NO_DATA),
        elsewhere=shown_by > 1,
    )

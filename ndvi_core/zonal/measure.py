"""From pixels to zonal statistics, for many fields at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.models.scene import BOA_ADD_OFFSET, MAX_DIGITAL_NUMBER
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.zonal.mask import CAUSES, NO_DATA, NO_REFLECTANCE, VALID, Causes, Mask
from ndvi_core.zonal.statistics import areas, ndvi, summarise_some


@dataclass(frozen=True, eq=False)
class FieldPixels:
    """The pixels of fields' windows, one field after the other, (n) each column."""

    starts: Indexes
    """(fields) index of each field's first pixel."""
    coverage_fraction: Floats
    causes: Causes
    """What becomes of each pixel, as far as the classification says."""
    scene: NDArray[np.int32]
    """Number of the scene that a valid pixel is from; anything for the others."""
    red: NDArray[np.integer]
    """Digital numbers."""
    nir: NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class ZonalStatistics:
    """NDVI of the fields' pixels, and what it comes to, (fields) each column."""

    ndvi: Floats
    """(n) NaN where a pixel is not valid."""
    areas: Floats
    """(fields, causes) area in pixels by cause, `VALID` included."""
    is_valid: Mask
    """Whether any pixel is valid."""
    statistics: Mapping[str, Floats]
    """Weighted statistics by their names in `Statistics`; NaN without a valid pixel."""
    dark_share: Floats
    """Of the pixels that are valid by their class, the share as dark in red as the offset, or darker."""
    has_dropped_dark: Mask
    """Whether pixels that are valid by their class have no positive reflectance."""
    has_dropped_saturated: Mask
    """Whether such pixels have a digital number beyond those of a reflectance."""
    has_holes: Mask
    """Whether pixels have a class but no data in red or NIR."""
    holes: Mask
    """(n) which ones."""


def measure(pixels: FieldPixels, scenes: Mapping[int, OpenScene]) -> ZonalStatistics:
    """Return the zonal statistics of the fields.

    Args:
        pixels: Of at least one field.
        scenes: By their numbers, those that the pixels are from.
    """
    fraction, starts = pixels.coverage_fraction, pixels.starts
    found = _look_at(pixels, scenes)
    covered = fraction > 0
    valid = (found.causes == VALID) & covered
    found.ndvi[~valid] = np.nan
    counts = np.add.reduceat(valid, starts, dtype=np.intp)
    statistics = summarise_some(found.ndvi[valid], fraction[valid], counts)
    looked_at, dark, dropped, saturated, holes = (
        np.add.reduceat(where & covered, starts, dtype=np.intp)
        for where in (
            found.looked_at,
            found.dark,
            (found.causes == NO_REFLECTANCE) & found.looked_at & ~found.saturated,
            found.saturated,
            found.holes,
        )
    )
    return ZonalStatistics(
        ndvi=found.ndvi,
        areas=areas_by_cause(fraction, found.causes, starts),
        is_valid=counts > 0,
        statistics={f"ndvi_{name}": column for name, column in statistics.items()},
        dark_share=dark / np.maximum(looked_at, 1),
        has_dropped_dark=dropped > 0,
        has_dropped_saturated=saturated > 0,
        has_holes=holes > 0,
        holes=found.holes & covered,
    )


def areas_by_cause(fraction: Floats, causes: Causes, starts: Indexes) -> Floats:
    """Return (fields, causes) the area by cause, `VALID` included, in pixels.

    Args:
        fraction: (n) coverage fractions of the pixels.
        causes: (n) what becomes of them.
        starts: (fields) index of each field's first pixel.
    """
    found = np.zeros((len(starts), len(CAUSES) + 1))
    for cause in np.flatnonzero(np.bincount(causes, minlength=len(CAUSES) + 1)).tolist():
        found[:, cause] = areas(fraction, causes == cause, starts)
    return found


class _Pixels(NamedTuple):
    """What is known of the pixels of all fields, one field after the other, each (n)."""

    ndvi: Floats
    """NaN where a pixel is not valid."""
    causes: Causes
    looked_at: Mask
    """Valid by the class, and with data in both bands."""
    dark: Mask
    """Of these, as dark in red as the offset, or darker."""
    saturated: Mask
    """Of these, beyond the range of a reflectance."""
    holes: Mask
    """Valid by the class, but without data in a band."""


def _look_at(pixels: FieldPixels, scenes: Mapping[int, OpenScene]) -> _Pixels:
    red, nir, causes = pixels.red, pixels.nir, pixels.causes.copy()
    values = np.full(red.shape, np.nan)
    looked_at = np.zeros(red.shape, np.bool_)
    has_class = causes == VALID
    for number, scene in scenes.items():
        here = has_class & (pixels.scene == number)
        for band, digital_numbers in ((scene.band("red"), red), (scene.band("nir"), nir)):
            for nodata in {0, band.nodata, scene.scene.nodata or 0}:
                here &= digital_numbers != nodata
        values[here] = ndvi(red[here], nir[here], scene.scene.offset)
        looked_at |= here
    holes = has_class & ~looked_at
    causes[holes] = NO_DATA
    causes[looked_at & np.isnan(values)] = NO_REFLECTANCE
    return _Pixels(
        values,
        causes,
        looked_at,
        looked_at & (red <= -BOA_ADD_OFFSET),
        looked_at & ((red > MAX_DIGITAL_NUMBER) | (nir > MAX_DIGITAL_NUMBER)),
        holes,
    )

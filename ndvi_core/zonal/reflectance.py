"""Indices besides NDVI over the clear pixels of many fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.models.indices import Band, Index
from ndvi_core.models.scene import MAX_DIGITAL_NUMBER
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.zonal.mask import Mask
from ndvi_core.zonal.statistics import areas, summarise_some

QUANTIFICATION = 10_000.0
"""Digital numbers of a reflectance of 1: ESA's `BOA_QUANTIFICATION_VALUE`."""


@dataclass(frozen=True, eq=False)
class BandPixels:
    """Bands of fields' windows on one grid, one field after the other, (n) each column."""

    starts: Indexes
    """(fields) index of each field's first pixel."""
    coverage_fraction: Floats
    is_clear: Mask
    """Whether a pixel is valid by its class."""
    scene: NDArray[np.int32]
    """Number of the scene that a clear pixel is from; anything for the others."""
    bands: Mapping[Band, NDArray[np.integer]]
    """Digital numbers."""


def measure_indices(indices: Sequence[Index], pixels: BandPixels, scenes: Mapping[int, OpenScene]) -> dict[str, Floats]:
    """Return the statistics of indices, (fields) each, by their columns' names; NaN without a valid pixel.

    A pixel is valid if it is clear and each band of the index has a positive reflectance within ESA's range there.

    Args:
        indices: Whose bands are all among the pixels'.
        pixels: Of at least one field.
        scenes: By their numbers, those that the pixels are from.
    """
    covered = pixels.coverage_fraction > 0
    reflectance = {
        band: _reflectance(band, pixels, scenes) for band in {band: None for index in indices for band in index.bands}
    }
    found: dict[str, Floats] = {}
    for index in indices:
        own = [reflectance[band] for band in index.bands]
        usable = np.logical_and.reduce([covered, *map(np.isfinite, own)])
        values = np.full(usable.shape, np.nan)
        values[usable] = index.formula(*(band[usable] for band in own))
        usable &= np.isfinite(values)
        counts = np.add.reduceat(usable, pixels.starts, dtype=np.intp)
        of_index = summarise_some(values[usable], pixels.coverage_fraction[usable], counts)
        of_index["valid_pixel_count"] = areas(pixels.coverage_fraction, usable, pixels.starts)
        found |= {f"{index.name}_{name}": column for name, column in of_index.items()}
    return found


def _reflectance(band: Band, pixels: BandPixels, scenes: Mapping[int, OpenScene]) -> Floats:
    """Return (n) reflectances; NaN where a pixel is not clear, has no data or is no positive reflectance."""
    digital_numbers = pixels.bands[band]
    found = np.full(digital_numbers.shape, np.nan)
    for number, scene in scenes.items():
        here = pixels.is_clear & (pixels.scene == number) & (digital_numbers <= MAX_DIGITAL_NUMBER)
        for nodata in {0, scene.band(band).nodata, scene.scene.nodata or 0}:
            here &= digital_numbers != nodata
        shifted = digital_numbers[here].astype(np.float64) + scene.scene.offset.of(band)
        found[here] = np.where(shifted > 0, shifted, np.nan) / QUANTIFICATION
    return found

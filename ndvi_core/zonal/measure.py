"""From the pixels of mosaics to zonal statistics, for many fields at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats
from ndvi_core.raster.band import Asset
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.raster.windows import BandWindow
from ndvi_core.zonal.mosaic import NO_SOURCE, Mosaic
from ndvi_core.zonal.offset_check import HarmonisedCheck
from ndvi_core.zonal.statistics import areas, first_of_each, ndvi, summarise

BANDS: tuple[Asset, ...] = ("red", "nir")


class RedNir(NamedTuple):
    """Digital numbers of one scene within a field's window, both (height, width)."""

    red: NDArray[np.integer]
    nir: NDArray[np.integer]


@dataclass(frozen=True, eq=False, slots=True)
class ZonalStatistics:
    """NDVI of one field's pixels, and what it comes to."""

    ndvi: Floats | None
    """(height, width), NaN where a pixel is not valid; None when none is."""
    data_pixels: float
    """Area for which there is data, masked or not, in pixels."""
    valid_pixels: float = 0.0
    """Area of the valid pixels, in pixels."""
    statistics: Mapping[str, float] = field(default_factory=dict)
    """Weighted statistics by their names in `Statistics`; empty without a valid pixel."""


def red_nir_windows(mosaic: Mosaic) -> list[BandWindow]:
    """Return what has to be read of a mosaic: red and NIR of each scene in turn.

    Raises:
        SceneUnreadable: A band cannot be opened.
    """
    window = mosaic.coverage.window
    return [BandWindow(scene.band(asset), window) for scene in mosaic.scenes for asset in BANDS]


def pair_red_nir(pixels: Sequence[NDArray[np.integer]]) -> list[RedNir]:
    """Return the bands of each scene, given the pixels of `red_nir_windows`."""
    return [RedNir(red, nir) for red, nir in zip(pixels[::2], pixels[1::2], strict=True)]


def measure(
    mosaics: Sequence[Mosaic], bands: Sequence[Sequence[RedNir]], check: HarmonisedCheck
) -> Iterator[ZonalStatistics]:
    """Yield the zonal statistics of each field.

    Args:
        mosaics: One for each field.
        bands: For each field the bands of its mosaic's scenes.
        check: Is given the valid red pixels of each scene.
    """
    if not mosaics:
        return
    fraction = np.concatenate([mosaic.coverage.coverage_fraction.ravel() for mosaic in mosaics])
    starts = first_of_each([mosaic.source.size for mosaic in mosaics])
    values, has_data = _values(mosaics, bands, check)
    valid = np.isfinite(values)
    data_pixels, valid_pixels = (areas(fraction, where, starts).tolist() for where in (has_data, valid))
    counts = np.add.reduceat(valid, starts, dtype=np.intp)
    any_valid = counts > 0
    first_valid = first_of_each(counts[any_valid].tolist())
    rows = iter(summarise(values[valid], fraction[valid], first_valid) if any_valid.any() else ())
    for number, (mosaic, start) in enumerate(zip(mosaics, starts.tolist(), strict=True)):
        data = mosaic.masked_pixels + data_pixels[number]
        if any_valid[number]:
            own = values[start : start + mosaic.source.size].reshape(mosaic.source.shape)
            yield ZonalStatistics(own, data, valid_pixels[number], next(rows))
        else:
            yield ZonalStatistics(None, data)


def _values(
    mosaics: Sequence[Mosaic], bands: Sequence[Sequence[RedNir]], check: HarmonisedCheck
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return NDVI of all fields' pixels, one field after the other, and where there is data in both bands."""
    red, nir = (
        np.concatenate([_from_sources(mosaic, band) for mosaic, band in zip(mosaics, of_fields, strict=True)])
        for of_fields in (
            [[scene.red for scene in scenes] for scenes in bands],
            [[scene.nir for scene in scenes] for scenes in bands],
        )
    )
    scenes = dict.fromkeys(scene for mosaic in mosaics for scene in mosaic.scenes)
    numbers = {scene: number for number, scene in enumerate(scenes)}
    scene_of = np.concatenate([_scene_numbers(mosaic, numbers) for mosaic in mosaics])
    values = np.full(red.shape, np.nan)
    has_data = np.zeros(red.shape, np.bool_)
    for scene, number in numbers.items():
        here = scene_of == number
        here &= red != scene.band("red").nodata
        here &= nir != scene.band("nir").nodata
        red_here = red[here]
        values[here] = ndvi(red_here, nir[here], scene.scene.offset)
        has_data |= here
        check.add(scene.scene, red_here)
    return values, has_data


def _from_sources(mosaic: Mosaic, band: Sequence[NDArray[np.integer]]) -> NDArray[np.integer]:
    """Return each pixel of the window from its own scene; an arbitrary value where it has none.

    Args:
        mosaic: Of one field.
        band: One band of each of the mosaic's scenes, (height, width).
    """
    pixels = band[0] if len(band) == 1 else np.choose(mosaic.source, band, mode="clip")
    return pixels.ravel()


def _scene_numbers(mosaic: Mosaic, numbers: Mapping[OpenScene, int]) -> NDArray[np.int16]:
    """Return the number of each pixel's scene, -1 where it has none."""
    table = np.full(NO_SOURCE + 1, -1, np.int16)
    table[: len(mosaic.scenes)] = [numbers[scene] for scene in mosaic.scenes]
    return table[mosaic.source.ravel()]

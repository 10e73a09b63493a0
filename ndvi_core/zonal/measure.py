"""From the pixels of mosaics to zonal statistics, for many fields at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats
from ndvi_core.models.scene import BOA_ADD_OFFSET, MAX_DIGITAL_NUMBER
from ndvi_core.raster.band import Asset
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.raster.windows import BandWindow
from ndvi_core.zonal.mask import CAUSES, NO_DATA, NO_REFLECTANCE, VALID, Causes, Mask
from ndvi_core.zonal.mosaic import NO_SOURCE, Mosaic
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
    areas: Mapping[int, float]
    """Area in pixels by cause, `VALID` included; causes without any may be missing."""
    statistics: Mapping[str, float] = field(default_factory=dict)
    """Weighted statistics by their names in `Statistics`; empty without a valid pixel."""
    dark_share: float = 0.0
    """Of the pixels that are valid by their class, the share as dark in red as the offset, or darker."""
    has_dropped_dark: bool = False
    """Whether pixels that are valid by their class have no positive reflectance."""
    has_dropped_saturated: bool = False
    """Whether such pixels have a digital number beyond those of a reflectance."""
    holes: Mask | None = None
    """(height, width): pixels that have a class but no data in red or NIR; None when there is none."""


def red_nir_windows(mosaic: Mosaic) -> list[BandWindow]:
    """Return what has to be read of a mosaic: red and NIR of each scene in turn.

    Raises:
        SceneUnreadable: A band cannot be opened.
    """
    wanted = []
    for candidate in mosaic.candidates:
        here = candidate.window if candidate.is_native else candidate.resampling.window
        wanted += [BandWindow(candidate.scene.band(asset), here) for asset in BANDS]
    return wanted


def pair_red_nir(mosaic: Mosaic, pixels: Sequence[NDArray[np.integer]]) -> list[RedNir]:
    """Return the bands of each scene on the mosaic's grid, given the pixels of `red_nir_windows`."""
    pairs = [RedNir(red, nir) for red, nir in zip(pixels[::2], pixels[1::2], strict=True)]
    for number, candidate in enumerate(mosaic.candidates):
        if not candidate.is_native:
            pairs[number] = RedNir(*map(candidate.resampling.take, pairs[number]))
    return pairs


def masked_only(mosaic: Mosaic) -> ZonalStatistics:
    """Return the statistics of a mosaic without a valid pixel, of which no band has to be read."""
    fraction = mosaic.coverage.coverage_fraction.ravel()
    starts = first_of_each([fraction.size])
    return ZonalStatistics(None, _areas_by_cause(fraction, mosaic.causes.ravel(), starts)[0])


def measure(mosaics: Sequence[Mosaic], bands: Sequence[Sequence[RedNir]]) -> Iterator[ZonalStatistics]:
    """Yield the zonal statistics of each field.

    Args:
        mosaics: One for each field.
        bands: For each field the bands of its mosaic's scenes.
    """
    if not mosaics:
        return
    fraction = np.concatenate([mosaic.coverage.coverage_fraction.ravel() for mosaic in mosaics])
    starts = first_of_each([mosaic.source.size for mosaic in mosaics])
    pixels = _look_at(mosaics, bands)
    by_cause = _areas_by_cause(fraction, pixels.causes, starts)
    covered = fraction > 0
    valid = (pixels.causes == VALID) & covered
    pixels.ndvi[~valid] = np.nan
    counts = np.add.reduceat(valid, starts, dtype=np.intp)
    any_valid = counts > 0
    first_valid = first_of_each(counts[any_valid].tolist())
    rows = iter(summarise(pixels.ndvi[valid], fraction[valid], first_valid) if any_valid.any() else ())
    looked_at, dark, dropped, saturated, holes = (
        np.add.reduceat(where & covered, starts, dtype=np.intp).tolist()
        for where in (
            pixels.looked_at,
            pixels.dark,
            (pixels.causes == NO_REFLECTANCE) & pixels.looked_at & ~pixels.saturated,
            pixels.saturated,
            pixels.holes,
        )
    )
    for number, (mosaic, start) in enumerate(zip(mosaics, starts.tolist(), strict=True)):
        own = slice(start, start + mosaic.source.size)
        shape = mosaic.source.shape
        yield ZonalStatistics(
            ndvi=pixels.ndvi[own].reshape(shape) if any_valid[number] else None,
            areas=by_cause[number],
            statistics=next(rows) if any_valid[number] else {},
            dark_share=dark[number] / looked_at[number] if looked_at[number] else 0.0,
            has_dropped_dark=bool(dropped[number]),
            has_dropped_saturated=bool(saturated[number]),
            holes=(pixels.holes[own] & covered[own]).reshape(shape) if holes[number] else None,
        )


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


def _look_at(mosaics: Sequence[Mosaic], bands: Sequence[Sequence[RedNir]]) -> _Pixels:
    red, nir = (
        np.concatenate([_from_sources(mosaic, band) for mosaic, band in zip(mosaics, of_fields, strict=True)])
        for of_fields in (
            [[scene.red for scene in scenes] for scenes in bands],
            [[scene.nir for scene in scenes] for scenes in bands],
        )
    )
    causes = np.concatenate([mosaic.causes.ravel() for mosaic in mosaics])
    scenes = dict.fromkeys(scene for mosaic in mosaics for scene in mosaic.scenes)
    numbers = {scene: number for number, scene in enumerate(scenes)}
    scene_of = np.concatenate([_scene_numbers(mosaic, numbers) for mosaic in mosaics])
    values = np.full(red.shape, np.nan)
    looked_at = np.zeros(red.shape, np.bool_)
    for scene, number in numbers.items():
        here = scene_of == number
        for band, digital_numbers in ((scene.band("red"), red), (scene.band("nir"), nir)):
            for nodata in {0, band.nodata, scene.scene.nodata or 0}:
                here &= digital_numbers != nodata
        values[here] = ndvi(red[here], nir[here], scene.scene.offset)
        looked_at |= here
    holes = (causes == VALID) & ~looked_at
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


def _areas_by_cause(fraction: Floats, causes: Causes, starts: NDArray[np.intp]) -> list[dict[int, float]]:
    """Return for each field the area by cause, in pixels."""
    present = np.flatnonzero(np.bincount(causes, minlength=len(CAUSES) + 1)).tolist()
    columns = [areas(fraction, causes == cause, starts).tolist() for cause in present]
    return [dict(zip(present, row, strict=True)) for row in zip(*columns, strict=True)]


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

"""From the pixels of the chosen scenes to numbers, for many fields at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.zonal.mosaic import NO_SOURCE, Mosaic
from ndvi_core.zonal.offset_check import HarmonisedCheck
from ndvi_core.zonal.statistics import areas, first_of_each, ndvi, summarise

Bands = Sequence[NDArray[np.integer]]
"""Red and NIR of each scene of a choice in turn, in the field's window."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """What a field's pixels come to."""

    ndvi: NDArray[np.float64] | None
    """(height, width), NaN where a pixel is not valid; None when none is."""
    data_pixels: float
    """Area of the pixels for which there is data, masked or not."""
    valid_pixels: float = 0.0
    statistics: Mapping[str, float] = field(default_factory=dict)
    """By their names in `Statistics`; none without a valid pixel."""


def measure(choices: Sequence[Mosaic], bands: Sequence[Bands], check: HarmonisedCheck) -> Iterator[Measurement]:
    """Yield what each field comes to.

    Args:
        choices: the scenes of each field.
        bands: the pixels of each.
        check: is told of the red pixels.
    """
    if not choices:
        return
    share = np.concatenate([choice.coverage.share.ravel() for choice in choices])
    starts = first_of_each([choice.source.size for choice in choices])
    values, has_data = _values(choices, bands, check)
    valid = np.isfinite(values)
    data_pixels, valid_pixels = (areas(share, where, starts).tolist() for where in (has_data, valid))
    counts = np.add.reduceat(valid, starts, dtype=np.intp)
    seen = counts > 0
    rows = iter(summarise(values[valid], share[valid], first_of_each(counts[seen].tolist())) if seen.any() else ())
    for number, (choice, start) in enumerate(zip(choices, starts.tolist(), strict=True)):
        data = choice.masked_pixels + data_pixels[number]
        if seen[number]:
            own = values[start : start + choice.source.size].reshape(choice.source.shape)
            yield Measurement(own, data, valid_pixels[number], next(rows))
        else:
            yield Measurement(None, data)


def _values(
    choices: Sequence[Mosaic], bands: Sequence[Bands], check: HarmonisedCheck
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return NDVI of all fields' pixels, one field after the other, and for which there is data in both bands."""
    red, nir = (
        np.concatenate([_from_sources(choice, own[band::2]) for choice, own in zip(choices, bands, strict=True)])
        for band in (0, 1)
    )
    scenes = dict.fromkeys(scene for choice in choices for scene in choice.scenes)
    numbers = {scene: number for number, scene in enumerate(scenes)}
    scene_of = np.concatenate([_scene_numbers(choice, numbers) for choice in choices])
    values = np.full(red.shape, np.nan)
    has_data = np.zeros(red.shape, np.bool_)
    for scene, number in numbers.items():
        here = scene_of == number
        here &= red != scene.band("red").nodata
        here &= nir != scene.band("nir").nodata
        seen = red[here]
        values[here] = ndvi(seen, nir[here], scene.scene.offset)
        has_data |= here
        check.add(scene.scene, seen)
    return values, has_data


def _from_sources(choice: Mosaic, bands: Bands) -> NDArray[np.integer]:
    """Return each pixel of the window from its own scene; any pixel where it has none."""
    pixels = bands[0] if len(bands) == 1 else np.choose(choice.source, bands, mode="clip")
    return pixels.ravel()


def _scene_numbers(choice: Mosaic, numbers: Mapping[OpenScene, int]) -> NDArray[np.int16]:
    """Return the number of each pixel's scene, -1 where it has none."""
    table = np.full(NO_SOURCE + 1, -1, np.int16)
    table[: len(choice.scenes)] = [numbers[scene] for scene in choice.scenes]
    return table[choice.source.ravel()]

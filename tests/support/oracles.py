"""Independent results to compare with: field statistics by exactextract, weighted quantiles step by step."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from shapely.geometry.base import BaseGeometry

QUANTILES = {"ndvi_p10": 0.1, "ndvi_p25": 0.25, "ndvi_median": 0.5, "ndvi_p75": 0.75, "ndvi_p90": 0.9}


def exactextract_statistics(
    values: np.ndarray, bounds: tuple[float, float, float, float], geometry: BaseGeometry
) -> dict[str, float]:
    """Return exactextract's statistics under the names of our columns.

    Quantiles are computed here, by exactextract's definition, from the pixels and coverage fractions that it returns:
    its own are off by up to 1e-4 in fields of hundreds of pixels, because it sums the fractions in single precision.

    Args:
        values: (height, width), NaN where a pixel does not count.
        bounds: Left, bottom, right, top of the values.
        geometry: Field, in the same CRS.
    """
    left, bottom, right, top = bounds
    source = NumPyRasterSource(values, xmin=left, ymin=bottom, xmax=right, ymax=top, nodata=np.nan)
    feature = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(geometry)}
    (found,) = exact_extract(source, feature, ["mean", "stdev", "min", "max", "values", "coverage"])
    of = found["properties"]
    pixels = [(v, w) for v, w in zip(of["values"], of["coverage"], strict=True) if np.isfinite(v)]
    moments = {"ndvi_mean": of["mean"], "ndvi_std": of["stdev"], "ndvi_min": of["min"], "ndvi_max": of["max"]}
    return moments | {name: quantile(pixels, q) for name, q in QUANTILES.items()}


def quantile(pixels: Sequence[tuple[float, float]], q: float) -> float:
    """Return the quantile of (value, weight) pairs by exactextract's definition, step by step; NaN of none."""
    n, places, below = len(pixels), [], 0.0
    for k, (value, weight) in enumerate(sorted(pixels, key=lambda pixel: pixel[0])):
        places.append((k * weight + (n - 1) * below, value))
        below += weight
    wanted = q * (n - 1) * below
    for (s0, v0), (s1, v1) in itertools.pairwise(places):
        if s0 <= wanted <= s1:
            return v0 + (v1 - v0) * (wanted - s0) / (s1 - s0)
    return places[-1][1] if places else math.nan


def opened_and_grown(mask: np.ndarray, opening: float, growth: float, pixel: float) -> np.ndarray:
    """Return a mask, (height, width), without specks and then grown, by each pixel of the disk; lengths in metres."""
    smaller = ~_grown(~mask, opening / pixel)
    return _grown(_grown(smaller, opening / pixel), growth / pixel)


def _grown(mask: np.ndarray, radius: float) -> np.ndarray:
    reach = int(radius)
    padded, grown = np.pad(mask, reach), np.zeros_like(mask)
    height, width = mask.shape
    for down, right in itertools.product(range(-reach, reach + 1), repeat=2):
        if down**2 + right**2 <= radius**2:
            grown |= padded[reach + down : reach + down + height, reach + right : reach + right + width]
    return grown

"""NDVI of pixels, and statistics of pixels that count by the share of them that a field covers.

All in float64 over a field's pixels in the order of its window, whole: the same pixels give the same bits, however
they were read. Sums are numpy's pairwise ones and not BLAS's, whose order depends on the number of threads.
"""

import numpy as np
from numpy.typing import NDArray

from ndvi_core.scene import Offset

QUANTILES = {"ndvi_p10": 0.10, "ndvi_p25": 0.25, "ndvi_median": 0.50, "ndvi_p75": 0.75, "ndvi_p90": 0.90}


def ndvi(red: NDArray[np.integer], nir: NDArray[np.integer], offset: Offset) -> NDArray[np.float64]:
    """Return (NIR - red) / (NIR + red) of digital numbers, NaN where the corrected NIR + red is not positive.

    NDVI: Rouse et al. 1974. Reflectance is taken as `max(DN + offset, 0)`: the offset makes the darkest pixels
    slightly negative, for which the ratio is not bounded by -1 and 1. Nodata is the caller's to leave out.
    """
    red_reflectance = np.maximum(red.astype(np.float64) + offset.red, 0.0)
    nir_reflectance = np.maximum(nir.astype(np.float64) + offset.nir, 0.0)
    total = nir_reflectance + red_reflectance
    ratio = np.full(total.shape, np.nan)
    np.divide(nir_reflectance - red_reflectance, total, out=ratio, where=total > 0)
    return ratio


def covered(share: NDArray[np.float64], where: NDArray[np.bool_]) -> float:
    """Return the area, in pixels, of a field's pixels `where`; both arguments have the shape of its window.

    The terms that do not count stay in the sum as zeros, so that two areas of the same pixels are equal to the last
    bit and a field without a cloud has a valid fraction of exactly 1.
    """
    return float((share * where).sum())


def summarise(values: NDArray[np.float64], weights: NDArray[np.float64]) -> dict[str, float]:
    """Return the weighted statistics of at least one value, by their names in `Statistics`.

    Args:
        values: (n) finite.
        weights: (n) positive.
    """
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    low, high = float(values[0]), float(values[-1])
    total = weights.sum()
    mean = min(max(float((weights * values).sum() / total), low), high)  # rounding may carry it a bit past an end
    std = float(np.sqrt((weights * (values - mean) ** 2).sum() / total))
    quantiles = weighted_quantiles(values, weights, list(QUANTILES.values()))
    return {
        "ndvi_mean": mean,
        "ndvi_std": std,
        "ndvi_min": low,
        "ndvi_max": high,
        **dict(zip(QUANTILES, quantiles, strict=True)),
    }


def weighted_quantiles(values: NDArray[np.float64], weights: NDArray[np.float64], q: list[float]) -> list[float]:
    """Return quantiles of values in ascending order.

    The definition is exactextract's: value number k of n stands at `k * w[k] + (n - 1) * sum(w[:k])`, and between
    these the quantile is interpolated at `q * (n - 1) * sum(w)`. Equal weights give numpy's default.
    """
    n = len(values)
    up_to = np.cumsum(weights)
    positions = np.arange(n) * weights
    positions[1:] += (n - 1) * up_to[:-1]
    wanted = np.array(q) * ((n - 1) * up_to[-1])
    return [float(value) for value in np.interp(wanted, positions, values)]

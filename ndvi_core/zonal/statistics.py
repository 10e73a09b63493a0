"""NDVI of pixels, and statistics of pixels that count by the share of them that a field covers.

The pixels of many fields lie one after the other in flat arrays, since numpy takes longer to be called than to go over
one field. All is in float64, and each field's sums are over its pixels alone, in the order of its window: the same
pixels give the same bits, however they were read and whatever other fields are with them. Sums are numpy's pairwise
ones and not BLAS's, whose order depends on the number of threads.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.models.scene import Offset

QUANTILES = {"ndvi_p10": 0.10, "ndvi_p25": 0.25, "ndvi_median": 0.50, "ndvi_p75": 0.75, "ndvi_p90": 0.90}


def ndvi(red: NDArray[np.integer], nir: NDArray[np.integer], offset: Offset) -> Floats:
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


def first_of_each(sizes: Sequence[int]) -> Indexes:
    """Return where each field's pixels begin, given how many each has."""
    return np.cumsum([0, *sizes[:-1]])


def areas(share: Floats, where: NDArray[np.bool_], starts: Indexes) -> Floats:
    """Return the area, in pixels, of each field's pixels `where`.

    The terms that do not count stay in the sums as zeros, so that two areas of the same pixels are equal to the last
    bit and a field without a cloud has a valid fraction of exactly 1.

    Args:
        share: (n) of all pixels of the fields' windows.
        where: (n) which of them count.
        starts: (fields) where each field's pixels begin; each has at least one.
    """
    return np.add.reduceat(share * where, starts)


def area(share: Floats, where: NDArray[np.bool_]) -> float:
    """Return the area of one field's pixels `where`, as `areas` does; both arguments have the shape of its window."""
    return float(areas(share.ravel(), where.ravel(), np.zeros(1, np.intp))[0])


def summarise(values: Floats, weights: Floats, starts: Indexes) -> list[dict[str, float]]:
    """Return the weighted statistics of each field's values, by their names in `Statistics`.

    Args:
        values: (n) finite.
        weights: (n) positive.
        starts: (fields) where each field's values begin; each has at least one.
    """
    sizes = np.diff(starts, append=len(values))
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    total = np.add.reduceat(weights, starts)
    mean = np.clip(np.add.reduceat(weights * values, starts) / total, low, high)  # rounding may carry it past an end
    variance = np.add.reduceat(weights * (values - np.repeat(mean, sizes)) ** 2, starts) / total
    columns = {"ndvi_mean": mean, "ndvi_std": np.sqrt(variance), "ndvi_min": low, "ndvi_max": high} | dict(
        zip(QUANTILES, weighted_quantiles(values, weights, starts, list(QUANTILES.values())), strict=True)
    )
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def weighted_quantiles(values: Floats, weights: Floats, starts: Indexes, q: Sequence[float]) -> Floats:
    """Return (quantiles, fields).

    The definition is exactextract's: in ascending order, value number k of n stands at
    `k * w[k] + (n - 1) * sum(w[:k])`, and between these the quantile is interpolated at `q * (n - 1) * sum(w)`.
    Equal weights give numpy's default.
    """
    ends = np.append(starts[1:], len(values))
    sizes = ends - starts
    own = [slice(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    order = np.concatenate([np.argsort(values[field], kind="stable") + field.start for field in own])
    values, weights = values[order], weights[order]
    del order  # in place from here on: one field may be of millions of pixels
    positions = np.arange(len(values), dtype=np.float64)
    positions -= np.repeat(starts, sizes)
    positions *= weights
    for field in own:
        np.cumsum(weights[field], out=weights[field])
    wanted = np.array(q) * ((sizes - 1) * weights[ends - 1])[:, np.newaxis]
    weights *= np.repeat(sizes - 1, sizes)
    for field in own:
        positions[field][1:] += weights[field][:-1]
    found = [np.interp(at, positions[field], values[field]) for at, field in zip(wanted, own, strict=True)]
    return np.array(found).T

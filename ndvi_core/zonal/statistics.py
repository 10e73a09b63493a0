"""NDVI of pixels, and zonal statistics: each pixel is weighted by its coverage fraction.

The pixels of many fields lie one after the other in flat arrays, since a call of numpy takes longer than its work on
one field. All arithmetic is in float64, and each field's sums are over its pixels alone, in the order of its window:
the same pixels give the same bits, however they were read and whatever other fields are computed with them. Sums are
numpy's pairwise ones, because the order of BLAS's depends on the number of threads.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.models.scene import MAX_DIGITAL_NUMBER, Offset

QUANTILES = {"p10": 0.10, "p25": 0.25, "median": 0.50, "p75": 0.75, "p90": 0.90}
STATISTICS = ("mean", "std", "min", "max", *QUANTILES)


_NUMBERED = 65_536


def ndvi(red: NDArray[np.integer], nir: NDArray[np.integer], offset: Offset) -> Floats:
    """Return (NIR - red) / (NIR + red) of reflectance, NaN where red or NIR is no positive reflectance.

    The formula is that of Rouse et al. (1974). A digital number beyond `MAX_DIGITAL_NUMBER` is no reflectance; nor is
    one that the offset makes zero or negative: the ratio of such numbers says nothing of the ground, and a catalogue
    that has removed the offset has cut them off at zero.

    Args:
        red: Digital numbers, of any shape; no nodata among them.
        nir: Likewise, of the same shape.
        offset: Of the scene that the pixels are from.
    """
    red_reflectance = np.add(red, offset.red, dtype=np.float64)
    nir_reflectance = np.add(nir, offset.nir, dtype=np.float64)
    is_reflectance = (red <= MAX_DIGITAL_NUMBER) & (nir <= MAX_DIGITAL_NUMBER)
    is_reflectance &= (red_reflectance > 0) & (nir_reflectance > 0)
    ratio: Floats = nir_reflectance - red_reflectance
    total = np.add(nir_reflectance, red_reflectance, out=red_reflectance)
    np.divide(ratio, total, out=ratio, where=is_reflectance)
    ratio[~is_reflectance] = np.nan
    return ratio


def first_of_each(sizes: Indexes) -> Indexes:
    """Return the index of each field's first pixel, given the number of pixels of each field."""
    return np.cumsum(sizes) - sizes


def areas(coverage_fraction: Floats, where: NDArray[np.bool_], starts: Indexes) -> Floats:
    """Return for each field the area, in pixels, that it covers of the pixels `where`.

    Pixels that do not count stay in the sums as zeros, so that two areas of the same pixels are equal to the last bit
    and a field without a cloud has a valid fraction of exactly 1.

    Args:
        coverage_fraction: (n) of all pixels of the fields' windows.
        where: (n) which of them count.
        starts: (fields) index of each field's first pixel; each field has at least one.
    """
    return np.add.reduceat(coverage_fraction * where, starts)


def area(coverage_fraction: Floats, where: NDArray[np.bool_]) -> float:
    """Return the area of one field's pixels `where`, as `areas` does; both arguments have the shape of its window."""
    return float(areas(coverage_fraction.ravel(), where.ravel(), np.zeros(1, np.intp))[0])


def summarise_some(values: Floats, weights: Floats, counts: Indexes) -> dict[str, Floats]:
    """Return the same as `summarise` for fields some of which may have no value: their statistics are NaN.

    Args:
        values: (n) finite.
        weights: (n) positive.
        counts: (fields) number of each field's values.
    """
    some = counts > 0
    found = {name: np.full(len(counts), np.nan) for name in STATISTICS}
    if some.any():
        for name, column in summarise(values, weights, first_of_each(counts[some])).items():
            found[name][some] = column
    return found


def summarise(values: Floats, weights: Floats, starts: Indexes) -> dict[str, Floats]:
    """Return the weighted statistics of each field's values, (fields) each, by the names of `STATISTICS`.

    Args:
        values: (n) finite.
        weights: (n) positive: the pixels' coverage fractions.
        starts: (fields) index of each field's first value; each field has at least one.
    """
    sizes = np.diff(starts, append=len(values))
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    total = np.add.reduceat(weights, starts)
    mean = np.clip(
        np.add.reduceat(weights * values, starts) / total, low, high
    )  # rounding may carry the mean past an end
    deviation = np.repeat(mean, sizes)  # in place from here on: one field may have millions of pixels
    np.square(np.subtract(values, deviation, out=deviation), out=deviation)
    deviation *= weights
    variance = np.add.reduceat(deviation, starts) / total
    del deviation
    quantiles = weighted_quantiles(values, weights, starts, list(QUANTILES.values()))
    columns = (mean, np.sqrt(variance), low, high, *quantiles)
    return dict(zip(STATISTICS, columns, strict=True))


def weighted_quantiles(values: Floats, weights: Floats, starts: Indexes, q: Sequence[float]) -> Floats:
    """Return the weighted quantiles of each field's values, (quantiles, fields).

    The definition is exactextract's: in ascending order, value number k of n is at the position
    `k * w[k] + (n - 1) * sum(w[:k])`, and the quantile is interpolated linearly at the position
    `q * (n - 1) * sum(w)`. Equal weights give numpy's default.

    Args:
        values: (n) finite.
        weights: (n) positive.
        starts: (fields) index of each field's first value; each field has at least one.
        q: (quantiles) in [0, 1].
    """
    ends = np.append(starts[1:], len(values))
    sizes = ends - starts
    fields = [slice(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    order = np.empty(len(values), np.intp)
    for field in fields:
        order[field] = np.argsort(values[field], kind="stable")
        order[field] += field.start
    ascending, weight = values[order], weights[order]
    # One field may have millions of pixels: from here on arrays are reused, each with a new name for its new content.
    del order
    weight_sum = weight.copy()
    for field in fields:
        np.cumsum(weight_sum[field], out=weight_sum[field])
    wanted = np.array(q) * ((sizes - 1) * weight_sum[ends - 1])[:, np.newaxis]
    position = weight
    for field, size in zip(fields, sizes.tolist(), strict=True):
        _multiply_by_number(position[field])
        weight_sum[field] *= size - 1
    position[1:] += weight_sum[:-1]
    position[starts] = 0.0
    del weight_sum
    found = [np.interp(at, position[field], ascending[field]) for at, field in zip(wanted, fields, strict=True)]
    return np.array(found).T


def _multiply_by_number(values: Floats) -> None:
    """Multiply each value by its index, in place, some at a time: the indexes of millions would take as much memory."""
    for start in range(0, len(values), _NUMBERED):
        part = values[start : start + _NUMBERED]
        part *= np.arange(start, start + len(part))

"""The daily series of seasons, from their observations."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Mask
from ndvi_core.season.gaps import in_gap
from ndvi_core.season.outliers import Flags
from ndvi_core.season.rules import SeriesRules
from ndvi_core.season.smoothing import smooth

DECIMALS = 4
QUANTUM = 1e-4
"""Smoothed values are published, compared and judged with so many decimals, so that everybody has the same numbers."""


class Series(NamedTuple):
    """Of each season, (seasons, days) each."""

    smoothed: Floats
    """Rounded to 4 decimals; NaN before the first and after the last value that counts, and without a series."""
    error: Floats
    """Standard error of the smoothed value; NaN likewise, and where the noise cannot be known."""
    counts: Mask
    """Whether there is a value that is no outlier."""
    gap: Mask
    """Whether the day is farther than `gap_days` from all values that count: a guess."""


def exact(values: NDArray[np.floating]) -> Floats:
    """Return published values, of single precision, as the multiples of 0.0001 that they stand for."""
    return values.astype(np.float64).round(DECIMALS)


def make_series(values: Floats, weights: Floats, flags: Flags, rules: SeriesRules) -> Series:
    """Smooth what counts of the observations of one index.

    Args:
        values: (seasons, days), the mean of the field; anything where there is none.
        weights: (seasons, days) in [0, 1], the valid fraction; 0 where there is no value.
        flags: Of NDVI on the same days: what hides the ground for NDVI hides it for all indices.
        rules: Stiffness and thresholds.
    """
    known = np.where(flags.outlier, 0.0, weights)
    known[flags.provisional] *= rules.provisional_weight
    smoothed, error = smooth(values, known, rules.stiffness, rules.min_observations)
    smoothed = np.round(smoothed, DECIMALS) + 0.0  # there is no -0.0
    return Series(smoothed, error, known > 0, in_gap(known > 0, rules.gap_days))

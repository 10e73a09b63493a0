"""Whittaker's smoother for many seasons at once.

The series z minimises sum of w (y - z)² + λ sum of (second differences of z)² (Whittaker 1923, Proc. Edinburgh Math.
Soc. 41, 63; Eilers 2003, Anal. Chem. 75, 3631, https://doi.org/10.1021/ac034173t), that is, it solves
(W + λ D'D) z = W y. The matrix has five diagonals; it is factorised into L D L' and solved day by day, forwards and
backwards, for all seasons in one step. Of the inverse only the diagonal is needed, which follows from the factors in
the same way (Hutchinson and de Hoog 1985, Numerische Mathematik 47, 99, https://doi.org/10.1007/BF01389878).
"""

from typing import NamedTuple

import numpy as np

from ndvi_core.models.arrays import Floats, Mask
from ndvi_core.season.blocks import blocks

_MIN_FREEDOM = 3.0
"""Degrees of freedom of the residuals below which they say nothing of the noise."""


class Smoothed(NamedTuple):
    """Smoothed series, (seasons, days) each; NaN before the first and after the last value that counts."""

    values: Floats
    error: Floats
    """Standard error of the value; NaN for a season with too few values to know the noise."""


class _Factors(NamedTuple):
    """L D L' of a matrix of five diagonals, (days, seasons) each."""

    pivot: Floats
    first: Floats
    """L's diagonal below the main one: row d is its element in column d."""
    second: Floats
    """The one below that."""


def smooth(values: Floats, weights: Floats, stiffness: float, min_observations: int = 3) -> Smoothed:
    """Smooth each season from its first to its last value, bridging the days between that have none.

    Nothing is extrapolated. A straight line stays as it is. The standard error is that of the posterior of which z is
    the mean: the residuals' variance is σ² / w, that of second differences σ² / λ, and σ² is estimated by
    sum of w (y - z)² / (n - trace of the hat matrix) (Wahba 1983, J. R. Statist. Soc. B 45, 133).

    Args:
        values: (seasons, days).
        weights: (seasons, days) in [0, 1], the valid fraction of the field; 0 where there is no value, whatever
            `values` has there.
        stiffness: λ.
        min_observations: A season with fewer values has no series.
    """
    smoothed = Smoothed(np.full(values.shape, np.nan), np.full(values.shape, np.nan))
    for some in blocks(values):
        found = _smooth_some(values[some].T, weights[some].T, stiffness, min_observations)
        smoothed.values[some], smoothed.error[some] = found.values.T, found.error.T
    return smoothed


def _smooth_some(values: Floats, weights: Floats, stiffness: float, min_observations: int) -> Smoothed:
    """Smooth a few seasons; here all arrays are (days, seasons)."""
    weights = np.ascontiguousarray(weights)
    known = weights > 0
    target = np.where(known, values, 0.0)
    inside = np.logical_or.accumulate(known) & np.logical_or.accumulate(known[::-1])[::-1]
    factors = _factorise(weights, inside, stiffness)
    series = _solve(factors, weights * target)
    variance = _inverse_diagonal(factors)
    squares, freedom = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for day in range(len(values)):  # one day after the other: numpy's sum depends on the number of seasons
        squares += weights[day] * (target[day] - series[day]) ** 2
        freedom += known[day] - weights[day] * variance[day]
    noise = np.full(values.shape[1], np.nan)
    np.divide(squares, freedom, out=noise, where=freedom >= _MIN_FREEDOM)
    outside = ~inside | (np.count_nonzero(known, axis=0) < min_observations)
    series[outside] = np.nan
    variance *= noise
    variance[outside] = np.nan
    return Smoothed(series, np.sqrt(variance, out=variance))


def _factorise(weights: Floats, inside: Mask, stiffness: float) -> _Factors:
    """Factorise W + λ D'D of each season, of its days `inside`; other days are unknowns of their own, and zero."""
    days, seasons = weights.shape
    factors = _Factors(*(np.zeros((days, seasons)) for _ in _Factors._fields))
    pivot, first, second = factors
    nothing = np.zeros(seasons)
    # The weights of the second differences that begin on this day, one, and two days before.
    penalty, before, before2 = nothing, nothing, nothing
    carried = carried_first = carried_second = nothing
    for day in range(days):
        before, before2 = penalty, before
        penalty = stiffness * (inside[day] & inside[day + 2]) if day + 2 < days else nothing
        diagonal = weights[day] + penalty + 4.0 * before + before2
        diagonal += ~inside[day]
        np.subtract(diagonal, carried, out=pivot[day])
        pivot[day] -= carried_second
        np.divide(-2.0 * (penalty + before) - carried_first, pivot[day], out=first[day])
        np.divide(penalty, pivot[day], out=second[day])
        carried_second = pivot[day - 1] * second[day - 1] ** 2 if day else nothing
        scaled = pivot[day] * first[day]
        carried, carried_first = scaled * first[day], scaled * second[day]
    return factors


def _solve(factors: _Factors, right: Floats) -> Floats:
    """Solve L D L' z = right, in place."""
    pivot, first, second = factors
    days = len(right)
    for day in range(1, days):
        right[day] -= first[day - 1] * right[day - 1]
        if day > 1:
            right[day] -= second[day - 2] * right[day - 2]
    right /= pivot
    for day in range(days - 2, -1, -1):
        right[day] -= first[day] * right[day + 1]
        if day + 2 < days:
            right[day] -= second[day] * right[day + 2]
    return right


def _inverse_diagonal(factors: _Factors) -> Floats:
    """Return the diagonal of the inverse of L D L'."""
    pivot, first, second = factors
    diagonal = 1.0 / pivot
    beside = np.zeros(pivot.shape[1])
    for day in range(len(pivot) - 2, -1, -1):
        next_beside = -first[day] * diagonal[day + 1] - second[day] * beside
        diagonal[day] -= first[day] * next_beside
        if day + 2 < len(pivot):
            two_off = -first[day] * beside - second[day] * diagonal[day + 2]
            diagonal[day] -= second[day] * two_off
        beside = next_beside
    return diagonal

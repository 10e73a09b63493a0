"""Start, peak and end of the season, from the smoothed series.

After TIMESAT (Jönsson and Eklundh 2004, Computers & Geosciences 30, 833,
https://doi.org/10.1016/j.cageo.2004.05.006): the season starts when the curve has risen by a share of the way from the
lowest value before the peak to the peak, and ends when it has fallen to such a share of the way back to the lowest
value after it. Each side has its own lowest value.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Days, Floats, Indexes, Mask
from ndvi_core.season.rules import PhenologyRules
from ndvi_core.season.series import QUANTUM

NONE = -1
"""Instead of a day where there is none."""
REASONS = ("", "too_few_values", "not_over", "no_amplitude", "no_rise", "no_fall", "gap")
"""Why there is no day: the season has no series; is not over (or its peak may still come); has a curve that is flat;
is high from its first value on; stays high to its last one; or the day lies in a gap."""
KNOWN, TOO_FEW, NOT_OVER, NO_AMPLITUDE, NO_RISE, NO_FALL, GAP = range(len(REASONS))

Reasons = NDArray[np.uint8]


class Phenology(NamedTuple):
    """Of each season, (seasons) each; days are those since planting, `NONE` where there is none."""

    start: Days
    """First day with at least the share of the rise."""
    peak: Days
    """First day with the highest value."""
    end: Days
    """Last day with at least the share of the fall still to come."""
    start_reason: Reasons
    """Why there is no start: index into `REASONS`."""
    peak_reason: Reasons
    end_reason: Reasons
    peak_value: Floats
    """NaN without a peak."""
    length: Days
    """Days from start to end; `NONE` without one of them."""
    amplitude: Floats
    """Peak minus the mean of the lowest values before and after it; NaN without a length."""
    integral: Floats
    """Sum of the daily values from start to end, index times days; NaN without a length."""


class _Sides(NamedTuple):
    """What both sides of a peak are measured by, (seasons) each."""

    peak: Indexes
    highest: Floats
    left: Floats
    """Lowest value up to the peak."""
    right: Floats
    """Lowest value from it on."""


def phenology(smoothed: Floats, gap: Mask, ended: Mask, rules: PhenologyRules) -> Phenology:
    """Find start, peak and end of each season.

    A season that has not ended has a peak once its curve has fallen by the least amplitude from it, and an end once the
    curve is down at the level at which the season began.

    Args:
        smoothed: (seasons, days) rounded; NaN where there is no series.
        gap: (seasons, days).
        ended: (seasons) whether nothing can follow: the season's last day is past.
        rules: Shares, and the least amplitude in the index's unit.
    """
    some = np.asarray(np.isfinite(smoothed).any(axis=1))
    sides = _sides(smoothed, some)
    rise, fall = sides.highest - sides.left, sides.highest - sides.right
    low_rise, low_fall = rise < rules.min_amplitude, fall < rules.min_amplitude
    peak_reason = _reasons((~some, TOO_FEW), (~ended & low_fall, NOT_OVER), (low_rise & low_fall, NO_AMPLITUDE))
    down = ~low_rise & (sides.right <= sides.left + rules.start_share * rise)
    start, end = _crossings(smoothed, sides, rules)
    no_peak = (peak_reason != KNOWN, peak_reason)
    start_reason = _reasons(no_peak, (low_rise, NO_RISE), (_at(gap, start), GAP))
    end_reason = _reasons(no_peak, (~ended & ~down, NOT_OVER), (low_fall, NO_FALL), (_at(gap, end), GAP))
    whole = (start_reason == KNOWN) & (end_reason == KNOWN)
    return Phenology(
        start=_days(start, start_reason == KNOWN),
        peak=_days(sides.peak, peak_reason == KNOWN),
        end=_days(end, end_reason == KNOWN),
        start_reason=start_reason,
        peak_reason=peak_reason,
        end_reason=end_reason,
        peak_value=np.where(peak_reason == KNOWN, sides.highest, np.nan),
        length=_days(end - start, whole),
        amplitude=np.where(whole, sides.highest - (sides.left + sides.right) / 2, np.nan),
        integral=np.where(whole, _sums(smoothed, start, end), np.nan),
    )


def _reasons(*cases: tuple[Mask, Reasons | int]) -> Reasons:
    """Return the reason of the first case that is so, else that there is none."""
    reasons = np.full(len(cases[0][0]), KNOWN, np.uint8)
    for so, reason in reversed(cases):
        reasons = np.where(so, reason, reasons).astype(np.uint8)
    return reasons


def _sides(smoothed: Floats, some: Mask) -> _Sides:
    days = np.arange(smoothed.shape[1])
    peak = np.argmax(np.where(np.isfinite(smoothed), smoothed, -np.inf), axis=1)
    highest = np.where(some, _at(smoothed, peak), 0.0)
    known = np.where(np.isfinite(smoothed), smoothed, np.inf)
    left = np.where(days <= peak[:, np.newaxis], known, np.inf).min(axis=1, initial=np.inf)
    right = np.where(days >= peak[:, np.newaxis], known, np.inf).min(axis=1, initial=np.inf)
    return _Sides(peak, highest, np.where(some, left, 0.0), np.where(some, right, 0.0))


def _crossings(smoothed: Floats, sides: _Sides, rules: PhenologyRules) -> tuple[Indexes, Indexes]:
    """Return the days of start and end: the nearest to the peak on which the curve passes the levels."""
    days, peak = np.arange(smoothed.shape[1]), sides.peak[:, np.newaxis]
    start_level = sides.left + rules.start_share * (sides.highest - sides.left)
    end_level = sides.right + rules.end_share * (sides.highest - sides.right)
    below_start = (smoothed < start_level[:, np.newaxis]) & (days < peak)
    below_end = (smoothed < end_level[:, np.newaxis]) & (days > peak)
    start = np.where(below_start, days, -1).max(axis=1, initial=-1) + 1
    end = np.where(below_end, days, len(days)).min(axis=1, initial=len(days)) - 1
    return start, end


def _at(values: NDArray[Any], days: Indexes) -> NDArray[Any]:
    """Return each season's value of its day."""
    return values[np.arange(len(values)), days]


def _days(days: Indexes, known: Mask) -> Days:
    return np.where(known, days, NONE).astype(np.int32)


def _sums(smoothed: Floats, start: Indexes, end: Indexes) -> Floats:
    """Return each season's sum from start to end; of whole numbers, so that the order of adding is nothing to it."""
    days = np.arange(smoothed.shape[1])
    inside = (days >= start[:, np.newaxis]) & (days <= end[:, np.newaxis]) & np.isfinite(smoothed)
    steps = np.rint(np.where(inside, smoothed, 0.0) / QUANTUM).astype(np.int64)
    return np.asarray(steps.sum(axis=1) * QUANTUM)

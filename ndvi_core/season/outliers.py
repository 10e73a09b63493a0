"""Which values of a season count: cloud that the mask missed is an outlier, a fall that later values confirm is not.

After Viovy et al. 1992 (Int. J. Remote Sens. 13, 1585, https://doi.org/10.1080/01431169208904212): cloud, haze, shadow
and snow lower the index, and when they are gone it is back at once; plants, once cut, take weeks. So a low value is
wrong if a value soon after it is higher than anything can have grown meanwhile.
"""

from typing import NamedTuple

import numpy as np

from ndvi_core.models.arrays import Floats, Mask
from ndvi_core.season.blocks import blocks
from ndvi_core.season.rules import SeriesRules


class Flags(NamedTuple):
    """What is said of each value, (seasons, days); false where there is none."""

    outlier: Mask
    """It does not count."""
    provisional: Mask
    """The last value of the season if it is far below the one before: the next value will tell whether it is wrong."""


def flag(values: Floats, weights: Floats, rules: SeriesRules) -> Flags:
    """Find the values that are wrong, and those of which it cannot be said yet.

    - A high value is an outlier if it is above every other within the window, before and after, by more than the
      margin and the growth of the days between, and there are others on both sides.
    - Of the rest, a low value is an outlier if one within the window after it is higher by more than the margin and the
      growth of the days between, unless all those within the window before it are as low (within the margin).
    - Of the rest, the last value is provisional if it is lower than the one before by `provisional_fall`, and that one
      has not fallen so: a crop that ripens falls more than once.

    Args:
        values: (seasons, days) of NDVI.
        weights: (seasons, days), 0 where there is no value.
        rules: Window, margin and growth.
    """
    flags = Flags(np.zeros(values.shape, bool), np.zeros(values.shape, bool))
    for some in blocks(values):
        known = np.ascontiguousarray(weights[some].T) > 0
        outlier, provisional = _flag_some(np.where(known, values[some].T, -np.inf), rules)
        flags.outlier[some], flags.provisional[some] = outlier.T, provisional.T
    return flags


def _flag_some(y: Floats, rules: SeriesRules) -> Flags:
    """Flag the values of a few seasons, minus infinity where there is none; here all arrays are (days, seasons)."""
    known = np.isfinite(y)
    window, margin = rules.window_days, rules.margin
    growth = np.arange(len(y))[:, np.newaxis] * rules.growth
    before, after = _before(y - growth, window), _after(y - growth, window)
    high = known & np.isfinite(before) & np.isfinite(after)
    high &= y - margin > before + growth
    high &= y - margin > _after(np.where(known, y + growth, -np.inf), window) - growth
    y = np.where(high, -np.inf, y)
    highest = _before(y, window)
    low = known & ~high & (_after(y - growth, window) + growth > y + margin)
    low &= ~np.isfinite(highest) | (highest > y + margin)
    y = np.where(low, -np.inf, y)
    return Flags(high | low, _provisional(y, rules))


def _provisional(y: Floats, rules: SeriesRules) -> Mask:
    """Return the last good value of each season where it has fallen from the one before as that one has not."""
    good = np.isfinite(y)
    seasons = y.shape[1]
    value, fallen, before_fallen = np.full(seasons, -np.inf), np.zeros(seasons, bool), np.zeros(seasons, bool)
    for day in range(len(y)):
        here = good[day]
        before_fallen = np.where(here, fallen, before_fallen)
        fallen = np.where(here, y[day] < value - rules.provisional_fall, fallen)
        value = np.where(here, y[day], value)
    found = np.zeros_like(good)
    last = len(good) - 1 - np.argmax(good[::-1], axis=0)
    found[last, np.arange(seasons)] = fallen & ~before_fallen
    return found


def _before(values: Floats, window: int) -> Floats:
    """Return the maximum over the `window` days before each day, without the day itself; (days, seasons)."""
    return _after(values[::-1], window)[::-1]


def _after(values: Floats, window: int) -> Floats:
    """Return the maximum over the `window` days after each day, without the day itself; (days, seasons)."""
    found = _shifted(values, 1)
    covered = 1
    while covered < window:  # twice as many days at each step
        step = min(covered, window - covered)
        found = np.maximum(found, _shifted(found, step))
        covered += step
    return found


def _shifted(values: Floats, days: int) -> Floats:
    """Return on each day the value of so many days later, minus infinity beyond the last day."""
    moved = np.full_like(values, -np.inf)
    if days < len(values):
        moved[:-days] = values[days:]
    return moved

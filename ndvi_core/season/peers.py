"""What is usual among fields of one crop, on each day since planting, and how far a field is from it.

Medians are exact: smoothed values are multiples of 0.0001, and these are counted. Counts of parts add up, so that the
seasons of a registry are gone through one part after the other.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats
from ndvi_core.season.series import QUANTUM

MIN_PEERS = 8
"""With fewer seasons on a day nothing is said of what is usual on it."""
NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution, over its median absolute deviation (Rousseeuw and Croux 1993, J. Am.
Stat. Assoc. 88, 1273)."""


class Usual(NamedTuple):
    """What is usual on each day since planting, (days) each."""

    seasons: NDArray[np.int64]
    """Seasons with a value on that day."""
    median: Floats
    """NaN where there is none."""
    mad: Floats
    """Median absolute deviation from the median."""


class PeerCounts:
    """How often each value occurs on each day since planting, in the seasons of one crop, year and index.

    Takes 2 bytes a value, or 4 bytes for each day and multiple of 0.0001 from lowest to highest, whichever is less.
    """

    def __init__(self, days: int, lowest: float = -1.0, highest: float = 1.0) -> None:
        """Begin without a season.

        Args:
            days: Columns of all arrays to come.
            lowest: Values below are counted as this; so far from the median that it does not matter.
            highest: Likewise.
        """
        self._lowest = round(lowest / QUANTUM)
        self._levels = round(highest / QUANTUM) - self._lowest + 1
        if self._levels >= np.iinfo(np.uint16).max:
            raise ValueError(f"{lowest} to {highest} are too many values of {QUANTUM}")
        self._days = days
        self._parts: list[NDArray[np.uint16]] = []
        self._counts: NDArray[np.uint32] | None = None

    def add(self, smoothed: Floats) -> None:
        """Count the values of some seasons, (seasons, days); NaN is no value."""
        known = np.isfinite(smoothed)
        steps = np.rint(np.where(known, smoothed, 0.0) / QUANTUM) - self._lowest
        # Level 0 is no value.
        levels = np.where(known, np.clip(steps, 0, self._levels - 1) + 1, 0).astype(np.uint16)
        if self._counts is not None:
            _count(self._counts, levels)
            return
        self._parts.append(levels)
        if sum(part.nbytes for part in self._parts) > 4 * self._days * (self._levels + 1):
            self._counts = np.zeros((self._days, self._levels + 1), np.uint32)
            for part in self._parts:
                _count(self._counts, part)
            self._parts.clear()

    def usual(self) -> Usual:
        """Return number, median and median absolute deviation of each day."""
        usual = Usual(np.zeros(self._days, np.int64), np.full(self._days, np.nan), np.full(self._days, np.nan))
        for day in range(self._days):
            levels, counts = self._distribution(day)
            if not len(levels):
                continue
            twice = _middle(levels, counts)
            deviations = np.abs(2 * levels - twice)
            order = np.argsort(deviations, kind="stable")
            usual.seasons[day] = counts.sum()
            usual.median[day] = twice * QUANTUM / 2
            usual.mad[day] = _middle(deviations[order], counts[order]) * QUANTUM / 4
        return usual

    def _distribution(self, day: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the multiples of 0.0001 that occur on a day, ascending, and how often."""
        if self._counts is not None:
            (levels,) = np.nonzero(self._counts[day, 1:])
            return levels + self._lowest, self._counts[day, 1:][levels].astype(np.int64)
        values = np.concatenate([part[:, day] for part in self._parts]) if self._parts else np.zeros(0, np.uint16)
        levels, counts = np.unique(values[values > 0].astype(np.int64), return_counts=True)
        return levels - 1 + self._lowest, counts


def _count(counts: NDArray[np.uint32], levels: NDArray[np.uint16]) -> None:
    """Count levels, (seasons, days), in the counts of (days, levels)."""
    places = np.arange(len(counts)) * counts.shape[1] + levels
    np.add.at(counts.reshape(-1), places.ravel(), np.uint32(1))


def _middle(values: NDArray[np.int64], counts: NDArray[np.int64]) -> int:
    """Return twice the median of ascending values, each of which occurs so often: the sum of the two in the middle."""
    until = np.cumsum(counts)
    total = int(until[-1])
    both = np.searchsorted(until, [(total - 1) // 2, total // 2], side="right")
    return int(values[both].sum())


def robust_z(smoothed: Floats, seasons: NDArray[np.int64], median: Floats, mad: Floats) -> Floats:
    """Return (value - median) / (1.4826 MAD); NaN with fewer than `MIN_PEERS` peers, or peers that are all alike.

    Args:
        smoothed: (seasons, days).
        seasons: Number of peers on each day, itself among them; of a shape that broadcasts to (seasons, days).
        median: Theirs.
        mad: Their median absolute deviation.
    """
    z = np.full(np.broadcast_shapes(smoothed.shape, np.shape(median)), np.nan)
    np.divide(smoothed - median, NORMAL_MAD * mad, out=z, where=(seasons >= MIN_PEERS) & (mad > 0))
    return z

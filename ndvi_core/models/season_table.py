"""Seasons of a part as columns, with what was observed in them and the daily series that were made of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Indexes

EPOCH = date(1970, 1, 1)
MAX_CELLS = 400_000
"""Days of seasons that are in memory as whole arrays at a time."""


@dataclass(frozen=True)
class SeasonTable:
    """Seasons in the order of their fields' sequence, and of time."""

    sequence: Indexes
    field_id: list[str]
    name: list[str]
    plant_type: list[str]
    plant_date: list[date]
    end_date: list[date | None]
    """As it is registered."""
    first_day: list[date]
    """The plant date, or the day of the first image."""
    days: Indexes
    """Days from the first to the season's last, or to the last that is recorded."""

    def __len__(self) -> int:
        return len(self.field_id)

    @property
    def starts(self) -> Indexes:
        """Number of each season's first day, counted from 1970."""
        return numbers_of(self.first_day)

    @property
    def shift(self) -> Indexes:
        """Days from the plant date to the first day."""
        return self.starts - numbers_of(self.plant_date)

    @property
    def offsets(self) -> Indexes:
        """Where the days of each season begin in arrays of all days, one season after the other; last, their number."""
        return np.concatenate([[0], np.cumsum(self.days)]).astype(np.intp)

    def is_over(self, last_day: date) -> NDArray[np.bool_]:
        """Return which seasons had their last day by then."""
        return np.array([end is not None and end <= last_day for end in self.end_date], bool)

    def chunks(self) -> Iterator[slice]:
        """Yield slices of seasons, each of no more than `MAX_CELLS` days in arrays that hold its longest."""
        start, longest = 0, 0
        for number, days in enumerate(self.days.tolist()):
            longest = max(longest, days)
            if number > start and longest * (number + 1 - start) > MAX_CELLS:
                yield slice(start, number)
                start, longest = number, days
        if start < len(self):
            yield slice(start, len(self))


@dataclass(frozen=True)
class Observed:
    """The values of an index in seasons, one after the other."""

    offsets: Indexes
    """Of each season, where its values begin; and, last, their number."""
    days: NDArray[np.int32]
    """Days since the season's first day, ascending."""
    means: NDArray[np.float32]
    weights: NDArray[np.float32]
    """Valid fraction of the field, above 0."""

    def dense(self, seasons: slice, days: int) -> tuple[Floats, Floats]:
        """Return the values and weights of some seasons, (seasons, days) both; days without a value have weight 0."""
        starts = self.offsets[seasons.start : seasons.stop + 1]
        counts = np.diff(starts)
        rows = np.repeat(np.arange(len(counts)), counts)
        some = slice(starts[0], starts[-1])
        values, weights = np.zeros((len(counts), days)), np.zeros((len(counts), days))
        values[rows, self.days[some]] = self.means[some]
        weights[rows, self.days[some]] = self.weights[some]
        return values, weights


@dataclass(frozen=True)
class SeasonData:
    """The seasons of a part with their observations."""

    seasons: SeasonTable
    observed: Mapping[str, Observed]
    """By index."""


@dataclass(frozen=True)
class DailySeries:
    """The days of seasons, one season after the other, of one index."""

    smoothed: NDArray[Any]
    """NaN where there is none; so are the next three."""
    error: NDArray[Any]
    observed: NDArray[Any]
    weight: NDArray[Any]
    outlier: NDArray[np.bool_]
    provisional: NDArray[np.bool_]
    gap: NDArray[np.bool_]


@dataclass(frozen=True)
class SeasonSeries:
    """The seasons of a part with their daily series."""

    seasons: SeasonTable
    series: Mapping[str, DailySeries]
    """By index."""


def numbers_of(days: Sequence[date]) -> Indexes:
    """Return days as numbers, counted from 1970."""
    return np.array([(day - EPOCH).days for day in days], np.intp)


def days_inside(days: Indexes) -> NDArray[np.bool_]:
    """Return which columns of arrays (seasons, days) are days of their season."""
    inside: NDArray[np.bool_] = np.arange(int(days.max(initial=0))) < days[:, np.newaxis]
    return inside


def spread(flat: NDArray[Any], inside: NDArray[np.bool_], fill: float | bool) -> NDArray[Any]:
    """Return the days of some seasons as (seasons, days).

    Args:
        flat: one season after the other.
        inside: see `days_inside`.
        fill: what stands on days that are none of the season.
    """
    found = np.full(inside.shape, fill, np.result_type(flat.dtype, np.float64) if flat.dtype != bool else bool)
    found[inside] = flat
    return found

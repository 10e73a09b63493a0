"""Seasons made by hand, and such as analytic curves with noise and clouds would give."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ndvi_core.models.arrays import Floats
from ndvi_core.season.event_table import KINDS, NO_DAY, OPEN, EventTable
from ndvi_core.season.events import Watched, find_events
from ndvi_core.season.outliers import Flags, flag
from ndvi_core.season.rules import EventRules, SeriesRules
from ndvi_core.season.series import Series, make_series

RULES = SeriesRules()


class Observed(NamedTuple):
    """Values and weights, (seasons, days) each."""

    values: Floats
    weights: Floats

    @property
    def flags(self) -> Flags:
        return flag(self.values, self.weights, RULES)

    @property
    def series(self) -> Series:
        return make_series(self.values, self.weights, self.flags, RULES)


def by_hand(values: Mapping[int, float], days: int = 200) -> Observed:
    """Return one season, given its values by day."""
    season = np.full((1, days), np.nan)
    season[0, list(values)] = list(values.values())
    return Observed(season, np.isfinite(season).astype(float))


def double_logistic(
    days: int, low: float, high: float, up: float, up_rate: float, down: float, down_rate: float, end: float
) -> Floats:
    """Return a curve that rises from `low` to `high` and falls to `end` (Beck et al. 2006, RSE 100, eq. 1)."""
    day = np.arange(days)
    rise = (high - low) / (1 + np.exp(-up_rate * (day - up)))
    return low + rise - (high - end) / (1 + np.exp(-down_rate * (day - down)))


def clouded(curve: Floats, seasons: int, days_between: float, seed: int, noise: float = 0.025) -> Observed:
    """Return what Sentinel-2 would see of a curve: two passes in five days, and clouds that last some passes."""
    chance = np.random.default_rng(seed)
    days = len(curve)
    seen = np.zeros((seasons, days), bool)
    clear = chance.random(seasons) < 2.5 / days_between
    for day in range(days):
        changes = chance.random(seasons) < 0.35
        clear = np.where(changes, chance.random(seasons) < 2.5 / days_between, clear)
        seen[:, day] = clear & (day % 5 in (0, 2))
    values = curve + chance.normal(0, noise, (seasons, days))
    return Observed(np.where(seen, values, np.nan), seen.astype(float))


class Found(NamedTuple):
    """An event, to be read in a test."""

    kind: str
    days: tuple[int, ...]
    closed: int | None


def events_of(
    observed: Observed, last_day: int | None = None, ended: bool = False, usual: float = np.nan, z: float = np.nan
) -> list[Found]:
    """Return the events of the first season, with default thresholds."""
    return read(find_events(watched(observed, last_day, ended, usual, z), EventRules()))


def watched(
    observed: Observed, last_day: int | None = None, ended: bool = False, usual: float = np.nan, z: float = np.nan
) -> Watched:
    """Return seasons whose peers are the same on all days; the last day is that of the last value."""
    seasons, days = observed.values.shape
    if last_day is None:
        last_day = int(np.flatnonzero(observed.weights.any(axis=0)).max(initial=-1))
    series = observed.series
    return Watched(
        observed.values,
        series.counts,
        series.smoothed,
        np.full((seasons, days), usual),
        np.full((seasons, days), z),
        np.full(seasons, last_day),
        np.full(seasons, ended),
    )


def read(table: EventTable) -> list[Found]:
    """Return the events of a table."""
    return [
        Found(KINDS[kind], tuple(int(day) for day in days if day != NO_DAY), None if closed == OPEN else int(closed))
        for kind, days, closed in zip(table.kind, table.evidence, table.closed_day, strict=True)
    ]

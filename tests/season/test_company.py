"""A season has the same bits whatever others are computed with it, and however many columns there are."""

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.chance import examples
from support.seasons import RULES, Observed, clouded, double_logistic

from ndvi_core.season.event_table import EventTable
from ndvi_core.season.events import Watched, find_events
from ndvi_core.season.outliers import flag
from ndvi_core.season.peers import robust_z
from ndvi_core.season.phenology import phenology
from ndvi_core.season.rules import EventRules, PhenologyRules
from ndvi_core.season.series import make_series

DAYS = 120


def everything(observed: Observed) -> tuple[list[NDArray[np.generic]], EventTable]:
    """Return all arrays of the seasons, and their events, against peers that are the same on all days."""
    flags = flag(*observed, RULES)
    series = make_series(*observed, flags, RULES)
    seasons, days = observed.values.shape
    ended = np.zeros(seasons, bool)
    found = phenology(series.smoothed, series.gap, ended, PhenologyRules())
    usual = np.full((seasons, days), 0.7)
    z = robust_z(series.smoothed, np.full(days, 20), np.full(days, 0.7), np.full(days, 0.05))
    last_day = np.full(seasons, DAYS - 1)
    watched = Watched(observed.values, series.counts, series.smoothed, usual, z, last_day, ended)
    return [*flags, *series, z, *found], find_events(watched, EventRules())


@st.composite
def seasons(draw: st.DrawFn) -> Observed:
    """Some seasons: curves with noise, clouds and falls, such as have few values or none among them."""
    number = draw(st.integers(1, 6))
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    curve = double_logistic(DAYS, 0.2, 0.85, 30, 0.12, 95, 0.15, 0.25)
    observed = clouded(curve, number, draw(st.sampled_from([2.6, 5.0, 20.0])), int(chance.integers(2**32)), noise=0.08)
    weights = observed.weights * chance.uniform(0.5, 1, observed.weights.shape)
    weights[chance.random(number) < 0.2] = 0.0
    return Observed(observed.values, weights)


def of(table: EventTable, row: int) -> list[list[object]]:
    """Return the events of one season."""
    return [column[table.season == row].tolist() for column in table[1:]]


def same(some: Observed, others: Observed, rows: dict[int, int]) -> None:
    """Check that seasons of `some` are the same as those of `others` whose rows are given by theirs."""
    (ones, one_events), (twos, two_events) = everything(some), everything(others)
    for one, two in zip(ones, twos, strict=True):
        for row, other in rows.items():
            left, right = one[row], two[other]
            if left.ndim:
                left, right = left[:DAYS], right[:DAYS]
            np.testing.assert_array_equal(left, right)
    for row, other in rows.items():
        np.testing.assert_equal(of(one_events, row), of(two_events, other))


def changed(observed: Observed, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Observed:
    return Observed._make(change(column) for column in observed)


@examples(30)
@given(seasons())
def test_alone_and_together(observed: Observed) -> None:
    for row in range(len(observed.values)):
        same(observed, changed(observed, lambda column, row=row: column[[row]]), {row: 0})


@examples(30)
@given(seasons(), st.integers(0, 2**32))
def test_in_another_order(observed: Observed, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(observed.values))
    same(observed, changed(observed, lambda column: column[order]), {int(row): at for at, row in enumerate(order)})


@examples(30)
@given(seasons(), st.integers(1, 60))
def test_with_more_columns_and_an_empty_season(observed: Observed, more: int) -> None:
    wider = changed(observed, lambda column: np.pad(column, ((1, 0), (0, more))))
    same(observed, wider, {row: row + 1 for row in range(len(observed.values))})


def test_among_thousands() -> None:
    curve = double_logistic(DAYS, 0.2, 0.85, 30, 0.12, 95, 0.15, 0.25)
    observed = clouded(curve, 1500, 4.0, seed=4, noise=0.08)
    rows = [0, 767, 768, 1499]  # of 120 days, 768 seasons are handled at a time
    same(observed, changed(observed, lambda column: column[rows]), {row: at for at, row in enumerate(rows)})

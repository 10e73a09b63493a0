"""The smoother against a sparse solve and a dense inverse, and by what it has to do with lines, gaps and noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import spsolve
from support.seasons import RULES, by_hand, clouded, double_logistic

from ndvi_core.models.arrays import Floats
from ndvi_core.season.smoothing import smooth


def system(weights: Floats, stiffness: float) -> csc_array:
    """W + λ D'D."""
    days = len(weights)
    ones = np.ones(days)
    differences = diags_array([ones, -2 * ones, ones], offsets=(0, 1, 2), shape=(days - 2, days))
    return csc_array(diags_array(weights) + stiffness * (differences.T @ differences))


def span(weights: Floats) -> slice:
    known = np.flatnonzero(weights)
    return slice(known[0], known[-1] + 1)


@pytest.mark.parametrize("stiffness", [1.0, 20.0, 100.0, 5000.0])
@pytest.mark.parametrize(("days", "seen"), [(8, 0.8), (180, 0.4), (180, 0.03), (400, 0.1)])
def test_equal_to_a_sparse_solve(stiffness: float, days: int, seen: float) -> None:
    chance = np.random.default_rng(days)
    values = chance.uniform(-0.2, 1, (30, days))
    weights = np.where(chance.random((30, days)) < seen, chance.uniform(0.5, 1, (30, days)), 0.0)
    weights[:, [1, 4, -2]] = 1.0
    smoothed = smooth(values, weights, stiffness).values
    for row, weight, value in zip(smoothed, weights, values, strict=True):
        inside = span(weight)
        expected = spsolve(system(weight[inside], stiffness), (weight * value)[inside])
        np.testing.assert_allclose(row[inside], expected, rtol=0, atol=1e-9)
        assert np.isnan(row[: inside.start]).all()
        assert np.isnan(row[inside.stop :]).all()


def test_standard_error_is_that_of_the_inverse() -> None:
    observed = clouded(double_logistic(150, 0.15, 0.85, 40, 0.1, 110, 0.12, 0.2), 20, 4.0, seed=3)
    smoothed = smooth(observed.values, observed.weights, 100.0)
    for row in range(20):
        inside = span(observed.weights[row])
        weights, values = observed.weights[row, inside], np.nan_to_num(observed.values[row, inside])
        inverse = np.linalg.inv(system(weights, 100.0).toarray())
        residuals = values - smoothed.values[row, inside]
        freedom = np.count_nonzero(weights) - np.trace(inverse * weights)
        expected = np.sqrt(np.diag(inverse) * (weights * residuals**2).sum() / freedom)
        np.testing.assert_allclose(smoothed.error[row, inside], expected, rtol=1e-9)


@pytest.mark.parametrize("days_between", [2.6, 4.0, 6.0])
def test_nineteen_of_twenty_true_values_are_within_the_band(days_between: float) -> None:
    curve = double_logistic(180, 0.15, 0.85, 45, 0.1, 120, 0.12, 0.2)
    observed = clouded(curve, 300, days_between, seed=5)
    smoothed = smooth(observed.values, observed.weights, RULES.stiffness)
    known = np.isfinite(smoothed.error)
    inside = np.abs(smoothed.values - curve)[known] < 1.96 * smoothed.error[known]
    assert 0.93 < inside.mean() < 0.98


def test_half_the_noise_is_left_and_the_curve_is_not_flattened() -> None:
    curve = double_logistic(180, 0.15, 0.85, 45, 0.1, 120, 0.12, 0.2)
    observed = clouded(curve, 300, 3.0, seed=6)
    difference = smooth(observed.values, observed.weights, RULES.stiffness).values - curve
    assert np.sqrt(np.nanmean(difference**2)) < 0.025 / 2
    assert np.abs(np.nanmean(difference[:, :170], axis=0)).max() < 0.025


@given(
    st.floats(-1, 1),
    st.floats(-0.01, 0.01),
    st.sets(st.integers(0, 150), min_size=3, max_size=40),
    st.floats(1, 1000),
)
def test_a_straight_line_stays_as_it_is(start: float, slope: float, seen: set[int], stiffness: float) -> None:
    line = start + slope * np.arange(151)
    weights = np.zeros((1, 151))
    weights[0, sorted(seen)] = np.linspace(0.3, 1, len(seen))
    smoothed = smooth(line[np.newaxis], weights, stiffness).values[0]
    inside = span(weights[0])
    np.testing.assert_allclose(smoothed[inside], line[inside], rtol=0, atol=1e-8)


def test_what_has_no_weight_is_not_looked_at() -> None:
    observed = by_hand({3: 0.2, 20: 0.5, 50: 0.7, 90: 0.3})
    for nothing in (0.0, 7.0, np.inf, np.nan):
        values = np.where(observed.weights > 0, observed.values, nothing)
        found = smooth(values, observed.weights, 100.0)
        np.testing.assert_array_equal(found.values, smooth(observed.values, observed.weights, 100.0).values)


def test_a_value_of_half_a_field_counts_half() -> None:
    days = np.array([[0.2, 0.2, 0.8, 0.2, 0.2]])
    whole, half = (smooth(days, np.array([[1, 1, weight, 1, 1.0]]), 1.0).values[0, 2] for weight in (1.0, 0.5))
    assert 0.2 < half < whole < 0.8


@pytest.mark.parametrize("values", [{}, {20: 0.5}, {20: 0.5, 21: 0.6}])
def test_with_fewer_than_three_values_there_is_no_series(values: dict[int, float]) -> None:
    series = by_hand(values).series
    assert np.isnan(series.smoothed).all()
    assert np.isnan(series.error).all()


def test_three_values_far_apart_are_joined_without_overshooting_much() -> None:
    series = by_hand({0: 0.2, 1: 0.21, 199: 0.8}).series
    assert series.smoothed[0, [0, 199]] == pytest.approx([0.2, 0.8], abs=0.01)
    assert series.smoothed.max() < 0.81
    assert np.isnan(series.error).all()  # three values do not tell how noisy they are


def test_published_values_have_four_decimals() -> None:
    smoothed = clouded(double_logistic(100, 0.1, 0.8, 30, 0.1, 80, 0.1, 0.2), 5, 4.0, seed=1).series.smoothed
    known = smoothed[np.isfinite(smoothed)]
    assert known.tolist() == [float(f"{value:.4f}") for value in known]
    assert not np.signbit(by_hand(dict.fromkeys((0, 5, 9), -1e-6)).series.smoothed[0, :10]).any()


def test_days_far_from_every_value_are_gaps() -> None:
    gap = by_hand({5: 0.2, 30: 0.4, 50: 0.5, 52: 0.6}, days=70).series.gap
    assert np.flatnonzero(gap[0]).tolist() == [*range(16, 20), *range(63, 70)]
    assert by_hand({}, days=9).series.gap.all()


def test_an_outlier_fills_no_gap() -> None:
    observed = by_hand({0: 0.8, 11: 0.8, 22: 0.3, 24: 0.8, 40: 0.8}, days=41)
    assert not observed.series.counts[0, 22]
    assert not observed.series.gap[0].any()

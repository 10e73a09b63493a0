"""Peers and history, against numpy and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import median_abs_deviation, percentileofscore

from ndvi_core.models.arrays import Floats
from ndvi_core.season.history import standing
from ndvi_core.season.peers import MIN_PEERS, PeerCounts, Usual, robust_z

step = st.integers(-10_000, 10_000).map(lambda level: round(level * 1e-4, 4))


def usual_of(parts: list[Floats], **limits: float) -> Usual:
    counts = PeerCounts(parts[0].shape[1], **limits)
    for part in parts:
        counts.add(part)
    return counts.usual()


def check(usual: Usual, seasons: Floats) -> None:
    for day, values in enumerate(seasons.T):
        known = values[np.isfinite(values)]
        assert usual.seasons[day] == len(known)
        if len(known):
            assert usual.median[day] == pytest.approx(np.median(known), abs=1e-12)
            assert usual.mad[day] == pytest.approx(median_abs_deviation(known), abs=1e-12)
        else:
            assert np.isnan([usual.median[day], usual.mad[day]]).all()


@given(st.lists(st.one_of(step, st.just(np.nan)), min_size=1, max_size=40), st.integers(1, 3))
def test_median_and_mad_are_exact(values: list[float], parts: int) -> None:
    seasons = np.array([values, values[::-1]]).T
    check(usual_of(np.array_split(seasons, parts)), seasons)


@pytest.mark.parametrize("seasons", [60, 61, 3000])
def test_the_same_however_many_there_are(seasons: int) -> None:
    """A few are kept as they are, many are counted: here from a thousand on, of the narrow range."""
    chance = np.random.default_rng(seasons)
    values = np.round(chance.normal(0.5, 0.05, (seasons, 4)), 4)
    values[chance.random(values.shape) < 0.2] = np.nan
    parts = np.array_split(values, 7)
    for order in (parts, parts[::-1]):
        check(usual_of(order, lowest=0.2, highest=0.8), values)


def test_what_is_beyond_the_range_is_counted_at_its_end() -> None:
    usual = usual_of([np.array([[-3.0], [0.2], [0.3], [0.4], [9.0]])], lowest=0.0, highest=1.0)
    assert usual.median[0] == pytest.approx(0.3)
    assert usual.mad[0] == pytest.approx(0.1)


def test_a_range_that_is_too_wide_is_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        PeerCounts(10, lowest=-100.0, highest=100.0)


def test_robust_z() -> None:
    values = np.round(np.random.default_rng(2).normal(0.6, 0.1, (MIN_PEERS, 3)), 4)
    usual = usual_of([values])
    expected = (values - np.median(values, axis=0)) / (1.4826 * median_abs_deviation(values))
    np.testing.assert_allclose(robust_z(values, *usual), expected, rtol=1e-9)


def test_no_z_with_few_peers_or_such_as_are_all_alike() -> None:
    few = np.linspace(0.2, 0.8, MIN_PEERS - 1)[:, np.newaxis]
    assert np.isnan(robust_z(few, *usual_of([few]))).all()
    alike = np.full((MIN_PEERS, 1), 0.5)
    assert np.isnan(robust_z(alike, *usual_of([alike]))).all()


@given(st.lists(step, max_size=8), step)
def test_percentile_among_earlier_seasons(earlier: list[float], value: float) -> None:
    row = np.array([[*earlier, np.nan, np.nan]])
    found = standing(np.array([value]), row)
    assert found.seasons.tolist() == [len(earlier)]
    expected = percentileofscore(earlier, value, kind="mean") if earlier else np.nan
    np.testing.assert_allclose(found.percentile, [expected])


def test_no_percentile_without_a_value() -> None:
    assert np.isnan(standing(np.array([np.nan]), np.array([[0.2, 0.4]])).percentile).all()

"""Which values count: cloud that the mask missed does not, what plants do does."""

import numpy as np
import pytest
from support.seasons import by_hand, clouded, double_logistic

PLATEAU = {0: 0.82, 3: 0.8, 5: 0.81}


@pytest.mark.parametrize(
    ("values", "outliers"),
    [
        (PLATEAU | {8: 0.5, 10: 0.8, 13: 0.82}, [8]),  # a cloud's rim
        (PLATEAU | {8: 0.5, 10: 0.8}, [8]),
        (PLATEAU | {8: 0.4, 10: 0.82, 13: 0.45, 15: 0.8}, [8, 13]),
        (PLATEAU | {8: 0.4, 10: 0.45, 13: 0.8}, [8, 10]),  # two hazy days in a row
        (PLATEAU | {8: 0.1, 10: 0.1, 13: 0.1, 15: 0.8}, [8, 10, 13]),  # snow that is gone within two days
        ({0: 0.55, 2: 0.85, 5: 0.84, 7: 0.86}, [0]),  # haze on the first day
        ({0: 0.3, 3: 0.3, 5: 0.75, 8: 0.31, 10: 0.3}, [5]),  # a high value alone
        (PLATEAU | {8: 0.5, 10: 0.5, 13: 0.52, 18: 0.6, 23: 0.7, 28: 0.8}, []),  # mown, and growing again
        (PLATEAU | {8: 0.45, 20: 0.75}, []),  # twelve days are enough to grow again
        (PLATEAU | {8: 0.6, 10: 0.45, 13: 0.3, 15: 0.2, 18: 0.2}, []),  # harvested
        ({0: 0.2, 3: 0.2, 8: 0.3, 13: 0.42, 18: 0.55, 23: 0.7, 28: 0.8}, []),  # growing fast
        (PLATEAU | {8: 0.76, 10: 0.84, 13: 0.79, 15: 0.85}, []),  # noise
        ({0: 0.5}, []),
        ({}, []),
    ],
)
def test_outliers(values: dict[int, float], outliers: list[int]) -> None:
    flags = by_hand(values).flags
    assert np.flatnonzero(flags.outlier[0]).tolist() == outliers
    assert not flags.provisional.any()


@pytest.mark.parametrize("last", [0.3, 0.65])
def test_a_low_last_value_is_provisional_until_the_next_one(last: float) -> None:
    low = PLATEAU | {8: last}
    assert np.flatnonzero(by_hand(low).flags.provisional[0]).tolist() == [8]
    assert not by_hand(low).flags.outlier.any()
    assert not any(found.any() for found in by_hand(low | {10: last + 0.01}).flags)
    assert np.flatnonzero(by_hand(low | {10: 0.85}).flags.outlier[0]).tolist() == [8]


def test_a_provisional_value_moves_the_curve_little() -> None:
    plateau = dict.fromkeys(range(0, 60, 3), 0.8)
    series = by_hand(plateau | {60: 0.3}).series
    assert series.smoothed[0, 57] == pytest.approx(0.8, abs=0.05)
    assert series.smoothed[0, 60] > 0.7
    assert series.counts[0, 60]
    assert by_hand(plateau | {60: 0.3, 62: 0.3}).series.smoothed[0, 60] < 0.5


def test_the_last_value_of_a_crop_that_ripens_is_not_provisional() -> None:
    flags = by_hand({0: 0.85, 5: 0.8, 10: 0.68, 15: 0.53, 20: 0.38}).flags
    assert not flags.provisional.any()


def test_noise_and_growth_give_next_to_no_outliers() -> None:
    curve = double_logistic(180, 0.15, 0.88, 40, 0.16, 120, 0.2, 0.2)
    observed = clouded(curve, 500, 3.0, seed=11)
    assert observed.flags.outlier.sum() < 0.001 * observed.weights.sum()


def test_deep_cloud_remnants_are_found() -> None:
    curve = double_logistic(180, 0.15, 0.88, 40, 0.12, 140, 0.12, 0.2)
    observed = clouded(curve, 500, 3.0, seed=12)
    remnant = (np.random.default_rng(1).random(observed.values.shape) < 0.03) & (observed.weights > 0) & (curve > 0.6)
    flags = observed._replace(values=np.where(remnant, observed.values - 0.35, observed.values)).flags
    assert flags.outlier[remnant].mean() > 0.85
    assert (flags.outlier & ~remnant).sum() < 0.001 * observed.weights.sum()

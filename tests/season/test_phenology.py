"""Start, peak and end of double logistic curves, within days of where the curve itself has them."""

import numpy as np
import pytest
from support.seasons import Observed, by_hand, clouded, double_logistic

from ndvi_core.models.arrays import Floats
from ndvi_core.season.phenology import NONE, REASONS, Phenology, phenology
from ndvi_core.season.rules import PhenologyRules


def found(observed: Observed, ended: bool = True) -> Phenology:
    series = observed.series
    return phenology(series.smoothed, series.gap, np.full(len(observed.values), ended), PhenologyRules())


def seen_daily(curve: Floats) -> Observed:
    return Observed(curve[np.newaxis], np.ones((1, len(curve))))


def reasons(of: Phenology) -> tuple[str, str, str]:
    return REASONS[of.start_reason[0]], REASONS[of.peak_reason[0]], REASONS[of.end_reason[0]]


def test_days_of_a_curve_by_hand() -> None:
    """A logistic rise is at a fifth of its height where exp(-rate (day - middle)) is 4: ln 4 / rate before that."""
    curve = double_logistic(240, 0.2, 0.8, 50, 0.1, 170, 0.08, 0.3)
    season = found(seen_daily(curve))
    assert season.start[0] == pytest.approx(50 - np.log(4) / 0.1, abs=1)
    assert season.end[0] == pytest.approx(170 + np.log(4) / 0.08, abs=1)
    assert season.peak[0] == pytest.approx(np.argmax(curve), abs=1)
    assert season.length[0] == season.end[0] - season.start[0]
    assert season.peak_value[0] == pytest.approx(curve.max(), abs=0.002)
    assert season.amplitude[0] == pytest.approx(curve.max() - (0.2 + 0.3) / 2, abs=0.01)
    assert season.integral[0] == pytest.approx(curve[season.start[0] : season.end[0] + 1].sum(), abs=0.2)
    assert reasons(season) == ("", "", "")


@pytest.mark.parametrize(("days_between", "within"), [(2.6, 4), (4.0, 6), (6.0, 8)])
@pytest.mark.parametrize(("up_rate", "down_rate"), [(0.08, 0.1), (0.15, 0.15)])
def test_days_of_noisy_and_clouded_curves(days_between: float, within: int, up_rate: float, down_rate: float) -> None:
    curve = double_logistic(200, 0.15, 0.85, 45, up_rate, 130, down_rate, 0.2)
    season = found(clouded(curve, 500, days_between, seed=21))
    start, end = 45 - np.log(4) / up_rate, 130 + np.log(4) / down_rate
    for days, reason, expected in ((season.start, season.start_reason, start), (season.end, season.end_reason, end)):
        known = days != NONE
        assert known.mean() > 0.93
        assert np.quantile(np.abs(days[known] - expected), 0.9) <= within
        assert {REASONS[code] for code in reason[~known]} <= {"gap"}


def test_each_side_has_its_own_lowest_value() -> None:
    """The end of a crop with grass below it is measured from the grass."""
    curve = double_logistic(240, 0.1, 0.9, 50, 0.1, 170, 0.1, 0.6)
    season = found(seen_daily(curve))
    assert season.start[0] == pytest.approx(50 - np.log(4) / 0.1, abs=1)
    assert season.end[0] == pytest.approx(170 + np.log(4) / 0.1, abs=1)


def test_weeds_before_the_crop_are_not_its_start() -> None:
    curve = double_logistic(200, 0.15, 0.85, 80, 0.12, 150, 0.12, 0.2)
    curve[:30] += 0.25 * np.sin(np.linspace(0, np.pi, 30))
    assert found(seen_daily(curve)).start[0] == pytest.approx(80 - np.log(4) / 0.12, abs=1)


def test_a_season_that_is_not_over() -> None:
    curve = double_logistic(200, 0.15, 0.85, 45, 0.1, 130, 0.1, 0.2)
    so_far = [found(seen_daily(curve[:days]), ended=False) for days in (50, 130, 160)]
    assert [reasons(season) for season in so_far] == [
        ("not_over", "not_over", "not_over"),  # it still grows
        ("", "", "not_over"),
        ("", "", ""),  # down where it began
    ]
    assert so_far[0].peak[0] == so_far[0].start[0] == so_far[0].end[0] == NONE
    assert np.isnan(so_far[0].peak_value[0])
    assert so_far[1].peak[0] == pytest.approx(np.argmax(curve), abs=1)
    assert so_far[1].length[0] == NONE
    assert np.isnan(so_far[1].integral[0])
    assert reasons(found(seen_daily(curve[:130]), ended=True)) == ("", "", "")  # cut while it was green
    assert reasons(found(seen_daily(curve[90:160]), ended=False)) == ("no_rise", "", "not_over")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ("too_few_values",) * 3),
        ({10: 0.3, 50: 0.8}, ("too_few_values",) * 3),
        (dict.fromkeys(range(0, 100, 5), 0.2), ("no_amplitude",) * 3),
        ({day: 0.8 - 0.006 * day for day in range(0, 100, 5)}, ("no_rise", "", "")),
        ({day: 0.2 + 0.006 * day for day in range(0, 100, 5)}, ("", "", "no_fall")),
        ({0: 0.2, 3: 0.2, 5: 0.2, 75: 0.8, 78: 0.8, 80: 0.8, 85: 0.6, 90: 0.4, 95: 0.3, 99: 0.2}, ("gap", "", "")),
    ],
)
def test_why_there_is_none(values: dict[int, float], expected: tuple[str, str, str]) -> None:
    season = found(by_hand(values))
    assert reasons(season) == expected
    for day, reason in zip((season.start, season.peak, season.end), expected, strict=True):
        assert (day[0] == NONE) == bool(reason)
    assert (season.length[0] == NONE) == any(expected)

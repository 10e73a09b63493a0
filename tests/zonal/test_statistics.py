"""NDVI and weighted statistics, by hand and against exactextract and numpy."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given
from hypothesis import strategies as st
from support.oracles import QUANTILES

from ndvi_core.models.arrays import Floats
from ndvi_core.models.scene import Offset
from ndvi_core.zonal.statistics import area, ndvi, summarise, weighted_quantiles

ONE = np.zeros(1, np.intp)
"""Where the first field's pixels begin, and there is no other."""
PLAIN = Offset(rule="none@1")
SHIFTED = Offset(rule="planetary-computer@1", red=-1000, nir=-1000)


def only(columns: Mapping[str, Floats]) -> dict[str, float]:
    """Return the statistics of the only field."""
    return {f"ndvi_{name}": float(value) for name, (value,) in columns.items()}


@pytest.mark.parametrize(
    ("red", "nir", "offset", "expected"),
    [
        (500, 3000, PLAIN, 2500 / 3500),
        (1500, 4000, SHIFTED, 2500 / 3500),  # reflectance 0.05 and 0.30: 0.71, and not 0.45
        (1500, 4000, PLAIN, 2500 / 5500),
        (1, 1, PLAIN, 0.0),
        (1000, 4000, SHIFTED, math.nan),
        (900, 4000, SHIFTED, math.nan),  # red's reflectance is negative: 1.07
        (4000, 900, SHIFTED, math.nan),
        (1001, 4000, SHIFTED, 2999 / 3001),
        (1000, 1000, SHIFTED, math.nan),
        (900, 950, SHIFTED, math.nan),
        (0, 0, PLAIN, math.nan),
        (32767, 32767, PLAIN, 0.0),
        (1, 32767, PLAIN, 32766 / 32768),
        (65535, 65535, PLAIN, math.nan),  # beyond the range of a reflectance
        (65535, 4000, PLAIN, math.nan),
        (1400, 65535, SHIFTED, math.nan),
        (65100, 300, PLAIN, math.nan),
        (32768, 4000, SHIFTED, math.nan),
        (0, 500, PLAIN, math.nan),  # as a catalogue has it that cuts off what is negative
        (300, 200, Offset(rule="odd", red=0, nir=-100), -0.5),
    ],
)
def test_ndvi_of_digital_numbers(red: int, nir: int, offset: Offset, expected: float) -> None:
    found = ndvi(np.array([red], np.uint16), np.array([nir], np.uint16), offset)
    np.testing.assert_array_equal(found, [expected])


def test_statistics_by_hand() -> None:
    found = only(summarise(np.array([0.8, 0.2, 0.5]), np.array([1.0, 0.5, 0.25]), ONE))
    mean = (0.8 + 0.1 + 0.125) / 1.75
    variance = (1.0 * (0.8 - mean) ** 2 + 0.5 * (0.2 - mean) ** 2 + 0.25 * (0.5 - mean) ** 2) / 1.75
    assert found["ndvi_mean"] == pytest.approx(mean, abs=1e-15)
    assert found["ndvi_std"] == pytest.approx(math.sqrt(variance), abs=1e-15)
    assert (found["ndvi_min"], found["ndvi_max"]) == (0.2, 0.8)
    # In order: 0.2 stands at 0, 0.5 at 1 * 0.25 + 2 * 0.5 = 1.25, 0.8 at 2 * 1 + 2 * 0.75 = 3.5; the median at 1.75.
    assert found["ndvi_median"] == pytest.approx(0.5 + 0.3 * (1.75 - 1.25) / (3.5 - 1.25), abs=1e-15)
    assert found["ndvi_p10"] == pytest.approx(0.2 + 0.3 * 0.35 / 1.25, abs=1e-15)


def test_one_pixel_is_all_of_its_statistics() -> None:
    found = only(summarise(np.array([0.3]), np.array([0.01]), ONE))
    assert found.pop("ndvi_std") == 0
    assert set(found.values()) == {0.3}


value = st.floats(-1, 1)
pairs = st.lists(st.tuples(value, st.floats(1e-6, 1)), min_size=1, max_size=60)


def split(given_pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    values, weights = zip(*given_pairs, strict=True)
    return np.array(values), np.array(weights)


@given(given_pairs=pairs)
def test_statistics_are_in_order_and_within_the_values(given_pairs: list[tuple[float, float]]) -> None:
    values, weights = split(given_pairs)
    found = only(summarise(values, weights, ONE))
    names = ["ndvi_min", "ndvi_p10", "ndvi_p25", "ndvi_median", "ndvi_p75", "ndvi_p90", "ndvi_max"]
    in_order = [found[name] for name in names]
    assert in_order == sorted(in_order)
    assert (in_order[0], in_order[-1]) == (values.min(), values.max())
    assert in_order[0] <= found["ndvi_mean"] <= in_order[-1]
    assert 0 <= found["ndvi_std"] <= (in_order[-1] - in_order[0]) / 2 + 1e-12, "Popoviciu's inequality"


@given(values=st.lists(value, min_size=1, max_size=60), weight=st.floats(1e-3, 1))
def test_equal_weights_give_numpys_statistics(values: list[float], weight: float) -> None:
    found = only(summarise(np.array(values), np.full(len(values), weight), ONE))
    assert found["ndvi_mean"] == pytest.approx(np.mean(values), abs=1e-12)
    assert found["ndvi_std"] == pytest.approx(np.std(values), abs=1e-7)
    for name, q in QUANTILES.items():
        assert found[name] == pytest.approx(np.quantile(values, q), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_statistics_are_exactextracts(seed: int) -> None:
    """Pixels of one row, each covered from its lower edge up to a height that makes its weight."""
    random = np.random.default_rng(seed)
    values, weights = random.uniform(-1, 1, 40), random.uniform(0.05, 1, 40).astype(np.float32).astype(np.float64)
    columns = shapely.MultiPolygon([shapely.box(i + 0.25, 0, i + 0.75, w) for i, w in enumerate(weights)])
    feature = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(columns)}
    source = NumPyRasterSource(values.reshape(1, -1), xmin=0, ymin=0, xmax=40, ymax=1)
    operations = ["mean", "stdev", "min", "max", *(f"quantile(q={q})" for q in (0.1, 0.25, 0.5, 0.75, 0.9))]
    found = only(summarise(values, weights / 2, ONE))
    names = ["ndvi_mean", "ndvi_std", "ndvi_min", "ndvi_max", *QUANTILES]
    for name, operation in zip(names, operations, strict=True):
        (peer,) = exact_extract(source, feature, operation)
        assert [found[name]] == pytest.approx(list(peer["properties"].values()), abs=1e-7), name


@given(given_pairs=pairs, power=st.integers(-20, 20))
def test_weights_count_by_their_ratio(given_pairs: list[tuple[float, float]], power: int) -> None:
    values, weights = split(given_pairs)
    found = weighted_quantiles(values, weights * 2.0**power, ONE, [0.1, 0.5, 0.9])
    assert found == pytest.approx(weighted_quantiles(values, weights, ONE, [0.1, 0.5, 0.9]), abs=1e-15)


@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 40), width=st.integers(1, 40))
def test_an_area_that_is_all_valid_is_the_whole_to_the_last_bit(seed: int, height: int, width: int) -> None:
    random = np.random.default_rng(seed)
    coverage_fraction = np.maximum(random.uniform(-1, 1, (height, width)), 0)
    whole = area(coverage_fraction, np.ones_like(coverage_fraction, dtype=bool))
    assert whole == area(coverage_fraction, coverage_fraction > 0) == pytest.approx(coverage_fraction.sum(), rel=1e-12)
    assert area(coverage_fraction, random.random(coverage_fraction.shape) < 0.5) <= whole


@given(fields=st.lists(pairs, min_size=2, max_size=8))
def test_a_fields_statistics_are_the_same_bits_in_whatever_company(fields: list[list[tuple[float, float]]]) -> None:
    alone = [only(summarise(*split(field), ONE)) for field in fields]
    starts = np.cumsum([0, *(len(field) for field in fields[:-1])])
    together = summarise(*split([pair for field in fields for pair in field]), starts)
    assert [
        {f"ndvi_{name}": column[index] for name, column in together.items()} for index in range(len(fields))
    ] == alone

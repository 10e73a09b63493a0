"""Mask policies: the classes that they hide, and how far cloud and shadow reach."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chance import examples

from ndvi_core.errors import BadInput
from ndvi_core.raster.grid import Window
from ndvi_core.raster.window_table import WindowTable
from ndvi_core.zonal.mask import CLOUD, SHADOW, VALID, MaskPolicy, dilate, get_policy


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("scl@1", {2, 4, 5, 6, 7}),
        ("scl-no-dark@1", {4, 5, 6, 7}),
        ("scl-no-unclassified@1", {2, 4, 5, 6}),
        ("scl-strict@1", {4, 5, 6}),
    ],
)
def test_a_policy_names_the_classes_that_show_the_ground(name: str, valid: set[int]) -> None:
    policy = get_policy(name)
    assert policy.name == name
    assert set(np.flatnonzero(policy.causes == VALID)) == valid, (
        "values that are no class (12 to 255) are not valid either"
    )
    assert policy.causes.shape == (256,)


def test_cirrus_counts_as_cloud() -> None:
    causes = get_policy("scl@1").causes
    assert set(np.flatnonzero(causes == CLOUD)) == {8, 9, 10}
    assert set(np.flatnonzero(causes == SHADOW)) == {3}


@pytest.mark.parametrize("name", ["scl", "scl@2", "", "SCL@1"])
def test_an_unknown_policy_names_the_known_ones(name: str) -> None:
    with pytest.raises(BadInput, match=r"known ones are scl-dilated@1, .*scl@1"):
        get_policy(name)


def test_policies_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        get_policy("scl@1").causes[8] = VALID


HIDDEN = get_policy("scl@1").masked


def masked(policy: MaskPolicy, *classes: np.ndarray) -> list[np.ndarray]:
    """Return what becomes of the pixels of 20 m of each window."""
    windows = WindowTable.of([Window(col_off=0, row_off=0, width=of.shape[1], height=of.shape[0]) for of in classes])
    causes = policy.apply(np.concatenate([of.ravel() for of in classes]), windows, 20.0).causes
    return [windows.own(causes, number) for number in range(len(classes))]


def drawn_classes(seed: int, height: int = 30, width: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([0, 3, 4, 5, 9, 11], np.uint8), (height, width), p=SHARES)


SHARES = (0.02, 0.04, 0.5, 0.36, 0.06, 0.02)


@examples(30)
@given(seed=st.integers(0, 10**6), radius=st.floats(0, 6))
def test_a_mask_grows_to_all_pixels_within_the_radius(seed: int, radius: float) -> None:
    mask = drawn_classes(seed) == 9
    rows, cols = np.indices(mask.shape)
    near = np.zeros_like(mask)
    for row, col in np.argwhere(mask):
        near |= np.hypot(rows - row, cols - col) <= radius
    np.testing.assert_array_equal(dilate(mask, radius), near)


@examples(30)
@given(seed=st.integers(0, 10**6), less=st.floats(0, 60), more=st.floats(0, 60), opening=st.sampled_from([0.0, 20.0]))
def test_more_growth_never_adds_a_pixel(seed: int, less: float, more: float, opening: float) -> None:
    classes = drawn_classes(seed)
    small, large = (
        masked(MaskPolicy("drawn@1", HIDDEN, growth=metres, opening=opening), classes)[0] == VALID
        for metres in (min(less, more), less + more)
    )
    assert not (large & ~small).any()


@examples(30)
@given(seed=st.integers(0, 10**6))
def test_growth_alone_hides_no_less_than_the_classes(seed: int) -> None:
    classes = drawn_classes(seed)
    grown = masked(MaskPolicy("drawn@1", HIDDEN, growth=40), classes)[0]
    plain = masked(get_policy("scl@1"), classes)[0]
    assert not ((grown == VALID) & (plain != VALID)).any()
    np.testing.assert_array_equal(grown[plain != VALID], plain[plain != VALID], "what is hidden keeps its cause")


def test_a_speck_is_dropped_and_a_cloud_grows() -> None:
    classes = np.full((40, 40), 4, np.uint8)
    classes[5, 5] = 9
    classes[20:25, 20:25] = 9
    causes = masked(get_policy("scl-dilated@1"), classes)[0]
    assert (causes[:12] == VALID).all()
    rows, cols = np.nonzero(causes == CLOUD)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (18, 26, 18, 26), "two pixels of 20 m on each side"


@examples(20)
@given(seed=st.integers(0, 10**6), others=st.integers(1, 4))
def test_windows_with_their_margin_do_not_depend_on_the_others(seed: int, others: int) -> None:
    policy = get_policy("scl-dilated@1")
    margin = policy.margin(20.0)
    whole = drawn_classes(seed, 60, 60)
    expected = masked(policy, whole)[0]
    random = np.random.default_rng(seed)
    windows = [(int(r), int(c)) for r, c in random.integers(margin, 60 - margin - 8, (others + 1, 2))]
    cut = [whole[r - margin : r + 8 + margin, c - margin : c + 8 + margin] for r, c in windows]
    for (row, col), found in zip(windows, masked(policy, *cut), strict=True):
        own = found[margin : margin + 8, margin : margin + 8]
        np.testing.assert_array_equal(own, expected[row : row + 8, col : col + 8])

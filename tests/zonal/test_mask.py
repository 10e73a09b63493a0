"""Mask policies against the classes that the design names."""

import numpy as np
import pytest

from ndvi_core.errors import BadInput
from ndvi_core.zonal.mask import CLOUD, get_policy


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
    assert set(np.flatnonzero(policy.valid)) == valid, "values that are no class (12 to 255) are not valid either"
    assert policy.valid.shape == (256,)


def test_shadow_cloud_and_cirrus_count_as_cloud() -> None:
    assert set(np.flatnonzero(CLOUD)) == {3, 8, 9, 10}


@pytest.mark.parametrize("name", ["scl", "scl@2", "", "SCL@1"])
def test_an_unknown_policy_names_the_known_ones(name: str) -> None:
    with pytest.raises(BadInput, match=r"known ones are scl-no-dark@1, .*scl@1"):
        get_policy(name)


def test_policies_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        get_policy("scl@1").valid[8] = True

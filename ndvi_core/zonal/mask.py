"""Mask policies: which classes of the Sentinel-2 scene classification (SCL) hide the ground."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import BadInput

SCL_CLASSES = {
    0: "no data",
    1: "saturated or defective",
    2: "dark area",
    3: "cloud shadow",
    4: "vegetation",
    5: "not vegetated",
    6: "water",
    7: "unclassified",
    8: "cloud, medium probability",
    9: "cloud, high probability",
    10: "thin cirrus",
    11: "snow or ice",
}
"""Sentinel-2 Level-2A scene classification, as Sen2Cor writes it (Sentinel-2 Products Specification Document)."""

NO_DATA_CLASS = 0
CLOUD_CLASSES = (3, 8, 9, 10)
"""Classes that count for the cloud fraction; shadow and cirrus hide a field as clouds do."""


@dataclass(frozen=True)
class MaskPolicy:
    """A named set of masked classes. A changed set takes a new version, so that a name always means the same."""

    name: str
    masked: frozenset[int]
    """The SCL classes whose pixels are not valid."""

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """(256) whether each value of a byte is valid; values that are no class are not."""
        return _lookup(set(SCL_CLASSES) - self.masked)


def get_policy(name: str) -> MaskPolicy:
    """Return the policy of that name and version, e.g. `scl@1`.

    Raises:
        BadInput: There is no such policy; the message names the known ones.
    """
    try:
        return _POLICIES[name]
    except KeyError:
        raise BadInput(f"no mask policy {name!r}: the known ones are {', '.join(sorted(_POLICIES))}") from None


def _lookup(classes: set[int]) -> NDArray[np.bool_]:
    table = np.zeros(256, dtype=np.bool_)
    table[list(classes)] = True
    table.flags.writeable = False
    return table


CLOUD = _lookup(set(CLOUD_CLASSES))
"""(256) whether each value of a byte is one of `CLOUD_CLASSES`."""

_HIDDEN = frozenset({0, 1, 3, 8, 9, 10, 11})
_POLICIES = {
    policy.name: policy
    for policy in (
        MaskPolicy("scl@1", _HIDDEN),
        MaskPolicy("scl-no-dark@1", _HIDDEN | {2}),  # dark areas are often shadows of terrain or of clouds
        MaskPolicy("scl-no-unclassified@1", _HIDDEN | {7}),  # unclassified is often the rim of a cloud
        MaskPolicy("scl-strict@1", _HIDDEN | {2, 7}),
    )
}

"""Days of which nothing is known but what lies far from them."""

import numpy as np

from ndvi_core.models.arrays import Mask

_NEVER = 1_000_000
"""Days to the nearest value where there is none."""


def in_gap(known: Mask, gap_days: int) -> Mask:
    """Return which days are farther than `gap_days` from every day with a value that counts.

    Args:
        known: (seasons, days) whether there is a value that counts.
        gap_days: Days.
    """
    numbers = np.arange(known.shape[1], dtype=np.int32)
    before = np.maximum.accumulate(np.where(known, numbers, -_NEVER), axis=1)
    after = np.minimum.accumulate(np.where(known, numbers, _NEVER)[:, ::-1], axis=1)[:, ::-1]
    far: Mask = np.minimum(numbers - before, after - numbers) > gap_days
    return far

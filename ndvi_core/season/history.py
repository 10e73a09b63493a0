"""Where a value stands among those of the field's own earlier seasons."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats


class Standing(NamedTuple):
    """Of each season, (seasons) each."""

    percentile: Floats
    """0 to 100; NaN without an earlier value or without one now."""
    seasons: NDArray[np.int64]
    """Number of earlier seasons with a value on that day since planting."""


def standing(value: Floats, earlier: Floats) -> Standing:
    """Return the share of earlier values that are lower, those that are equal counted half, in percent.

    That is scipy's `percentileofscore(earlier, value, kind="mean")`.

    Args:
        value: (seasons) smoothed and rounded, NaN where there is none.
        earlier: (seasons, earlier seasons) smoothed and rounded values on the same day since planting, NaN where there
            is none.
    """
    count = np.count_nonzero(np.isfinite(earlier), axis=1)
    now = value[:, np.newaxis]
    twice = np.count_nonzero(earlier < now, axis=1) + np.count_nonzero(earlier <= now, axis=1)
    percentile = np.full(len(value), np.nan)
    np.divide(50.0 * twice, count, out=percentile, where=(count > 0) & np.isfinite(value))
    return Standing(percentile, count)

"""Names of array types, and numbering within arrays."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indexes = NDArray[np.intp]
Mask = NDArray[np.bool_]
Days = NDArray[np.int32]
"""Numbers of days."""


def ranges(first: Indexes, counts: Indexes) -> Indexes:
    """Return `counts[0]` numbers from `first[0]` on, `counts[1]` from `first[1]` on, and so on."""
    before = np.cumsum(counts) - counts
    numbers: Indexes = np.repeat(first - before, counts) + np.arange(int(counts.sum()))
    return numbers

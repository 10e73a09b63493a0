"""Names of array types, and numbering within arrays."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indexes = NDArray[np.intp]
Mask = NDArray[np.bool_]
Days = NDArray[np.int32]
"""Numbers of days."""


def distinct(numbers: Indexes) -> Indexes:
    """Return the distinct ones of some numbers, in ascending order.

    numpy's `unique` imports masked arrays when it is asked for no more than that: a twentieth of the CPU time of a
    small work order.
    """
    ascending = np.sort(numbers)
    found: Indexes = ascending[np.diff(ascending, prepend=ascending[:1] - 1) != 0]
    return found


def ranges(first: Indexes, counts: Indexes) -> Indexes:
    """Return `counts[0]` numbers from `first[0]` on, `counts[1]` from `first[1]` on, and so on."""
    before = np.cumsum(counts) - counts
    numbers: Indexes = np.repeat(first - before, counts) + np.arange(int(counts.sum()))
    return numbers

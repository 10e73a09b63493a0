"""Many seasons, some at a time."""

from collections.abc import Iterator

from ndvi_core.models.arrays import Floats

_VALUES = 512 * 180
"""Values of an array that is handled at a time: the arrays of so many stay in the processor's cache."""


def blocks(values: Floats) -> Iterator[slice]:
    """Yield slices that divide the rows of (seasons, days)."""
    seasons, days = values.shape
    together = max(1, _VALUES // max(1, days))
    for start in range(0, seasons, together):
        yield slice(start, start + together)

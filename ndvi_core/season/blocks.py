"""Many seasons, some at a time."""

from collections.abc import Iterator

_TOGETHER = 512
"""Seasons whose arrays of 180 days stay in the processor's cache from one operation to the next."""


def blocks(seasons: int) -> Iterator[slice]:
    """Yield slices that divide so many seasons."""
    for start in range(0, seasons, _TOGETHER):
        yield slice(start, start + _TOGETHER)

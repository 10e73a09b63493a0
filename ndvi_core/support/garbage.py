"""Python's search for garbage in cycles, which takes long where millions of objects live to the end of the work."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

NEW_OBJECTS = 100_000
"""After so many Python searches, instead of after 700: up to a fifth of the time of planning went into it."""


@contextmanager
def relaxed_gc() -> Iterator[None]:
    """Let Python look for cycles rarely for a while: as a context, or as a decorator."""
    before = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)

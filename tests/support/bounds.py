"""Bounds on what one input may cost: a hang, or memory for what a file merely claims, fails the test that met it."""

import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 20
"""Of the processor, so that a busy machine changes nothing."""
MEMORY = 1_500_000_000
"""Bytes of addresses more than before: what is allocated counts, whether or not it is ever written to."""


class TooLongError(Exception):
    """An input has cost more time than any may."""


@contextmanager
def bounded(seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Let what happens inside take no more than so much of the processor's time and of memory."""

    def end(*_: object) -> None:
        raise TooLongError(f"{seconds} s of the processor are over")

    before = signal.signal(signal.SIGPROF, end)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    if sys.platform == "linux":  # macOS does not keep the limit
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)

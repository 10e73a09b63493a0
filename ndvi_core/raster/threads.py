"""The threads that fetch and decode."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

READERS = 16
"""Threads that fetch and decode: enough to hide a server's latency behind the decoding of a few cores."""


@cache
def readers() -> ThreadPoolExecutor:
    """Return the threads that all orders of this process share."""
    return ThreadPoolExecutor(READERS, thread_name_prefix="blocks")

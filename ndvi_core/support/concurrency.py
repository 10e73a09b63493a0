"""Iterators and calls that run ahead in threads, within bounds."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from queue import Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")
Argument = TypeVar("Argument")

WAITING = 64
"""Items that an iterator may be ahead, unless it is told otherwise."""

_POLL = 0.1
"""Seconds between two looks at whether the items are still wanted."""


def prefetch_in_order(
    sources: Sequence[Callable[[], Generator[Item]]], at_once: int, waiting: int = WAITING
) -> Generator[Item]:
    """Yield the items of the first iterator, then those of the second, and so on, while the next ones run already.

    An error of an iterator is raised in its turn. When the generator is closed, the threads end with their next item.

    Args:
        sources: each makes an iterator, which then runs in a thread of its own.
        at_once: iterators that run side by side; if it is one, all is done in the caller's thread.
        waiting: items that each of them may be ahead.
    """
    if at_once <= 1 or len(sources) <= 1:
        for source in sources:
            yield from source()
        return
    unwanted = Event()
    coming = iter(sources)
    running = deque(_Running(source, unwanted, waiting) for source in islice(coming, at_once))
    try:
        while running:
            yield from running.popleft().items()
            running.extend(_Running(source, unwanted, waiting) for source in islice(coming, 1))
    finally:
        unwanted.set()


def map_bounded(work: Callable[[Argument], Item], arguments: Iterable[Argument], at_once: int) -> Iterator[Item]:
    """Yield the result for each argument, in their order, while threads work on the next ones.

    Arguments are taken in the caller's thread; at most `at_once` of them, or of their results, are in memory.

    Args:
        work: called with each argument.
        arguments: any number.
        at_once: threads.
    """
    coming = iter(arguments)
    with ThreadPoolExecutor(at_once) as pool:
        running = deque(pool.submit(work, argument) for argument in islice(coming, at_once))
        while running:
            done = running.popleft().result()
            running.extend(pool.submit(work, argument) for argument in islice(coming, 1))
            yield done


@dataclass(frozen=True)
class _End:
    """The end of an iterator, with the error that ended it."""

    error: BaseException | None


class _Running(Generic[Item]):
    """An iterator in its thread."""

    def __init__(self, source: Callable[[], Generator[Item]], unwanted: Event, waiting: int) -> None:
        self._source = source
        self._unwanted = unwanted
        self._queue: Queue[Item | _End] = Queue(waiting)
        Thread(target=self._run, name="ahead", daemon=True).start()

    def items(self) -> Iterator[Item]:
        while not isinstance(item := self._queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    def _run(self) -> None:
        try:
            with closing(self._source()) as items:
                for item in items:
                    if not self._put(item):
                        return
        except BaseException as error:
            self._put(_End(error))
        else:
            self._put(_End(None))

    def _put(self, item: Item | _End) -> bool:
        """Put an item as soon as there is room; return False if the items are not wanted any more."""
        while not self._unwanted.is_set():
            try:
                self._queue.put(item, timeout=_POLL)
            except Full:
                continue
            return True
        return False

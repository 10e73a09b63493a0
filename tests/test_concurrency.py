"""Iterators that run ahead: their items in turn, their errors in turn, and an end when nobody wants more."""

import threading
from collections.abc import Generator
from functools import partial
from itertools import count

import pytest

from ndvi_core.support.concurrency import WAITING, prefetch_in_order


def numbers(start: int, end: int) -> Generator[int]:
    yield from range(start, end)


@pytest.mark.parametrize("at_once", [1, 2, 7, 50])
def test_items_come_in_turn(at_once: int) -> None:
    sources = [partial(numbers, 100 * i, 100 * i + 3 * WAITING * (i % 3)) for i in range(12)]
    assert list(prefetch_in_order(sources, at_once)) == [item for source in sources for item in source()]


def test_the_next_ones_run_while_the_first_waits() -> None:
    """The first goes on when the third has begun: one after the other they would wait for ever."""
    begun = threading.Event()

    def first() -> Generator[str]:
        assert begun.wait(30)
        yield "first"

    def third() -> Generator[str]:
        begun.set()
        yield "third"

    assert list(prefetch_in_order([first, lambda: (yield from ["second"]), third], at_once=3)) == [
        "first",
        "second",
        "third",
    ]


@pytest.mark.parametrize("at_once", [1, 3])
def test_an_error_comes_after_what_was_before_it(at_once: int) -> None:
    def failing() -> Generator[int]:
        yield 7
        raise KeyError("seven")

    items = prefetch_in_order([partial(numbers, 0, 2), failing, partial(numbers, 8, 9)], at_once)
    assert [next(items) for _ in range(3)] == [0, 1, 7]
    with pytest.raises(KeyError, match="seven"):
        next(items)


@pytest.mark.parametrize("at_once", [1, 4])
def test_when_closed_they_end_and_clean_up(at_once: int) -> None:
    ended = [threading.Event() for _ in range(2)]

    def endless(number: int) -> Generator[int]:
        try:
            yield from count()
        finally:
            ended[number].set()

    items = prefetch_in_order([partial(endless, 0), partial(endless, 1)], at_once)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    items.close()
    assert ended[0].wait(30)
    assert at_once == 1 or ended[1].wait(30)

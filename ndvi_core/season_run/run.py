"""Running an order for seasons, part by part.

First the series and summaries of the order's parts are made, and what is usual among peers is counted over all parts of
their years. Then the events of all these parts are found. Parts are worked on side by side; each is small, so that
memory does not grow with their number but for the counts of peers.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from itertools import groupby, islice
from multiprocessing import get_context, parent_process
from os import _exit, cpu_count
from threading import Thread
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from ndvi_core.errors import BadInput, NotFound
from ndvi_core.models.season_part import SeasonPart
from ndvi_core.models.season_table import SeasonSeries
from ndvi_core.season.order import SEASON_VERSION, WORTH_PROCESSES, PartOrder, SeasonManifest, SeasonOrder
from ndvi_core.season.peers import Usual
from ndvi_core.season_run.files import read_part, write_series, write_summaries
from ndvi_core.season_run.found import find, write_found
from ndvi_core.season_run.peers import Block, Group, UsualOf, YearCounts, blocks_of, write_peers
from ndvi_core.season_run.series import make_seasons
from ndvi_core.storage.object_store import Store, split_uri
from ndvi_core.storage.parquet import PARQUET
from ndvi_core.storage.season_files import FOUND_PREFIX, keys_of, peers_key
from ndvi_core.storage.season_orders import read_season_order

PROCESSES = 2
"""Parts that are worked on at the same time."""

Task = TypeVar("Task")
Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class _Years(NamedTuple):
    """The years of a part: those to compute, and those that are only counted, in the order of time."""

    order: SeasonOrder
    part: int
    compute: tuple[PartOrder, ...]
    others: tuple[SeasonPart, ...]


class _Events(NamedTuple):
    """A part whose events are to be found."""

    order: SeasonOrder
    part: SeasonPart
    usual: dict[Group, Usual]


def run_season_order(order_uri: str) -> SeasonManifest:
    """Compute the seasons of an order and write their files and, last, the manifest.

    The same order over the same files gives the same bytes.

    Args:
        order_uri: `s3://...` or `file:///...` of the order.

    Raises:
        NotFound: The order, or a file that it names, is missing.
        BadInput: The order or a file is malformed.
        TryAgain: The bucket does not answer.
    """
    _store.cache_clear()  # credentials may be others than those of the last order
    url, key = split_uri(order_uri)
    data = _store(url).read(key)
    order = _parse(order_uri, data)
    seasons = sum(part.seasons for part in order.parts)
    log.info("%d seasons in %d parts, %d other parts of their years", seasons, len(order.parts), len(order.others))
    results = _store(order.results)
    with _workers(seasons) as apply:
        counts = {year: YearCounts() for year in order.years}
        for blocks in apply(_make_part, _years_of_parts(order)):
            for year, block in blocks:
                counts[year].add(block)
        usual = {year: counts.pop(year).usual() for year in order.years}
        for year, of_year in usual.items():
            if of_year:
                results.write(peers_key(year), write_peers(of_year), PARQUET)
        tasks = (_Events(order, part, _of_ndvi(usual[part.year])) for part in _all_parts(order))
        events = sum(apply(_find_events, tasks))
    manifest = _manifest(order, data, usual)
    url, key = split_uri(order.manifest)
    _store(url).write(key, manifest.model_dump_json().encode(), "application/json")
    log.info("%d events; manifest %s", events, order.manifest)
    return manifest


@cache
def _store(url: str) -> Store:
    """Return the store of a URL, whose connections all parts share."""
    return Store(url)


def _of_ndvi(usual: dict[Group, Usual]) -> dict[Group, Usual]:
    """Return what events are about."""
    return {group: of_group for group, of_group in usual.items() if group[1] == "ndvi"}


def _parse(uri: str, data: bytes) -> SeasonOrder:
    remedy = "Clear the task plan to have it written anew."
    try:
        order = SeasonOrder.model_validate_json(data)
    except ValidationError as error:
        named = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()[:5])
        raise BadInput(f"{uri} is no order for seasons: {named}. {remedy}") from error
    if order.policy.version != SEASON_VERSION:
        raise BadInput(
            f"{uri} is planned for version {order.policy.version} of the computation, but this program has "
            f"{SEASON_VERSION}: run the image of the planner's release. {remedy}"
        )
    return order


def _all_parts(order: SeasonOrder) -> list[SeasonPart]:
    """Return the parts in whose seasons events are looked for."""
    return sorted({*(part.part for part in order.parts if part.seasons), *order.others})


def _years_of_parts(order: SeasonOrder) -> Iterator[_Years]:
    compute = {one.part: one for one in order.parts if one.seasons}
    for part, years in groupby(sorted(_all_parts(order), key=lambda one: (one.part, one.year)), lambda one: one.part):
        known = list(years)
        yield _Years(
            order, part, tuple(compute[one] for one in known if one in compute), tuple(set(known) - compute.keys())
        )


def _make_part(task: _Years) -> list[tuple[int, Block]]:
    """Write the files of a part's years, and return the values of all of its years for counting."""
    order, results = task.order, _store(task.order.results)
    blocks: list[tuple[int, Block]] = []
    for planned in task.compute:
        url, key = split_uri(planned.uri)
        data = read_season_order(_store(url).read(key), order.policy.indices)
        series, figures = make_seasons(data, order)
        series_key, summaries_key = keys_of(planned.part)
        results.write(series_key, write_series(series), PARQUET)
        earlier = list(_earlier(order, planned.part))
        results.write(summaries_key, write_summaries(series, figures, earlier, order), PARQUET)
        blocks += ((planned.part.year, block) for block in blocks_of(series))
    for part in task.others:
        blocks += ((part.year, block) for block in blocks_of(_read(order, part)))
    return blocks


def _earlier(order: SeasonOrder, part: SeasonPart) -> Iterator[SeasonSeries]:
    """Yield the seasons of the same fields that were planted in earlier years, as far as there are any."""
    empty = {one.part for one in order.parts if not one.seasons}
    for year in order.earlier_years:
        before = SeasonPart(year, part.part)
        if year < part.year and before not in empty:
            try:
                yield _read(order, before)
            except NotFound:  # the part has no season of that year
                continue


def _read(order: SeasonOrder, part: SeasonPart) -> SeasonSeries:
    """Read the files of a part: those that the order makes, or else those that there are."""
    store = _store(order.results if any(one.part == part for one in order.parts) else order.seasons)
    series, summaries = keys_of(part)
    return read_part(store.read(series), store.read(summaries))


def _find_events(task: _Events) -> int:
    """Write the events of a part, and return how many there are."""
    series = _read(task.order, task.part)
    events = find(series, task.usual, task.order)
    _store(task.order.results).write(task.part.key(FOUND_PREFIX), write_found(events, series), PARQUET)
    return len(events.season)


def _manifest(order: SeasonOrder, data: bytes, usual: Mapping[int, UsualOf]) -> SeasonManifest:
    there = [key for part in order.parts if part.seasons for key in keys_of(part.part)]
    gone = [key for part in order.parts if not part.seasons for key in keys_of(part.part)]
    peers = [peers_key(year) for year, of_year in usual.items() if of_year]
    return SeasonManifest(
        order_sha256=sha256(data).hexdigest(),
        files=(*there, *peers),
        empty=(*gone, *sorted(set(map(peers_key, usual)) - set(peers))),
        found=tuple(_all_parts(order)),
    )


@contextmanager
def _workers(seasons: int) -> "Iterator[Callable[[Callable[[Task], Answer], Iterable[Task]], Iterator[Answer]]]":
    """Hand out a function that works on tasks, side by side if they are many, and yields the answers in their order."""
    if seasons < WORTH_PROCESSES or (cpu_count() or 1) < 2:
        yield lambda work, tasks: map(work, tasks)
        return
    context = get_context("spawn")  # a fork would share the threads' locks of the S3 client
    with ProcessPoolExecutor(PROCESSES, context, initializer=_end_with_parent) as pool:
        yield lambda work, tasks: _in_order(pool, work, tasks)


def _in_order(pool: Executor, work: Callable[[Task], Answer], tasks: Iterable[Task]) -> Iterator[Answer]:
    coming = iter(tasks)
    running = [pool.submit(work, task) for task in islice(coming, PROCESSES + 1)]
    while running:
        yield running.pop(0).result()
        running += [pool.submit(work, task) for task in islice(coming, 1)]


def _end_with_parent() -> None:
    """Let a worker end when the command is ended, however that is."""
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            _exit(1)

    Thread(target=wait, name="parent", daemon=True).start()

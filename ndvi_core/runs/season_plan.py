"""Planning seasons: which parts are to be computed anew, and their observations from the ledger."""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial
from itertools import chain
from typing import NamedTuple

from sqlalchemy import Engine

from ndvi_core.models.season_part import SeasonPart
from ndvi_core.registry import fields as registry
from ndvi_core.registry import index_sets, stale_seasons
from ndvi_core.registry.database import snapshot
from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.registry.season_rows import load_season_data
from ndvi_core.runs.folder import PlannedOrder, RunFolder, SeasonPlan
from ndvi_core.season.order import WORTH_PROCESSES, PartOrder, SeasonOrder, SeasonPolicy
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.parquet import PARQUET
from ndvi_core.storage.season_files import SERIES_PREFIX, SUMMARIES_PREFIX, keys_of
from ndvi_core.storage.season_orders import write_season_order
from ndvi_core.support.concurrency import map_bounded
from ndvi_core.support.garbage import relaxed_gc

_PARALLEL_READS = 2
"""Parts that are read from the ledger, and are in memory, at once."""
_MEMORY_OF_TASK = 400_000_000
"""Bytes, of one process with a part; with processes of its own it takes as much again."""
_BYTES_A_DAY = 2
"""More for each day of a season and index, of which peers are counted."""


class _Written(NamedTuple):
    """A part whose order was written."""

    order: PartOrder
    days: int
    """Of all of its seasons."""
    behind: list[int]
    """Its fields that were not caught up when it was read."""


@relaxed_gc()
def plan_seasons(folder: RunFolder, settings: Settings, engine: Engine) -> SeasonPlan:
    """Write the order of the parts whose files do not say what is so; one without seasons if all do.

    Other settings than the last time make all parts such. In the years of such parts, so does a file that is missing;
    files of other years are not looked at.

    Args:
        folder: of the run.
        settings: the rules, and where the files are.
        engine: of the registry.
    """
    with engine.begin() as connection:
        policy = SeasonPolicy(rules=settings.season_rules, indices=index_sets.current_indices(connection))
        stale_seasons.note_new_settings(connection, policy.model_dump_json())
    with snapshot(engine) as connection:  # a field that is caught up later has notes that are not among these
        behind = registry.behind(connection)
        noted = stale_seasons.stale_parts(connection)
        known = stale_seasons.all_parts(connection)
        last_day = last_owed_day(connection, settings.start_date)
    years = sorted({part.year for part in noted})
    stale = sorted({*noted, *_without_file(folder.store, settings, known, years)})
    write = partial(_write_part, folder, engine, policy, last_day)
    written = tuple(map_bounded(write, stale, _PARALLEL_READS))
    order = SeasonOrder(
        policy=policy,
        last_day=last_day,
        parts=tuple(part.order for part in written),
        others=tuple(part for part in known if part.year in years and part not in stale),
        earlier_years=tuple(sorted({part.year for part in known})),
        seasons=folder.store.uri(settings.seasons_prefix.rstrip("/")),
        results=folder.store.uri(folder.seasons_prefix.rstrip("/")),
        manifest=folder.store.uri(folder.manifest_key(0)),
    )
    notes = tuple(sorted(note for of_part in noted.values() for note in of_part))
    plan = SeasonPlan(
        order=_write_order(folder, order, sum(part.days for part in written)),
        parts=tuple(stale),
        notes=notes,
        behind=tuple(sorted({*behind, *chain.from_iterable(part.behind for part in written)})),
    )
    folder.store.write(folder.plan_key, plan.model_dump_json().encode(), "application/json")
    return plan


def _without_file(
    store: Store, settings: Settings, known: Iterable[SeasonPart], years: Iterable[int]
) -> Iterator[SeasonPart]:
    """Yield the parts of some years that have seasons and no file."""
    for year in years:
        folders = (f"{settings.seasons_prefix}{prefix}year={year}/" for prefix in (SERIES_PREFIX, SUMMARIES_PREFIX))
        there = {info.key.removeprefix(settings.seasons_prefix) for folder in folders for info in store.list(folder)}
        yield from (part for part in known if part.year == year and not there.issuperset(keys_of(part)))


def _write_part(folder: RunFolder, engine: Engine, policy: SeasonPolicy, last_day: date, part: SeasonPart) -> _Written:
    """Write a part's seasons with their observations."""
    with snapshot(engine) as connection:
        data = load_season_data(connection, part, policy.indices, last_day)
        behind = registry.behind(connection, part.sequences)  # of all others these rows are complete
    key = part.key(f"{folder.prefix}orders/")
    folder.store.write(key, write_season_order(data), PARQUET)
    order = PartOrder(part=part, uri=folder.store.uri(key), seasons=len(data.seasons))
    return _Written(order, int(data.seasons.days.sum()), behind)


def _write_order(folder: RunFolder, order: SeasonOrder, days: int) -> PlannedOrder:
    seasons = sum(part.seasons for part in order.parts)
    if order.others:
        days += days * len(order.others) // len(order.parts)  # they are counted too
    checksum = folder.store.write(folder.season_order_key, order.model_dump_json().encode(), "application/json")
    return PlannedOrder(
        uri=folder.store.uri(folder.season_order_key),
        manifest=order.manifest,
        label=f"{seasons} seasons in {len(order.parts)} parts",
        sha256=checksum,
        cells=max(seasons, len(order.parts)),
        memory=_MEMORY_OF_TASK * (1 + (seasons >= WORTH_PROCESSES))
        + round(_BYTES_A_DAY * days * len(order.policy.indices)),
    )

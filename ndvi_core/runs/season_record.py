"""Recording seasons: publish what was computed, and keep what has become of events."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, func, select

from ndvi_core.errors import BadInput
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.season_part import SeasonPart
from ndvi_core.registry import events, stale_seasons
from ndvi_core.runs.folder import RunFolder, SeasonPlan
from ndvi_core.runs.season_events import changes
from ndvi_core.season.order import SeasonManifest
from ndvi_core.settings import Settings
from ndvi_core.storage.event_files import read_found, write_events
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.parquet import PARQUET
from ndvi_core.storage.season_files import FOUND_PREFIX
from ndvi_core.support.concurrency import map_bounded
from ndvi_core.support.garbage import relaxed_gc

_AT_ONCE = 16
"""Objects that are copied at the same time."""
_PARTS_AT_ONCE = 2
"""Parts whose events are compared, and are in memory, at once."""


class RecordedSeasons(Frozen):
    """The outcome of a run of seasons."""

    parts: int
    """Parts that were published."""
    counts: dict[str, int]
    """Events whose status has changed, by kind and status."""


@relaxed_gc()
def record_seasons(folder: RunFolder, settings: Settings, engine: Engine) -> RecordedSeasons:
    """Publish the files of a run's parts, keep what has become of their events, and mark the parts as done.

    May be repeated. A run whose parts another one has recorded meanwhile changes nothing.

    Raises:
        NotFound: when the run has no plan, or its task left no manifest.
        BadInput: when what the task left is of another order.
    """
    plan = folder.read_season_plan()
    manifest = _manifest(folder, plan)
    with engine.connect() as connection:
        if not stale_seasons.are_noted(connection, plan.notes):
            return RecordedSeasons(parts=0, counts={})
    _publish(folder, settings, manifest)
    by_fields: dict[int, list[SeasonPart]] = defaultdict(list)
    for part in sorted({*manifest.found, *plan.parts}):
        by_fields[part.part].append(part)
    counts: Counter[str] = Counter()
    keep = partial(_keep_events, folder, settings, engine, plan, manifest)
    for changed in map_bounded(keep, by_fields.values(), _PARTS_AT_ONCE):
        counts += changed
    with engine.begin() as connection:
        stale_seasons.mark_done(connection, plan.notes)
    return RecordedSeasons(parts=len(plan.parts), counts=dict(sorted(counts.items())))


def _keep_events(
    folder: RunFolder,
    settings: Settings,
    engine: Engine,
    plan: SeasonPlan,
    manifest: SeasonManifest,
    parts: Sequence[SeasonPart],
) -> Counter[str]:
    """Keep what has become of the events of some fields, in all years of the run, and write their files."""
    with engine.begin() as connection:
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        known = {part: events.load_rows(connection, part) for part in parts}
        found = _found(connection, folder, [part for part in parts if part in manifest.found])
        behind = set(plan.behind)
        of_parts = [row for rows in known.values() for row in rows if row["sequence"] not in behind]
        changed = list(changes([row for row in found if row["sequence"] not in behind], of_parts, now))
        events.keep_events(connection, changed)
        if changed:
            known = {part: events.load_rows(connection, part) for part in parts}
    for part, rows in known.items():  # all of them: a run that is repeated changes nothing, and may have failed here
        _write_events(folder.store, settings, part, rows)
    return Counter(f"{row['kind']} {row['status']}" for row in changed if row["changed_at"] == now)


def _manifest(folder: RunFolder, plan: SeasonPlan) -> SeasonManifest:
    key = folder.store.key(plan.order.manifest)
    try:
        manifest = SeasonManifest.model_validate_json(folder.store.read(key))
    except ValidationError as error:
        raise BadInput(f"{plan.order.manifest} is no manifest of seasons: clear the task compute") from error
    if manifest.order_sha256 != plan.order.sha256:
        raise BadInput(f"{plan.order.manifest} belongs to an earlier order: clear the task compute")
    return manifest


def _publish(folder: RunFolder, settings: Settings, manifest: SeasonManifest) -> None:
    """Bring the files of the run's folder to their places: no consumer has seen those of a task that failed."""

    def publish(key: str) -> None:
        folder.store.copy(f"{folder.seasons_prefix}{key}", f"{settings.seasons_prefix}{key}")

    for _ in map_bounded(publish, manifest.files, _AT_ONCE):
        pass
    for key in manifest.empty:
        folder.store.delete(f"{settings.seasons_prefix}{key}")


def _found(connection: Connection, folder: RunFolder, parts: Sequence[SeasonPart]) -> list[dict[str, Any]]:
    """Return the events that a run has found in parts, of fields that there are, with fingerprints of their rows."""
    rows: list[dict[str, Any]] = []
    for part in parts:
        rows += read_found(folder.store.read(part.key(f"{folder.seasons_prefix}{FOUND_PREFIX}")), part.year)
    there = events.registered(connection, {row["sequence"] for row in rows})
    found = [row for row in rows if row["sequence"] in there]
    fingerprints = events.fingerprints(
        connection, ((row["sequence"], day) for row in found for day in row["evidence_days"])
    )
    for row in found:
        days = [day for day in row["evidence_days"] if (row["sequence"], day) in fingerprints]
        row["evidence_days"] = days
        row["evidence_fingerprints"] = [fingerprints[row["sequence"], day] for day in days]
    return found


def _write_events(store: Store, settings: Settings, part: SeasonPart, rows: Sequence[dict[str, Any]]) -> None:
    """Write the events of a part as the table has them; a part without any has no file."""
    key = part.key(settings.events_prefix)
    if rows:
        store.write(key, write_events(rows), PARQUET)
    else:
        store.delete(key)

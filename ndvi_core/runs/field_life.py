"""Retiring, renaming and purging fields: the registry, their products and the published days, all to the same end."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from sqlalchemy import Connection, Engine

from ndvi_core.errors import BadInput
from ndvi_core.models.frozen import Frozen
from ndvi_core.registry import field_life
from ndvi_core.registry import fields as registry
from ndvi_core.runs.record import publish_stale_days
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store
from ndvi_core.support.concurrency import map_bounded

_AT_ONCE = 16
"""Objects that are copied or deleted at the same time."""


class Purge(Frozen):
    """What purging a field removes."""

    field_id: str
    rows: int
    """Rows of the ledger."""
    objects: int
    """Objects below the prefix of products."""


def retire(store: Store, settings: Settings, engine: Engine, field_ids: Sequence[str], on: date) -> list[date]:
    """End fields on a day, all or none, and return the days that were published anew.

    Args:
        store: the bucket.
        settings: the prefixes.
        engine: of the registry.
        field_ids: of registered fields.
        on: last day that is processed.

    Raises:
        BadInput: see `field_life.retire`.
    """
    with engine.begin() as connection:
        for field_id in field_ids:
            field_life.retire(connection, field_id, on)
    return publish_stale_days(store, settings, engine)


def rename(store: Store, settings: Settings, engine: Engine, old: str, new: str) -> list[date]:
    """Give a field another id, with its rows and products, and return the days that were published anew.

    No run may be at work on the field: what it wrote afterwards would be of a field that nobody knows. What is drawn
    on pictures stays as it is. The registry has the new id once nothing is left under the old one: after a failure the
    field can be renamed again.

    Args:
        store: the bucket.
        settings: the prefixes.
        engine: of the registry.
        old: of a registered field.
        new: of none.

    Raises:
        BadInput: see `field_life.rename`.
    """
    with engine.connect() as connection:
        field_life.rename(connection, old, new)  # says what is wrong before anything is copied; it is rolled back
        connection.rollback()
    source, target = _products(settings, old), _products(settings, new)
    keys = [info.key for info in store.list(source)]
    _each(partial(_copy, store, old, new, source, target), keys)
    with engine.begin() as connection:
        field_life.rename(connection, old, new)
        _each(store.delete, keys)
    return publish_stale_days(store, settings, engine)


def would_purge(store: Store, settings: Settings, engine: Engine, field_ids: Sequence[str]) -> list[Purge]:
    """Return what `purge` would remove.

    Raises:
        BadInput: a field is not registered.
    """
    with engine.connect() as connection:
        _require_registered(connection, field_ids)
        rows = {field_id: field_life.count_rows(connection, field_id) for field_id in field_ids}
    return [
        Purge(
            field_id=field_id,
            rows=rows[field_id],
            objects=sum(1 for _ in store.list(_products(settings, field_id))),
        )
        for field_id in field_ids
    ]


def purge(store: Store, settings: Settings, engine: Engine, field_ids: Sequence[str]) -> list[date]:
    """Remove fields with their rows and products, and return the days that were published anew.

    The registry forgets a field when its products are gone: after a failure it can be purged again. The days that are
    to be published by then are those of any later run.

    Raises:
        BadInput: a field is not registered; nothing is removed.
    """
    with engine.connect() as connection:
        _require_registered(connection, field_ids)
    for field_id in field_ids:
        _each(store.delete, [info.key for info in store.list(_products(settings, field_id))])
    with engine.begin() as connection:
        for field_id in dict.fromkeys(field_ids):
            field_life.remove(connection, field_id)
    return publish_stale_days(store, settings, engine)


def _require_registered(connection: Connection, field_ids: Sequence[str]) -> None:
    known = {field.field_id for field in registry.load_fields(connection, field_ids)}
    if unknown := [field_id for field_id in field_ids if field_id not in known]:
        raise BadInput(f"no such field in the registry: {', '.join(unknown)}")


def _products(settings: Settings, field_id: str) -> str:
    return f"{settings.products_prefix}{field_id}/"


def _copy(store: Store, old: str, new: str, source: str, target: str, key: str) -> None:
    moved = f"{target}{key.removeprefix(source)}"
    if not key.endswith(".json"):
        store.copy(key, moved)
        return
    data, metadata = store.described(key)
    content = json.loads(data)
    if content.get("field_id") == old:
        content["field_id"] = new
    data = json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"
    store.write(moved, data, "application/json", metadata)


def _each(do: Callable[[str], object], keys: Sequence[str]) -> None:
    for _ in map_bounded(do, keys, _AT_ONCE):
        pass

"""Checking a file of fields as registry and extent are now, and handing it in."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from shapely.geometry import mapping
from sqlalchemy import Connection

from ndvi_core.intake.features import parse_fields
from ndvi_core.intake.keys import pending_key
from ndvi_core.intake.properties import CONFIRM
from ndvi_core.intake.review import Reviewed, review
from ndvi_core.intake.surroundings import look_around, stated_extent
from ndvi_core.models.extent import Extent
from ndvi_core.models.field import Field
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

OpenRegistry = Callable[[], AbstractContextManager[Connection]]
"""Connects to the registry, for as long as it is read: never while the bucket is, which may take long."""


def check_file(data: bytes, registry: OpenRegistry, store: Store, settings: Settings) -> Reviewed:
    """Return what the intake would make of a file as registry and extent are now. Any bytes will do.

    Args:
        data: the file's content.
        registry: connects to it.
        store: the bucket.
        settings: what is decided for all files.
    """
    return _reviewed(data, registry, stated_extent(store, settings), settings)


def _reviewed(data: bytes, registry: OpenRegistry, extent: Extent | None, settings: Settings) -> Reviewed:
    parsed = parse_fields(data)
    with registry() as connection:
        around = look_around(connection, extent, settings, parsed.fields)
    return review(parsed, around, settings.confirm_days, settings.min_pixels)


class Submitted(NamedTuple):
    """A file that was checked and, if a field of it is good, put into pending/."""

    reviewed: Reviewed
    key: str | None
    """None if no field could be registered: nothing was written."""


def submit(
    store: Store, settings: Settings, registry: OpenRegistry, name: str, data: bytes, *, confirm: bool = False
) -> Submitted:
    """Check a file by the rules of the intake, and put it into pending/ if a field of it is good.

    Args:
        store: the bucket.
        settings: what is decided for all files.
        registry: connects to it.
        name: of the file, with or without a path.
        data: its content.
        confirm: whether somebody has confirmed what would wait for that.
    """
    extent = stated_extent(store, settings)
    reviewed = _reviewed(data, registry, extent, settings)
    if not (reviewed.ready or reviewed.waiting):
        return Submitted(reviewed, None)
    if confirm and reviewed.waiting:
        data = confirmed(data, [*reviewed.ready, *reviewed.waiting])
        reviewed = _reviewed(data, registry, extent, settings)
    key = pending_key(settings, name, data)
    store.write(key, data, "application/geo+json")
    return Submitted(reviewed, key)


def confirmed(data: bytes, fields: Sequence[Field]) -> bytes:
    """Return a file that says of itself that it is confirmed; of a sequence, one with its fields alone.

    Args:
        data: the file.
        fields: those that it has.
    """
    head, brace, rest = data.partition(b"{")
    marked = head + brace + f'"{CONFIRM}": true, '.encode() + rest
    parsed = parse_fields(marked)
    if len(parsed.fields) == len(fields) and all(origin.is_confirmed for origin in parsed.origins):
        return marked
    return written(fields, confirm=True)


def written(fields: Sequence[Field], *, confirm: bool = False) -> bytes:
    """Return fields as a GeoJSON file of which `parse_fields` makes them again."""
    features = [
        {
            "type": "Feature",
            "properties": {
                "object-type": "field",
                "object-id": field.field_id,
                "plant-type": field.plant_type,
                "plant-date": str(field.plant_date),
                **({"end-date": str(field.end_date)} if field.end_date else {}),
                **({"season": field.season} if field.season else {}),
            },
            "geometry": mapping(field.geometry),
        }
        for field in fields
    ]
    collection = {"type": "FeatureCollection", **({CONFIRM: True} if confirm else {}), "features": features}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()

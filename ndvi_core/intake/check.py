"""Checking a file by the rules of the intake, before it is uploaded and when it is taken in; and handing it in."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from shapely.geometry import mapping
from sqlalchemy import Connection

from ndvi_core.errors import BadInput
from ndvi_core.intake.document import read_file
from ndvi_core.intake.features import Problem, parse_fields
from ndvi_core.intake.keys import pending_key
from ndvi_core.intake.properties import CONFIRM
from ndvi_core.intake.review import Reviewed, Surroundings, review
from ndvi_core.intake.surroundings import look_around
from ndvi_core.models.extent import Extent
from ndvi_core.models.field import Field
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store


def check_file(data: bytes, connection: Connection, store: Store, settings: Settings) -> Reviewed:
    """Return what the intake would make of a file as registry and extent are now. Any bytes will do.

    Args:
        data: the file's content.
        connection: to the registry.
        store: the bucket.
        settings: what is decided for all files.
    """
    parsed = parse_fields(data)
    around = look_around(connection, store, settings, parsed.fields)
    return review(parsed, around, settings.confirm_days, settings.min_pixels)


def check_file_alone(data: bytes, settings: Settings, extent: Extent | None = None) -> Reviewed:
    """Return what the intake would make of a file if its fields were the first ones.

    Args:
        data: the file's content.
        settings: what is decided for all files.
        extent: None: nothing is said about where the fields are.
    """
    today = datetime.now(UTC).date()
    last_owed_day = min(settings.end_date or date.max, today - timedelta(days=1))
    around = Surroundings(today, settings.start_date, last_owed_day, extent)
    return review(parse_fields(data), around, settings.confirm_days, settings.min_pixels)


def too_large(size: int, settings: Settings) -> Problem | None:
    """Return what is wrong with a file of so many bytes, None if it is read."""
    if size <= settings.max_geojson_bytes:
        return None
    message = (
        f"the file has {size} bytes, more than the {settings.max_geojson_bytes} that are read: "
        "split it, or raise NDVI_MAX_GEOJSON_BYTES"
    )
    return Problem(feature=None, id=None, where="", reason="too_large", message=message)


def read_upload(path: Path, settings: Settings) -> bytes | Problem:
    """Return the content of a file on this machine, or why the intake would not get to read it."""
    try:
        return too_large(path.stat().st_size, settings) or read_file(path)
    except OSError as error:
        message = f"cannot read it: {error.strerror}"
    except BadInput as error:
        message = str(error)
    return Problem(feature=None, id=None, where="", reason="unreadable", message=message)


class Submitted(NamedTuple):
    """A file that was checked and, if a field of it is good, put into pending/."""

    reviewed: Reviewed
    key: str | None
    """None if no field could be registered: nothing was written."""


def submit(
    store: Store, settings: Settings, connection: Connection, name: str, data: bytes, *, confirm: bool = False
) -> Submitted:
    """Check a file by the rules of the intake, and put it into pending/ if a field of it is good.

    Args:
        store: the bucket.
        settings: what is decided for all files.
        connection: to the registry.
        name: of the file, with or without a path.
        data: its content.
        confirm: whether somebody has confirmed what would wait for that.
    """
    reviewed = check_file(data, connection, store, settings)
    if not (reviewed.ready or reviewed.waiting):
        return Submitted(reviewed, None)
    if confirm and reviewed.waiting:
        data = confirmed(data, [*reviewed.ready, *reviewed.waiting])
        reviewed = check_file(data, connection, store, settings)
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
            },
            "geometry": mapping(field.geometry),
        }
        for field in fields
    ]
    collection = {"type": "FeatureCollection", **({CONFIRM: True} if confirm else {}), "features": features}
    return json.dumps(collection, ensure_ascii=False).encode()

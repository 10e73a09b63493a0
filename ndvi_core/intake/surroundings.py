"""Looking up what the fields of a file are compared with: registry, extent, recorded days."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from ndvi_core.errors import BadInput
from ndvi_core.intake.changes import Surroundings
from ndvi_core.intake.extent_file import load_extent
from ndvi_core.models.extent import Extent
from ndvi_core.models.field import Field
from ndvi_core.registry import fields as registry
from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.registry.neighbours import load_neighbours
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store


def look_around(
    connection: Connection, extent: Extent | None, settings: Settings, fields: Sequence[Field]
) -> Surroundings:
    """Return what is known of fields and their surroundings as the registry is now.

    Args:
        connection: to the registry.
        extent: None: nothing is said about where the fields are.
        settings: the first daily day.
        fields: of a file.
    """
    known = registry.load_fields(connection, [field.field_id for field in fields])
    return Surroundings(
        now=datetime.now(UTC),
        first_daily_day=settings.start_date,
        last_owed_day=last_owed_day(connection, settings.start_date),
        extent=extent,
        registered={field.field_id: field for field in known},
        boundaries=registry.boundaries_of_seasons(connection, known),
        neighbours=load_neighbours(connection, fields),
    )


def stated_extent(store: Store, settings: Settings) -> Extent | None:
    """Return the extent in the bucket; None if it is missing or cannot be used."""
    try:
        return load_extent(store, settings.extent_key)
    except BadInput:
        return None

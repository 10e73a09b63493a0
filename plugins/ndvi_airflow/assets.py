"""The assets that connect our DAGs. An event says that something changed; the registry and the ledger say what."""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Asset

NDVI_FIELDS = Asset(name="ndvi_fields", uri="ndvi://registry/fields", group="ndvi")
"""Fields were registered or changed."""

NDVI_OBSERVATIONS = Asset(name="ndvi_observations", uri="ndvi://ledger/observations", group="ndvi")
"""Days were published."""

NDVI_DAYS = Asset(name="ndvi_days", uri="ndvi://ledger/days", group="ndvi")
"""A day's file has changed: partitioned, with the day as the key, for DAGs with `PartitionedAssetTimetable`."""

NDVI_EVENTS = Asset(name="ndvi_events", uri="ndvi://registry/events", group="ndvi")
"""Events of fields have opened, closed or were withdrawn."""

_SHOWN = 100


def shown(values: Sequence[object]) -> list[Any]:
    """Return what fits in an event's extra, for people: the first hundred, and how many more there are."""
    more = len(values) - _SHOWN
    return [*map(str, values[:_SHOWN]), *([f"and {more} more"] if more > 0 else [])]

"""`airflow ndvi extent`: the extents that there have been, what a change did, and computing what it opened."""

from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterable

from ndvi_airflow.connections import open_bucket, registry_engine
from ndvi_airflow.defaults import RECOMPUTE
from ndvi_airflow.recompute import trigger
from ndvi_airflow.settings import load_settings
from ndvi_airflow.terminal import console, plain_errors
from ndvi_core.registry.extents import ChangedPart

SHOWN = 20
"""Fields that are listed, at most."""


def extent(options: Namespace) -> None:
    """Print the extents and what their changes left; trigger a run for what the last one opened, if asked to."""
    from ndvi_core.intake.extent_file import load_extent
    from ndvi_core.registry.extents import changed_parts, register_extent, registered_extents

    with plain_errors():
        settings = load_settings()
        with registry_engine().begin() as connection:
            register_extent(connection, load_extent(open_bucket(settings.bucket_url), settings.extent_key))
            for one in registered_extents(connection):
                console.print(f"{one.registered_at:%Y-%m-%d %H:%M} UTC  {one.extent}")
            parts = changed_parts(connection)
        for line in what_changed(parts):
            console.print(line)
        if options.compute:
            if any(part.is_opened for part in parts):
                trigger({"opened": True}, wait=options.wait)
            else:
                console.print("there is nothing to compute")


def what_changed(parts: Iterable[ChangedPart]) -> list[str]:
    """Return lines for people: which fields have rows for another part of them than lies inside now."""
    days: dict[tuple[bool, str], int] = defaultdict(int)
    for part in parts:
        days[part.is_opened, part.field_id] += len(part.days)
    lines = []
    for opened, what in (
        (True, f"more is inside now than was computed (`airflow ndvi extent --compute` lets {RECOMPUTE} do it)"),
        (False, "less is inside now, or nothing; the rows stay as they are"),
    ):
        found = [f"{field_id} ({count} days)" for (is_opened, field_id), count in days.items() if is_opened == opened]
        if found:
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            lines.append(f"{what}: {', '.join(found[:SHOWN])}{more}")
    return lines

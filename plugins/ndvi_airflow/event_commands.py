"""`airflow ndvi events`: what is unusual in the seasons of fields."""

import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from ndvi_airflow.connections import registry_engine
from ndvi_airflow.preconditions import refuse_unknown_fields
from ndvi_airflow.report import events_table
from ndvi_airflow.terminal import console, plain_errors

if TYPE_CHECKING:
    from ndvi_core.models.event import EventStatus


def events(options: Namespace) -> None:
    """Print events, those with the latest evidence first."""
    from ndvi_core.registry.events import load_events
    from ndvi_core.registry.fields import load_fields

    with plain_errors(), registry_engine().connect() as connection:
        if options.fields:
            refuse_unknown_fields(options.fields, {one.field_id for one in load_fields(connection, options.fields)})
        status: EventStatus | None = None if options.all else "open"
        found = load_events(connection, options.fields, status, since=options.since)
    if options.json:
        sys.stdout.write(json.dumps([event.model_dump(mode="json") for event in found], indent=2) + "\n")
    elif found:
        console.print(events_table(found))
    else:
        console.print("nothing is unusual" if status else "there were no events")

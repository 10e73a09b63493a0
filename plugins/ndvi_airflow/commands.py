"""`airflow ndvi migrate` and `status`."""

import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from ndvi_airflow.connections import open_bucket, registry_engine
from ndvi_airflow.preconditions import refuse_unknown_fields
from ndvi_airflow.report import status_table
from ndvi_airflow.settings import load_settings
from ndvi_airflow.terminal import console, plain_errors

if TYPE_CHECKING:
    from ndvi_airflow.settings import AirflowSettings


def migrate(options: Namespace) -> None:  # noqa: ARG001
    """Bring the registry's database to this version, as `airflow db migrate` does with Airflow's own."""
    from ndvi_core.registry.database import upgrade

    with plain_errors():
        upgrade(registry_engine())
    console.print("the registry's database is up to date")


def status(options: Namespace) -> None:
    """Print how far the fields are; end with 1 if anything is missing or failed, unless it is for Prometheus."""
    from ndvi_airflow.extent_commands import what_changed
    from ndvi_core.intake.keys import is_folder_marker
    from ndvi_core.registry.extents import changed_parts
    from ndvi_core.registry.progress import field_statuses

    with plain_errors():
        settings = load_settings()
        if options.prometheus:
            sys.stdout.write(_exposition(settings, options.fields))
            return
        with registry_engine().connect() as connection:
            found = field_statuses(connection, settings.start_date)
            changes = what_changed(changed_parts(connection, options.fields))
        if options.fields:
            refuse_unknown_fields(options.fields, {row.field_id for row in found})
            found = [row for row in found if row.field_id in options.fields]
        found_waiting = open_bucket(settings.bucket_url).list(settings.waiting_prefix)
        waiting = [info.key for info in found_waiting if not is_folder_marker(info)]
    if options.json:
        sys.stdout.write(json.dumps([row.model_dump(mode="json") for row in found], indent=2) + "\n")
    else:
        console.print(status_table(found))
        for line in changes:
            console.print(f"the extent has changed: {line}")
        for key in waiting:
            console.print(f"waits for a confirmation, which is to move it to {settings.pending_prefix}: {key}")
    if not all(row.whole for row in found):
        raise SystemExit(1)


def _exposition(settings: "AirflowSettings", field_ids: list[str] | None) -> str:
    """Return the state of fields, None are all, and of what was uploaded, in Prometheus' text format."""
    from ndvi_airflow.exposition import State, text_of
    from ndvi_core.intake.keys import ERRORS_SUFFIX, is_folder_marker
    from ndvi_core.registry.events import count_open
    from ndvi_core.registry.progress import field_statuses
    from ndvi_core.registry.recorded_days import last_recorded_day

    bucket = open_bucket(settings.bucket_url)
    prefixes = {
        "pending": settings.pending_prefix,
        "waiting": settings.waiting_prefix,
        "rejected": settings.rejected_prefix,
    }
    uploads = {
        name: [info.key for info in bucket.list(prefix) if not is_folder_marker(info)]
        for name, prefix in prefixes.items()
    }
    uploads["rejected"] = [key for key in uploads["rejected"] if not key.endswith(ERRORS_SUFFIX)]
    with registry_engine().connect() as connection:
        state = State(
            fields=field_statuses(connection, settings.start_date, field_ids),
            recorded_until=last_recorded_day(connection),
            uploads={name: len(keys) for name, keys in uploads.items()},
            open_events=count_open(connection, field_ids),
        )
    if field_ids:
        refuse_unknown_fields(field_ids, {row.field_id for row in state.fields})
    return text_of(state)

"""`airflow ndvi migrate` and `status`."""

import json
import sys
from argparse import Namespace

from ndvi_airflow.connections import open_bucket, registry_engine
from ndvi_airflow.preconditions import refuse_unknown_fields
from ndvi_airflow.report import status_table
from ndvi_airflow.settings import load_settings
from ndvi_airflow.terminal import console, plain_errors


def migrate(options: Namespace) -> None:  # noqa: ARG001
    """Bring the registry's database to this version, as `airflow db migrate` does with Airflow's own."""
    from ndvi_core.registry.database import upgrade

    with plain_errors():
        upgrade(registry_engine())
    console.print("the registry's database is up to date")


def status(options: Namespace) -> None:
    """Print how far the fields are; end with 1 if anything is missing or failed."""
    from ndvi_airflow.extent_commands import what_changed
    from ndvi_core.registry.extents import changed_parts
    from ndvi_core.registry.progress import field_statuses

    with plain_errors():
        settings = load_settings()
        with registry_engine().connect() as connection:
            found = field_statuses(connection, settings.start_date)
            changes = what_changed(changed_parts(connection, options.fields))
        if options.fields:
            refuse_unknown_fields(options.fields, {row.field_id for row in found})
            found = [row for row in found if row.field_id in options.fields]
        waiting = [info.key for info in open_bucket(settings.bucket_url).list(settings.waiting_prefix)]
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

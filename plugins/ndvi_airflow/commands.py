"""What the `airflow ndvi` commands do that ask the registry and the bucket; `recompute` is a module of its own."""

import json
import sys
from argparse import Namespace

from ndvi_airflow.connections import open_bucket, registry_engine
from ndvi_airflow.preconditions import refuse_unknown_fields
from ndvi_airflow.report import status_table
from ndvi_airflow.settings import load_settings
from ndvi_airflow.terminal import console, plain_errors
from ndvi_core.errors import BadInput


def migrate(options: Namespace) -> None:  # noqa: ARG001
    """Bring the registry's database to this version, as `airflow db migrate` does with Airflow's own."""
    from ndvi_core.registry.database import upgrade

    with plain_errors():
        upgrade(registry_engine())
    console.print("the registry's database is up to date")


def register(options: Namespace) -> None:
    """Check files by the rules of the intake, and put those that hold a good field into `pending/`."""
    from ndvi_core.intake.pending import submit

    with plain_errors():
        settings = load_settings()
        bucket = open_bucket(settings.bucket_url)
        rejected = []
        for file in options.files:
            if not file.is_file():
                raise BadInput(f"{file} is not a file")
            if file.stat().st_size > settings.max_geojson_bytes:
                raise BadInput(
                    f"{file} is larger than NDVI_MAX_GEOJSON_BYTES ({settings.max_geojson_bytes}): divide it"
                )
            parsed, key = submit(bucket, settings, file.name, file.read_bytes())
            for problem in parsed.problems:
                console.print(f"{file}: {problem.where or 'file'}: {problem.message}", style="yellow", markup=False)
            if key is None:
                rejected.append(str(file))
            else:
                console.print(f"{bucket.uri(key)}: {len(parsed.fields)} fields")
        if rejected:
            raise BadInput(f"no field that could be registered in {', '.join(rejected)}; not uploaded")


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
    if options.json:
        sys.stdout.write(json.dumps([row.model_dump(mode="json") for row in found], indent=2) + "\n")
    else:
        console.print(status_table(found))
        for line in changes:
            console.print(f"the extent has changed: {line}")
    if not all(row.whole for row in found):
        raise SystemExit(1)

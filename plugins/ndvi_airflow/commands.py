"""What the `airflow ndvi` commands do."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from ndvi_airflow.airflow_compat import look_into_own_database
from ndvi_airflow.backfill import follow
from ndvi_airflow.connections import open_bucket, registry_engine
from ndvi_airflow.report import open_console, status_table
from ndvi_airflow.settings import load_settings
from ndvi_core.errors import EXIT_BAD_INPUT, BadInput, NdviError

RECOMPUTE = "ndvi_recompute"

console = open_console()


def migrate(options: Namespace) -> None:  # noqa: ARG001
    """Bring the registry's database to this version, as `airflow db migrate` does with Airflow's own."""
    from ndvi_core.registry.database import upgrade

    with _plain_errors():
        upgrade(registry_engine())
    console.print("the registry's database is up to date")


def register(options: Namespace) -> None:
    """Check files by the rules of the intake, and put those that hold a good field into `pending/`."""
    from ndvi_core.intake.pending import submit

    with _plain_errors():
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
                console.print(f"{file}: {problem.where or 'file'}: {problem.message}", style="yellow")
            if key is None:
                rejected.append(str(file))
            else:
                console.print(f"{bucket.uri(key)}: {len(parsed.fields)} fields")
        if rejected:
            raise BadInput(f"no field that could be registered in {', '.join(rejected)}; not uploaded")


def status(options: Namespace) -> None:
    """Print how far the fields are; end with 1 if anything is missing or failed."""
    from ndvi_core.registry.progress import field_statuses

    with _plain_errors():
        settings = load_settings()
        with registry_engine().connect() as connection:
            found = field_statuses(connection, settings.start_date)
        if options.fields:
            _require(options.fields, {row.field_id for row in found})
            found = [row for row in found if row.field_id in options.fields]
    if options.json:
        sys.stdout.write(json.dumps([row.model_dump(mode="json") for row in found], indent=2) + "\n")
    else:
        console.print(status_table(found))
    if not all(row.whole for row in found):
        raise SystemExit(1)


def recompute(options: Namespace) -> None:
    """Trigger `ndvi_recompute` for these cells alone, whether or not they have an answer."""
    from ndvi_airflow.airflow_compat import get_current_api_client
    from ndvi_core.registry.fields import load_fields

    with _plain_errors():
        if not options.fields:
            raise BadInput("name the fields: -f ID, once for each")
        if options.end_date < options.start_date:
            raise BadInput(f"the end {options.end_date} is before the start {options.start_date}")
        with registry_engine().connect() as connection:
            _require(options.fields, {field.field_id for field in load_fields(connection, options.fields)})
    run = get_current_api_client().trigger_dag(
        dag_id=RECOMPUTE,
        conf={
            "field_ids": options.fields,
            "start": str(options.start_date),
            "end": str(options.end_date),
            "force": True,
        },
    )
    if run is None:
        raise SystemExit(f"{RECOMPUTE} could not be triggered")
    console.print(f"{RECOMPUTE}: {run['dag_run_id']}")
    if options.wait and not follow(RECOMPUTE, [run["dag_run_id"]]):
        raise SystemExit(1)


def _require(wanted: list[str], known: set[str]) -> None:
    if unknown := sorted(set(wanted) - known):
        raise BadInput(f"no such field in the registry: {', '.join(unknown)}. `airflow ndvi status` lists the fields.")


@contextmanager
def _plain_errors() -> Iterator[None]:
    """End with one clear line and the exit code of the error instead of a traceback."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    look_into_own_database()
    try:
        yield
    except AirflowNotFoundException as error:
        console.print(f"{error}: define it, e.g. by `airflow connections add`", style="red")
        raise SystemExit(EXIT_BAD_INPUT) from error
    except NdviError as error:
        console.print(str(error), style="red")
        raise SystemExit(error.exit_code or EXIT_BAD_INPUT) from error

"""`airflow ndvi retire`, `rename`, `purge`: the end of a field, its new name, and its removal."""

from argparse import Namespace
from typing import TYPE_CHECKING

from ndvi_airflow.airflow_database import active_runs
from ndvi_airflow.connections import open_bucket, registry_engine
from ndvi_airflow.defaults import COMPUTING
from ndvi_airflow.settings import load_settings
from ndvi_airflow.terminal import console, plain_errors
from ndvi_core.errors import BadInput

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ndvi_airflow.settings import AirflowSettings
    from ndvi_core.storage.object_store import Store


def retire(options: Namespace) -> None:
    """End the seasons of a day; what is known of later days is kept and not published."""
    from ndvi_core.runs import field_life

    with plain_errors():
        _require_named(options.fields)
        days = field_life.retire(*_farm(), options.fields, options.on)
        console.print(f"{', '.join(options.fields)}: the season ends on {options.on}; {len(days)} days published anew")


def rename(options: Namespace) -> None:
    """Give a field another id, with its rows, files and place in the registry."""
    from ndvi_core.runs import field_life

    with plain_errors():
        _require_no_run()
        days = field_life.rename(*_farm(), options.old, options.new)
        console.print(f"{options.old} is {options.new} now; {len(days)} days published anew")


def purge(options: Namespace) -> None:
    """Say what removing fields would remove, and do it if that is confirmed."""
    from ndvi_core.runs import field_life

    with plain_errors():
        _require_named(options.fields)
        farm = _farm()
        for found in field_life.would_purge(*farm, options.fields):
            console.print(f"{found.field_id}: {found.rows} rows, {found.objects} files")
        if not options.yes:
            console.print("nothing was removed: --yes removes all of it, for good")
            return
        _require_no_run()
        days = field_life.purge(*farm, options.fields)
        console.print(f"removed; {len(days)} days published anew")


def _farm() -> "tuple[Store, AirflowSettings, Engine]":
    """Return the bucket, the settings and the registry."""
    settings = load_settings()
    return open_bucket(settings.bucket_url), settings, registry_engine()


def _require_named(fields: list[str] | None) -> None:
    if not fields:
        raise BadInput("name the fields: -f ID, once for each")


def _require_no_run() -> None:
    """Refuse while a run may be writing rows and files under the names that there are now."""
    if active := active_runs(COMPUTING):
        raise BadInput(
            f"runs are at work that may write under this name: {', '.join(active[:3])}"
            f"{' and more' if len(active) > 3 else ''}. Try again once they have ended"
        )

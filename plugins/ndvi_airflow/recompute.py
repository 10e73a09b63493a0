"""`airflow ndvi recompute`: cells are computed again, whether or not they have an answer."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from ndvi_airflow.connections import registry_engine
from ndvi_airflow.defaults import RECOMPUTE
from ndvi_airflow.follow import follow, require_unpaused, say_if_paused
from ndvi_airflow.preconditions import require_due, require_fields
from ndvi_airflow.settings import load_settings
from ndvi_airflow.terminal import console, plain_errors
from ndvi_core.errors import BadInput


def recompute(options: Namespace) -> None:
    """Trigger `ndvi_recompute` for these cells alone."""
    from ndvi_core.registry.due_days import last_owed_day

    with plain_errors():
        if not options.fields:
            raise BadInput("name the fields: -f ID, once for each")
        start, end = options.start_date, options.end_date
        with registry_engine().connect() as connection:
            fields = require_fields(connection, options.fields)
            require_due(fields, start, end, last_owed_day(connection, load_settings().start_date))
        trigger({"field_ids": options.fields, "start": str(start), "end": str(end), "force": True}, wait=options.wait)


def trigger(conf: Mapping[str, Any], *, wait: bool) -> None:
    """Trigger `ndvi_recompute`, and follow the run to its end if asked to.

    Args:
        conf: params of the run.
        wait: whether to end with the run, and with its outcome.

    Raises:
        BadInput: it is paused, so that nobody could wait for the run; none was created.
        SystemExit: the run failed.
    """
    from ndvi_airflow.airflow_compat import get_current_api_client

    if wait:
        require_unpaused(RECOMPUTE)
    run = get_current_api_client().trigger_dag(dag_id=RECOMPUTE, conf=dict(conf))
    if run is None:
        raise SystemExit(f"{RECOMPUTE} could not be triggered")
    console.print(f"{RECOMPUTE}: {run['dag_run_id']}")
    if not wait:
        say_if_paused(RECOMPUTE)
    elif not follow(RECOMPUTE, [run["dag_run_id"]]):
        raise SystemExit(1)

"""The parts of Airflow that are not its public interface, in one place: what to look at when Airflow is upgraded.

Written for Airflow 3.3. Each name says why it is needed, and what would show that it has changed. They are imported
when they are first asked for, so that DAG files and commands load no web server.
"""

import logging
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.api.client import get_current_api_client as get_current_api_client
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser as BaseUser
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity as DagAccessEntity
    from airflow.api_fastapi.core_api.security import GetUserDep as GetUserDep
    from airflow.api_fastapi.core_api.security import bearer_scheme as bearer_scheme
    from airflow.api_fastapi.core_api.security import get_user as get_user
    from airflow.api_fastapi.core_api.security import requires_access_dag as requires_access_dag
    from airflow.cli.cli_config import ActionCommand
    from airflow.cli.commands.backfill_command import create_backfill as create_backfill
    from airflow.models.backfill import Backfill as Backfill
    from airflow.models.backfill import BackfillDagRun as BackfillDagRun
    from airflow.models.dag import DagModel as DagModel
    from airflow.models.dagrun import DagRun as DagRun
    from airflow.models.serialized_dag import SerializedDagModel as SerializedDagModel
    from airflow.models.taskinstance import TaskInstance as TaskInstance
    from airflow.utils.log.log_reader import TaskLogReader as TaskLogReader
    from airflow.utils.session import create_session as create_session
    from airflow.utils.types import DagRunType as DagRunType

_SECURITY = "airflow.api_fastapi.core_api.security"
_MODULES = {
    # The page's routes ask for Airflow's users and rights as Airflow's own routes do. Tests: tests/web/test_web_access.
    "BaseUser": "airflow.api_fastapi.auth.managers.models.base_user",
    "DagAccessEntity": "airflow.api_fastapi.auth.managers.models.resource_details",
    "GetUserDep": _SECURITY,
    "bearer_scheme": _SECURITY,
    "get_user": _SECURITY,
    "requires_access_dag": _SECURITY,
    # `airflow ndvi recompute` triggers a run from the machine's own configuration; `airflowctl` is to replace this.
    "get_current_api_client": "airflow.api.client",
    # `airflow dags backfill` is `airflow backfill create` with more to say about days and runs, which are in Airflow's
    # database alone; the REST API gives the same to signed-in users. Tests: tests/stack/test_commands, test_story.
    "create_backfill": "airflow.cli.commands.backfill_command",
    "Backfill": "airflow.models.backfill",
    "BackfillDagRun": "airflow.models.backfill",
    "DagRun": "airflow.models.dagrun",
    # What a command checks before it creates runs: whether the DAG is paused, its params and its first and last day.
    "DagModel": "airflow.models.dag",
    "SerializedDagModel": "airflow.models.serialized_dag",
    # Why a followed run failed. The reader finds the log where Airflow keeps it, as the web page does: in a folder, in
    # a bucket, or at the worker.
    "TaskInstance": "airflow.models.taskinstance",
    "TaskLogReader": "airflow.utils.log.log_reader",
    "create_session": "airflow.utils.session",
    # What the timetable of `ndvi_daily` is told of a run that it names.
    "DagRunType": "airflow.utils.types",
}

log = logging.getLogger(__name__)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def look_into_own_database() -> None:
    """Let connections that are defined in Airflow's database be found by a command.

    The task SDK looks for connections where its process belongs: at the supervisor of a task, or in the database for
    a server, which it knows by this variable. Commands of a provider are neither (Airflow 3.3).
    """
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"


def can_restrict_views() -> bool:
    """Return whether a plugin's view for the pages of DAGs can be one for some of them (`applies_to`, Airflow 3.4).

    Airflow 3.3 shows it on those of every DAG, and passes on a key that it does not know.
    """
    models = import_module("airflow.api_fastapi.core_api.datamodels.plugins")
    return "applies_to" in models.ExternalViewResponse.model_fields


def add_command_to_dags_group(command: "ActionCommand") -> None:
    """Add a command to Airflow's own group `dags`, for which there is no hook.

    Airflow 3.3 keeps its groups as named tuples in a list of the module `airflow.cli.cli_parser`, and asks providers
    for their commands while it fills it. Where that looks otherwise, all is left as it is, with a warning.
    """
    try:
        commands = sys.modules["airflow.cli.cli_parser"].airflow_commands
        (position,) = (number for number, group in enumerate(commands) if group.name == "dags")
        dags = commands[position]
        if all(other.name != command.name for other in dags.subcommands):
            commands[position] = dags._replace(subcommands=(*dags.subcommands, command))
    except (AttributeError, KeyError, TypeError, ValueError):
        log.warning("`airflow dags %s` cannot be restored on this Airflow: use `airflow backfill create`", command.name)

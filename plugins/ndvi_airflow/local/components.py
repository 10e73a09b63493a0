"""Airflow on one machine: its components as processes of their own, configured by the environment alone."""

import json
import os
import secrets
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ndvi_airflow.local.config import ROOT, LocalSettings
from ndvi_airflow.local.processes import HOST, NotHealthy, require_free, script, spawn, tail
from ndvi_airflow.local.services import REGION, S3, Postgres, Running

COMPONENTS = ("api-server", "dag-processor", "scheduler", "triggerer")
"""In the order in which they are started: the API server takes longest."""

PRELOADED = (
    "airflow.executors.local_executor",
    "airflow.providers.amazon.aws.sensors.s3",
    "airflow.providers.postgres.hooks.postgres",
    "airflow.providers.standard.decorators.python",
    "airflow.providers.standard.hooks.subprocess",
    "airflow.sdk.execution_time.task_runner",
    "arro3.core",
    "arro3.io",
    "numpy.typing",
    "obstore.store",
    "psycopg",
    "pydantic_settings",
    "pystac_client",
    "shapely",
    "sqlalchemy.dialects.postgresql.psycopg",
)
"""Imported once, by the process that all task processes are forked from: it halves the time of a short task.

None of our own modules: a change of them counts from the next task on.
"""

PRELOADED_FOR_PODS = ("airflow.providers.cncf.kubernetes.operators.pod",)
"""The same, where compute tasks run in pods: more than all of the others together."""

QUIET = (
    "aiobotocore.credentials=WARNING",
    "airflow.models.backfill=WARNING",
    "airflow.providers.amazon.aws.triggers.s3=WARNING",
    "airflow.providers.amazon.aws.utils.connection_wrapper=WARNING",
    "airflow.serialization.definitions.dag=WARNING",
    "botocore.credentials=WARNING",
)
"""Loggers that tell each time what is always so: where the keys of S3 come from, that a sensor looks again, that a run
which was asked for is made."""

_ARGUMENTS = {
    # Logs are read from the folder that all share; nobody has to serve them, and no further port is taken.
    "scheduler": ("--skip-serve-logs",),
    "triggerer": ("--skip-serve-logs",),
}


def airflow_environment(settings: LocalSettings, postgres: Postgres, s3: S3, *, with_pods: bool) -> dict[str, str]:
    """Return the variables that make `airflow` commands and components those of this stack.

    Args:
        settings: with their ports chosen.
        postgres: has Airflow's database and the registry.
        s3: has the bucket.
        with_pods: whether compute tasks run in pods.
    """
    preloaded = (*PRELOADED, *(PRELOADED_FOR_PODS if with_pods else ()))
    home = settings.home / "airflow"
    keys = _secrets(home / "secrets.json")
    url = f"http://localhost:{settings.airflow_port}"
    options: dict[str, dict[str, Any]] = {
        "core": {
            "dags_folder": ROOT / "dags",
            # Empty, since the plugin comes with the installed package: of a folder with a file of patterns to
            # ignore, each process of a task warns that Airflow's own kind of pattern is deprecated (3.3.2).
            "plugins_folder": home / "plugins",
            "load_examples": False,
            "executor": "LocalExecutor",
            "parallelism": settings.parallelism,
            "fernet_key": keys["fernet"],
            "execution_api_server_url": f"http://{HOST}:{settings.airflow_port}/execution/",
            "simple_auth_manager_all_admins": True,  # one machine's own user; nobody else reaches 127.0.0.1
            "simple_auth_manager_passwords_file": home / "passwords.json",
        },
        # With psycopg 3 the server refuses the types of the query that draws the assets' lineage (Airflow 3.3.2).
        "database": {"sql_alchemy_conn": postgres.url("airflow", "psycopg2")},
        "api": {
            "base_url": url,
            "host": HOST,
            "port": settings.airflow_port,
            "workers": 1,
            "secret_key": keys["api"],
        },
        "api_auth": {"jwt_secret": keys["jwt"]},
        "scheduler": {
            "task_instance_heartbeat_timeout": 60,  # tasks of a killed stack are soon tried again
            "batch_asset_events": True,  # for Airflow 3.4, which else makes a run for each upload; 3.3 does not read it
            "mp_start_method": "forkserver",
            "mp_forkserver_preload": ",".join(preloaded),
        },
        "dag_processor": {
            "refresh_interval": 5,  # a new file shows within seconds
            "parsing_processes": 1,
        },
        "logging": {"base_log_folder": home / "logs", "namespace_levels": " ".join(QUIET)},
    }
    return {
        "AIRFLOW_HOME": str(home),
        **{
            f"AIRFLOW__{section.upper()}__{name.upper()}": str(value)
            for section, values in options.items()
            for name, value in values.items()
        },
        "AIRFLOW_CONN_NDVI_REGISTRY": json.dumps(
            {"conn_type": "postgres", "host": str(postgres.sockets), "login": "postgres", "schema": "ndvi"}
        ),
        "AIRFLOW_CONN_NDVI_S3": json.dumps(
            {
                "conn_type": "aws",
                "login": s3.access_key,
                "password": s3.secret_key,
                "extra": {"endpoint_url": s3.url, "region_name": REGION},
            }
        ),
    }


def process_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a component: ours without another Airflow's or AWS account's, and `variables`."""
    foreign = ("AIRFLOW", "AWS_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**inherited, "NO_PROXY": _with_local(inherited.get("NO_PROXY", "")), **variables}


def migrate(environment: Mapping[str, str], log: Path) -> None:
    """Bring Airflow's own database to the installed version.

    Raises:
        NotHealthy: with the end of the log.
    """
    with log.open("ab") as out:
        done = subprocess.run(
            [script("airflow"), "db", "migrate"], env=dict(environment), stdout=out, stderr=out, check=False
        )
    if done.returncode != 0:
        raise NotHealthy(f"`airflow db migrate` failed. The end of {log}:\n{tail(log)}")


def start_component(name: str, port: int, environment: Mapping[str, str], log: Path) -> Running:
    """Start one of `COMPONENTS`, without waiting for it.

    Args:
        name: one of `COMPONENTS`.
        port: of the API server.
        environment: all of the component's environment.
        log: file that its output is appended to.
    """
    if name == "api-server":
        require_free(port, "Airflow's API server", "NDVI_LOCAL_AIRFLOW_PORT")
    return Running(spawn([script("airflow"), name, *_ARGUMENTS.get(name, ())], log, environment), log)


def _secrets(file: Path) -> dict[str, str]:
    """Return the keys of this stack, made when it is first started and readable by its user only."""
    if not file.exists():
        lengths = {"fernet": 32, "api": 32, "jwt": 64}  # bytes: what AES-128 with HMAC, and HMAC-SHA512, ask for
        keys = {name: urlsafe_b64encode(secrets.token_bytes(length)).decode() for name, length in lengths.items()}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps(keys))
    found: dict[str, str] = json.loads(file.read_text())
    return found


def _with_local(no_proxy: str) -> str:
    return ",".join(filter(None, [no_proxy, "localhost", HOST]))

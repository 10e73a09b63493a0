"""The whole system on one machine: brought up, found again, taken down. All of its state is in one folder."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine

from ndvi_airflow.local.components import (
    COMPONENTS,
    airflow_environment,
    migrate,
    process_environment,
    start_component,
)
from ndvi_airflow.local.config import PORTS_FILE, ROOT, LocalSettings, note_ports, user_variables
from ndvi_airflow.local.processes import POLL_SECONDS, NotHealthy, tail
from ndvi_airflow.local.rest import Rest
from ndvi_airflow.local.seasons import prepare_season, season_variables
from ndvi_airflow.local.services import (
    S3,
    Files,
    Handle,
    Postgres,
    Running,
    Service,
    load,
    save,
    start_files,
    start_postgres,
    start_s3,
    start_stac,
)
from ndvi_core.errors import BadInput
from ndvi_core.registry import database
from ndvi_core.sample.farm import Season

BUCKET = "ndvi"
STARTED_WITH = "started_with.json"
"""Airflow's version and the variables that the components were last started with."""
HEALTHY_WITHIN_SECONDS = 180.0
STOPPED_TOGETHER = (
    ("scheduler", "dag-processor", "triggerer"),
    ("api-server",),  # tasks that are ending still need it
    ("stac", "files", "s3"),
    ("postgres",),
)
"""The order of going down."""
PARTS = tuple(name for group in STOPPED_TOGETHER for name in group)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """A stack that is up."""

    settings: LocalSettings
    postgres: Postgres
    s3: S3
    files: Files
    season: Season
    variables: Mapping[str, str]
    """Environment that makes a command one of this stack: `AIRFLOW_*`, `NDVI_*` and `STAC_*`."""

    @property
    def url(self) -> str:
        """Address of Airflow's web page."""
        return f"http://localhost:{self.settings.airflow_port}"

    @property
    def rest(self) -> Rest:
        """Airflow's REST API."""
        return Rest(self.url)

    def engine(self) -> Engine:
        """Return an engine on the registry."""
        return create_engine(self.postgres.url("ndvi"))

    def publish(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Let the STAC API, on its old port, offer these items instead; the scenes' files are not touched."""
        self.season.items.write_text(json.dumps({"type": "FeatureCollection", "features": list(items)}))
        home = self.settings.home
        _stop(home, "stac")
        _kept(home, "stac", Service, lambda: _stac(self.settings, self.season))


def up(settings: LocalSettings, say: Say, overrides: Mapping[str, str] | None = None) -> Stack:
    """Start what does not run yet, wait until all is healthy and the DAGs are there, and return the stack.

    Args:
        settings: its folder and ports.
        say: called with a line for each step that was done.
        overrides: variables over those that the user has set.

    Raises:
        BadInput: a port is taken, or another command is at work on the same folder.
        NotHealthy: a part did not come up; the message holds the end of its log.
    """
    settings = settings.with_ports()
    with _locked(settings.home), ThreadPoolExecutor(1) as pool:
        stores = _start_stores(settings, say, overrides or {})
        prepared = pool.submit(_prepare_airflow, settings.home, stores.variables, say)  # about as long as the scenes
        stack = _offer_scenes(settings, say, stores)
        with _step(say, "registry"):
            engine = stack.engine()
            database.upgrade(engine)
            engine.dispose()
        prepared.result()
        _start_airflow(stack, say)
    return stack


def up_without_airflow(settings: LocalSettings, say: Say, overrides: Mapping[str, str] | None = None) -> Stack:
    """Start the servers alone, with no database on PostgreSQL, for an Airflow that runs elsewhere; see `up`.

    Who reaches it at `airflow_port` of this machine has a whole stack.
    """
    settings = settings.with_ports()
    with _locked(settings.home):
        return _offer_scenes(settings, say, _start_stores(settings, say, overrides or {}))


def find(settings: LocalSettings) -> Stack:
    """Return the stack of this folder, which is up.

    Raises:
        BadInput: it is not, or not all of it is.
    """
    settings = settings.with_ports()
    home = settings.home
    postgres, s3, files = (_find(home, "postgres", Postgres), _find(home, "s3", S3), _find(home, "files", Files))
    missing = [name for name, part in status(settings).items() if part is None]
    if postgres is None or s3 is None or files is None or missing:
        raise BadInput(f"the stack in {home} is not up (missing: {', '.join(missing)}): run `make up`")
    variables = json.loads((home / STARTED_WITH).read_text())["variables"]
    return Stack(settings, postgres, s3, files, Season(home / "season"), variables)


def status(settings: LocalSettings) -> dict[str, Running | None]:
    """Return each part that there is, or None for one that does not run."""
    return {name: _find(settings.home, name, Running) for name in PARTS}


def down(settings: LocalSettings, say: Say) -> None:
    """Stop all that runs; the data stay."""
    if not settings.home.exists():
        return
    with _locked(settings.home):
        for group in STOPPED_TOGETHER:
            names = [name for name in group if _find(settings.home, name, Running) is not None]
            if names:
                with _step(say, f"{', '.join(names)} stopped"):
                    _stop(settings.home, *names)


def clean(settings: LocalSettings, say: Say) -> None:
    """Stop all that runs and remove the folder.

    Raises:
        BadInput: it is not a stack's folder.
    """
    home = settings.home
    if not home.exists():
        return
    if not (home / PORTS_FILE).exists():
        raise BadInput(f"{home} was not made by `make up`, so it is not removed: check NDVI_LOCAL_HOME")
    down(settings, say)
    shutil.rmtree(home)
    say(f"{home} removed")


@dataclass(frozen=True)
class _Stores:
    """What keeps the data of a stack, and the variables that lead to it."""

    postgres: Postgres
    s3: S3
    variables: Mapping[str, str]


def _start_stores(settings: LocalSettings, say: Say, overrides: Mapping[str, str]) -> _Stores:
    """Start the database and the bucket, if they do not run yet."""
    user = {**user_variables(), **overrides}
    home = settings.home
    if note_ports(settings):
        for group in STOPPED_TOGETHER:
            _stop(home, *group)
    with _step(say, "PostgreSQL"):
        postgres = _kept(home, "postgres", Postgres, lambda: start_postgres(home / "postgres"))
    with _step(say, "S3"):
        s3 = _kept(home, "s3", S3, lambda: _s3(settings))
    variables = {
        **season_variables(settings, user),
        "NDVI_BUCKET_URL": f"s3://{BUCKET}",
        "NDVI_CATCH_UP_TASKS": str(max(settings.parallelism - 1, 1)),
        "NDVI_PARALLEL_TASKS": str(max(min(settings.parallelism - 1, os.cpu_count() or 1), 1)),
        **user,
    }
    with_pods = variables.get("NDVI_EXECUTION") == "kubernetes"
    return _Stores(postgres, s3, {**airflow_environment(settings, postgres, s3, with_pods=with_pods), **variables})


def _offer_scenes(settings: LocalSettings, say: Say, stores: _Stores) -> Stack:
    """Write the scenes if they are not there, start their servers, and return the stack without its Airflow."""
    home = settings.home
    season = Season(home / "season")
    with _step(say, f"scenes: {settings.season}"):
        if prepare_season(season, settings, stores.variables):
            _stop(home, "stac", "files")
        files = _kept(home, "files", Files, lambda: _files(settings, season))
    with _step(say, "STAC API"):
        _kept(home, "stac", Service, lambda: _stac(settings, season))
    return Stack(settings, stores.postgres, stores.s3, files, season, stores.variables)


def _prepare_airflow(home: Path, variables: Mapping[str, str], say: Say) -> None:
    """Stop components that other variables or another version started, and bring Airflow's database to this version."""
    noted = home / STARTED_WITH
    before = json.loads(noted.read_text()) if noted.exists() else {}
    now = {"airflow": version("apache-airflow"), "variables": dict(variables)}
    if before == now:
        return
    _stop(home, *COMPONENTS)
    if before.get("airflow") != now["airflow"]:
        with _step(say, "Airflow's database"):
            migrate(process_environment(variables), _log(home, "migrate"))
    noted.touch(mode=0o600)
    noted.write_text(json.dumps(now))


def _start_airflow(stack: Stack, say: Say) -> None:
    """Start Airflow's components that do not run, and wait for them and the DAGs."""
    home, port = stack.settings.home, stack.settings.airflow_port
    environment = process_environment(stack.variables)
    with _step(say, "Airflow"):
        parts = [
            _kept(home, name, Running, partial(start_component, name, port, environment, _log(home, name)))
            for name in COMPONENTS
        ]
        started = max(part.daemon.created for part in parts)
        _wait(home, lambda: stack.rest.healthy(since=started), "Airflow is not healthy")
    with _step(say, "DAGs"):
        expected = {path.name for path in (ROOT / "dags").glob("*.py")}
        _wait(home, lambda: expected <= stack.rest.parsed_files().keys(), "the DAGs are not all there")
    for error in stack.rest.import_errors():
        say(f"{error['filename']} does not import:\n{error['stack_trace']}")


def _wait(home: Path, ready: Callable[[], bool], problem: str) -> None:
    end = time.monotonic() + HEALTHY_WITHIN_SECONDS
    while not ready():
        for name in COMPONENTS:
            if _find(home, name, Running) is None:
                raise NotHealthy(
                    f"Airflow's {name} has ended. The end of {_log(home, name)}:\n{tail(_log(home, name))}"
                )
        if time.monotonic() > end:
            raise NotHealthy(f"{problem} after {HEALTHY_WITHIN_SECONDS:.0f} s: see the logs in {home / 'logs'}")
        time.sleep(POLL_SECONDS * 5)


def _s3(settings: LocalSettings) -> S3:
    home = settings.home
    return start_s3(home / "s3", [BUCKET], settings.s3_port, _log(home, "s3"), host=settings.host)


def _files(settings: LocalSettings, season: Season) -> Files:
    return start_files(season.scenes, settings.files_port, _log(settings.home, "files"), host=settings.host)


def _stac(settings: LocalSettings, season: Season) -> Service:
    documents = [season.collection, season.items]
    return start_stac(documents, settings.stac_port, _log(settings.home, "stac"), host=settings.host)


def _kept(home: Path, name: str, kind: type[Handle], start: Callable[[], Handle]) -> Handle:
    """Return the part `name` if it runs, else start it and note it down."""
    found = _find(home, name, kind)
    if found is None:
        found = start()
        save(found, _note(home, name))
    return found


def _find(home: Path, name: str, kind: type[Handle]) -> Handle | None:
    return load(kind, _note(home, name))


def _stop(home: Path, *names: str) -> None:
    def stop(name: str) -> None:
        running = _find(home, name, Postgres if name == "postgres" else Running)
        if running is not None:
            running.stop()
        _note(home, name).unlink(missing_ok=True)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(stop, names))


def _note(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.json"


def _log(home: Path, name: str) -> Path:
    return home / "logs" / f"{name}.log"


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Keep other commands off the folder."""
    for folder in (home, home / "run", home / "logs"):
        folder.mkdir(parents=True, exist_ok=True)
    with (home / "run" / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(f"another command is at work on {home}: wait until it is done") from error
        yield


@contextmanager
def _step(say: Say, what: str) -> Iterator[None]:
    """Tell of a step and the time that it took."""
    began = time.monotonic()
    yield
    say(f"{what} ({time.monotonic() - began:.1f} s)")

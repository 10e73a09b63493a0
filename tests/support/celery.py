"""What production has beside a laptop stack: a broker, Celery workers and a second scheduler, each a process."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory

import psutil
import pytest
import redis
from support.laptop import kill_family

from ndvi_airflow.local.components import process_environment
from ndvi_airflow.local.processes import HOST, Daemon, free_port, listening, script, spawn, wait_until
from ndvi_airflow.local.stack import Stack

SERVERS = ("valkey-server", "redis-server")


class Broker:
    """A broker as the official chart starts it: without options, so that it writes its data when it is asked to end."""

    def __init__(self, server: Path, folder: Path) -> None:
        self._server, self._folder, self._port = server, folder, free_port()
        self._daemon = self._started()

    @property
    def variables(self) -> dict[str, str]:
        """What makes an Airflow send its tasks here."""
        return {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://{HOST}:{self._port}/0",
        }

    def waiting(self) -> int:
        """Return how many tasks no worker has taken yet."""
        with redis.Redis(HOST, self._port) as client:
            return int(client.llen("default"))

    def workers(self) -> int:
        """Return how many workers listen to it."""
        with redis.Redis(HOST, self._port) as client:
            return int(client.scard("_kombu.binding.celery.pidbox"))

    def start(self) -> None:
        """Start it again, with the data that it has written."""
        self._daemon = self._started()

    def stop(self) -> None:
        self._daemon.stop()

    def lose_all(self) -> None:
        """Kill it (SIGKILL), and start it with no data."""
        self._daemon.stop(SIGKILL)
        (self._folder / "dump.rdb").unlink(missing_ok=True)
        self.start()

    def _started(self) -> Daemon:
        log = self._folder / "broker.log"
        command = [self._server, "--port", str(self._port), "--bind", HOST, "--dir", self._folder]
        daemon = spawn(command, log)
        wait_until(lambda: listening(self._port), "the broker", daemon, log)
        return daemon


@contextmanager
def a_broker() -> Iterator[Broker]:
    """Yield a running broker; the test is skipped where no server of its kind is installed."""
    server = next(filter(None, map(shutil.which, SERVERS)), None)
    if server is None:
        pytest.skip(f"there is no broker: install one of {', '.join(SERVERS)}, which are also the names of packages")
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        broker = Broker(Path(server), Path(folder))
        yield broker
        broker.stop()


class Processes:
    """Further processes of a stack's Airflow, by name."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._running: dict[str, Daemon] = {}

    def start_worker(self, name: str) -> None:
        """Start a Celery worker that runs one task at a time."""
        options = ("--concurrency", "1", "--celery-hostname", f"{name}@%h", "--skip-serve-logs")
        self._start(name, "celery", "worker", *options)

    def start_scheduler(self, name: str) -> None:
        self._start(name, "scheduler", "--skip-serve-logs")

    def kill_the_one_of(self, process: psutil.Process) -> str:
        """Kill (SIGKILL) the one that has started this process, and all that it has; return its name."""
        above = {parent.pid for parent in process.parents()}
        (name,) = (name for name, daemon in self._running.items() if daemon.pid in above)
        kill_family(self._running.pop(name))
        return name

    def kill(self) -> None:
        """Kill (SIGKILL) all of them: to end well takes a worker longer, and nothing is left to be lost."""
        while self._running:
            kill_family(self._running.popitem()[1])

    def _start(self, name: str, *words: str) -> None:
        log = self._stack.settings.home / "logs" / f"{name}.log"
        self._running[name] = spawn([script("airflow"), *words], log, process_environment(self._stack.variables))

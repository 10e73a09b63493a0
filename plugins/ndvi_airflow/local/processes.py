"""Processes that outlive the command that starts them: started, waited for, found again and stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from ndvi_core.errors import BadInput, NdviError, NotFound

HOST = "127.0.0.1"
LOG_TAIL_LINES = 15
POLL_SECONDS = 0.1
CHILDREN_GRACE_SECONDS = 2.0
CLOCK_DRIFT_SECONDS = 60.0
"""The kernel counts from its start, whose time of day moves as the clock is set; no number is used again so soon."""

_children: list[subprocess.Popen[bytes]] = []
"""Those that we started and that run: kept, so that Python does not warn of a child that is meant to go on."""


class NotHealthy(NdviError):
    """A service did not come up; the message holds the end of its log."""


@dataclass(frozen=True)
class Daemon:
    """A process in a session of its own; the time of its start distinguishes it from a later one of the same number."""

    pid: int
    created: float
    """Start of the process, seconds since the epoch, as the kernel says."""

    @classmethod
    def of(cls, pid: int) -> "Daemon":
        """Return the running process `pid`.

        Raises:
            NotFound: there is none.
        """
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess as error:
            raise NotFound(f"there is no process {pid}") from error

    def running(self) -> bool:
        """Return whether the process still runs."""
        return self._process() is not None

    def stop(self, how: signal.Signals = signal.SIGTERM, grace: float = 20.0) -> None:
        """Ask the process to end, wait up to `grace` seconds, then kill it and any children that it left."""
        process = self._process()
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [process, *process.children(recursive=True)]
            process.send_signal(how)
            _wait_for_end([process], grace)
            left = _wait_for_end(family, CHILDREN_GRACE_SECONDS)
            for one in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            _wait_for_end(left, CHILDREN_GRACE_SECONDS)
        _children[:] = [child for child in _children if child.poll() is None]

    def _process(self) -> psutil.Process | None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) < CLOCK_DRIFT_SECONDS and _alive(process):
                return process
        return None


def _alive(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended, all its threads, and that nobody has reaped (a zombie) does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        ended = process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
        return bool(process.is_running() and not ended)
    return False


def _wait_for_end(processes: list[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Return the processes that still run after at most `timeout` seconds."""
    end = time.monotonic() + timeout
    while (left := [one for one in processes if _alive(one)]) and time.monotonic() < end:
        time.sleep(POLL_SECONDS / 5)
    return left


def spawn(command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> Daemon:
    """Start `command` in a new session, both its outputs appended to `log`, so that no closing terminal ends it.

    Args:
        command: the program and its arguments.
        log: file; its folder is made.
        environment: all of the new process's environment; None hands on ours.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )
    _children.append(child)
    return Daemon.of(child.pid)


def wait_until(ready: Callable[[], bool], what: str, daemon: Daemon, log: Path, timeout: float = 60.0) -> None:
    """Wait until `ready()` is true. If that is not to be, or the user interrupts, `daemon` is stopped.

    Raises:
        NotHealthy: `daemon` ended first, or `timeout` seconds went by.
    """
    end = time.monotonic() + timeout
    try:
        while not ready():
            if not daemon.running():
                raise NotHealthy(f"{what} ended as soon as it was started. The end of {log}:\n{tail(log)}")
            if time.monotonic() > end:
                raise NotHealthy(f"{what} did not answer within {timeout:.0f} s. The end of {log}:\n{tail(log)}")
            time.sleep(POLL_SECONDS)
    except BaseException:
        daemon.stop()
        raise


def tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """Return the last lines of a log file, or a note that there is none."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) or "(empty)"


def free_port(host: str = HOST) -> int:
    """Return a TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def require_free(port: int, what: str, setting: str, host: str = HOST) -> None:
    """Raise `BadInput` if somebody listens on `port`, naming the setting that moves `what` elsewhere."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(f"port {port} for {what} is taken: stop what listens there, or set {setting}") from error


def listening(port: int, host: str = HOST) -> bool:
    """Whether somebody accepts connections on `port`."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) == 0


def script(name: str) -> Path:
    """Return the executable that a wheel installed beside our Python.

    Raises:
        NotFound: it is not installed.
    """
    path = Path(sysconfig.get_path("scripts")) / (f"{name}.exe" if os.name == "nt" else name)
    if not path.exists():
        raise NotFound(f"{path} is not installed: run `make setup`")
    return path

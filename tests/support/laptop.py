"""A whole laptop stack for a while, on free ports and in a folder of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from ndvi_airflow.local.config import LocalSettings
from ndvi_airflow.local.processes import Daemon
from ndvi_airflow.local.stack import Stack, down, up, up_without_airflow

GONE_WITHIN = 10
"""Seconds until a process that was killed is gone."""


@contextmanager
def a_stack(season: str, **overrides: str) -> Iterator[Stack]:
    """Yield a running stack with these settings of the pipeline; half a minute to start."""
    with _started(up, season, overrides) as stack:
        yield stack


@contextmanager
def a_stack_without_airflow(season: str, **overrides: str) -> Iterator[Stack]:
    """Yield the servers of such a stack, with no database on PostgreSQL and nobody at Airflow's port."""
    with _started(up_without_airflow, season, overrides) as stack:
        yield stack


@contextmanager
def _started(start: Callable[..., Stack], season: str, overrides: dict[str, str]) -> Iterator[Stack]:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        ports = dict.fromkeys(("airflow_port", "s3_port", "files_port", "stac_port"), 0)
        settings = LocalSettings(home=Path(folder) / "stack", season=season, **ports)
        try:
            yield start(settings, print, overrides)
        finally:
            down(settings, print)


def kill_family(daemon: Daemon) -> None:
    """Kill (SIGKILL) a process and all that it has started; itself first, so that it sees none of them end."""
    head = psutil.Process(daemon.pid)
    for process in (head, *head.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # some end with their parent
            process.kill()
    head.wait(GONE_WITHIN)

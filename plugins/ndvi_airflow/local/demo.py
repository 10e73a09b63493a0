"""The main job, done before one's eyes: fields in, NDVI per field per day out, late fields caught up."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine

from ndvi_airflow.defaults import CATCH_UP, DAILY, RECOMPUTE, REGISTRATION, SEASON
from ndvi_airflow.local.rest import FINISHED, Rest
from ndvi_airflow.local.stack import BUCKET, Stack
from ndvi_airflow.report import events_table, status_table
from ndvi_airflow.settings import AirflowSettings
from ndvi_core.errors import NdviError
from ndvi_core.intake.keys import ERRORS_SUFFIX
from ndvi_core.intake.report import ErrorsFile, check_lines
from ndvi_core.registry import fields as registry
from ndvi_core.registry.events import load_events
from ndvi_core.registry.progress import FieldStatus, field_statuses
from ndvi_core.registry.stale_seasons import stale_parts
from ndvi_core.storage.object_store import Store

POLL_SECONDS = 1.0
PATIENCE_SECONDS = 900.0
"""Without any progress."""
LOG_LINES = 25


class DemoFailed(NdviError):
    """A run failed or nothing happened for too long; the message says which and where to look."""


class Farmer:
    """A person with a stack: uploads files and watches what becomes of them."""

    def __init__(self, stack: Stack, console: Console) -> None:
        self.stack = stack
        self.rest: Rest = stack.rest
        self.engine: Engine = stack.engine()
        self._console = console
        self.settings = _settings(stack.variables)
        self._store = Store(self.settings.bucket_url, stack.s3.environment)

    def upload_extent(self, file: Path) -> None:
        """Put the processing extent into the bucket."""
        self._store.write(self.settings.extent_key, file.read_bytes(), "application/geo+json")
        self._console.print(f"[green]✓[/] uploaded {self._store.uri(self.settings.extent_key)}")

    def register(self, *files: Path) -> None:
        """Upload GeoJSON files and wait until Airflow has taken them in."""
        for dag_id in (REGISTRATION, CATCH_UP, RECOMPUTE, SEASON):
            self.rest.unpause(dag_id)
        listed = set(self._lists_of_problems())
        keys = [f"{self.settings.pending_prefix}{file.name}" for file in files]
        for key, file in zip(keys, files, strict=True):
            self._store.write(key, file.read_bytes(), "application/geo+json")
            self._console.print(f"[green]✓[/] uploaded {self._store.uri(key)}")
        with self._waiting(f"{REGISTRATION}: files are taken in", total=len(keys)) as progressed:
            while left := sum(self._store.exists(key) for key in keys):
                progressed(len(keys) - left)
                self._stop_if_failed(REGISTRATION)
            progressed(len(keys))
        for problems in sorted(set(self._lists_of_problems()) - listed):
            listing = ErrorsFile.model_validate_json(self._store.read(problems))
            for line in check_lines(Path(listing.file).name, listing.problems):
                self._console.print(f"[yellow]![/] {escape(line)}")

    def follow_daily(self) -> None:
        """Let `ndvi_daily` make up for all days of the season."""
        self.rest.unpause(DAILY)
        end = self.settings.end_date or date.today()  # noqa: DTZ011  the last day that there can be
        days = (end - self.settings.start_date).days + 1
        with self._waiting(f"{DAILY}: one run a day", total=days) as progressed:
            while (done := sum(run["state"] in FINISHED for run in self.rest.runs(DAILY))) < days:
                progressed(done)
            progressed(days)
        self._stop_if_failed(DAILY)

    def follow_catch_up(self) -> None:
        """Wait until no field is owed any day."""
        owed = len(self._behind())
        with self._waiting(f"{CATCH_UP}: late fields get their own days", total=owed) as progressed:
            while left := len(self._behind()):
                progressed(max(owed - left, 0))
                self._stop_if_failed(CATCH_UP)
            progressed(owed)

    def follow_seasons(self) -> None:
        """Wait until the files and events of seasons say what is so."""
        with self._waiting(f"{SEASON}: daily series and events of seasons", total=1) as progressed:
            while self._stale_parts():
                progressed(0)
                self._stop_if_failed(SEASON)
            progressed(1)

    def show(self) -> None:
        """Print what is known of each field, where the files are, and what was unusual."""
        files = self.stack.settings.home / "s3" / BUCKET
        self._console.print(status_table(self.statuses()))
        places = {
            "numbers, rasters and pictures of each field": files / self.settings.products_prefix,
            "one GeoParquet file a day": files / self.settings.observations_prefix,
            "daily series and events of seasons": files / self.settings.seasons_prefix,
            "Airflow": self.stack.url,
        }
        for what, where in places.items():
            self._console.print(f"{what}: {where}")
        with self.engine.connect() as connection:
            if events := load_events(connection):
                self._console.print(events_table(events))
        self._console.print("[dim]make down stops it, make up starts it again, make clean removes it[/]")

    def statuses(self) -> list[FieldStatus]:
        """Return the status of all fields."""
        with self.engine.connect() as connection:
            return field_statuses(connection, self.settings.start_date)

    def _lists_of_problems(self) -> Iterator[str]:
        """Yield the keys of all files that say what was wrong with an upload."""
        for prefix in (self.settings.processed_prefix, self.settings.rejected_prefix):
            yield from (entry.key for entry in self._store.list(prefix) if entry.key.endswith(ERRORS_SUFFIX))

    def _behind(self) -> Sequence[Any]:
        with self.engine.connect() as connection:
            return registry.load_fields(connection, caught_up=False)

    def _stale_parts(self) -> Collection[Any]:
        with self.engine.connect() as connection:
            return stale_parts(connection)

    def _stop_if_failed(self, dag_id: str) -> None:
        failed = [run for run in self.rest.runs(dag_id) if run["state"] == "failed"]
        if failed:
            raise DemoFailed("\n".join(self._explained(dag_id, run["dag_run_id"]) for run in failed))

    def _explained(self, dag_id: str, run_id: str) -> str:
        tasks = [task for task in self.rest.tasks(dag_id, run_id) if task["state"] == "failed"]
        logs = (f"{task['task_id']}:\n{_last_lines(self.rest.log(dag_id, run_id, task))}" for task in tasks)
        return f"{self.stack.url}/dags/{dag_id}/runs/{run_id} failed\n" + "\n".join(logs)

    @contextmanager
    def _waiting(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar; the function that is handed out moves it, sleeps a little and gives up when nothing moves."""
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(what, total=total)
            moved_at, best = time.monotonic(), -1

            def progressed(done: int) -> None:
                nonlocal moved_at, best
                progress.update(task, completed=done)
                if done > best:
                    moved_at, best = time.monotonic(), done
                if time.monotonic() - moved_at > PATIENCE_SECONDS:
                    raise DemoFailed(f"{what}: nothing moved for {PATIENCE_SECONDS:.0f} s. See {self.stack.url}")
                if done < total:
                    time.sleep(POLL_SECONDS)

            yield progressed


def run_demo(stack: Stack, console: Console) -> None:
    """Do the main job on the season of the stack. Doing it again finds everything done.

    Raises:
        DemoFailed: with the failed tasks' logs.
    """
    farmer = Farmer(stack, console)
    season = stack.season
    farmer.upload_extent(season.extent)
    farmer.register(*_there(season.fields, season.neighbours))
    farmer.follow_daily()
    farmer.register(*_there(season.late_fields, season.next_crops))
    farmer.follow_catch_up()
    farmer.follow_seasons()
    farmer.show()


def _there(*files: Path) -> list[Path]:
    """Return those of the files that the season has."""
    return [file for file in files if file.exists()]


def _settings(variables: Mapping[str, str]) -> AirflowSettings:
    """Return the settings that Airflow's tasks read from these variables."""
    arguments = {}
    for name, info in AirflowSettings.model_fields.items():
        variable = str(info.validation_alias or f"NDVI_{name.upper()}")
        if variable in variables:
            arguments[str(info.validation_alias or name)] = variables[variable]
    return AirflowSettings.model_validate(arguments)


def _last_lines(log: str) -> str:
    return "\n".join(f"    {line}" for line in log.splitlines()[-LOG_LINES:])

"""The main job, done before one's eyes: fields in, NDVI per field per day out, late fields caught up."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import Engine, select

from ndvi_airflow.local.rest import FINISHED, Rest
from ndvi_airflow.local.stack import BUCKET, Stack
from ndvi_core import registry
from ndvi_core.errors import NdviError
from ndvi_core.settings import Settings
from ndvi_core.store import Store
from ndvi_core.tables import field, observation

REGISTRATION, DAILY, CATCH_UP = "field_registration", "ndvi_daily", "ndvi_catch_up"
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 900.0
"""Without any progress."""
LOG_LINES = 25


class DemoFailed(NdviError):
    """A run failed or nothing happened for too long; the message says which and where to look."""


@dataclass(frozen=True)
class FieldSummary:
    """What is known of one field."""

    field_id: str
    plant_type: str
    plant_date: date
    days: int
    computed: int
    cloudy: int
    no_scene: int
    mean: float | None
    """Of the computed days' mean NDVI."""
    last: float | None
    last_day: date | None


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
        self._store.write(self.settings.extent_key, file.read_bytes(), "application/geo+json")
        self._console.print(f"[green]✓[/] uploaded {self._store.uri(self.settings.extent_key)}")

    def register(self, file: Path) -> None:
        """Upload a GeoJSON file and wait until Airflow has taken it in."""
        for dag_id in (REGISTRATION, CATCH_UP):
            self.rest.unpause(dag_id)
        listed = set(self._lists_of_problems())
        key = f"{self.settings.pending_prefix}{file.name}"
        self._store.write(key, file.read_bytes(), "application/geo+json")
        self._console.print(f"[green]✓[/] uploaded {self._store.uri(key)}")
        with self._waiting(f"{REGISTRATION}: the file is taken in", total=1) as progressed:
            while self._store.exists(key):
                progressed(0)
                self._stop_if_failed(REGISTRATION)
            progressed(1)
        for problems in set(self._lists_of_problems()) - listed:
            self._console.print(f"[yellow]![/] not all of it could be used: {self._store.uri(problems)}")

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

    def show(self) -> None:
        """Print what is known of each field, and where the files are."""
        table = Table(title="NDVI per field")
        for heading in ("field", "crop", "planted"):
            table.add_column(heading, no_wrap=True)
        for heading in ("days", "computed", "cloudy", "no scene", "mean NDVI", "last value", "on"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in summaries(self.engine):
            counts = map(str, (row.days, row.computed, row.cloudy, row.no_scene))
            values = ("" if value is None else f"{value:.3f}" for value in (row.mean, row.last))
            table.add_row(row.field_id, row.plant_type, str(row.plant_date), *counts, *values, str(row.last_day or ""))
        files = self.stack.settings.home / "s3" / BUCKET
        self._console.print(table)
        places = {
            "numbers, rasters and pictures of each field": files / self.settings.products_prefix,
            "one GeoParquet file a day": files / self.settings.observations_prefix,
            "Airflow": self.stack.url,
        }
        for what, where in places.items():
            self._console.print(f"{what}: {where}")
        self._console.print("[dim]make down stops it, make up starts it again, make clean removes it[/]")

    def _lists_of_problems(self) -> Iterator[str]:
        """Yield the keys of all files that tell what was wrong with an upload."""
        for prefix in (self.settings.processed_prefix, self.settings.rejected_prefix):
            yield from (entry.key for entry in self._store.list(prefix) if entry.key.endswith(".errors.json"))

    def _behind(self) -> Sequence[Any]:
        with self.engine.connect() as connection:
            return registry.load_fields(connection, caught_up=False)

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
    farmer.register(season.fields)
    farmer.follow_daily()
    farmer.register(season.late_fields)
    farmer.follow_catch_up()
    farmer.show()


def summaries(engine: Engine) -> list[FieldSummary]:
    """Return what the ledger knows of each field, in the order of the registry."""
    query = (
        select(field.c.sequence, field.c.field_id, field.c.plant_type, field.c.plant_date)
        .add_columns(observation.c.date, observation.c.status, observation.c.ndvi_mean)
        .outerjoin(observation, observation.c.sequence == field.c.sequence)
        .order_by(field.c.sequence, observation.c.date)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).mappings().all()
    return [_summary(list(own)) for _, own in groupby(rows, key=itemgetter("sequence"))]


def _settings(variables: Mapping[str, str]) -> Settings:
    """Return the settings that Airflow's tasks read from these variables."""
    arguments = {}
    for name, info in Settings.model_fields.items():
        variable = str(info.validation_alias or f"NDVI_{name.upper()}")
        if variable in variables:
            arguments[str(info.validation_alias or name)] = variables[variable]
    return Settings.model_validate(arguments)


def _summary(rows: Sequence[Any]) -> FieldSummary:
    states = [row["status"] for row in rows]
    values = [(row["date"], row["ndvi_mean"]) for row in rows if row["status"] == "computed"]
    return FieldSummary(
        field_id=rows[0]["field_id"],
        plant_type=rows[0]["plant_type"],
        plant_date=rows[0]["plant_date"],
        days=sum(state is not None for state in states),
        computed=len(values),
        cloudy=states.count("cloudy"),
        no_scene=states.count("no_scene"),
        mean=sum(value for _, value in values) / len(values) if values else None,
        last=values[-1][1] if values else None,
        last_day=values[-1][0] if values else None,
    )


def _last_lines(log: str) -> str:
    return "\n".join(f"    {line}" for line in log.splitlines()[-LOG_LINES:])

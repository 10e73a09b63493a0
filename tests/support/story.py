"""A week on a farm: its stack, its fields and scenes, and what the library alone publishes for it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from sqlalchemy import Engine, create_engine, select
from support.farm import Farm
from support.features import collection, feature, polygon
from support.laptop import a_stack, kill_family
from support.person import CATCH_UP, RECOMPUTE, REGISTRATION, Person

from ndvi_airflow.local import stack as local
from ndvi_airflow.local.services import Service, load
from ndvi_airflow.local.stack import Stack
from ndvi_core.registry import database
from ndvi_core.registry import fields as registry
from ndvi_core.registry.tables import field, observation
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store
from ndvi_core.support.days import days_between

START, END = date(2025, 4, 16), date(2025, 4, 22)
DAYS = days_between(START, END)
PLANTED = {
    "field_1": START,
    "field_2": START,
    "field_4": START + timedelta(2),
    "field_3": START,
    "field_5": START + timedelta(2),
}
"""Plant dates, in the order of arrival: the last two come late."""
PASSES = (date(2025, 4, 16), date(2025, 4, 19), date(2025, 4, 21))
NOTICED_SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
}
"""That nobody runs a task, or that its scheduler is gone: after seconds, for which production takes minutes."""

Cell = tuple[str, date]
"""Field id and day."""


@dataclass(frozen=True)
class Story:
    """The running stack, the person who uses it, and the registry."""

    stack: Stack
    person: Person
    engine: Engine
    """Engine on the registry."""

    @cached_property
    def features(self) -> dict[str, dict[str, Any]]:
        """The fields' GeoJSON by id."""
        season = self.stack.season
        documents = [json.loads(file.read_text()) for file in (season.fields, season.late_fields)]
        found = {one["properties"]["object-id"]: one for document in documents for one in document["features"]}
        for name, one in found.items():
            one["properties"]["plant-date"] = str(PLANTED[name])
        return found

    @cached_property
    def items(self) -> list[dict[str, Any]]:
        """All of the season's STAC items, as they were first."""
        return json.loads(self.stack.season.items.read_text())["features"]

    def file_of(self, *field_ids: str) -> bytes:
        return collection(*(self.features[name] for name in field_ids))

    def asset(self, day: date, tile: str, name: str) -> Path:
        """The file of a scene's asset."""
        (item,) = (item for item in self.items if day_of(item) == day and tile in item["id"])
        return self.stack.season.scenes / item["id"] / f"{name}.tif"

    def recorded_at(self) -> dict[Cell, datetime]:
        """Return when each cell of the ledger was written."""
        query = select(field.c.field_id, observation.c.date, observation.c.recorded_at).join_from(field, observation)
        with self.engine.connect() as connection:
            return {(row.field_id, row.date): row.recorded_at for row in connection.execute(query)}

    def registered(self, caught_up: bool | None = None) -> list[str]:
        """Return the ids of the fields in the order of the registry, see `load_fields`."""
        with self.engine.connect() as connection:
            return [found.field_id for found in registry.load_fields(connection, caught_up=caught_up)]

    def a_strip(self, number: int) -> dict[str, Any]:
        """Return the GeoJSON of a field that is planted on the last day, a hectare beside field_1."""
        west, south = (
            min(values) for values in zip(*self.features["field_1"]["geometry"]["coordinates"][0], strict=True)
        )
        west += number * 0.0012
        east, north = west + 0.001, south + 0.0015
        shape = polygon((west, south), (east, south), (east, north), (west, north))
        return feature(shape, object_id=f"strip_{number}", plant_date=str(END))

    def kill(self, component: str) -> None:
        """Kill (SIGKILL) a component of Airflow and all processes that it has started."""
        running = local.status(self.stack.settings)[component]
        assert running is not None
        kill_family(running.daemon)

    def register_all(self) -> None:
        """Upload the extent and all fields, and wait until they are registered; every DAG but the daily one runs."""
        person = self.person
        person.upload("staticdata/config/bbox.geojson", self.stack.season.extent.read_bytes())
        person.upload("staticdata/fields/pending/fields.geojson", self.file_of(*PLANTED))
        for dag_id in (REGISTRATION, CATCH_UP, RECOMPUTE):
            person.unpause(dag_id)
        person.until(lambda: set(self.registered()) == set(PLANTED), "the fields are registered")

    def compute_all_again(self, days: Sequence[date]) -> str:
        """Start a run that computes each cell of these days again, and return its id."""
        return self.person.trigger(RECOMPUTE, {"start": str(days[0]), "end": str(days[-1]), "force": True})

    def at_a_computation(self, act: Callable[[psutil.Process], Any]) -> str:
        """Do this to the first computation of this stack that is seen, and return the URI of its order."""

        def is_ours(process: psutil.Process) -> bool:
            return process.environ().get("AWS_ENDPOINT_URL") == self.stack.s3.url

        def done() -> str | None:
            for process in psutil.process_iter():
                try:
                    command = process.cmdline()
                    if "ndvi_core" in command and is_ours(process):
                        act(process)
                        return command[-1]
                except psutil.Error:
                    continue
            return None

        return str(self.person.until(done, "a computation", poll=0.05))

    def without_airflow(self, folder: Path, days: Sequence[date] = DAYS) -> dict[str, bytes]:
        """Return what the library alone publishes for the farm as it is now: same fields, same scenes."""
        engine = create_engine(self.stack.postgres.url(f"plain_{uuid4().hex}"))
        database.upgrade(engine)
        stac = load(Service, self.stack.settings.home / "run" / "stac.json")
        settings = Settings(STAC_API_URL=stac.url, catalogue="local", bucket_url=f"file://{folder}", start_date=START)
        farm = Farm(self.stack.season, Store(settings.bucket_url), engine, settings, self.stack.files, stac)
        farm.store.write(settings.extent_key, self.stack.season.extent.read_bytes())
        farm.upload(self.file_of(*self.registered()))
        farm.intake()
        for day in days:
            farm.daily(day)
        engine.dispose()
        return farm.objects("observations/") | farm.objects("fields/")


@contextmanager
def a_story(**overrides: str) -> Iterator[Story]:
    """Yield the story of a stack of its own on the sample season, with these settings of the pipeline."""
    with a_stack("sample", **overrides) as stack:
        engine = stack.engine()
        yield Story(stack, Person(stack), engine)
        engine.dispose()


def day_of(item: dict[str, Any]) -> date:
    return date.fromisoformat(item["properties"]["datetime"][:10])


def active_on(day: date, *field_ids: str) -> set[str]:
    """Return which of the fields are planted by then."""
    return {name for name in field_ids if PLANTED[name] <= day}


def changed(before: Mapping[Cell, datetime], after: Mapping[Cell, datetime]) -> set[Cell]:
    """Return the cells that were written between two states of the ledger."""
    return {cell for cell, moment in after.items() if moment != before.get(cell)}

"""A farm without Airflow: the sample season behind real servers, and the steps of a run called one after the other."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from ndvi_airflow.local.services import Files, Service, start_stac
from ndvi_core.compute import run_order
from ndvi_core.intake.pending import IntakeReport, process_pending
from ndvi_core.models.observation import Observation
from ndvi_core.runs.folder import RunFolder, RunPlan
from ndvi_core.runs.prepare import find_scenes, plan_run, search_scope
from ndvi_core.runs.record import Recorded, record_run
from ndvi_core.runs.selection import Selection
from ndvi_core.runs.selectors import select_day, select_owed, select_range
from ndvi_core.sample.farm import Season
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store
from ndvi_core.support.days import days_between

START, END = date(2025, 4, 16), date(2025, 4, 24)
DAYS = days_between(START, END)

Item = dict[str, Any]
"""A STAC item, or a GeoJSON feature of a field."""
Objects = dict[str, bytes]
"""Content of objects by key."""


@dataclass(frozen=True)
class Run:
    """A run: its plan, its computed cells and what was recorded."""

    folder: RunFolder
    plan: RunPlan
    recorded: Recorded
    cells: set[tuple[str, date]]
    """Cells that compute tasks computed."""
    read: set[str]
    """Paths that were requested from the scene server."""


@dataclass
class Farm:
    """Servers, settings and the state of one farm."""

    season: Season
    store: Store
    engine: Engine
    settings: Settings
    files: Files
    stac: Service
    _numbers: Any = field(default_factory=lambda: count(1))

    def upload(self, features: bytes | Path, name: str = "fields.geojson") -> None:
        data = features if isinstance(features, bytes) else features.read_bytes()
        self.store.write(f"{self.settings.pending_prefix}{name}", data)

    def intake(self) -> IntakeReport:
        return process_pending(self.store, self.settings, self.engine)

    def daily(self, day: date, before_record: Callable[[RunFolder], Any] | None = None, **options: Any) -> Run:
        """Run a day; `before_record` is called when its tasks have ended and nothing is recorded yet."""
        look_back = self.settings.look_back_days
        return self._run(lambda connection: select_day(connection, day, look_back, **options), before_record)

    def catch_up(self, before_record: Callable[[RunFolder], Any] | None = None) -> Run:
        return self._run(lambda connection: select_owed(connection, self.settings.start_date), before_record)

    def by_hand(self, before_record: Callable[[RunFolder], Any] | None = None, **options: Any) -> Run:
        return self._run(
            lambda connection: select_range(connection, self.settings.start_date, **options), before_record
        )

    def selected(self, select: Callable[..., Selection]) -> Run:
        return self._run(select)

    def publish(self, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        """Change the catalogue's items and have the STAC API serve them."""
        items = json.loads(self.season.items.read_text())
        items["features"] = change(items["features"])
        self.season.items.write_text(json.dumps(items))
        self.stac.stop()
        port = int(self.stac.url.rpartition(":")[2])
        self.stac = start_stac([self.season.collection, self.season.items], port=port, log=self.stac.log)

    def objects(self, prefix: str) -> dict[str, bytes]:
        return {info.key: self.store.read(info.key) for info in self.store.list(prefix)}

    def _run(self, select: Callable[..., Selection], before_record: Callable[[RunFolder], Any] | None = None) -> Run:
        folder = RunFolder.of(self.store, self.settings, "test", f"run+{next(self._numbers)}")
        self.files.clear()
        with self.engine.begin() as connection:
            find_scenes(folder, self.settings, search_scope(folder, self.settings, select(connection), connection))
        with self.engine.begin() as connection:
            plan = plan_run(folder, self.settings, select(connection), connection)
        manifests = [run_order(order.uri) for order in plan.orders]
        read = {request.path for request in self.files.requests() if request.method == "GET"}
        if before_record:
            before_record(folder)
        return Run(
            folder=folder,
            plan=plan,
            recorded=record_run(folder, self.settings, self.engine),
            cells={(cell.field_id, cell.date) for manifest in manifests for cell in manifest.cells},
            read=read,
        )


def acquisitions(farm: Farm) -> dict[date, list[Item]]:
    """Days with a scene, and the ids of their items, straight from the catalogue's file."""
    days: dict[date, list[Item]] = {}
    for item in json.loads(farm.season.items.read_text())["features"]:
        days.setdefault(date.fromisoformat(item["properties"]["datetime"][:10]), []).append(item)
    return days


def published(farm: Farm) -> Objects:
    """Everything that consumers see."""
    return farm.objects("observations/") | farm.objects("fields/")


def rows_of(farm: Farm, objects: Objects, day: date, names: set[str]) -> list[Observation]:
    rows = published_rows(objects[f"observations/date={day}/observations.parquet"])
    return [row for row in rows if row.field_id in names]


def published_rows(data: bytes) -> list[Observation]:
    """Return the rows of a day's file, read by another program than ours."""
    table = pq.read_table(pa.BufferReader(data))
    return [Observation(**{**row, "date": row.pop("day")}) for row in table.to_pylist()]


def newer(item: Item) -> Item:
    return {**item, "properties": {**item["properties"], "s2:processing_baseline": "09.99"}}

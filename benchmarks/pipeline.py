"""`make bench-pipeline`: many fields through Airflow, from the trigger of a run to its days being published.

Each case has a laptop stack of its own, with full-size scenes: a day by `ndvi_daily`, more days by `ndvi_catch_up`.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
import shapely
from sqlalchemy import func, select, text

from benchmarks.alone import alone
from benchmarks.land import ASSETS, DAY, EPSG, lonlat, make_fields, write_scene
from ndvi_airflow.defaults import CATCH_UP, DAILY
from ndvi_airflow.local import stack as local
from ndvi_airflow.local.config import LocalSettings
from ndvi_airflow.local.rest import Rest
from ndvi_airflow.local.services import Files, Running, start_files, start_stac
from ndvi_airflow.local.stack import Stack
from ndvi_core.models.field import Field
from ndvi_core.registry import fields as registry
from ndvi_core.registry.recorded_days import mark_left_out
from ndvi_core.registry.tables import observation
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

FOLDER = Path(".bench").resolve()
EXTENT = shapely.box(9, 45, 13, 48)
"""Holds the scene, and some ground around it."""
REGISTRATION = "field_registration"
TASKS = ("find_scenes", "plan", "compute", "record")
POLL_SECONDS = 1.0
SETTLED_SECONDS = 10.0
"""Until what Airflow does at its start is done."""


@dataclass(frozen=True)
class Case:
    """What is sent through the pipeline."""

    fields: int
    days: int
    pictures: bool
    goal: float | None = None
    """Seconds."""

    def __str__(self) -> str:
        return f"{self.fields:,} fields x {self.days} d, {'with' if self.pictures else 'without'} pictures"


CASES = (Case(2000, 1, True, 30), Case(2000, 15, True, 90), Case(20_000, 1, False, 60))


@dataclass(frozen=True)
class Phase:
    """The instances of a task: seconds, but `count`."""

    task: str
    count: int
    waited: float
    """From the end of the phase before, or the trigger, to the first start."""
    ran: float
    """From the first start to the last end."""
    each: float
    """What an instance ran on average."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, help="with this, one case instead of the three")
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--no-pictures", action="store_true")
    wanted = parser.parse_args()
    cases = (Case(wanted.fields, wanted.days, not wanted.no_pictures),) if wanted.fields else CASES
    with alone(FOLDER), scenes(max(case.days for case in cases)) as catalogue:
        report = [_measure(case, catalogue) for case in cases]
    (FOLDER / "pipeline.json").write_text(json.dumps(report, indent=1))


@contextmanager
def scenes(days: int) -> Iterator[str]:
    """Serve the scene as that of each day; yield the address of the STAC API."""
    write_scene(FOLDER / "scene")
    with TemporaryDirectory() as folder:
        collection, items = Path(folder) / "collection.json", Path(folder) / "items.json"
        collection.write_text(json.dumps(_collection()))
        files = start_files(FOLDER / "scene", log=Path(folder) / "files.log")
        found = [_item(number, files) for number in range(days)]
        items.write_text(json.dumps({"type": "FeatureCollection", "features": found}))
        stac = start_stac([collection, items])
        try:
            yield stac.url
        finally:
            stac.stop()
            files.stop()


def _collection() -> dict[str, Any]:
    everything = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": "sentinel-2-l2a",
        "description": "SYNTHETIC",
        "license": "Apache-2.0",
        "extent": everything,
        "links": [],
    }


def _item(number: int, files: Files) -> dict[str, Any]:
    day = DAY + timedelta(number)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": f"SYNTHETIC_32TPS_{day:%Y%m%d}",
        "collection": "sentinel-2-l2a",
        "geometry": shapely.geometry.mapping(EXTENT),
        "bbox": list(EXTENT.bounds),
        "properties": {
            "datetime": f"{day}T10:10:00Z",
            "updated": f"{day}T18:00:00Z",
            "platform": "sentinel-2a",
            "grid:code": "MGRS-32TPS",
            "proj:epsg": EPSG,
            "s2:processing_baseline": "03.01",
            "s2:datatake_id": f"GS2A_{day:%Y%m%d}T101000_{number}_N03.01",
        },
        "links": [],
        "assets": {asset: {"href": f"{files.url}/{asset}.tif"} for asset in ASSETS},
    }


def _measure(case: Case, catalogue: str) -> dict[str, Any]:
    settings = {
        "STAC_API_URL": catalogue,
        "NDVI_CATALOGUE": "local",
        "NDVI_PRODUCTS": "all" if case.pictures else "none",
        "NDVI_START_DATE": str(DAY),
        "NDVI_END_DATE": str(DAY + timedelta(case.days - 1)),
    }
    with a_stack(settings) as stack:
        rest = stack.rest
        _fill(stack, case)
        warm(rest)
        load, cpu = os.getloadavg()[0], _cpu(stack)
        dag_id, began = _begin(rest, case)
        phases, took = _phases(_finished(rest, dag_id), began)
        cpu = {name: seconds - cpu[name] for name, seconds in _cpu(stack).items()}
        _require_all(stack, case)
        start_up = _start_up(stack)
    goal = f"; goal {case.goal:.0f} s" if case.goal else ""
    print(f"\n{case}: published after {took:.1f} s{goal} (load before: {load:.1f})\n")
    print("| task | instances | waited, s | ran, s | each, s |\n|---|---|---|---|---|")
    for phase in phases:
        print(f"| {phase.task} | {phase.count} | {phase.waited:.1f} | {phase.ran:.1f} | {phase.each:.1f} |")
    print(f"\nFrom the start of a compute task until its command has read the order: {start_up:.1f} s")
    print("CPU, s: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in cpu.items() if seconds > 0.5))
    return {
        "case": asdict(case),
        "took": took,
        "load": load,
        "phases": [asdict(phase) for phase in phases],
        "start_up": start_up,
        "cpu": cpu,
    }


@contextmanager
def a_stack(variables: Mapping[str, str]) -> Iterator[Stack]:
    """Start a laptop stack with these settings, and stop it afterwards."""
    ports = dict.fromkeys(("airflow_port", "s3_port", "files_port", "stac_port"), 0)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = LocalSettings(home=Path(folder) / "stack", **ports)
        try:
            yield local.up(settings, lambda _: None, variables)
        finally:
            local.down(settings, lambda _: None)


def _fill(stack: Stack, case: Case) -> None:
    """Register the fields; for more than one day, as fields that come late."""
    write_extent(stack)
    fields = [
        Field(field_id=f"field_{number}", geometry=polygon, plant_type="maize", plant_date=DAY)
        for number, polygon in enumerate(lonlat(np.array(make_fields(case.fields))), start=1)
    ]
    engine = stack.engine()
    with engine.begin() as connection:
        registry.upsert_fields(connection, fields, "synthetic")
        if case.days > 1:
            mark_left_out(connection, DAY, DAY + timedelta(case.days - 1))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def write_extent(stack: Stack) -> Store:
    """Let the farm have land where the scenes are; return its bucket."""
    store = Store(stack.variables["NDVI_BUCKET_URL"], stack.s3.environment)
    store.write(Settings().extent_key, json.dumps(shapely.geometry.mapping(EXTENT)).encode())
    return store


def warm(rest: Rest) -> None:
    """Wait until Airflow awaits uploads, as it always does: before that it has not run any task yet."""
    rest.unpause(REGISTRATION)
    while not any(task["state"] == "deferred" for run in rest.runs(REGISTRATION) for task in _tasks(rest, run)):
        time.sleep(POLL_SECONDS)
    time.sleep(SETTLED_SECONDS)


def _tasks(rest: Rest, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    return rest.tasks(run["dag_id"], run["dag_run_id"])


def _begin(rest: Rest, case: Case) -> tuple[str, float]:
    """Start the run; return its DAG and when that was, in seconds since the epoch."""
    dag_id = DAILY if case.days == 1 else CATCH_UP
    began = time.time()
    rest.unpause(dag_id)
    if dag_id == CATCH_UP:
        rest.trigger(dag_id)
    return dag_id, began


def _finished(rest: Rest, dag_id: str) -> list[dict[str, Any]]:
    """Wait until a run has computed and ended, and return its task instances.

    Raises:
        SystemExit: it failed.
    """
    while True:
        for run in rest.runs(dag_id):
            tasks = _tasks(rest, run)
            states = {(task["task_id"], task["state"]) for task in tasks}
            if run["state"] == "failed" or any(state == "up_for_retry" for _, state in states):
                raise SystemExit(f"{dag_id}: a task of {run['dag_run_id']} failed")
            if run["state"] == "success" and ("compute", "success") in states:
                return tasks
        time.sleep(POLL_SECONDS)


def _phases(tasks: Sequence[Mapping[str, Any]], began: float) -> tuple[list[Phase], float]:
    """Return what each task of a run took, and the time from the trigger to the days' being published."""
    phases, before = [], began
    for task_id in TASKS:
        spans = [
            (seconds_of(task["start_date"]), seconds_of(task["end_date"]))
            for task in tasks
            if task["task_id"] == task_id and task["start_date"]
        ]
        first, last = min(start for start, _ in spans), max(end for _, end in spans)
        each = sum(end - start for start, end in spans) / len(spans)
        phases.append(Phase(task_id, len(spans), first - before, last - first, each))
        before = last
    return phases, before - began


def _start_up(stack: Stack) -> float:
    """Return how long compute tasks took on average until their command had read its order, as their logs say."""
    found = []
    for file in stack.settings.home.glob("airflow/logs/dag_id=*/run_id=*/task_id=compute/*/attempt=1.log"):
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        read = next(line for line in lines if " cells of " in line["event"])
        found.append(seconds_of(read["timestamp"]) - seconds_of(lines[0]["timestamp"]))
    return sum(found) / len(found)


def seconds_of(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _cpu(stack: Stack) -> dict[str, float]:
    """Return the CPU seconds of each part so far, those of its processes that have ended included."""
    found = {}
    for name, running in local.status(stack.settings).items():
        if isinstance(running, Running):
            root = psutil.Process(running.daemon.pid)
            found[name] = sum(sum(process.cpu_times()[:4]) for process in (root, *root.children(recursive=True)))
    return found


def _require_all(stack: Stack, case: Case) -> None:
    """Refuse a time in which not all was done."""
    engine = stack.engine()
    with engine.connect() as connection:
        rows = connection.scalar(select(func.count()).where(observation.c.status != "failed"))
    engine.dispose()
    if rows != case.fields * case.days:
        raise SystemExit(f"{rows} of {case.fields * case.days} cells have an answer")


if __name__ == "__main__":
    main()

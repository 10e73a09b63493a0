"""`make bench-plan`: registering many fields over Europe, planning a day for them and recording its results.

Each step is a process of its own over PostgreSQL and a folder, so that its time and its peak of memory are its own.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from rasterio.warp import transform
from sqlalchemy import create_engine, event, text

from benchmarks.alone import alone
from benchmarks.launch import launch
from ndvi_airflow.local.services import start_postgres
from ndvi_core.models.extent import WORLD
from ndvi_core.models.field import Field
from ndvi_core.models.observation import Observation
from ndvi_core.models.scene import Offset, Scene
from ndvi_core.models.work_order import CellResult, Manifest, WorkOrder, Written
from ndvi_core.registry import database, due_days, ledger
from ndvi_core.registry import fields as registry
from ndvi_core.runs.folder import RunFolder, SceneList
from ndvi_core.runs.prepare import plan_run
from ndvi_core.runs.record import record_run
from ndvi_core.runs.selectors import select_day
from ndvi_core.settings import Settings
from ndvi_core.storage.geoparquet import write_observations
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.work_orders import read_order

FOLDER = Path(".bench")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
DAY = date(2025, 6, 14)
EUROPE = (-10.0, 36.0, 32.0, 70.0)
"""West, south, east, north."""
TILE, OVERLAP = 100_000, 9_800
"""Metres from one MGRS tile to the next, and by which a tile of Sentinel-2 is larger."""
SWATH = 290_000
"""Metres."""
REVISIT = 3
"""Number of swaths; one of them is flown each day."""
UPLOAD = 50_000
"""Fields of a file."""


def tiles() -> list[tuple[str, float, shapely.Polygon]]:
    """Return Europe's MGRS tiles: name, easting of the middle as if there were one zone, footprint (WGS84)."""
    west, south, east, north = EUROPE
    found = []
    for zone in range(int((west + 180) // 6) + 1, int((east + 180) // 6) + 2):
        for easting in range(200_000, 800_000, TILE):
            for northing in range(3_900_000, 7_800_000, TILE):
                corners = shapely.box(easting, northing - OVERLAP, easting + TILE + OVERLAP, northing + TILE)
                x, y = transform(f"EPSG:{32600 + zone}", "EPSG:4326", *np.array(corners.exterior.coords).T)
                footprint = shapely.Polygon(zip(x, y, strict=True))
                middle = footprint.centroid
                in_zone = abs(middle.x - (zone * 6 - 183)) <= 3.3
                if in_zone and west <= middle.x <= east and south <= middle.y <= north:
                    band = "CDEFGHJKLMNPQRSTUVWX"[int((middle.y + 80) // 8)]
                    column = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")[(zone - 1) % 3][easting // TILE - 1]
                    row = "ABCDEFGHJKLMNPQRSTUV"[(northing // TILE + (5 if zone % 2 == 0 else 0)) % 20]
                    metres = middle.x * 111_320 * np.cos(np.radians(middle.y))
                    found.append((f"{zone:02d}{band}{column}{row}", metres, footprint))
    return found


def scenes() -> list[Scene]:
    """Return the scenes of the day: those tiles that a swath of the day meets."""
    seen = [(name, footprint) for name, metres, footprint in tiles() if int(metres // SWATH) % REVISIT == 0]
    return [
        Scene(
            id=f"SYNTHETIC_{name}_{DAY:%Y%m%d}_0_L2A",
            collection="sentinel-2-l2a",
            time=datetime(2025, 6, 14, 10, 30, tzinfo=UTC),
            tile=name,
            datatake="GS2A_20250614T103000_052100_N05.11",
            baseline="05.11",
            updated=datetime(2025, 6, 14, 18, tzinfo=UTC),
            footprint=footprint,
            **{band: f"https://example.com/{name}/{band}.tif" for band in ("red", "nir", "scl")},
            offset=Offset(rule="earth-search-c1@1", red=-1000, nir=-1000),
        )
        for name, footprint in seen
    ]


def fields(count: int) -> Iterator[Field]:
    """Yield quadrangles of some hectares, in villages all over Europe."""
    random = np.random.default_rng(7)
    west, south, east, _ = EUROPE
    villages = random.uniform((west, south), (east, 60.0), (max(count // 100, 1), 2))
    for number in range(count):
        x, y = villages[number // 100 % len(villages)] + random.normal(0, 0.03, 2)
        half = random.uniform(0.0008, 0.0016)
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * random.uniform(0.8, 1.2, (4, 2)) * half
        yield Field(
            field_id=f"field-{number:07d}",
            geometry=shapely.Polygon(corners * (1.5, 1.0) + (x, y)),
            plant_type="winter_wheat",
            plant_date=date(2025, 3, 1),
        )


def register(folder: RunFolder, settings: Settings, url: str, count: int) -> None:
    engine = create_engine(url)
    database.upgrade(engine)
    coming = fields(count)
    while upload := list(islice(coming, UPLOAD)):
        with engine.begin() as connection:
            registry.upsert_fields(connection, upload, "s3://ndvi/staticdata/fields/processed/some.geojson")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    folder.store.write(
        settings.extent_key,
        json.dumps(shapely.geometry.mapping(shapely.box(*EUROPE).buffer(1, join_style="mitre"))).encode(),
    )
    found = SceneList(area=shapely.box(*EUROPE).buffer(1), period=(DAY, DAY), scenes=tuple(scenes()))
    for name in RUNS.values():
        run = RunFolder.of(folder.store, settings, "ndvi_daily", name)
        folder.store.write(run.scenes_key, found.model_dump_json().encode())


def plan(folder: RunFolder, settings: Settings, url: str, _: int) -> None:
    with create_engine(url).begin() as connection:
        plan_run(folder, settings, select_day(connection, DAY, settings.look_back_days), connection)


def compute(folder: RunFolder, _: Settings, __: str, ___: int) -> None:
    """Write what tasks would write, with invented numbers."""
    random = np.random.default_rng(8)
    for planned in folder.read_plan().orders:
        data = folder.store.read(folder.store.key(planned.uri))
        order = read_order(data)
        rows = [_invented(order, number, random) for number in range(len(order.cells))]
        results = write_observations(rows)
        checksum = folder.store.write(folder.store.key(order.results), results)
        manifest = Manifest(
            order_sha256=sha256(data).hexdigest(),
            results=Written(uri=order.results, sha256=checksum, size=len(results)),
            cells=tuple(CellResult(field_id=row.field_id, date=row.date, status=row.status) for row in rows),
        )
        folder.store.write(folder.store.key(order.manifest), manifest.model_dump_json().encode())


def _invented(order: WorkOrder, number: int, random: np.random.Generator) -> Observation:
    cell = order.cells[number]
    mean, std, pixels = random.uniform(0.2, 0.9), random.uniform(0.01, 0.1), random.uniform(50, 900)
    names = ("min", "p10", "p25", "median", "p75", "p90", "max")
    spread = {f"ndvi_{name}": mean + std * step for step, name in enumerate(names, start=-3)}
    return Observation(
        field_id=order.fields[cell.field].field_id,
        date=cell.date,
        status="computed",
        scene_ids=(order.scenes[cell.scene_set.scenes[0]].id,),
        baseline="05.11",
        offset_rule="earth-search-c1@1",
        mask_policy=order.policy.mask,
        algorithm_version=order.policy.algorithm_version,
        geometry_hash=order.fields[cell.field].geometry_hash,
        fingerprint=cell.fingerprint,
        ndvi_mean=mean,
        ndvi_std=std,
        **spread,
        pixel_count=pixels,
        ndvi_valid_pixel_count=pixels,
        valid_fraction=1.0,
    )


def record(folder: RunFolder, settings: Settings, url: str, _: int) -> None:
    record_run(folder, settings, create_engine(url))


STEPS: dict[str, Callable[[RunFolder, Settings, str, int], None]] = {
    "register": register,
    "plan": plan,
    "compute": compute,
    "record": record,
    "plan again": plan,
}


RUNS = {name: "again" if name.endswith("again") else "first" for name in STEPS}
"""The run that a step is of: another one finds nothing to do."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, action="append", help="10000, 100000 and 1000000 unless given")
    parser.add_argument("--step", nargs=3, metavar=("STEP", "FOLDER", "DATABASE"), help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.step:
        name, folder, url = wanted.step
        _step(name, folder, url, wanted.fields[0])
        return
    with alone(FOLDER):
        report = [of_registry(count, _measure) for count in wanted.fields or (10_000, 100_000, 1_000_000)]
    (FOLDER / "plan.json").write_text(json.dumps(report, indent=1))
    sys.stdout.write(_markdown(report))


def of_registry(count: int, measure: Callable[[int, Path, str], dict[str, Any]]) -> dict[str, Any]:
    """Measure with a registry of so many fields, in a database and a folder of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = start_postgres(Path(folder) / "data")
        try:
            return measure(count, Path(folder) / "bucket", server.url("registry"))
        finally:
            server.stop()


def _step(name: str, folder: str, url: str, count: int) -> None:
    settings = Settings()
    STEPS[name](RunFolder.of(Store(f"file://{folder}"), settings, "ndvi_daily", RUNS[name]), settings, url, count)


def _measure(count: int, folder: Path, url: str) -> dict[str, Any]:
    steps = {}
    for name in STEPS:
        command = [sys.executable, "-m", "benchmarks.plan", "--fields", str(count), "--step", name, str(folder), url]
        steps[name] = launch(command, folder.with_suffix(".log"), ENVIRONMENT)
        sys.stderr.write(f"{count} fields: {name}: {steps[name]}\n")
    run = folder / "runs/ndvi_daily/first"
    orders = json.loads((run / "plan.json").read_bytes())["orders"]
    sizes = {
        name: sum(file.stat().st_size for file in (run / name).iterdir()) for name in ("orders", "results", "manifests")
    }
    return {
        "fields": count,
        "steps": steps,
        "tasks": len(orders),
        "cells": sum(order["cells"] for order in orders),
        "bytes": sizes,
        "scans": _scans(url),
    }


def _scans(url: str) -> dict[str, str]:
    """Return how PostgreSQL would find the rows of the queries that planning and recording make."""
    engine = create_engine(url)
    asked: list[tuple[str, Any]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    some = list(range(1, 20_001))
    found = {}
    with engine.connect() as connection:
        for name, ask in {
            "ledger rows of 20,000 fields": lambda: ledger.load_entries(connection, some, DAY, DAY, WORLD),
            "the day to publish": lambda: next(ledger.load_day(connection, DAY)),
            "days owed to 100 fields": lambda: due_days.missing_days(connection, some[:100], DAY),
            "fields that are behind": lambda: registry.load_fields(connection, caught_up=False),
            "boundaries of an order": lambda: registry.load_boundaries(
                connection, [(number, 1) for number in some[:5000]]
            ),
            "100 fields by id": lambda: registry.load_fields(connection, [f"field-{n:07d}" for n in range(100)]),
        }.items():
            asked.clear()
            ask()
            statement, parameters = asked[0]
            lines = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars()
            scans = re.findall(r"\w+(?: Only)? Scan (?:using \w+ )?on \w+", "\n".join(lines))
            found[name] = ", ".join(dict.fromkeys(scans))
    engine.dispose()
    return found


def _markdown(report: list[dict[str, Any]]) -> str:
    lines = ["| fields | " + " | ".join(STEPS) + " |", "|---" * (len(STEPS) + 1) + "|"]
    for entry in report:
        cells = [f"{step['wall']:.1f} s, {step['rss']:.0f} MB" for step in entry["steps"].values()]
        lines.append(f"| {entry['fields']:,} | {' | '.join(cells)} |")
    for entry in report:
        each = ", ".join(
            f"{name} {size / entry['cells']:.0f} bytes a computed cell" for name, size in entry["bytes"].items()
        )
        lines += ["", f"{entry['fields']:,} fields: {entry['tasks']} tasks; {each}"]
    lines += [
        "",
        "| query | found by |",
        "|---|---|",
        *(f"| {q} | {scan} |" for q, scan in report[-1]["scans"].items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

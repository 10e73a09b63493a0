"""`make bench`: our command against other libraries, as whole processes in turn, over a server with a latency.

Every process does the same task: NDVI statistics of each field on each date from full-size scenes. The processes of a
round follow each other, so that whatever else the machine does hits all; what counts are the ratios within a run.
"""

import argparse
import json
import math
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from benchmarks.alone import alone
from benchmarks.approaches import APPROACHES
from benchmarks.land import ASSETS, BLOCK, NORTH, WEST, lonlat, make_fields, write_scene
from benchmarks.launch import launch
from ndvi_core.models.geometry import geometry_hash
from ndvi_core.models.scene import Offset, Scene
from ndvi_core.models.work_order import Cell, OrderField, Policy, Products, SceneSet, WorkOrder
from ndvi_core.storage.geoparquet import read_observations
from ndvi_core.storage.work_orders import write_order

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "4000000",
}
"""Environment of all processes, as of compute tasks: compiled modules, as in an image, and few heaps."""
LATENCY = 0.03
"""Seconds to an answer's first byte."""
OURS, WITH_PICTURES = "ndvi compute", "ndvi compute, pictures"
ROUNDS_OF_REQUESTS = 4
"""Requests that wait for each other: headers; SCL blocks; the NIR header, once a field is seen; blocks of the bands."""


@dataclass(frozen=True)
class Task:
    """What every process of a comparison does."""

    name: str
    fields: int
    dates: int
    skipped: tuple[str, ...] = ()
    """Approaches that would take minutes."""


TASKS = (
    Task("5 fields", 5, 1),
    Task("100 fields", 100, 1),
    Task("2,000 fields", 2000, 1),
    Task("20,000 fields", 20_000, 1, ("rio-tiler", "rioxarray")),
    Task("1 field, 60 dates", 1, 60),
)


@dataclass
class Result:
    """What an approach took for a task: medians."""

    approach: str
    wall: float = 0
    """Seconds."""
    cpu: float = 0
    """Seconds, of all its threads, the system's included."""
    rss: float = 0
    """MB at its peak."""
    megabytes: float = 0
    """Sent to it."""
    requests: float = 0
    worst: float | None = None
    """Largest difference of a field's mean NDVI from ours."""
    runs: list[dict[str, float]] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".bench"))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--task", action="append", help="only tasks with names that begin so")
    wanted = parser.parse_args()
    folder = wanted.folder.resolve()
    write_scene(folder / "scene")
    report: dict[str, Any] = {"load": os.getloadavg()[0], "cores": os.cpu_count(), "latency": LATENCY, "tasks": []}
    with alone(folder), _server(folder) as (url, log):
        for task in TASKS:
            if wanted.task is None or any(task.name.startswith(begin) for begin in wanted.task):
                report["tasks"].append(_measure(task, folder, url, log, wanted.repeat))
                text = _markdown(report)
                (folder / "bench.json").write_text(json.dumps(report, indent=1))
                (folder / "bench.md").write_text(text)
    sys.stdout.write(text)


@contextmanager
def _server(folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve the scene, as that of each of many dates; yield the address and the log of answers."""
    served, log = folder / "served", folder / "requests.jsonl"
    served.mkdir(exist_ok=True)
    for day in range(max(task.dates for task in TASKS)):
        if not (link := served / str(day)).exists():
            link.symlink_to(folder / "scene")
    with log.open("w") as out:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "benchmarks.server", served, str(port), str(LATENCY)]
        process = subprocess.Popen(command, stdout=out)
        try:
            time.sleep(1)
            yield f"http://127.0.0.1:{port}", log
        finally:
            process.terminate()


def _measure(task: Task, folder: Path, url: str, log: Path, repeat: int) -> dict[str, Any]:
    write_task(task, folder, url)
    commands = {
        OURS: [sys.executable, "-m", "ndvi_core", "compute", "--order", f"file://{folder}/order.parquet"],
        WITH_PICTURES: [sys.executable, "-m", "ndvi_core", "compute", "--order", f"file://{folder}/pictures.parquet"],
    }
    for name in APPROACHES:
        if name not in task.skipped:
            arguments = [name, folder / "task.json", folder / f"{name}.json"]
            commands[name] = [sys.executable, "-m", "benchmarks.approaches", *map(str, arguments)]
    results = {name: Result(name) for name in commands}
    for number in range(repeat):
        for name, command in commands.items():
            if number == 0 or results[name].runs[0]["wall"] < 60:
                results[name].runs.append(_run(command, folder, log))
                sys.stderr.write(f"{task.name}: {name}: {results[name].runs[-1]}\n")
        shutil.rmtree(folder / "products", ignore_errors=True)
    ours = {
        (row.date.isoformat(), int(row.field_id)): row.ndvi_mean
        for row in read_observations((folder / "results.parquet").read_bytes())
        if row.ndvi_mean is not None
    }
    for name, result in results.items():
        for key in ("wall", "cpu", "rss", "megabytes", "requests"):
            setattr(result, key, statistics.median(run[key] for run in result.runs))
        if name in APPROACHES:
            theirs = {
                (date, index): mean for date, index, mean, *_ in json.loads((folder / f"{name}.json").read_text())
            }
            common = ours.keys() & theirs.keys()
            result.worst = max((abs(ours[key] - theirs[key]) for key in common), default=math.nan)
    return {
        "task": asdict(task),
        "floor": _floor(task, folder / "scene"),
        "results": [asdict(result) for result in results.values()],
    }


def _run(command: list[str], folder: Path, log: Path) -> dict[str, float]:
    """Run a process and return what it took."""
    before = log.stat().st_size
    took = launch(command, folder / "process.log", ENVIRONMENT)
    with log.open() as lines:
        lines.seek(before)
        answers = [json.loads(line) for line in lines]
    return {
        **took,
        "megabytes": sum(answer["bytes"] for answer in answers) / 1e6,
        "requests": len(answers),
    }


def write_task(task: Task, folder: Path, url: str) -> None:
    """Write the task in the words of the peers and, as work orders, in ours."""
    fields = [lonlat(polygon) for polygon in make_fields(task.fields)]
    first = datetime(2025, 6, 14, 10, tzinfo=UTC)
    scenes = [
        Scene(
            id=f"SYNTHETIC_{number}",
            collection="sentinel-2-l2a",
            time=first + timedelta(days=number),
            tile="32TPS",
            datatake=f"{number}",
            baseline="05.11",
            footprint=fields[0].envelope,
            **{asset: f"{url}/{number}/{asset}.tif" for asset in ASSETS},
            offset=Offset(rule="none@1"),
        )
        for number in range(task.dates)
    ]
    dates = {scene.day.isoformat(): {asset: getattr(scene, asset) for asset in ASSETS} for scene in scenes}
    (folder / "task.json").write_text(json.dumps({"dates": dates, "fields": [polygon.wkt for polygon in fields]}))
    for name, products in (("order", None), ("pictures", Products(uri=f"file://{folder}/products"))):
        order = WorkOrder(
            label=task.name,
            results=f"file://{folder}/results.parquet",
            manifest=f"file://{folder}/manifest.json",
            products=products,
            policy=Policy(mask="scl@1"),
            fields=tuple(
                OrderField(field_id=str(number), geometry=polygon, geometry_hash=geometry_hash(polygon))
                for number, polygon in enumerate(fields)
            ),
            scenes=tuple(scenes),
            cells=tuple(
                Cell(index, scene.day, SceneSet((number,)), "0" * 16)
                for number, scene in enumerate(scenes)
                for index in range(task.fields)
            ),
        )
        (folder / f"{name}.parquet").write_bytes(write_order(order))


def _floor(task: Task, scene: Path) -> dict[str, float]:
    """Return the bytes of all blocks that hold a field, and the time to decode them.

    Decoding is GDAL's, from the page cache, on as many threads as there are cores. Less can do only who reads the
    classification first and leaves out the blocks in which every field is hidden.
    """
    needed = []
    for asset in ASSETS:
        pixel = 20 if asset == "scl" else 10
        blocks = set()
        for polygon in make_fields(task.fields):
            left, bottom, right, top = polygon.bounds
            rows, cols = (
                range(int(low / pixel // BLOCK), int(np.nextafter(high, 0) / pixel // BLOCK) + 1)
                for low, high in ((NORTH - top, NORTH - bottom), (left - WEST, right - WEST))
            )
            blocks |= {(row, col) for row in rows for col in cols}
        needed += [(asset, block) for block in sorted(blocks)]

    def decode(asset: str, block: tuple[int, int]) -> int:
        with rasterio.open(scene / f"{asset}.tif") as file:
            row, col = block
            rows, cols = ((n * BLOCK, min(n * BLOCK + BLOCK, file.height)) for n in (row, col))
            file.read(1, window=(rows, cols))
            return int(file.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1))

    size = sum(decode(*block) for block in needed)  # which also brings them into the page cache
    begin = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda block: decode(*block), task.dates * needed))
    return {
        "megabytes": task.dates * size / 1e6,
        "decode": time.perf_counter() - begin,
        "latency": ROUNDS_OF_REQUESTS * LATENCY,
    }


def _markdown(report: dict[str, Any]) -> str:
    """Return a table a task, ours first; in brackets how many times ours it is."""
    lines = [
        f"{report['cores']} cores, load before: {report['load']:.1f}; {1000 * report['latency']:.0f} ms latency.",
        "",
    ]
    for entry in report["tasks"]:
        floor, results = entry["floor"], entry["results"]
        own = results[0]
        lines += [
            f"### {entry['task']['name']}",
            "",
            f"The blocks that hold a field: {floor['megabytes']:.1f} MB, {floor['decode']:.2f} s to decode them on all "
            f"cores; {floor['latency']:.2f} s for requests that wait for each other.",
            "",
            "| | wall, s | CPU, s | memory, MB | read, MB | requests | mean NDVI differs by at most |",
            "|---|---|---|---|---|---|---|",
        ]
        for of in results:
            cells = [
                f"{of[key]:.{digits}f} ({of[key] / own[key]:.1f})" if of is not own else f"**{of[key]:.{digits}f}**"
                for key, digits in (("wall", 2), ("cpu", 2), ("rss", 0), ("megabytes", 1), ("requests", 0))
            ]
            worst = f"{of['worst']:.0e}" if of["worst"] is not None else ""
            lines.append(f"| {of['approach']} | {' | '.join(cells)} | {worst} |")
        cells = entry["task"]["fields"] * entry["task"]["dates"]
        lines += [
            "",
            f"{own['approach']}: {cells / own['wall']:,.0f} fields and dates a second, "
            f"{own['cpu'] / cells * 1e6 / 3600:.2f} core-hours a million.",
            "",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

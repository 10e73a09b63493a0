"""The tables of sizes and costs in docs/deployment.md follow from the code and from the values of production."""

import re
from datetime import date
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.models import a_scene

from ndvi_core.models.work_order import BYTES_PER_PIXEL
from ndvi_core.runs.batches import MAX_CELLS, MAX_PIXELS, pack
from ndvi_core.runs.planner import DueCell, DueField
from ndvi_core.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/deployment.md").read_text()
SETTINGS = Settings()
PIXELS = 1000
"""Of the smallest rectangle around a field of 5 ha that lies aslant: 10 ha."""
DAY = date(2025, 6, 14)
PACKED = 100_000
"""Fields up to which work is divided here as a run does it; of more, memory alone decides."""
REPLICAS = {"statsd": 1, "redis": 1, "dagProcessor": 1, "scheduler": 2, "triggerer": 2, "apiServer": 2, "workers": 2}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def rows() -> list[list[str]]:
    """The cells of each row of the table of sizes."""
    section = DOCUMENT.partition("## Sizing\n")[2].partition("\n## ")[0]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return found[2:]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_is_what_the_code_makes_of_so_many_fields(row: list[str]) -> None:
    fields, tasks, a_task, memory = number(row[0]), number(row[1]), number(row[2]), float(row[3].removesuffix(" GB"))
    if fields <= PACKED:
        scene = a_scene(DAY)
        due = [
            DueCell(DueField(k, 1, f"field_{k}", k * 25 // fields, PIXELS), DAY, (scene,), "0" * 16)
            for k in range(fields)
        ]
        batches = pack(due, SETTINGS)
        assert (len(batches), max(len(batch.cells) for batch in batches)) == (tasks, pytest.approx(a_task, rel=0.05))
    else:
        assert ceil(max(fields / MAX_CELLS, fields * PIXELS / MAX_PIXELS)) == tasks
        assert fields // tasks == a_task
    bytes_ = SETTINGS.memory_mb * 1e6 + a_task * PIXELS * BYTES_PER_PIXEL
    assert memory == pytest.approx(bytes_ / 1e9, abs=0.05)


def test_the_constants_of_the_text_are_the_codes() -> None:
    said = re.search(r"\((\d+) MB, and (\d+) bytes a pixel of each field's rectangle: (\d+) kB for 5 ha\)", DOCUMENT)
    assert said is not None
    assert [int(one) for one in said.groups()] == [
        SETTINGS.memory_mb,
        BYTES_PER_PIXEL,
        BYTES_PER_PIXEL * PIXELS // 1000,
    ]
    assert f"`NDVI_PARALLEL_TASKS` at\n{SETTINGS.parallel_tasks} " in DOCUMENT


def cpu(text: str | None) -> float:
    return float(text.removesuffix("m")) / 1000 if text and text.endswith("m") else float(text or 0)


def test_airflow_takes_as_many_pods_and_cores_as_the_costs_say() -> None:
    common, production = (
        yaml.safe_load((ROOT / f"helm-values/{name}.yaml").read_text()) for name in ("common", "production")
    )
    pods, cores = 0, 0.0
    for name, least in REPLICAS.items():
        values: dict[str, Any] = production[name].get("celery", production[name])
        count = values.get("replicas", values.get("hpa", {}).get("minReplicaCount", 1))
        assert count == least, name
        groomer = common.get(name, {}).get("logGroomerSidecar", {}).get("resources", {}).get("requests", {})
        pods += count
        cores += count * (cpu(values["resources"]["requests"]["cpu"]) + cpu(groomer.get("cpu")))
    said = re.search(r"\| Airflow: (\d+) pods at least \| ([\d.]+) vCPU requested \| (\d+) \|", DOCUMENT)
    assert said is not None
    assert (int(said[1]), float(said[2])) == (pods, pytest.approx(cores))
    assert int(said[3]) == round(cores * 0.04 * 730)

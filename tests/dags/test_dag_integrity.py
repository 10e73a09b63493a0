"""The DAG files parse anywhere: with no Variable, no Connection, no database, and without heavy imports."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Parsed = dict[str, Any]
"""What `PARSE` prints."""
DAG_IDS = {
    "field_registration",
    "ndvi_alerts",
    "ndvi_catch_up",
    "ndvi_daily",
    "ndvi_days",
    "ndvi_recompute",
    "ndvi_season",
}

PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
print(json.dumps({
    "errors": bag.import_errors,
    "modules": sorted(sys.modules),
    "dags": {
        dag.dag_id: {
            "doc_md": dag.doc_md,
            "tags": sorted(dag.tags),
            "max_active_runs": dag.max_active_runs,
            "tasks": [
                {
                    "task_id": task.task_id,
                    "owner": task.owner,
                    "retries": task.retries,
                    "backoff": bool(task.retry_exponential_backoff),
                    "limited": task.execution_timeout is not None or hasattr(task, "poke_interval"),
                    "depends_on_past": task.depends_on_past,
                    "deferrable": getattr(task, "deferrable", None),
                }
                for task in dag.tasks
            ],
        }
        for dag in bag.dags.values()
    },
}), file=open(sys.argv[2], "w"))
"""


def parse(home: Path, **settings: str) -> Parsed:
    """Return what a DAG processor of its own sees with these settings."""
    ours = ("AIRFLOW", "NDVI_", "STAC_", "AWS_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        **settings,
    }
    out = home / "parsed.json"
    subprocess.run([sys.executable, "-c", PARSE, str(ROOT / "dags"), str(out)], env=environment, check=True)
    return json.loads(out.read_text())


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    return parse(tmp_path_factory.mktemp("airflow"))


@pytest.fixture(scope="module")
def with_pods(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    return parse(tmp_path_factory.mktemp("airflow"), NDVI_EXECUTION="kubernetes")


def test_no_import_errors(parsed: Parsed) -> None:
    assert parsed["errors"] == {}
    assert set(parsed["dags"]) == DAG_IDS


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_dag_is_described_and_bounded(parsed: Parsed, dag_id: str) -> None:
    dag = parsed["dags"][dag_id]
    assert dag["doc_md"].strip().startswith("###")
    assert "ndvi" in dag["tags"]
    assert dag["max_active_runs"] <= 4
    for task in dag["tasks"]:
        assert task["owner"] == "ndvi", task
        assert task["retries"] >= 1, task
        assert task["backoff"], task
        assert task["limited"], task


def test_only_recording_waits_for_the_day_before(parsed: Parsed) -> None:
    waiting = [task["task_id"] for task in parsed["dags"]["ndvi_daily"]["tasks"] if task["depends_on_past"]]
    assert waiting == ["record"]


def test_waiting_for_files_holds_no_worker(parsed: Parsed) -> None:
    sensor = next(t for t in parsed["dags"]["field_registration"]["tasks"] if t["task_id"] == "wait_for_file")
    assert sensor["deferrable"] is True


@pytest.mark.parametrize("execution", ["process", "kubernetes"])
def test_parsing_imports_nothing_heavy(parsed: Parsed, with_pods: Parsed, execution: str) -> None:
    found = with_pods if execution == "kubernetes" else parsed
    heavy = {"rasterio", "pandas", "pystac", "pystac_client", "pyarrow", "arro3.core", "obstore", "PIL", "kubernetes"}
    assert heavy.isdisjoint(found["modules"])


def test_the_dags_are_the_same_with_pods(parsed: Parsed, with_pods: Parsed) -> None:
    assert with_pods["errors"] == {}
    assert with_pods["dags"] == parsed["dags"]

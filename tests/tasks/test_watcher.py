"""What is said to have failed, of the states that Airflow's task SDK reports, and that it is noted in the registry."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import Engine, text

from ndvi_airflow.watcher import failed_tasks, watcher_task


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"plan": "success", "compute": "skipped", "record": "success"}, ""),
        ({"find_scenes": "failed", "plan": "upstream_failed", "record": "skipped"}, "find_scenes"),
        (
            {"compute_0": "failed", "compute_1": "success", "compute_10": "failed", "record": "success"},
            "2 of 3 compute",
        ),
        ({"compute_0": "failed", "record": "failed"}, "compute, record"),
    ],
    ids=["none", "one", "mapped", "two"],
)
def test_tasks_that_failed_are_named_and_those_that_could_not_run_are_not(states: dict[str, str], said: str) -> None:
    assert failed_tasks(states) == said


def context(**states: str) -> dict[str, Any]:
    """What a task gets of Airflow: the run, and the states of its tasks."""
    run = SimpleNamespace(dag_id="ndvi_daily", run_id="scheduled__2025-06-25")
    found = {run.run_id: {"watcher": "running", **states}}
    return {"dag_run": run, "ti": SimpleNamespace(get_task_states=lambda **_: found)}


def name_registry(patch: pytest.MonkeyPatch, host: str, database: str | None) -> None:
    connection = {"conn_type": "postgres", "host": host, "login": "postgres", "schema": database}
    patch.setenv("AIRFLOW_CONN_NDVI_REGISTRY", json.dumps(connection))


def test_a_failed_run_is_noted_however_long_the_registry_is_away(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, failed = watcher_task(), context(plan="failed", record="upstream_failed")
    assert watcher.poke(context(plan="failed", record="running")) is False, "a task is still at work"
    name_registry(monkeypatch, str(tmp_path), "registry")  # no server has its socket there
    assert watcher.poke(failed) is False
    name_registry(monkeypatch, str(engine.url.query["host"]), engine.url.database)
    with pytest.raises(AirflowFailException, match="plan failed"):
        watcher.poke(failed)
    with engine.connect() as connection:
        noted = connection.execute(text("SELECT pipeline, run_id, what FROM failed_run")).all()
    assert [tuple(row) for row in noted] == [("ndvi_daily", "scheduled__2025-06-25", "plan")]

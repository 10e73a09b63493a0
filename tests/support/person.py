"""A user of a running stack, by the interfaces that users have: the REST API, S3 and the `airflow` command."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import boto3

from ndvi_airflow.defaults import ALERTS, CATCH_UP, DAILY, RECOMPUTE, REGISTRATION, SEASON
from ndvi_airflow.local.components import process_environment
from ndvi_airflow.local.processes import script
from ndvi_airflow.local.rest import FINISHED, Rest
from ndvi_airflow.local.stack import BUCKET, Stack
from ndvi_core.errors import TryAgain

PATIENCE_SECONDS = 480.0
POLL_SECONDS = 1.0
LOG_LINES = 30

Found = TypeVar("Found")
Task = dict[str, Any]
"""A task instance, as the REST API has it."""


class Person(Rest):
    """Somebody with the address of Airflow, the keys of the bucket and a shell."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack.url)
        self._environment = process_environment(stack.variables)
        self._s3 = boto3.client(
            "s3",
            endpoint_url=stack.s3.url,
            region_name=stack.s3.environment["AWS_REGION"],
            aws_access_key_id=stack.s3.access_key,
            aws_secret_access_key=stack.s3.secret_key,
        )

    # In the bucket

    def upload(self, key: str, data: bytes) -> None:
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=data)

    def keys(self, *prefixes: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2")
        return [
            entry["Key"]
            for prefix in prefixes
            for page in pages.paginate(Bucket=BUCKET, Prefix=prefix)
            for entry in page.get("Contents", ())
        ]

    def read(self, key: str) -> bytes:
        return self._s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def published(self) -> dict[str, bytes]:
        """Return everything that consumers see, by key."""
        return {key: self.read(key) for key in self.keys("observations/", "fields/")}

    # In a shell

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start `airflow WORDS...`."""
        return subprocess.Popen(
            [script("airflow"), *words],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def airflow(self, *words: str | Path) -> "Ended":
        """Run `airflow WORDS...` to its end."""
        return ended(self.start(*words))

    # In the web UI

    def daily_run(self, day: date) -> dict[str, Any]:
        (run,) = (run for run in self.runs(DAILY) if run["logical_date"][:10] == str(day))
        return run

    def computed(self, dag_id: str, run_id: str) -> dict[str, Task]:
        """Return the finished compute tasks of a run, by the label that the web UI shows."""
        tasks = (task for task in self.tasks(dag_id, run_id) if task["task_id"] == "compute")
        return {task["rendered_map_index"]: task for task in tasks if task["state"] in FINISHED}

    def computed_daily(self) -> dict[date, dict[str, Task]]:
        """Return the finished compute tasks of all daily runs, by day; days without any are left out."""
        found = {
            date.fromisoformat(run["logical_date"][:10]): self.computed(DAILY, run["dag_run_id"])
            for run in self.runs(DAILY)
        }
        return {day: tasks for day, tasks in sorted(found.items()) if tasks}

    def clear(self, dag_id: str, task_ids: Sequence[object], **where: object) -> set[tuple[str, int]]:
        """Clear tasks and those that follow; return the name and the map index of each."""
        body = {"dry_run": False, "only_failed": False, "include_downstream": True, "task_ids": task_ids, **where}
        answer = self._ask("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", json=body)
        return {(task["task_id"], task["map_index"]) for task in answer["task_instances"]}

    def tries(self, dag_id: str, run_id: str) -> dict[tuple[str, int], int]:
        """Return how often each task of a run has been run."""
        return {(task["task_id"], task["map_index"]): task["try_number"] for task in self.tasks(dag_id, run_id)}

    def events(self, asset: str) -> list[dict[str, Any]]:
        """Return the events of an asset, the oldest first."""
        found = self._pages("/api/v2/assets/events", "asset_events", order_by="timestamp")
        return [event for event in found if event["name"] == asset]

    def emit(self, asset: str) -> None:
        """Create an event of an asset, as a task that has it as its outlet would."""
        (found,) = self._pages("/api/v2/assets", "assets", name_pattern=asset)
        self._ask("POST", "/api/v2/assets/events", json={"asset_id": found["id"]})

    def trigger_partition(self, dag_id: str, key: str) -> dict[str, Any]:
        """Create a run with a partition key."""
        return self._ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None, "partition_key": key})

    def returned(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return what a task has returned."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self._ask("GET", path)["value"]

    def pause(self, dag_id: str) -> None:
        self._ask("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": True})

    def forget_queued_events(self, dag_id: str) -> None:
        """Take the events that wait for a DAG out of its queue, so that no run will hear of them."""
        self._client.delete(f"/api/v2/dags/{dag_id}/assets/queuedEvents").raise_for_status()

    def _waits(self, dag_id: str) -> bool:
        """Whether events of assets wait for a DAG, so that a run is to come."""
        return bool(self._ask("GET", f"/api/v2/dags/{dag_id}/assets/queuedEvents")["queued_events"])

    def lineage(self, asset: str) -> set[tuple[str, str]]:
        """Return the arrows of the graph on an asset's page, as the names that they lead from and to."""
        (found,) = self._pages("/api/v2/assets", "assets", name_pattern=asset)
        graph = self._ask("GET", "/ui/dependencies", params={"node_id": f"asset:{found['id']}"})
        names = {node["id"]: node["label"] for node in graph["nodes"]}
        return {(names[edge["source_id"]], names[edge["target_id"]]) for edge in graph["edges"]}

    def backfills_closed(self, dag_id: str) -> bool:
        """Whether Airflow would take another backfill: it notices within 30 s that all runs of one have ended."""
        return all(one["completed_at"] for one in self._pages("/api/v2/backfills", "backfills", dag_id=dag_id))

    # Waiting

    def until(self, seen: Callable[[], Found], what: str, poll: float = POLL_SECONDS) -> Found:
        """Poll until `seen` returns something true, and return it.

        An API that does not answer is asked again: for a moment Airflow (3.3.2) answers 500 to who asks for the events
        of an asset, while a run that one of them has triggered is queued.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if found := seen():
                    return found
                answer = "nothing yet"
            except TryAgain as error:
                answer = str(error)
            assert time.monotonic() < end, f"{what}: not within {PATIENCE_SECONDS:.0f} s: {answer}"
            time.sleep(poll)

    def until_quiet(self, dag_id: str, runs: int = 1) -> list[dict[str, Any]]:
        """Wait until a DAG has at least so many runs, all have ended and no event waits for it; return the runs."""

        def all_ended() -> list[dict[str, Any]]:
            if self._waits(dag_id):
                return []
            found = self.runs(dag_id)
            return found if len(found) >= runs and all(run["state"] in FINISHED for run in found) else []

        return self.until(all_ended, f"the end of {runs} runs of {dag_id}")

    # When something is wrong

    def explained(self) -> Iterator[str]:
        """Yield the task states, and the logs of failed tasks, for each run that did not succeed."""
        for dag_id in (REGISTRATION, DAILY, CATCH_UP, RECOMPUTE, SEASON, ALERTS):
            for run in self.runs(dag_id):
                if run["state"] != "success":
                    yield from self._explained(dag_id, run)

    def _explained(self, dag_id: str, run: Mapping[str, Any]) -> Iterator[str]:
        tasks = self.tasks(dag_id, run["dag_run_id"])
        states = ", ".join(f"{task['task_id']}[{task['map_index']}] {task['state']}" for task in tasks)
        yield f"{dag_id} {run['dag_run_id']} {run['state']}: {states}"
        for task in tasks:
            if task["state"] in ("failed", "up_for_retry"):
                yield f"  {task['task_id']}[{task['map_index']}]:"
                yield from (f"    {line}" for line in self._log(dag_id, run["dag_run_id"], task))

    def _log(self, dag_id: str, run_id: str, task: Task) -> list[str]:
        return self.log(dag_id, run_id, task).splitlines()[-LOG_LINES:]


class Ended(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for the end of a command."""
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return Ended(process.returncode, out, err)

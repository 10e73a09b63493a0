"""A client of Airflow's public REST API (v2): what the laptop stack and its demonstration ask of it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from ndvi_core.errors import TryAgain

BEATING = ("scheduler", "triggerer", "dag_processor")
"""Components that write a heartbeat."""
FINISHED = frozenset({"success", "failed"})
PAGE = 100


class Rest:
    """A session with one Airflow. Methods raise `TryAgain` when it cannot be reached or refuses."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def healthy(self, since: float) -> bool:
        """Whether all components say that they are, and have said so after `since` (seconds since the epoch)."""
        try:
            parts = self._client.get("/api/v2/monitor/health").raise_for_status().json()
        except httpx.HTTPError:
            return False
        beats = [parts[name][f"latest_{name}_heartbeat"] for name in BEATING]
        return all(part["status"] == "healthy" for part in parts.values()) and all(
            beat is not None and datetime.fromisoformat(beat).timestamp() > since for beat in beats
        )

    def parsed_files(self) -> dict[str, list[str]]:
        """Return the ids of the DAGs by the path of their file; a file that does not import has an empty list."""
        parsed: dict[str, list[str]] = {error["filename"]: [] for error in self.import_errors()}
        for dag in self._pages("/api/v2/dags", "dags"):
            parsed.setdefault(str(Path(dag["fileloc"]).name), []).append(dag["dag_id"])
        return parsed

    def import_errors(self) -> list[dict[str, Any]]:
        """Return the errors of DAG files that do not import."""
        return list(self._pages("/api/v2/importErrors", "import_errors"))

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self._ask("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run and return its id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return str(self._ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return all runs of a DAG, the oldest first."""
        return list(self._pages(f"/api/v2/dags/{dag_id}/dagRuns", "dag_runs", order_by="id"))

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        return list(self._pages(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances"))

    def log(self, dag_id: str, run_id: str, task: Mapping[str, Any]) -> str:
        """Return the log of the last try of a task instance."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        answer = self._ask("GET", path, params={"map_index": task["map_index"], "full_content": True})
        return "\n".join(text for line in answer["content"] for text in _texts(line))

    def _pages(self, path: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            answer = self._ask("GET", path, params={"limit": PAGE, "offset": offset, **parameters})
            yield from answer[key]
            offset += PAGE
            if offset >= answer["total_entries"]:
                return

    def _ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **arguments)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                token = self._client.get("/auth/token").raise_for_status().json()["access_token"]
                self._client.headers["Authorization"] = f"Bearer {token}"
                answer = self._client.request(method, path, **arguments)
            found: dict[str, Any] = answer.raise_for_status().json()
        except httpx.HTTPStatusError as error:
            raise TryAgain(f"Airflow: {method} {path}: {error.response.status_code} {error.response.text}") from error
        except httpx.HTTPError as error:
            raise TryAgain(f"Airflow at {self.url} does not answer: {error}. Is it up (`make up`)?") from error
        return found


def _texts(line: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of a structured log line and, without their frames, the errors in it."""
    yield str(line.get("event", line))
    for error in line.get("error_detail", ()):
        yield f"{error['exc_type']}: {error['exc_value']}"

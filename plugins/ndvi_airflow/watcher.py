"""The leaf that a run's state depends on: it fails the run if any task failed, and notes that for people to be told."""

import logging
import re
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException

from ndvi_airflow import metrics
from ndvi_airflow.connections import registry_engine
from ndvi_airflow.defaults import RUN_TIMEOUT, WATCHER

log = logging.getLogger(__name__)

_ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")


class Watcher(BaseSensorOperator):
    """Runs as soon as a task has failed, waits for the others without holding a worker, and fails.

    Without it `record`, which runs whatever became of the compute tasks, would make every run a success. Airflow's
    documentation calls this the watcher pattern. Where no task fails, the scheduler skips it, and no worker sees it.
    """

    def poke(self, context: Any) -> bool:
        """Note the failed run once all of its tasks have ended; True if it has not failed after all.

        While the registry cannot be reached it waits: what made the tasks fail may be just that.
        """
        from sqlalchemy.exc import OperationalError

        from ndvi_core.registry.telling import FailedRun, note_failed_run

        run = context["dag_run"]
        found = context["ti"].get_task_states(dag_id=run.dag_id, run_ids=[run.run_id])[run.run_id]
        states = {name: state for name, state in found.items() if name != self.task_id}
        if not all(state in _ENDED for state in states.values()):
            return False
        what = failed_tasks(states)
        if not what:  # cleared meanwhile
            return True
        try:
            with registry_engine().begin() as connection:
                note_failed_run(connection, FailedRun(pipeline=run.dag_id, run_id=run.run_id, what=what))
        except OperationalError as error:
            log.warning("waiting for the registry, to note that %s failed: %s", what, error.orig)
            return False
        metrics.count_failed_run()
        raise AirflowFailException(f"{what} failed")


def watcher_task() -> Watcher:
    """Return the task, to be put after the tasks that end the run."""
    return Watcher(
        task_id=WATCHER,
        trigger_rule="one_failed",
        mode="reschedule",
        poke_interval=timedelta(seconds=10),
        timeout=RUN_TIMEOUT,
        execution_timeout=None,
    )


def failed_tasks(states: Mapping[str, str | None]) -> str:
    """Return the names of tasks that failed, of mapped ones how many; empty if none did.

    Args:
        states: by the tasks' names, those of mapped tasks with their index (`compute_3`), as the task SDK has them.
    """
    tasks = {name: re.sub(r"_\d+$", "", name) for name in states}
    known = Counter(tasks.values())
    failed = Counter(tasks[name] for name, state in states.items() if state == "failed")
    return ", ".join(
        f"{number} of {known[name]} {name}" if known[name] > 1 else name for name, number in failed.items()
    )

"""Following runs to their end, and saying why one failed."""

import time
from collections.abc import Sequence

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ndvi_airflow.airflow_database import FINISHED, failures, is_paused, run_states
from ndvi_airflow.terminal import complain, console
from ndvi_core.errors import BadInput

POLL_SECONDS = 2.0
SHOWN = 5
"""Failed tasks of a run whose reasons are printed; the web page has the others."""


def require_unpaused(dag_id: str) -> None:
    """Refuse to wait for runs that would not start.

    Raises:
        BadInput: the DAG is paused; the message says how to go on.
    """
    if is_paused(dag_id):
        raise BadInput(
            f"{dag_id} is paused, so its runs would not start and --wait would not end; nothing was created. "
            f"First `airflow dags unpause {dag_id}`, or leave out --wait"
        )


def say_if_paused(dag_id: str) -> None:
    """Tell a person who does not wait that the runs do."""
    if is_paused(dag_id):
        complain(f"{dag_id} is paused: its runs start after `airflow dags unpause {dag_id}`")


def follow(dag_id: str, run_ids: Sequence[str]) -> bool:
    """Show the progress of runs until all have ended, and return whether all of them succeeded.

    What failed is printed with its reasons. A DAG that is paused meanwhile ends it, since its runs then go no further.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(dag_id, total=len(run_ids))
        while True:
            states = run_states(dag_id, run_ids)
            left = [run_id for run_id, state in states.items() if state not in FINISHED]
            progress.update(bar, completed=len(run_ids) - len(left))
            paused = bool(left) and is_paused(dag_id)
            if paused or not left:
                break
            time.sleep(POLL_SECONDS)
    if paused:
        complain(f"{dag_id} was paused: {len(left)} runs go on after `airflow dags unpause {dag_id}`")
    for run_id in sorted(run_ids):
        if run_id not in states:
            console.print(f"[red]gone[/]: {escape(run_id)}: somebody has deleted the run")
        elif states[run_id] == "failed":
            _explain(dag_id, run_id)
    return all(states.get(run_id) == "success" for run_id in run_ids)


def _explain(dag_id: str, run_id: str) -> None:
    console.print(f"[red]failed[/]: {escape(run_id)}")
    count, first = failures(dag_id, run_id, SHOWN)
    for task, reason in first:
        console.print(f"  {task}: {reason}", markup=False)
    if not count:
        console.print("  no task failed: the run took too long, or somebody has marked it as failed")
    if count > len(first):
        console.print(f"  and {count - len(first)} more tasks: see the web page")

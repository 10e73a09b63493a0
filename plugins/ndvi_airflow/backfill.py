"""`airflow dags backfill`, which Airflow 3 removed, over `airflow backfill create`."""

import time
from argparse import Namespace
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ndvi_airflow.report import open_console

POLL_SECONDS = 2.0
CLOSED_WITHIN_SECONDS = 60.0
"""The scheduler looks every 30 s which backfills have ended; until it has, a DAG takes no other."""
FINISHED = ("success", "failed")

console = open_console()


def run(options: Namespace) -> None:
    """Create a backfill, print what it created, and follow it to its end if asked to."""
    from airflow.sdk.exceptions import AirflowException

    from ndvi_airflow.airflow_compat import create_backfill

    start, end = options.start_date or options.end_date, options.end_date or options.start_date
    if start is None:
        raise SystemExit("give a start date (-s), an end date (-e) or both")
    if not options.dry_run:
        _wait_for_closing(options.dag_id)
    before = _newest_backfill(options.dag_id)
    # A run keeps the params that it was last given: one that is wanted as a whole must not inherit a choice of fields.
    conf = options.conf or ("{}" if options.reset_dagruns else None)
    try:
        create_backfill(
            Namespace(
                dag_id=options.dag_id,
                from_date=start,
                to_date=end,
                dag_run_conf=conf,
                run_backwards=options.run_backwards,
                max_active_runs=options.max_active_runs,
                reprocess_behavior="completed" if options.reset_dagruns else "failed",
                run_on_latest_version=None,
                dry_run=options.dry_run,
            )
        )
    except (AirflowException, ValueError) as error:
        raise SystemExit(f"{options.dag_id}: {error}") from error
    backfill = _newest_backfill(options.dag_id)
    if options.dry_run or backfill is None or backfill == before:
        return
    entries = _entries(backfill)
    for entry in entries:
        console.print(f"{entry['day']}  {entry['run_id'] or 'left as it is: ' + entry['reason']}")
    console.print(f"backfill {backfill}: {sum(bool(entry['run_id']) for entry in entries)} of {len(entries)} days run")
    if options.wait and not follow(options.dag_id, [entry["run_id"] for entry in entries if entry["run_id"]]):
        raise SystemExit(1)


def follow(dag_id: str, run_ids: list[str]) -> bool:
    """Show the progress of runs until all have ended, and return whether all of them succeeded."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(dag_id, total=len(run_ids))
        while True:
            states = _states(dag_id, run_ids)
            done = [state for state in states.values() if state in FINISHED]
            progress.update(bar, completed=len(done))
            if len(done) == len(run_ids):
                break
            time.sleep(POLL_SECONDS)
    failed = sorted(run_id for run_id, state in states.items() if state == "failed")
    for run_id in failed:
        console.print(f"[red]failed[/]: {run_id}")
    return not failed


def _wait_for_closing(dag_id: str) -> None:
    """Wait while a backfill that has no run left to run counts as running."""
    end = time.monotonic() + CLOSED_WITHIN_SECONDS
    while _ended_but_open(dag_id) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)


def _ended_but_open(dag_id: str) -> bool:
    from sqlalchemy import exists, select

    from ndvi_airflow.airflow_compat import Backfill, DagRun, create_session

    left = exists().where(DagRun.backfill_id == Backfill.id, DagRun.state.not_in(FINISHED))
    query = select(Backfill.id).where(Backfill.dag_id == dag_id, Backfill.completed_at.is_(None), ~left)
    with create_session() as session:
        return session.scalar(query.limit(1)) is not None


def _newest_backfill(dag_id: str) -> int | None:
    from sqlalchemy import func, select

    from ndvi_airflow.airflow_compat import Backfill, create_session

    with create_session() as session:
        newest: int | None = session.scalar(select(func.max(Backfill.id)).where(Backfill.dag_id == dag_id))
        return newest


def _entries(backfill: int) -> list[dict[str, Any]]:
    """Return for each day of a backfill its run, or why there is none."""
    from sqlalchemy import select

    from ndvi_airflow.airflow_compat import BackfillDagRun, DagRun, create_session

    query = (
        select(BackfillDagRun.logical_date, BackfillDagRun.exception_reason, DagRun.run_id)
        .outerjoin(DagRun, DagRun.id == BackfillDagRun.dag_run_id)
        .where(BackfillDagRun.backfill_id == backfill)
        .order_by(BackfillDagRun.sort_ordinal)
    )
    with create_session() as session:
        return [
            {"day": row.logical_date.date(), "run_id": row.run_id, "reason": str(row.exception_reason)}
            for row in session.execute(query)
        ]


def _states(dag_id: str, run_ids: list[str]) -> dict[str, str]:
    from sqlalchemy import select

    from ndvi_airflow.airflow_compat import DagRun, create_session

    query = select(DagRun.run_id, DagRun.state).where(DagRun.dag_id == dag_id, DagRun.run_id.in_(run_ids))
    with create_session() as session:
        return {row.run_id: str(row.state) for row in session.execute(query)}

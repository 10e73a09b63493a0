"""`airflow dags backfill`, which Airflow 3 removed, over `airflow backfill create`."""

import json
import time
from argparse import Namespace
from datetime import UTC, date, datetime
from typing import Any

from ndvi_airflow import daily_backfill
from ndvi_airflow.airflow_database import (
    backfill_entries,
    day_states,
    ended_but_open,
    known_dag,
    newest_backfill,
)
from ndvi_airflow.defaults import CATCH_UP, DAILY, RECOMPUTE, midnight
from ndvi_airflow.follow import POLL_SECONDS, follow, require_unpaused, say_if_paused
from ndvi_airflow.preconditions import read_conf
from ndvi_airflow.terminal import console, plain_errors
from ndvi_core.errors import BadInput

CLOSED_WITHIN_SECONDS = 60.0
"""The scheduler looks every 30 s which backfills have ended; until it has, a DAG takes no other."""


def run(options: Namespace) -> None:
    """Check, create a backfill, print what it created, and follow it to its end if asked to."""
    with plain_errors():
        start, end = _period(options)
        conf = None if options.conf is None else read_conf(options.conf)
        if options.dag_id in (CATCH_UP, RECOMPUTE):
            raise BadInput(
                f"the runs of {options.dag_id} are of no day: `airflow ndvi recompute -f FIELD -s DAY -e DAY`, or "
                f"""`airflow dags trigger {RECOMPUTE} -c '{{"start": "...", "end": "..."}}'`"""
            )
        if options.dag_id == DAILY:
            first, last = daily_backfill.period_in_days(start, end)
            _check_daily(options, conf or {}, first, last)
            if options.dry_run:
                return
            start, end = midnight(first), midnight(last)
        if options.wait and not options.dry_run:
            require_unpaused(options.dag_id)
        _create(options, conf, start, end)


def _period(options: Namespace) -> tuple[datetime, datetime]:
    start, end = options.start_date or options.end_date, options.end_date or options.start_date
    if start is None or end is None:
        raise BadInput("give a start date (-s), an end date (-e) or both")
    if start > end:
        raise BadInput(f"the start {_shown(start)} is after the end {_shown(end)}")
    return start, end


def _check_daily(options: Namespace, conf: dict[str, Any], first: date, last: date) -> None:
    """Refuse what no run of `ndvi_daily` could do; in a dry run, print before what would become of each day."""
    dag = known_dag(DAILY)
    daily_backfill.check_conf(conf, dag)
    if options.run_backwards:
        raise BadInput(f"the days of {DAILY} are recorded in order, so they cannot run backwards (-B)")
    due = daily_backfill.due_days(dag, datetime.now(UTC))
    if options.dry_run:
        states = day_states(DAILY, max(first, due.first), min(last, due.last))
        for line in daily_backfill.outlook(first, last, due, states, options.reset_dagruns):
            console.print(line, markup=False)
        say_if_paused(DAILY)
    daily_backfill.check_days(first, last, due)


def _create(options: Namespace, conf: dict[str, Any] | None, start: datetime, end: datetime) -> None:
    from airflow.sdk.exceptions import AirflowException

    from ndvi_airflow.airflow_compat import create_backfill

    if not options.dry_run:
        _wait_for_closing(options.dag_id)
    before = newest_backfill(options.dag_id)
    # A run keeps the params that it was last given: one that is wanted as a whole must not inherit a choice of fields.
    if conf is None and options.reset_dagruns:
        conf = {}
    try:
        create_backfill(
            Namespace(
                dag_id=options.dag_id,
                from_date=start,
                to_date=end,
                dag_run_conf=None if conf is None else json.dumps(conf),
                run_backwards=options.run_backwards,
                max_active_runs=options.max_active_runs,
                reprocess_behavior="completed" if options.reset_dagruns else "failed",
                run_on_latest_version=None,
                dry_run=options.dry_run,
            )
        )
    except (AirflowException, ValueError) as error:
        raise SystemExit(f"{options.dag_id}: {error}") from error
    backfill = newest_backfill(options.dag_id)
    if options.dry_run or backfill is None or backfill == before:
        return
    entries = backfill_entries(backfill)
    for entry in entries:
        console.print(f"{entry['day']}  {entry['run_id'] or 'left as it is: ' + entry['reason']}", markup=False)
    created = [entry["run_id"] for entry in entries if entry["run_id"]]
    console.print(f"backfill {backfill}: {len(created)} of {len(entries)} days run")
    if options.wait:
        if not follow(options.dag_id, created):
            raise SystemExit(1)
    elif created:
        say_if_paused(options.dag_id)


def _wait_for_closing(dag_id: str) -> None:
    """Wait while a backfill that has no run left to run counts as running."""
    end = time.monotonic() + CLOSED_WITHIN_SECONDS
    while ended_but_open(dag_id) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)


def _shown(moment: datetime) -> str:
    return str(moment.date()) if moment == midnight(moment.date()) else moment.isoformat()

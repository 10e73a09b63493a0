"""What commands ask Airflow's own database: DAGs, runs, backfills and why tasks failed."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from ndvi_airflow.defaults import WATCHER, midnight
from ndvi_core.errors import BadInput

if TYPE_CHECKING:
    from airflow.serialization.definitions.dag import SerializedDAG

FINISHED = ("success", "failed")


class Failure(NamedTuple):
    """A task that failed, and the last error of its log."""

    task: str
    reason: str


def known_dag(dag_id: str) -> "SerializedDAG":
    """Return the newest version of a DAG.

    Raises:
        BadInput: there is none.
    """
    from ndvi_airflow.airflow_compat import SerializedDagModel, create_session

    with create_session() as session:
        found = session.scalar(SerializedDagModel.latest_item_select_object(dag_id))
        if found is None:
            raise BadInput(f"Airflow has no DAG {dag_id}: `airflow dags list` shows those that it has")
        dag: SerializedDAG = found.dag
        return dag


def is_paused(dag_id: str) -> bool:
    """Return whether the scheduler leaves the DAG's runs where they are; not of a DAG that is unknown."""
    from sqlalchemy import select

    from ndvi_airflow.airflow_compat import DagModel, create_session

    with create_session() as session:
        return bool(session.scalar(select(DagModel.is_paused).where(DagModel.dag_id == dag_id)))


def run_states(dag_id: str, run_ids: Iterable[str]) -> dict[str, str]:
    """Return the states of those of the runs that there are."""
    from sqlalchemy import select

    from ndvi_airflow.airflow_compat import DagRun, create_session

    query = select(DagRun.run_id, DagRun.state).where(DagRun.dag_id == dag_id, DagRun.run_id.in_(list(run_ids)))
    with create_session() as session:
        return {row.run_id: str(row.state) for row in session.execute(query)}


def active_runs(dag_ids: Collection[str]) -> list[str]:
    """Return the runs of some DAGs that are at work, as `<dag_id> <run_id>`, in order."""
    from sqlalchemy import select

    from ndvi_airflow.airflow_compat import DagRun, create_session

    active = (DagRun.dag_id.in_(list(dag_ids)), DagRun.state == "running")
    query = select(DagRun.dag_id, DagRun.run_id).where(*active).order_by(DagRun.id)
    with create_session() as session:
        return [f"{row.dag_id} {row.run_id}" for row in session.execute(query)]


def day_states(dag_id: str, first: date, last: date) -> dict[date, str]:
    """Return, by day, the state of its run, of a DAG with one run a day; both days are included."""
    from sqlalchemy import select

    from ndvi_airflow.airflow_compat import DagRun, create_session

    within = DagRun.logical_date.between(midnight(first), midnight(last))
    query = select(DagRun.logical_date, DagRun.state).where(DagRun.dag_id == dag_id, within)
    with create_session() as session:
        return {row.logical_date.date(): str(row.state) for row in session.execute(query)}


def newest_backfill(dag_id: str) -> int | None:
    """Return the number of the DAG's newest backfill."""
    from sqlalchemy import func, select

    from ndvi_airflow.airflow_compat import Backfill, create_session

    with create_session() as session:
        newest: int | None = session.scalar(select(func.max(Backfill.id)).where(Backfill.dag_id == dag_id))
        return newest


def backfill_entries(backfill: int) -> list[dict[str, Any]]:
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


def ended_but_open(dag_id: str) -> bool:
    """Return whether a backfill counts as running that has no run left to run."""
    from sqlalchemy import exists, select

    from ndvi_airflow.airflow_compat import Backfill, DagRun, create_session

    left = exists().where(DagRun.backfill_id == Backfill.id, DagRun.state.not_in(FINISHED))
    query = select(Backfill.id).where(Backfill.dag_id == dag_id, Backfill.completed_at.is_(None), ~left)
    with create_session() as session:
        return session.scalar(query.limit(1)) is not None


def failures(dag_id: str, run_id: str, limit: int) -> tuple[int, list[Failure]]:
    """Return how many tasks of a run failed, and the first of them with their reasons.

    Args:
        dag_id: of the run.
        run_id: of the run.
        limit: tasks whose logs are read.
    """
    from sqlalchemy import func, select

    from ndvi_airflow.airflow_compat import TaskInstance, create_session

    failed = (
        TaskInstance.dag_id == dag_id,
        TaskInstance.run_id == run_id,
        TaskInstance.state == "failed",
        TaskInstance.task_id != WATCHER,  # says that others failed
    )
    query = select(TaskInstance).where(*failed).order_by(TaskInstance.start_date, TaskInstance.map_index)
    with create_session() as session:
        count = session.scalar(select(func.count()).select_from(TaskInstance).where(*failed))
        found = [Failure(_name(task), _last_error(task)) for task in session.scalars(query.limit(limit))]
    return count or 0, found


def _name(task: Any) -> str:
    if task.map_index < 0:
        return str(task.task_id)
    return f"{task.task_id} [{task.rendered_map_index or task.map_index}]"


def _last_error(task: Any) -> str:
    """Return the last error of a task's log in one line."""
    from ndvi_airflow.airflow_compat import TaskLogReader

    try:
        lines, _ = TaskLogReader().read_log_chunks(task, task.try_number, {"end_of_log": False})
        errors = [said for line in lines if (said := _error_in(line.model_dump()))]
    except Exception as error:  # whatever the store of the logs has to say; the run's failure is told all the same
        return f"its log cannot be read ({type(error).__name__}): see the web page"
    return errors[-1] if errors else "its log names no error: see the web page"


def _error_in(line: dict[str, Any]) -> str:
    """Return the error that a line of a log tells of: the exception, or the line itself if its level says so."""
    details = line.get("error_detail") or ()
    told = [str(one["exc_value"]) or str(one["exc_type"]) for one in details]
    if not told and line.get("level") in ("error", "critical"):
        told = [str(line["event"])]
    return " ".join(told[0].split()) if told else ""

"""The tasks around the compute task: each opens what it needs and calls the library."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseSensorOperator, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from ndvi_airflow import metrics
from ndvi_airflow.assets import NDVI_FIELDS, NDVI_OBSERVATIONS, shown
from ndvi_airflow.connections import open_bucket, registry_engine
from ndvi_airflow.defaults import RUN_TIMEOUT

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Connection

    from ndvi_airflow.settings import AirflowSettings
    from ndvi_core.runs.folder import RunFolder
    from ndvi_core.runs.selection import Selection

RunKind = Literal["daily", "catch_up", "recompute"]
"""Which of the DAGs a run belongs to: it decides which cells are selected."""

log = logging.getLogger(__name__)


@contextmanager
def no_retry_for_bad_input() -> Iterator[None]:
    """Fail the task at once for bad input, which a retry does not change; other errors take the task's retries."""
    from ndvi_core.errors import BadInput

    try:
        yield
    except BadInput as error:
        # Without the library's own frames: the message says all that a person can do something about.
        raise AirflowFailException(str(error)) from None


def settings_and_folder(context: "Context") -> "tuple[AirflowSettings, RunFolder]":
    """Return the settings, and the folder of the run."""
    from ndvi_airflow.settings import load_settings
    from ndvi_core.runs.folder import RunFolder

    settings = load_settings()
    run = context["dag_run"]
    return settings, RunFolder.of(open_bucket(settings.bucket_url), settings, run.dag_id, run.run_id)


def _select(kind: RunKind, connection: "Connection", settings: "AirflowSettings", context: "Context") -> "Selection":
    from ndvi_airflow.params import refuse_unknown
    from ndvi_core.runs.selectors import select_day, select_opened, select_owed, select_range

    # The form and the REST API check the values of params and pass keys on that nobody reads.
    refuse_unknown(context["dag_run"].conf or (), list(context["dag"].params))
    if kind == "catch_up":
        return select_owed(connection, settings.start_date)
    params = context["params"]
    field_ids, force = params["field_ids"] or None, params["force"]
    if kind == "daily":
        interval_start = context["data_interval_start"]
        if interval_start is None:
            raise AirflowFailException("this run has no day: trigger ndvi_recompute with start and end instead")
        return select_day(connection, interval_start.date(), settings.look_back_days, field_ids, force)
    start, end = (params[name] and date.fromisoformat(params[name]) for name in ("start", "end"))
    if params["opened"]:
        if start or end:
            raise AirflowFailException("opened is about other days than start and end: leave those out")
        return select_opened(connection, field_ids)
    return select_range(connection, settings.start_date, field_ids, start, end, force)


class FindScenes(BaseSensorOperator):
    """Search the catalogue for the scenes of all selected cells, once there is an extent; until then the run waits.

    A class, since `@task.sensor` warns of a deprecated import in each process (standard provider 1.21).

    Args:
        kind: of the run.
        kwargs: of every sensor.
    """

    def __init__(self, *, kind: RunKind, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def poke(self, context: "Context") -> bool:
        """Search, or return False if there is no extent yet."""
        from ndvi_core.errors import NotFound
        from ndvi_core.runs import prepare

        with no_retry_for_bad_input():
            settings, folder = settings_and_folder(context)
            with registry_engine().begin() as connection:
                selection = _select(self.kind, connection, settings, context)
                try:
                    scope = prepare.search_scope(folder, settings, selection, connection)
                except NotFound as error:
                    log.warning("waiting: %s", error)
                    return False
            with metrics.counting_failures("search"):
                found = prepare.find_scenes(folder, settings, scope)
        start, end = scope.period or (None, None)
        log.info("%d fields, %s to %s: %d scenes", scope.fields, start, end, len(found.scenes))
        return True


def find_scenes(kind: RunKind) -> FindScenes:
    """Return the task that searches. While it waits it holds no worker."""
    return FindScenes(
        task_id="find_scenes", kind=kind, mode="reschedule", poke_interval=timedelta(minutes=1), timeout=RUN_TIMEOUT
    )


@task
def plan(kind: RunKind) -> list[dict[str, Any]]:
    """Compare with the ledger, write work orders for the cells that are due, and return the orders to map over."""
    from ndvi_core.runs.prepare import plan_run

    context = get_current_context()
    with no_retry_for_bad_input():
        settings, folder = settings_and_folder(context)
        with registry_engine().begin() as connection:
            run_plan = plan_run(folder, settings, _select(kind, connection, settings, context), connection)
    cells = [order.cells for order in run_plan.orders if order.cells]
    log.info("%d work orders with %d cells", len(cells), sum(cells))
    return [order.model_dump(mode="json") for order in run_plan.orders]


@task(outlets=[NDVI_OBSERVATIONS], trigger_rule="all_done")
def record() -> None:
    """Bring what the compute tasks wrote into the ledger, and publish the days."""
    from ndvi_core.errors import NotFound
    from ndvi_core.runs.record import record_run

    context = get_current_context()
    settings, folder = settings_and_folder(context)
    try:
        recorded = record_run(folder, settings, registry_engine())
    except NotFound as error:
        # Not a failure of its own: the run fails anyway, and the days after it need not wait for this one.
        raise AirflowSkipException(f"{error}: the tasks before this one have not got that far") from error
    metrics.count_cells(recorded.counts)
    if recorded.until:
        metrics.state_recorded_until(recorded.until)
    log.info("%s; published %s", recorded.counts or "nothing new", ", ".join(map(str, recorded.days)) or "no day")
    for failure in recorded.failures:
        log.error("failed: %s", failure)
    if not recorded.days:
        raise AirflowSkipException("nothing new, so no event")
    context["outlet_events"][NDVI_OBSERVATIONS].extra = {
        "days": shown(recorded.days),
        "fields": shown(recorded.field_ids),
        "cells": dict(recorded.counts),
    }


@task
def register() -> None:
    """Register the fields of the files in pending/."""
    from ndvi_airflow.settings import load_settings
    from ndvi_core.intake.pending import process_pending
    from ndvi_core.runs.record import publish_stale_days

    with no_retry_for_bad_input():
        settings = load_settings()
        bucket, engine = open_bucket(settings.bucket_url), registry_engine()
        report = process_pending(bucket, settings, engine)
        metrics.count_uploads(report)
        for line in report.summary():
            log.info(line)
        if days := publish_stale_days(bucket, settings, engine):
            log.info("fields have other dates: %d days published anew", len(days))


@task(outlets=[NDVI_FIELDS], trigger_rule="all_done")
def announce() -> str:
    """Emit one event for all fields that are new or changed and not announced yet; return as of when that is."""
    from ndvi_core.registry.fields import unannounced

    with registry_engine().begin() as connection:
        field_ids, as_of = unannounced(connection)
    if not field_ids:
        raise AirflowSkipException("no field is new or changed, so no event")
    log.info("new or changed: %s", ", ".join(shown(field_ids)))
    get_current_context()["outlet_events"][NDVI_FIELDS].extra = {"fields": shown(field_ids), "count": len(field_ids)}
    return as_of.isoformat()


@task
def confirm(as_of: str) -> None:
    """Note that the event was emitted. Until then a rerun emits it again: better twice than never."""
    from ndvi_core.registry.fields import mark_announced

    with registry_engine().begin() as connection:
        mark_announced(connection, datetime.fromisoformat(as_of))

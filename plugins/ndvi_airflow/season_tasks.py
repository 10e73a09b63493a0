"""The tasks of `ndvi_season`, beside the one that computes: each opens what it needs and calls the library."""

import logging
from collections import Counter
from datetime import datetime
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from ndvi_airflow.assets import NDVI_EVENTS, shown
from ndvi_airflow.connections import registry_engine
from ndvi_airflow.tasks import no_retry_for_bad_input, settings_and_folder

log = logging.getLogger(__name__)


@task(task_id="plan")
def plan_seasons() -> dict[str, Any]:
    """Write an order for the parts of seasons whose files do not say what is so, and return it."""
    from ndvi_core.runs import season_plan

    with no_retry_for_bad_input():
        settings, folder = settings_and_folder(get_current_context())
        plan = season_plan.plan_seasons(folder, settings, registry_engine())
    if not plan.parts:
        raise AirflowSkipException("the files of all seasons say what is so")
    log.info(plan.order.label)
    return plan.order.model_dump(mode="json")


@task(task_id="record")
def record_seasons() -> None:
    """Publish what was computed, and keep what has become of events."""
    from ndvi_core.runs import season_record

    with no_retry_for_bad_input():
        settings, folder = settings_and_folder(get_current_context())
        recorded = season_record.record_seasons(folder, settings, registry_engine())
    log.info("%d parts published; events: %s", recorded.parts, recorded.counts or "none has changed")


@task(task_id="announce", outlets=[NDVI_EVENTS], trigger_rule="none_failed")
def announce_events() -> str:
    """Emit one event of the asset for all events that have changed and are not announced yet; return as of when."""
    from ndvi_core.registry.events import unannounced

    with registry_engine().begin() as connection:
        changed, as_of = unannounced(connection)
    if not changed:
        raise AirflowSkipException("no event was found, has ended or was withdrawn")
    counts = Counter(f"{kind} {status}" for _, kind, status in changed)
    fields = tuple(dict.fromkeys(field_id for field_id, *_ in changed))
    log.info("%s: %s", dict(counts), ", ".join(shown(fields)))
    get_current_context()["outlet_events"][NDVI_EVENTS].extra = {"events": dict(counts), "fields": shown(fields)}
    return as_of.isoformat()


@task(task_id="confirm")
def confirm_events(as_of: str) -> None:
    """Note that the asset's event was emitted. Until then a rerun emits it again: better twice than never."""
    from ndvi_core.registry.events import mark_announced

    with registry_engine().begin() as connection:
        mark_announced(connection, datetime.fromisoformat(as_of))

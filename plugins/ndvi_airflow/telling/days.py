"""The tasks of `ndvi_days`, which tells other DAGs of each day that was published or has changed."""

import logging
from datetime import date, datetime
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from ndvi_airflow.assets import NDVI_DAYS
from ndvi_airflow.connections import registry_engine

_AT_ONCE = 200
"""Days that a task announces. Airflow writes their events in the request by which the task says that it has succeeded,
1,000 of them in 16 s on two cores; thousands would be more than a server's patience."""

log = logging.getLogger(__name__)


@task
def changed_days() -> list[dict[str, Any]]:
    """Return the days whose files have changed and that were not announced since, in parts to map over."""
    from ndvi_core.registry.published_days import unannounced_days

    with registry_engine().begin() as connection:
        days, as_of = unannounced_days(connection)
    if not days:
        raise AirflowSkipException("no day has changed, so no event")
    log.info("%d days have changed, from %s to %s", len(days), days[0], days[-1])
    return [
        {"days": [str(day) for day in days[start : start + _AT_ONCE]], "as_of": as_of.isoformat()}
        for start in range(0, len(days), _AT_ONCE)
    ]


@task(outlets=[NDVI_DAYS])
def announce_days(part: dict[str, Any]) -> None:
    """Emit an event for each day, with the day as its partition key."""
    get_current_context()["outlet_events"][NDVI_DAYS].add_partitions(part["days"])


@task
def confirm_days(parts: list[dict[str, Any]]) -> None:
    """Note that the events were emitted. Until then a run emits them again: better twice than never."""
    from ndvi_core.registry.published_days import mark_days_announced

    with registry_engine().begin() as connection:
        for part in parts:
            days = [date.fromisoformat(day) for day in part["days"]]
            mark_days_announced(connection, days, datetime.fromisoformat(part["as_of"]))

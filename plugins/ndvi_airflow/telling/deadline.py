"""The deadline of a day: Airflow calls when it has passed, and the day is noted as late for `ndvi_alerts` to tell."""

import logging
from asyncio import to_thread
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

if TYPE_CHECKING:
    from ndvi_airflow.settings import AirflowSettings

_NEWS = timedelta(days=1)
"""A deadline that passed earlier is no news: its run makes up for a day that is long past."""

log = logging.getLogger(__name__)


def day_deadline(settings: "AirflowSettings") -> DeadlineAlert | None:
    """Return the deadline of the runs of `ndvi_daily`; None if nobody wants to be told."""
    if not (settings.deadline_hours and settings.notify):
        return None
    return DeadlineAlert(
        name="day published",
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,  # the beginning of the day
        interval=timedelta(days=1, hours=settings.deadline_hours),
        callback=AsyncCallback(note_late_day),
    )


async def note_late_day(context: dict[str, Any]) -> None:
    """Note a day as late, unless it is published; called in the triggerer for a run that has not succeeded in time."""
    passed = datetime.fromisoformat(str(context["deadline"]["deadline_time"]))
    if datetime.now(UTC) - passed < _NEWS:
        await to_thread(_note, datetime.fromisoformat(context["dag_run"]["logical_date"]).date())


def _note(day: date) -> None:
    from ndvi_airflow.connections import registry_engine
    from ndvi_core.registry.telling import note_late_day

    with registry_engine().begin() as connection:
        if note_late_day(connection, day):
            log.warning("%s is not published in time", day)

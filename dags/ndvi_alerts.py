"""### Tells people what is unusual, which days are late, and which runs failed.

Each receiver of `NDVI_NOTIFY` has a task of its own, which sends one digest of all that is new to it: events of fields
that have opened, those it was told of that have ended, days that were not published in time, and runs that failed.
Without a receiver it never runs.

Runs when events have changed, and once an hour for what a receiver did not take before: nothing is lost while it is
away, and nobody is told twice.
"""

from datetime import timedelta

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable

from ndvi_airflow.assets import NDVI_EVENTS
from ndvi_airflow.defaults import ALERTS, TAGS, TASK_DEFAULTS, midnight
from ndvi_airflow.settings import load_settings
from ndvi_airflow.telling.alerts import tell
from ndvi_core.models.constants import FIRST_IMAGE

settings = load_settings()
hourly = CronTriggerTimetable("5 * * * *", timezone="UTC")

with DAG(
    dag_id=ALERTS,
    description="Digests of what is unusual, by mail and other ways",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(timetable=hourly, assets=[NDVI_EVENTS]) if settings.notify else None,
    start_date=midnight(FIRST_IMAGE),
    catchup=False,
    max_active_runs=2,  # one that waits for a receiver which is away does not hold back the others
    default_args=TASK_DEFAULTS | {"execution_timeout": timedelta(minutes=10)},
    tags=TAGS,
):
    tell.override(map_index_template="{{ task.op_kwargs['receiver'] }}").expand(receiver=list(settings.notify))

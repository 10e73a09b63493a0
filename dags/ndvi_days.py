"""### Tells other DAGs of each day that was published or has changed.

A DAG with `schedule=PartitionedAssetTimetable(assets=Asset(name="ndvi_days", uri="ndvi://ledger/days"))` gets one run
for each such day, with the day (`2025-06-25`) as the run's partition key. The documentation has an example
(`docs/examples/lowest_fields.py`).

Runs after each run that published, and once an hour for what was published otherwise: by the intake or by a command.
A day whose file was written again with the same content has not changed.
"""

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable

from ndvi_airflow.assets import NDVI_OBSERVATIONS
from ndvi_airflow.defaults import DAYS, TAGS, TASK_DEFAULTS, midnight
from ndvi_airflow.telling.days import announce_days, changed_days, confirm_days
from ndvi_airflow.watcher import watcher_task
from ndvi_core.models.constants import FIRST_IMAGE

with DAG(
    dag_id=DAYS,
    description="One event for each day that was published or has changed",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("10 * * * *", timezone="UTC"), assets=[NDVI_OBSERVATIONS]
    ),
    start_date=midnight(FIRST_IMAGE),
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    tags=TAGS,
):
    parts = changed_days()
    announce_days.expand(part=parts) >> confirm_days(parts) >> watcher_task()

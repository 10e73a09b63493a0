"""### Computes the days that fields are owed.

Runs by itself when fields were registered or changed: for these alone, all days of their seasons up to the last
recorded day. A task covers the whole period of its field, or of neighbours if there are many; what has an answer
already is not computed again. A run each night does what an earlier one had to leave; mostly that is nothing.

A run by hand (*Trigger*) does the same at once. Other fields and days are for `ndvi_recompute`.
"""

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable

from ndvi_airflow.assets import NDVI_FIELDS
from ndvi_airflow.defaults import CATCH_UP, LATE, RUN_TIMEOUT, TAGS, TASK_DEFAULTS, midnight
from ndvi_airflow.operators import compute_task
from ndvi_airflow.settings import load_settings
from ndvi_airflow.tasks import find_scenes, plan, record
from ndvi_airflow.watcher import watcher_task
from ndvi_core.models.constants import FIRST_IMAGE

settings = load_settings()

with DAG(
    dag_id=CATCH_UP,
    description="NDVI of late and changed fields",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("30 2 * * *", timezone="UTC"),  # picks up what an event's run had to leave
        assets=[NDVI_FIELDS],
    ),
    start_date=midnight(FIRST_IMAGE),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=settings.catch_up_tasks,
    dagrun_timeout=RUN_TIMEOUT,
    default_args=TASK_DEFAULTS | {"priority_weight": LATE},
    tags=TAGS,
):
    orders = plan("catch_up")
    computed = compute_task(settings).expand(order=orders)
    recorded = record()
    find_scenes("catch_up") >> orders
    computed >> recorded
    [computed, recorded] >> watcher_task()

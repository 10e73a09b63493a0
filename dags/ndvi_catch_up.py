"""### Computes the days that fields are owed.

Runs by itself when fields were registered or changed: for these alone, all days from the plant date up to the last
recorded day. One task a field covers its whole period; what has an answer already is not computed again. A run each
night does what an earlier one had to leave; mostly that is nothing.

**By hand** (*Trigger*), for any period and any fields:

- `field_ids`: only these fields; empty is all.
- `start`, `end`: both included; empty is the plant date and the last recorded day.
- `force`: compute again what has an answer already.

A run without any of them does what is still owed.
"""

from datetime import timedelta

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, Param

from ndvi_airflow.assets import NDVI_FIELDS
from ndvi_airflow.defaults import TAGS, TASK_DEFAULTS, midnight
from ndvi_airflow.operators import compute_task, watcher_task
from ndvi_airflow.settings import load_settings
from ndvi_airflow.tasks import find_scenes, plan, record
from ndvi_core.models.constants import FIRST_IMAGE

settings = load_settings()

with DAG(
    dag_id="ndvi_catch_up",
    description="NDVI of late and changed fields, and of any period by hand",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("30 2 * * *", timezone="UTC"),  # picks up what an event's run had to leave
        assets=[NDVI_FIELDS],
    ),
    start_date=midnight(FIRST_IMAGE),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    params={
        "field_ids": Param(None, type=["null", "array"], items={"type": "string"}, description="Only these fields"),
        "start": Param(None, type=["null", "string"], format="date", description="First day; empty: the plant date"),
        "end": Param(None, type=["null", "string"], format="date", description="Last day; empty: the last recorded"),
        "force": Param(False, type="boolean", description="Compute again what has an answer already"),
    },
    default_args=TASK_DEFAULTS,
    tags=TAGS,
):
    orders = plan("catch_up")
    computed = compute_task(settings).expand(order=orders)
    recorded = record()
    find_scenes("catch_up") >> orders
    computed >> recorded
    [computed, recorded] >> watcher_task()

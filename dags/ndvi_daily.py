"""### Computes NDVI of every field, one run a day.

Finds the Sentinel-2 scenes of the day, plans what is missing, computes it and publishes the day's file
`observations/date=YYYY-MM-DD/observations.parquet`. Up to `NDVI_FIELD_TASKS` (24) fields have a task each; beyond,
neighbours share tasks.

- **One field again:** open `compute`, *Task Instances*, filter *Rendered Map Index* by the field's id, tick, *Clear*;
  where fields share tasks, `airflow ndvi recompute -f FIELD`.
- **Past days:** `airflow dags backfill -s 2025-06-22 -e 2025-06-28 ndvi_daily`. What is done is not computed again.
- **No extent yet:** `find_scenes` waits for it and says in its log what to upload.
- **Scenes that come late** are picked up by the runs of the next days (`NDVI_LOOK_BACK_DAYS`).
- A field that fails holds back neither the others nor the next day: its own task is red and says why, and the run
  ends failed.
- Params: `field_ids` plans only these fields; `force` computes again what has an answer already.
"""

from airflow.sdk import DAG, Param

from ndvi_airflow.defaults import DAILY, OF_THE_DAY, RUN_TIMEOUT, TAGS, TASK_DEFAULTS, midnight
from ndvi_airflow.operators import compute_task
from ndvi_airflow.settings import load_settings
from ndvi_airflow.tasks import find_scenes, plan, record
from ndvi_airflow.telling.deadline import day_deadline
from ndvi_airflow.timetable import DayTimetable
from ndvi_airflow.watcher import watcher_task

settings = load_settings()

with DAG(
    dag_id=DAILY,
    description="NDVI of every planted field for each day",
    doc_md=__doc__,
    schedule=DayTimetable(),
    start_date=midnight(settings.start_date),
    end_date=midnight(settings.end_date) if settings.end_date else None,
    catchup=True,
    max_active_runs=4,
    dagrun_timeout=RUN_TIMEOUT,
    deadline=day_deadline(settings),
    params={
        "field_ids": Param(None, type=["null", "array"], items={"type": "string"}, description="Only these fields"),
        "force": Param(False, type="boolean", description="Compute again what has an answer already"),
    },
    default_args=TASK_DEFAULTS | {"priority_weight": OF_THE_DAY},
    tags=TAGS,
):
    orders = plan("daily")
    computed = compute_task(settings).expand(order=orders)
    recorded = record.override(depends_on_past=True)()
    find_scenes("daily") >> orders
    computed >> recorded
    [computed, recorded] >> watcher_task()

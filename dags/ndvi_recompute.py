"""### Computes what a person asks for.

For any period and any fields, *Trigger* with

- `field_ids`: only these fields; empty is all.
- `start`, `end`: both included; empty is the first plant date and the last recorded day.
- `force`: compute again what has an answer already; else only what is missing, or whose scenes have changed.
- `opened`: instead of a period, the days on which more of a field lies within the extent than its answer is for.

It does not wait for `ndvi_catch_up`, and its tasks go first. Cells that a run of that is computing at the moment are
left to it; the log of `plan` says how many.
"""

from airflow.sdk import DAG, Param

from ndvi_airflow.defaults import ASKED_FOR, RECOMPUTE, RUN_TIMEOUT, TAGS, TASK_DEFAULTS, midnight
from ndvi_airflow.operators import compute_task
from ndvi_airflow.settings import load_settings
from ndvi_airflow.tasks import find_scenes, plan, record
from ndvi_airflow.watcher import watcher_task
from ndvi_core.models.constants import FIRST_IMAGE

settings = load_settings()

with DAG(
    dag_id=RECOMPUTE,
    description="NDVI of any fields and days, by hand",
    doc_md=__doc__,
    schedule=None,
    start_date=midnight(FIRST_IMAGE),
    catchup=False,
    max_active_runs=2,  # a small one need not wait for a large one either
    dagrun_timeout=RUN_TIMEOUT,
    params={
        "field_ids": Param(None, type=["null", "array"], items={"type": "string"}, description="Only these fields"),
        "start": Param(None, type=["null", "string"], format="date", description="First day; empty: the plant date"),
        "end": Param(None, type=["null", "string"], format="date", description="Last day; empty: the last recorded"),
        "force": Param(False, type="boolean", description="Compute again what has an answer already"),
        "opened": Param(False, type="boolean", description="Only what a change of the extent has opened"),
    },
    default_args=TASK_DEFAULTS | {"priority_weight": ASKED_FOR},
    tags=TAGS,
):
    orders = plan("recompute")
    computed = compute_task(settings).expand(order=orders)
    recorded = record()
    find_scenes("recompute") >> orders
    computed >> recorded
    [computed, recorded] >> watcher_task()

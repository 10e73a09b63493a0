"""### Brings seasons up to date: daily series, what is unusual, and events.

Runs by itself when days were published or fields have changed, and each night; one run serves all that happened until
it starts. It computes the parts of `seasons/` whose observations, dates, crops or rules have changed, and looks for
events in all seasons of these years:

- `seasons/series/`, `seasons/summaries/`, `seasons/peers/`: a smoothed series for each season, index and day, its
  start, peak and end, and what is usual among the fields of a crop.
- `events/`: falls, green-up, harvests, fields that lag behind, and days without a value. An event is `open`, `closed`,
  or `withdrawn` if the data have changed so that it is not found any more.

If an event was found, has ended or was withdrawn, one event of the asset `ndvi_events` follows.
`airflow ndvi events` lists what is open. Clearing the tasks gives the same files and events.
"""

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable

from ndvi_airflow.assets import NDVI_FIELDS, NDVI_OBSERVATIONS
from ndvi_airflow.defaults import OF_THE_DAY, RUN_TIMEOUT, SEASON, TAGS, TASK_DEFAULTS, midnight
from ndvi_airflow.operators import season_task
from ndvi_airflow.season_tasks import announce_events, confirm_events, plan_seasons, record_seasons
from ndvi_airflow.settings import load_settings
from ndvi_airflow.watcher import watcher_task
from ndvi_core.models.constants import FIRST_IMAGE

settings = load_settings()

with DAG(
    dag_id=SEASON,
    description="Daily series, phenology, peers and events of seasons",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("15 3 * * *", timezone="UTC"),  # for what commands have changed
        assets=NDVI_OBSERVATIONS | NDVI_FIELDS,
    ),
    start_date=midnight(FIRST_IMAGE),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=RUN_TIMEOUT,
    default_args=TASK_DEFAULTS | {"priority_weight": OF_THE_DAY},
    tags=TAGS,
):
    order = plan_seasons()
    recorded, as_of = record_seasons(), announce_events()
    season_task(settings, order) >> recorded >> as_of
    confirm_events(as_of) >> watcher_task()

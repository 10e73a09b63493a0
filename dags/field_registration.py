"""### Registers fields that are dropped into the bucket.

Waits for objects in `staticdata/fields/pending/`, registers their features and moves the files to `processed/` or,
if nothing in them could be used, to `rejected/`. What was wrong stands in `<name>.errors.json` beside the moved file.

If a field is new or changed, one event of the asset `ndvi_fields` follows, which starts `ndvi_catch_up`.
One run follows the other all day long; a run that found nothing ends skipped after an hour.
"""

from datetime import timedelta

from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.sdk import DAG

from ndvi_airflow.connections import S3_CONN_ID
from ndvi_airflow.defaults import REGISTRATION, TAGS, TASK_DEFAULTS, midnight
from ndvi_airflow.settings import load_settings
from ndvi_airflow.tasks import announce, confirm, register
from ndvi_airflow.watcher import watcher_task
from ndvi_core.models.constants import FIRST_IMAGE
from ndvi_core.storage.object_store import split_uri

settings = load_settings()
bucket, pending = split_uri(f"{settings.bucket_url}/{settings.pending_prefix}")

with DAG(
    dag_id=REGISTRATION,
    description="Registers GeoJSON files that are dropped into the bucket",
    doc_md=__doc__,
    schedule="@continuous",
    start_date=midnight(FIRST_IMAGE),  # fields may come before the first day of ndvi_daily
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    tags=TAGS,
):
    registered, as_of = register(), announce()
    confirmed = confirm(as_of)
    (
        S3KeySensor(
            task_id="wait_for_file",
            bucket_name=bucket.removeprefix("s3://"),
            bucket_key=f"{pending}*[!/]",  # any object but the markers that S3 browsers make for folders
            wildcard_match=True,
            aws_conn_id=S3_CONN_ID,
            poke_interval=10,
            timeout=timedelta(hours=1).total_seconds(),
            execution_timeout=None,
            soft_fail=True,
            deferrable=True,
        )
        >> registered
        >> as_of
        >> confirmed
    )
    [registered, confirmed] >> watcher_task()

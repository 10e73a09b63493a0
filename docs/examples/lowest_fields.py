"""### The fields with the lowest NDVI of a day: an example of a DAG of your own on the asset `ndvi_days`.

Copy it into your DAGs folder. It has one run for each day that was published or has changed, and reads the day's file.
"""

from io import BytesIO

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, get_current_context, task

NDVI_DAYS = Asset(name="ndvi_days", uri="ndvi://ledger/days")
BUCKET = "ndvi"


@task
def lowest_fields() -> list[str]:
    """Return the five fields with the lowest mean NDVI; none if the day has no file any more."""
    from arro3.io import read_parquet  # any reader of Parquet does

    day = get_current_context()["dag_run"].partition_key
    hook, key = S3Hook("ndvi_s3"), f"observations/date={day}/observations.parquet"
    if not hook.check_for_key(key, BUCKET):  # its last row is not due any more
        return []
    table = read_parquet(BytesIO(hook.get_key(key, BUCKET).get()["Body"].read())).read_all()
    means = zip(table["ndvi_mean"].to_pylist(), table["field_id"].to_pylist(), strict=True)
    return [field_id for _, field_id in sorted(one for one in means if one[0] is not None)[:5]]


with DAG(
    dag_id="lowest_fields",
    doc_md=__doc__,
    schedule=PartitionedAssetTimetable(assets=NDVI_DAYS),
    max_active_runs=4,
    default_args={"retries": 2},
    tags=["example"],
):
    lowest_fields()

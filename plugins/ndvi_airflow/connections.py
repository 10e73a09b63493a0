"""Airflow connections as ndvi_core wants them: an engine for the registry, `AWS_*` variables for S3."""

import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ndvi_core.storage.object_store import Store

REGISTRY_CONN_ID = "ndvi_registry"
"""PostgreSQL: the registry's own database."""

S3_CONN_ID = "ndvi_s3"
"""AWS: the bucket of products. Without it, or without a key in it, the workload's own identity is used."""

SCENES_CONN_ID = "ndvi_scenes"
"""AWS: where scenes with `s3://` hrefs are, if that takes other keys or another endpoint than the bucket."""

_PASSED_ON = ("AWS_", "CPL_", "GDAL_", "NDVI_", "OPENBLAS_", "STAC_", "VSI_")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_PASSED_ON_NAMES = ("HOME", "LANG", "PATH", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "TMPDIR", "TZ", *_PROXIES)

ALLOCATOR = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "4000000"}
"""For glibc, as in the image of compute tasks: with a heap for each of its threads the computation would keep a third
more memory, and with the arrays of a large field on the heap 20 bytes more for each of its pixels."""


def registry_engine(**options: Any) -> "Engine":
    """Return an engine on the registry's database.

    Args:
        options: of SQLAlchemy's `create_engine`.
    """
    hook: Any = BaseHook.get_hook(REGISTRY_CONN_ID)
    engine: Engine = hook.get_sqlalchemy_engine(options)
    return engine


def open_bucket(url: str) -> "Store":
    """Open the bucket with the credentials of `ndvi_s3`."""
    from ndvi_core.storage.object_store import Store

    return Store(url, _aws_variables(S3_CONN_ID))


def compute_environment() -> dict[str, str]:
    """Return the whole environment of a compute process: what a pod would get, and nothing of Airflow's own."""
    bucket = _aws_variables(S3_CONN_ID)
    scenes = {f"NDVI_SCENE_{name}": value for name, value in _aws_variables(SCENES_CONN_ID).items()}
    passed_on = {
        name: value
        for name, value in os.environ.items()
        if (name in _PASSED_ON_NAMES or name.startswith(_PASSED_ON))
        # A session token of this machine's account would not go with the connection's key.
        and not (name.startswith("AWS_") and "AWS_ACCESS_KEY_ID" in bucket)
    }
    return {**ALLOCATOR, **passed_on, **bucket, **scenes}


def _aws_variables(conn_id: str) -> dict[str, str]:
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return {}
    extra = connection.extra_dejson
    variables = {
        "AWS_ACCESS_KEY_ID": connection.login,
        "AWS_SECRET_ACCESS_KEY": connection.password,
        "AWS_SESSION_TOKEN": extra.get("aws_session_token"),
        "AWS_REGION": extra.get("region_name"),
        "AWS_ENDPOINT_URL": extra.get("endpoint_url"),
    }
    return {name: value for name, value in variables.items() if value}

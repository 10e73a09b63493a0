"""Uploads to the intake, and the objects and fields that come of them."""

from functools import cache
from hashlib import sha256
from typing import Any

import boto3
from botocore.config import Config
from sqlalchemy import Engine
from support.features import polygon

from ndvi_airflow.local.services import REGION, S3
from ndvi_core.models.field import RegisteredField
from ndvi_core.registry import fields as registry
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

SETTINGS = Settings(max_geojson_bytes=20_000)
PENDING, PROCESSED, REJECTED = (f"staticdata/fields/{name}/" for name in ("pending", "processed", "rejected"))
TRIANGLE = polygon((10, 40), (10.01, 40), (10.01, 40.01))


def upload(store: Store, name: str, data: bytes) -> None:
    store.write(f"{PENDING}{name}", data)


def objects(store: Store, prefix: str) -> dict[str, bytes]:
    """Return the content of each object below a prefix by its key after that."""
    return {info.key.removeprefix(prefix): store.read(info.key) for info in store.list(prefix)}


def fields(engine: Engine) -> dict[str, RegisteredField]:
    with engine.connect() as connection:
        return {field.field_id: field for field in registry.load_fields(connection)}


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


@cache
def client_of(server: S3) -> Any:
    """Return a client that sends keys as they are."""
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=REGION,
        config=Config(response_checksum_validation="when_required"),
    )


def put(server: S3, store: Store, key: str, data: bytes) -> None:
    """Put an object of any key into a store on S3."""
    bucket, _, folder = store.url.removeprefix("s3://").partition("/")
    client_of(server).put_object(Bucket=bucket, Key=f"{folder}/{key}", Body=data)

"""What the API says when the registry or the bucket is away, refuses, or holds what cannot be used."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, create_engine
from support.features import collection, feature
from support.models import a_field, an_observation

from ndvi_airflow.local.services import S3, Postgres
from ndvi_airflow.web import dependencies
from ndvi_airflow.web.app import app
from ndvi_airflow.web.security import dag_reader, reader, uploader
from ndvi_core.registry import fields, ledger, recorded_days
from ndvi_core.storage.object_info import ObjectInfo
from ndvi_core.storage.object_store import Store

NOWHERE = "127.0.0.1:1"
PICTURES = ("api/extent", "pictures/wheat/2025-04-01.png", "api/fields/wheat/overlays/2025-04-01.json")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The app for somebody who may read and upload."""
    monkeypatch.setenv("NDVI_BUCKET_URL", "s3://ndvi")
    for allowed in (reader, dag_reader, uploader):
        monkeypatch.setitem(app.dependency_overrides, allowed.dependency, lambda: None)
    yield TestClient(app, raise_server_exceptions=False)
    app.dependency_overrides.clear()


def on(engine: Engine) -> Callable[[], Iterator[Connection]]:
    def connection() -> Iterator[Connection]:
        with engine.connect() as found:
            yield found

    return connection


def check(client: TestClient, path: str, status: int, said: str) -> None:
    answer = client.get(f"/{path}")
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("path", ["api/fields", "api/fields/wheat", "api/grid", "api/observations"])
def test_a_registry_that_is_away_or_not_migrated_is_said_so(client: TestClient, postgres: Postgres, path: str) -> None:
    app.dependency_overrides[dependencies._snapshot] = on(
        create_engine(f"postgresql+psycopg://nobody@{NOWHERE}/nothing")
    )
    check(client, path, 503, "the registry's database does not answer")
    app.dependency_overrides[dependencies._snapshot] = on(create_engine(postgres.url(f"empty_{uuid4().hex}")))
    check(client, path, 502, "airflow ndvi migrate")


@pytest.mark.parametrize("path", PICTURES)
def test_a_bucket_that_refuses_is_said_so(client: TestClient, s3: S3, path: str) -> None:
    app.dependency_overrides[dependencies._bucket] = lambda: Store(
        "s3://ndvi", {**s3.environment, "AWS_SECRET_ACCESS_KEY": "not-the-key"}
    )
    check(client, path, 502, "check the credentials")


def test_a_bucket_that_is_away_is_said_so(client: TestClient, s3: S3) -> None:
    away = {**s3.environment, "AWS_ENDPOINT_URL": f"http://{NOWHERE}"}
    app.dependency_overrides[dependencies._bucket] = lambda: Store("s3://ndvi", away)
    check(client, "api/extent", 503, "cannot read")


DAMAGED = {
    "fields/wheat/2025-04-01/ndvi.png": ("pictures/wheat/2025-04-01.png", "no whole PNG"),
    "fields/wheat/2025-04-01/ndvi.tif": ("api/fields/wheat/overlays/2025-04-01.png", "the raster of wheat, 2025-04-01"),
    "staticdata/config/bbox.geojson": ("api/extent", "is not usable"),
    "runs/ndvi_daily/x/orders/0.parquet": (
        "orders/ndvi_daily/x/0",
        "runs/ndvi_daily/x/orders/0.parquet cannot be used",
    ),
}


@pytest.mark.parametrize("key", DAMAGED)
def test_an_object_that_is_damaged_is_said_so(client: TestClient, tmp_path: Path, key: str) -> None:
    store = Store(tmp_path.as_uri())
    app.dependency_overrides[dependencies._bucket] = lambda: store
    path, said = DAMAGED[key]
    assert client.get(f"/{path}").status_code == 404
    store.write(key, b"\x89PNG\r\n\x1a\n and no more")
    check(client, path, 502, said)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "api/standings", 200),
        ("GET", "api/fields/wheat/seasons", 200),
        ("GET", "api/fields/wheat/series", 404),
        ("GET", "api/fields/wheat/rasters", 404),
        ("GET", "api/passes", 200),
        ("POST", "api/uploads/check", 200),
        ("POST", "api/uploads?name=fields.geojson", 201),
    ],
)
def test_no_connection_is_held_while_the_bucket_is_at_work(
    client: TestClient, engine: Engine, tmp_path: Path, method: str, path: str, status: int
) -> None:
    with engine.begin() as connection:
        fields.upsert_fields(connection, [wheat := a_field("wheat")], "file")
        ledger.upsert_observations(connection, [an_observation(wheat, wheat.plant_date)], datetime.now(UTC))
        recorded_days.mark_recorded(connection, wheat.plant_date, wheat.plant_date)
    only = create_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=1)
    asked = []

    class Bucket(Store):
        """A bucket that takes so long that somebody else asks the registry meanwhile."""

        def read(self, key: str) -> bytes:
            asked.append(key)
            with only.connect():
                return super().read(key)

        def list(self, prefix: str) -> Iterator[ObjectInfo]:
            asked.append(prefix)
            with only.connect():
                return super().list(prefix)

        def write(self, key: str, data: bytes, content_type: str) -> None:
            asked.append(key)
            with only.connect():
                super().write(key, data, content_type)

    app.dependency_overrides[dependencies._opener] = lambda: only.connect
    app.dependency_overrides[dependencies._snapshot] = on(only)
    app.dependency_overrides[dependencies._bucket] = lambda: Bucket(tmp_path.as_uri())
    headers = {"Content-Type": "application/geo+json"}
    answer = client.request(method, f"/{path}", content=collection(feature()), headers=headers)
    only.dispose()
    assert answer.status_code == status, answer.text
    assert asked

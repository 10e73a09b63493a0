"""The laptop stack's servers, spoken to by independent clients: psycopg's engine, boto3, httpx and pystac-client."""

import json
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import pystac
import pystac_client
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from sqlalchemy import create_engine, text

from ndvi_airflow.local.processes import Daemon, NotHealthy, spawn, wait_until
from ndvi_airflow.local.services import (
    S3,
    Files,
    Postgres,
    Request,
    Service,
    load,
    save,
    start_files,
    start_postgres,
    start_s3,
    start_stac,
)
from ndvi_core.errors import BadInput, NotFound
from ndvi_core.storage.object_store import Store

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder for PostgreSQL; see `postgres` in conftest.py."""
    with tempfile.TemporaryDirectory(prefix="ndvi-postgres-") as folder:
        yield Path(folder) / "data"


def test_postgres_keeps_its_data_over_a_restart_and_is_started_once(data: Path) -> None:
    first = start_postgres(data)
    engine = create_engine(first.url("farm"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n int)"))
        connection.execute(text("INSERT INTO t VALUES (7)"))
    assert start_postgres(data) == first
    first.stop()
    engine.dispose()
    assert not first.daemon.running()

    second = start_postgres(data)
    try:
        with create_engine(second.url("farm")).connect() as connection:
            assert connection.scalar(text("SELECT n FROM t")) == 7
    finally:
        second.stop()


def test_postgres_is_not_misled_by_a_pid_file_that_names_another_program(data: Path) -> None:
    first = start_postgres(data)
    left = (data / "postmaster.pid").read_text()
    first.stop()
    (data / "postmaster.pid").write_text(left.replace(str(first.daemon.pid), str(os.getpid()), 1))

    second = start_postgres(data)
    second.stop()
    assert second.daemon.pid != os.getpid()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_postgres_urls_fit_each_driver(postgres: Postgres, driver: str) -> None:
    with create_engine(postgres.url("airflow", driver)).connect() as connection:
        assert connection.scalar(text("SELECT current_database()")) == "airflow"


def _client(s3: S3, secret: str | None = None) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=s3.url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=secret or s3.secret_key,
        region_name="us-east-1",
        config=Config(response_checksum_validation="when_required"),
    )


def test_s3_takes_what_store_writes_and_boto3_reads_it(s3: S3, s3_store: Store) -> None:
    s3_store.write("a/b.json", b"{}", content_type="application/json")
    prefix = s3_store.url.removeprefix("s3://ndvi/")
    assert _client(s3).get_object(Bucket="ndvi", Key=f"{prefix}/a/b.json")["Body"].read() == b"{}"


def test_s3_refuses_a_wrong_secret(s3: S3) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        _client(s3, secret="wrong").list_objects_v2(Bucket="ndvi")


def test_s3_shows_a_file_that_was_copied_into_the_bucket_s_folder(tmp_path: Path) -> None:
    s3 = start_s3(tmp_path / "objects", buckets=["farm"])
    try:
        assert "Contents" not in _client(s3).list_objects_v2(Bucket="farm")
        (tmp_path / "objects" / "farm" / "x.geojson").write_text("{}")
        wait_until(lambda: "Contents" in _client(s3).list_objects_v2(Bucket="farm"), "the file", s3.daemon, s3.log)
    finally:
        s3.stop()


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "a.tif").write_bytes(CONTENT)
    server = start_files(tmp_path / "scenes")
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("path", "header", "status", "body"),
    [
        ("/a.tif", None, 200, CONTENT),
        ("/a.tif", "bytes=10-19", 206, CONTENT[10:20]),
        ("/a.tif", "bytes=-4", 206, CONTENT[-4:]),
        ("/a.tif", "bytes=1020-4000", 206, CONTENT[1020:]),
        ("/a.tif", "bytes=4000-4001", 416, None),
        ("/none.tif", None, 404, None),
        ("/%2e%2e/scenes.log", None, 404, None),
    ],
)
def test_files_answers_ranges_and_notes_each_request(
    files: Files, path: str, header: str | None, status: int, body: bytes | None
) -> None:
    answer = httpx.get(files.url + path, headers={"Range": header} if header else {})
    assert answer.status_code == status
    if body is not None:
        assert answer.content == body
    assert [(r.method, r.range, r.status) for r in files.requests()] == [("GET", header, status)]


def test_files_forgets_requests_when_told(files: Files) -> None:
    httpx.get(f"{files.url}/a.tif")
    files.clear()
    httpx.head(f"{files.url}/a.tif")
    assert files.requests() == [Request("HEAD", "/a.tif", None, 200)]


def _documents(folder: Path, ids: list[str]) -> list[Path]:
    extent = pystac.Extent(pystac.SpatialExtent([[-180, -90, 180, 90]]), pystac.TemporalExtent([[None, None]]))
    (folder / "collection.json").write_text(json.dumps(pystac.Collection("scenes", "x", extent).to_dict()))
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    day = datetime(2025, 4, 16, tzinfo=UTC)
    items = [pystac.Item(i, square, [0, 0, 1, 1], day, {}, collection="scenes").to_dict() for i in ids]
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    return [folder / "collection.json", folder / "items.json"]


def test_stac_is_searched_and_restarted_with_other_items_on_its_port(tmp_path: Path) -> None:
    first = start_stac(_documents(tmp_path, ["one"]))
    port = int(first.url.rpartition(":")[2])
    first.stop()
    second = start_stac(_documents(tmp_path, ["one", "two"]), port=port)
    try:
        assert second.url == first.url
        search = pystac_client.Client.open(second.url).search(
            collections=["scenes"], bbox=[0.2, 0.2, 0.3, 0.3], datetime="2025-04-16/2025-04-16"
        )
        assert sorted(item.id for item in search.items()) == ["one", "two"]
    finally:
        second.stop()


def test_a_taken_port_is_named_with_the_setting_that_moves_it(s3: S3, tmp_path: Path) -> None:
    port = int(s3.url.rpartition(":")[2])
    with pytest.raises(BadInput, match=f"port {port} for S3 is taken.*NDVI_LOCAL_S3_PORT"):
        start_s3(tmp_path / "objects", buckets=["ndvi"], port=port)


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{ this is no STAC")
    with pytest.raises(NotHealthy, match="rustac serve ended as soon as it was started"):
        start_stac([tmp_path / "broken.json"])


def test_stop_ends_children_too_and_a_server_is_found_again_by_its_file(tmp_path: Path) -> None:
    daemon = spawn(["/bin/sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait; sleep 60"], tmp_path / "log")
    wait_until(lambda: (tmp_path / "log").read_text().strip() != "", "the shell", daemon, tmp_path / "log")
    child = Daemon.of(int((tmp_path / "log").read_text()))
    running = Service(daemon, tmp_path / "log", "http://127.0.0.1:1")
    save(running, tmp_path / "handle.json")
    assert load(Service, tmp_path / "handle.json") == running

    daemon.stop(grace=0.2)
    assert not daemon.running()
    assert not child.running()
    assert load(Service, tmp_path / "handle.json") is None


@pytest.mark.parametrize(
    "content", ["", "{}", "no json", '{"daemon": {"pid": 1, "created": 0}, "log": "x", "url": "x"}']
)
def test_a_stale_or_broken_handle_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "handle.json").write_text(content)
    assert load(Service, tmp_path / "handle.json") is None
    assert load(Service, tmp_path / "missing.json") is None


def test_there_is_no_daemon_of_a_process_that_is_gone() -> None:
    with pytest.raises(NotFound, match="no process"):
        Daemon.of(2**22 + 1)

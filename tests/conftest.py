"""Real servers for the tests: PostgreSQL and S3, started once a session; each test gets its own database and prefix."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text
from support import chance  # noqa: F401  the profiles of hypothesis
from support.uploads import client_of

from ndvi_airflow.local.processes import HOST, free_port, listening, script, spawn, wait_until
from ndvi_airflow.local.services import S3, Postgres, start_postgres, start_s3
from ndvi_core.errors import TryAgain
from ndvi_core.storage.object_store import Store

ROOT = Path(__file__).parent.parent
TEMPLATE_DATABASE = "ndvi_template"
BUCKET = "ndvi"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL.

    Not in pytest's own folders: another pytest of the same user closes those to the user that the server runs as.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = start_postgres(Path(folder) / "data")
        yield server
        server.stop()


@pytest.fixture(scope="session")
def _migrated(postgres: Postgres) -> str:
    """The name of a database with the registry's tables, from which each test's own is copied."""
    from ndvi_core.registry import database

    engine = create_engine(postgres.url(TEMPLATE_DATABASE))
    database.upgrade(engine)
    engine.dispose()
    return TEMPLATE_DATABASE


@pytest.fixture
def engine(postgres: Postgres, _migrated: str) -> Iterator[Engine]:
    """An engine on an empty, migrated registry."""
    name = f"test_{uuid4().hex}"
    server = create_engine(postgres.url("postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {_migrated}"))
    own = create_engine(postgres.url(name))
    yield own
    own.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A running S3 server with an empty bucket."""
    server = start_s3(tmp_path_factory.mktemp("s3") / "objects", buckets=[BUCKET])
    yield server
    server.stop()


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A running S3 server that takes nearly any key, as AWS does and the one above does not; with an empty bucket."""
    port, log = free_port(), tmp_path_factory.mktemp("moto") / "log"
    pages = {"MOTO_S3_DEFAULT_MAX_KEYS": "5"}  # of listings, for which AWS has 1000
    daemon = spawn([script("moto_server"), "--host", HOST, "--port", str(port)], log, {**os.environ, **pages})
    wait_until(lambda: listening(port), "moto", daemon, log)
    server = S3(daemon, log, f"http://{HOST}:{port}", "any", "any")
    client_of(server).create_bucket(Bucket=BUCKET)
    yield server
    server.stop()


@pytest.fixture
def s3_store(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store on a prefix of its own; the `AWS_*` variables lead to the server while the test runs."""
    return _store_on(s3, monkeypatch)


@pytest.fixture
def any_keys(moto: S3, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The same on the server that takes nearly any key."""
    return _store_on(moto, monkeypatch)


def _store_on(server: S3, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return Store(f"s3://{BUCKET}/{uuid4().hex}")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store on a folder."""
    return Store(f"file://{tmp_path}/store")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real pixels, STAC items and GeoJSON files that is no part of the repository."""
    folder = Path(os.environ.get("NDVI_REALDATA") or ROOT / ".." / "shared" / "realdata").resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: NDVI_REALDATA can name its place")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show, with a failing test, the runs of Airflow that did not succeed, with their tasks' logs."""
    report = yield
    if report.failed and call.when == "call" and "person" in item.funcargs:
        try:
            report.sections.append(("Airflow", "\n".join(item.funcargs["person"].explained())))
        except TryAgain as error:
            report.sections.append(("Airflow", str(error)))
    return report


@pytest.fixture(params=["file", "s3"])
def bucket(request: pytest.FixtureRequest) -> Store:
    """A store on a folder, and one on S3."""
    store: Store = request.getfixturevalue("store" if request.param == "file" else "s3_store")
    return store

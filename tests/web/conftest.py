"""Airflow's real API server with our app in it, over a real registry and bucket, and users of each role."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import create_engine
from support.browser import Browser, a_browser
from support.country import Country
from support.peers import BARLEY
from support.pixels import Computed, compute
from support.web import MAX_UPLOAD_BYTES, Ask, Server, SignIn, token_of

from ndvi_airflow.local.components import airflow_environment, migrate, process_environment, start_component
from ndvi_airflow.local.config import LocalSettings
from ndvi_airflow.local.processes import free_port, wait_until
from ndvi_airflow.local.services import S3, Postgres
from ndvi_core.registry import database
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

USERS = {"viewer": "viewer", "user": "user", "op": "op", "admin": "admin", "guest": ""}
"""The role of each; who has none may do nothing."""
TILES = "https://tiles.example/{z}/{x}/{y}.png"


@pytest.fixture(scope="session")
def server(postgres: Postgres, s3: S3) -> Iterator[Server]:
    """Airflow's API server alone, with the password of each user being its name."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home, name = Path(folder), f"web_{uuid4().hex}"
        engine = create_engine(postgres.url(name))
        database.upgrade(engine)
        port = free_port()
        settings = LocalSettings(home=home, airflow_port=port)
        passwords = home / "airflow" / "passwords.json"
        bucket_url = f"s3://ndvi/{name}"
        variables = {
            **airflow_environment(settings, postgres, s3, with_pods=False),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.url(f"{name}_airflow", "psycopg2"),
            "AIRFLOW_CONN_NDVI_REGISTRY": json.dumps(
                {"conn_type": "postgres", "host": str(postgres.sockets), "login": "postgres", "schema": name}
            ),
            "NDVI_BUCKET_URL": bucket_url,
            "NDVI_START_DATE": "2025-04-01",
            "NDVI_MAX_GEOJSON_BYTES": str(MAX_UPLOAD_BYTES),
            "NDVI_MAP_TILES_URL": TILES,
        }
        passwords.write_text(json.dumps({user: user for user in USERS}))
        environment = process_environment(variables)
        migrate(environment, home / "migrate.log")
        log = home / "api-server.log"
        running = start_component("api-server", port, environment, log)
        url = f"http://localhost:{port}"
        try:
            wait_until(lambda: _answers(url), "the API server", running.daemon, log, timeout=180)
            yield Server(url, engine, Store(bucket_url, s3.environment))
        finally:
            running.stop()
            engine.dispose()


@pytest.fixture(scope="session")
def sign_in(server: Server) -> Iterator[SignIn]:
    """Return a client with the token of a role: as a header, or as the cookie that browsers have; None is nobody's."""
    clients: list[httpx.Client] = []

    def sign_in(role: str | None, cookie: bool = False) -> httpx.Client:
        client = httpx.Client(base_url=f"{server.url}/ndvi/", trust_env=False, timeout=60)
        clients.append(client)
        if role is not None:
            token = client.post(f"{server.url}/auth/token", json={"username": role, "password": role})
            token = token.raise_for_status().json()["access_token"]
            if cookie:
                client.cookies.set("_token", token)
            else:
                client.headers["Authorization"] = f"Bearer {token}"
        return client

    yield sign_in
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def ask(sign_in: SignIn) -> Ask:
    """Ask for something as a viewer."""
    client = sign_in("viewer")
    return lambda path, **parameters: client.get(path, params=parameters or None)


@pytest.fixture(scope="module")
def signed_in(server: Server, sign_in: SignIn) -> Iterator[Browser]:
    """A browser of somebody who may do all."""
    with a_browser(server.url) as browser:
        browser.sign_in(token_of(sign_in, "admin"))
        browser.resize()
        yield browser


@pytest.fixture(scope="module")
def s3_environment(s3: S3) -> Iterator[None]:
    """The variables by which a task finds the bucket."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def computed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Computed]:
    """A field of clover with pixels whose values are known, in the registry and bucket that the server reads."""
    yield compute(server, Path(tmp_path_factory.mktemp("clover")))
    server.empty()


@pytest.fixture(scope="module")
def country(server: Server, s3_environment: None) -> Iterator[Country]:
    """Fields whose seasons are computed, in the registry and bucket that the server reads."""
    yield Country(server.engine, server.bucket, Settings(start_date=BARLEY))
    server.empty()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v2/version", trust_env=False).is_success
    except httpx.HTTPError:
        return False

"""`airflow ndvi migrate`, as a deployment runs it, against a real PostgreSQL."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine
from support.models import a_field

from ndvi_airflow.local.processes import script
from ndvi_airflow.local.services import Postgres
from ndvi_core.registry import fields as registry

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def migrate(tmp_path: Path) -> Callable[[dict[str, str]], Done]:
    """Run the command with this connection to the registry and no other configuration."""

    def run(connection: dict[str, str]) -> Done:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        variables = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONN_NDVI_REGISTRY": json.dumps(connection)}
        command = [script("airflow"), "ndvi", "migrate"]
        return subprocess.run(command, env={**inherited, **variables}, capture_output=True, text=True)

    return run


def test_it_makes_the_tables_and_later_leaves_what_they_hold(
    postgres: Postgres, migrate: Callable[[dict[str, str]], Done]
) -> None:
    name = f"test_{uuid4().hex}"
    engine = create_engine(postgres.url(name))
    connection = {"conn_type": "postgres", "host": str(postgres.sockets), "login": "postgres", "schema": name}

    first = migrate(connection)
    with engine.begin() as opened:
        registry.upsert_fields(opened, [a_field("field_1")], source="file")
    second = migrate(connection)

    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    with engine.connect() as opened:
        assert [field.field_id for field in registry.load_fields(opened)] == ["field_1"]
    engine.dispose()

"""What the images install is what the tests run with."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def locked(file: str) -> set[str]:
    """Return the `name==version` of each line, without the platforms that it is for."""
    lines = (ROOT / file).read_text().splitlines()
    return {line.partition(" ;")[0] for line in lines if "==" in line and not line.lstrip().startswith("#")}


@pytest.mark.parametrize("file", ["docker/requirements.txt", "docker/requirements-airflow.txt"])
def test_an_image_installs_the_versions_that_were_tested(file: str) -> None:
    assert any(line.startswith("rasterio==") for line in locked(file))
    assert locked(file) <= locked("requirements.txt")


def test_the_compute_image_has_no_airflow_and_no_database() -> None:
    names = {line.partition("==")[0] for line in locked("docker/requirements.txt")}
    assert {"rasterio", "obstore"} <= names
    assert not [name for name in names if name.startswith(("apache-airflow", "sqlalchemy", "psycopg", "boto"))]

"""What the images install is what the tests run with; and what is in an image that was built (`make test-cluster`)."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOOK = """
import json, os, stat, sys
setuid, left = [], []
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys")]
    for name in files:
        path = os.path.join(folder, name)
        if not os.path.islink(path) and os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID):
            setuid.append(path)
        if folder.startswith("/opt/ndvi") and name.endswith((".c", ".h", ".pyx", ".pxd", ".a")):
            left.append(path)
found = {}
for module in ("pip", "ensurepip", "setuptools", "ndvi_core"):
    try:
        __import__(module)
        found[module] = True
    except ImportError:
        found[module] = False
print(json.dumps({"setuid": setuid, "left": left, "modules": found, "user": os.getuid()}))
"""
"""Program that tells what is in an image."""


@pytest.fixture(scope="module")
def image() -> str:
    if "NDVI_IMAGE" not in os.environ:
        pytest.skip("needs an image: `make test-cluster` builds one and runs this")
    return os.environ["NDVI_IMAGE"]


def test_an_image_has_nothing_that_only_an_intruder_needs(image: str) -> None:
    command = ["docker", "run", "--rm", "--entrypoint", "python", image, "-c", LOOK]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert (found["setuid"], found["left"], found["user"]) == ([], [], 10001)
    assert [name for name, there in found["modules"].items() if there] == ["ndvi_core"]


def test_an_image_says_what_it_is_and_what_it_stands_on(image: str) -> None:
    command = ["docker", "inspect", "--format", "{{json .Config.Labels}}", image]
    labels = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    known = {name.removeprefix("org.opencontainers.image."): value for name, value in labels.items()}
    assert {"title", "description", "licenses", "version", "revision", "base.name"} <= known.keys()
    assert known["base.name"].startswith("python:3.11-slim-bookworm")


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

"""The commands of README.md and docs/, read out of the files and run as typed.

All of them run in one shell, in the order of `RUN`: what a block sets is there in the blocks after it.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.features import collection, feature
from support.person import Person

from ndvi_airflow.local.stack import Stack

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITHIN_SECONDS = 1000

RUN = (
    ("README.md", 'eval "$(.venv/bin/python -m ndvi_airflow.local env)"'),  # makes the environment of all others
    ("README.md", ".venv/bin/ndvi observe"),
    ("data.md", "ndvi observe"),
    ("api.md", "AIRFLOW="),
    ("operations.md", "s5cmd cp bbox.geojson"),
    ("operations.md", "s5cmd cp late.geojson"),
    ("operations.md", "airflow ndvi validate"),
    ("operations.md", "airflow dags backfill"),
    ("operations.md", "airflow ndvi recompute"),
    ("operations.md", "airflow ndvi extent"),
    ("operations.md", "airflow ndvi retire"),
    ("operations.md", "curl --fail -X POST"),
    ("operations.md", "airflow ndvi status"),
    ("operations.md", "airflow ndvi events"),
    ("operations.md", "s5cmd mv"),
    ("alerts.md", "airflow connections add"),
)
"""Document and beginning of each block that is run."""

NOT_RUN = {
    ("README.md", "make demo"): "tests/local/test_demo.py runs the demo; the tests are this",
    ("CONTRIBUTING.md", "make setup"): "makes the environment that this runs in, and runs the tests themselves",
    ("fuzzing.md", ".venv/bin/pytest"): "is these tests themselves",
    ("data.md", "NDVI_SEASON_RULES="): "is a setting; tests/test_settings.py reads it",
    ("speed.md", "make bench"): "takes an hour, and a machine that does nothing else",
    ("alerts.md", "curl --fail"): "takes the example in the DAGs folder; tests/stack/test_example_dag.py asks the same",
    ("deployment.md", "make demo"): "tests/local/test_demo.py runs it",
    ("deployment.md", "make compose-up"): "takes Docker; tests/deployment/test_compose.py reads the file",
    ("deployment.md", "TAG="): "takes Docker, kind and Terraform",
    ("deployment.md", "REGISTRY="): "takes Docker and a registry",
    ("deployment.md", "aws eks"): "takes an account of AWS",
    ("deployment.md", "secrets="): "takes an account of AWS; tests/deployment/test_database_access.py runs the script",
    ("deployment.md", "terraform apply"): "takes an account of AWS",
    ("deployment.md", "kubectl create namespace"): "takes a cluster and the official chart",
    (
        "deployment.md",
        "make init",
    ): "takes Docker, kind and another repository; tests/deployment/test_chart.py renders it",
    ("deployment.md", "kubectl --namespace ndvi delete job"): "takes a cluster",
}
"""Document and beginning of each block that is not, and why."""


def blocks() -> Iterator[tuple[str, str]]:
    """Yield each block of commands with the name of its document."""
    for document in DOCUMENTS:
        for block in BLOCK.findall(document.read_text()):
            yield document.name, block


def type_all(stack: Stack, folder: Path) -> dict[str, str]:
    """Return what each block of `RUN` has printed, by its beginning; the shell ends with the first command that fails.

    Args:
        stack: as `make demo` leaves it.
        folder: an empty one to type them in.
    """
    (folder / ".venv").symlink_to(sys.prefix)
    for name, file in {
        "bbox.geojson": stack.season.extent,
        "fields.geojson": stack.season.fields,
        "late.geojson": stack.season.late_fields,
        "my_fields.geojson": stack.season.fields,
    }.items():
        (folder / name).write_bytes(file.read_bytes())
    waiting = feature(object_id="waiting", plant_date="2025-06-27")
    Person(stack).upload("staticdata/fields/waiting/old.geojson", collection(waiting))
    found = list(blocks())
    commands = [next(block for of, block in found if of == name and block.startswith(how)) for name, how in RUN]
    script = "".join(f"printf '\\n### {number}\\n'\n{block}" for number, block in enumerate(commands))
    foreign = ("AIRFLOW", "AWS_", "NDVI_", "STAC_", "S3_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**inherited, "NDVI_LOCAL_HOME": str(stack.settings.home)},
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = re.split(r"\n### \d+\n", done.stdout)[1:]
    return {how: output for (_, how), output in zip(RUN, outputs, strict=True)} | {"stderr": done.stderr}

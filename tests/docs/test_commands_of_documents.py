"""The commands of README.md and docs/, read out of the files and run as typed, against the demo's stack.

All of them run in one shell, in the order of `RUN`: what a block sets is there in the blocks after it.
"""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from support.features import collection, feature
from support.laptop import a_stack
from support.person import Person

from ndvi_airflow.local.demo import run_demo
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
    ("README.md", "make demo"): "tests/local/test_stack.py runs the demo; the tests are this",
    ("CONTRIBUTING.md", "make setup"): "makes the environment that this runs in, and runs the tests themselves",
    ("fuzzing.md", ".venv/bin/pytest"): "is these tests themselves",
    ("data.md", "NDVI_SEASON_RULES="): "is a setting; tests/test_settings.py reads it",
    ("speed.md", "make bench"): "takes an hour, and a machine that does nothing else",
    ("alerts.md", "curl --fail"): "takes the example in the DAGs folder; tests/stack/test_example_dag.py asks the same",
    ("deployment.md", "make demo"): "tests/local/test_stack.py runs it",
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


def test_each_block_of_commands_is_run_or_has_a_reason_not_to_be() -> None:
    listed = [*RUN, *NOT_RUN]
    for name, block in blocks():
        kinds = [entry for entry in listed if entry[0] == name and block.startswith(entry[1])]
        assert len(kinds) == 1, f"{name}: add this block to RUN, or to NOT_RUN with a reason:\n{block}"
    for name, beginning in listed:
        assert any(name == of and block.startswith(beginning) for of, block in blocks()), f"no {name}: {beginning}"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack as `make demo` leaves it."""
    with a_stack("sample") as running:
        run_demo(running, Console(file=StringIO()))
        yield running


@pytest.fixture(scope="module")
def said(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each block has printed, by its beginning; the shell ends with the first command that fails."""
    folder = tmp_path_factory.mktemp("typed")
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


@pytest.mark.timeout(1800)
def test_what_is_uploaded_is_in_the_bucket(said: dict[str, str]) -> None:
    assert "s3://ndvi/staticdata/fields/pending/my_fields.geojson" in said[RUN[0][1]]
    assert "s3://ndvi/staticdata/config/bbox.geojson" in said["s5cmd cp bbox.geojson"]
    uploaded, registered = said["s5cmd cp late.geojson"].splitlines()[:2]
    assert uploaded.endswith("s3://ndvi/staticdata/fields/pending/late.geojson")
    assert registered.startswith("s3://ndvi/staticdata/fields/pending/late-")
    assert registered.endswith(": 2 unchanged; no day becomes due")


def test_the_api_answers_with_the_rows_of_both_fields(said: dict[str, str]) -> None:
    rows = csv.DictReader(StringIO(said["AIRFLOW="].strip()))
    assert {row["field_id"] for row in rows} == {"field_2", "field_4"}


def test_a_backfill_says_what_would_become_of_each_day_and_then_does_it(said: dict[str, str]) -> None:
    lines = said["airflow dags backfill"].splitlines()
    assert lines[:4] == [
        f"2025-06-{day}  left as it is: it succeeded (--reset-dagruns runs it again)" for day in (25, 26, 27, 28)
    ]
    assert [line.partition(": ")[2] for line in lines if line.startswith("backfill ")] == [
        "0 of 4 days run",
        "0 of 4 days run",
        "4 of 4 days run",
    ]


def test_the_task_of_one_field_is_cleared_with_those_that_follow(said: dict[str, str]) -> None:
    cleared = json.loads(said["curl --fail -X POST"])["task_instances"]
    assert {(task["task_id"], task["map_index"]) for task in cleared} == {
        ("compute", 1),
        ("record", -1),
        ("watcher", -1),
    }
    assert {task["rendered_map_index"] for task in cleared if task["task_id"] == "compute"} == {"field_2"}


def test_fields_end_get_another_name_and_are_not_removed_unasked(said: dict[str, str]) -> None:
    retired, renamed, *would = said["airflow ndvi retire"].splitlines()
    assert retired == "field_2: the season ends on 2025-06-26; 2 days published anew"
    assert renamed.startswith("field_2 is north_7 now; ")
    assert would[0].startswith("north_7: 89 rows, ")
    assert "north_7" in said["airflow ndvi status"]


def test_what_waits_is_moved_to_pending(said: dict[str, str]) -> None:
    assert "s3://ndvi/staticdata/fields/waiting/old.geojson" in said["s5cmd mv"]


def test_commands_say_nothing_besides_their_answer(said: dict[str, str]) -> None:
    own = "airflow/cli/commands/connection_command.py"  # Airflow 3.3.2 uses what it has deprecated
    lines = [line for text in said.values() for line in text.lower().splitlines() if own not in line]
    assert [line for line in lines if "warning" in line] == []
    assert all(line.startswith(" ") for line in said["airflow ndvi status"].splitlines()[1:3])

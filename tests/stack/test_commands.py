"""What `airflow` makes of the words of our commands, on the installed Airflow; nothing runs yet."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

BACKFILL = ("dags", "backfill", "-s", "2025-04-20", "-e", "2025-04-30")
TAKEN = {
    "plain": (*BACKFILL, "ndvi_daily"),
    "every option": (*BACKFILL, "-c", "{}", "-B", "--reset-dagruns", "--rerun-failed-tasks", "--wait", "ndvi_daily"),
    "dry run": (*BACKFILL, "-n", "--max-active-runs", "2", "ndvi_daily"),
    "migrate": ("ndvi", "migrate"),
    "register": ("ndvi", "register", "one.geojson", "two.geojson"),
    "status": ("ndvi", "status", "-f", "field_1", "--json"),
    "events": ("ndvi", "events", "-f", "field_1", "--all", "--since", "2025-04-01", "--json"),
    "recompute": ("ndvi", "recompute", "-f", "a", "-f", "b", "-s", "2025-04-25", "-e", "2025-04-28", "--wait"),
}
REFUSED = {
    "-t compute": "airflow ndvi recompute",
    "--task-regex compute": "airflow ndvi recompute",
    "-i": "without their upstream tasks",
    "-I": "never waits",
    "--local": "the scheduler runs the tasks",
    "-m": "mark the runs in the web UI",
    "-x": "nothing is pickled",
    "--yes": "--dry-run",
    "--continue-on-failures": "do not stop each other",
    "--delay-on-limit": "the scheduler decides",
    "--disable-retry": "`retries`",
    "--pool big": "NDVI_COMPUTE_POOL",
    "--treat-dag-id-as-regex": "one DAG at a time",
}
NO_DAY = {
    "dags backfill -s 2025-13-01 ndvi_daily": "'2025-13-01' is no day: write it as YYYY-MM-DD",
    "dags backfill -s 2025-04-20 -e tomorrow ndvi_daily": "'tomorrow' is no day: write it as YYYY-MM-DD",
    "ndvi recompute -f a -s 20.4.2025 -e 2025-04-28": "'20.4.2025' is no day: write it as YYYY-MM-DD",
    "dags backfill -s 2025-04-20 --max-active-runs 0 ndvi_daily": "'0' is no number of runs: write 1 or more",
}
UNKNOWN_SHAPES = (
    "None",
    "SimpleNamespace()",
    "SimpleNamespace(airflow_commands=None)",
    "SimpleNamespace(airflow_commands=[])",
    "SimpleNamespace(airflow_commands=[SimpleNamespace(name='dags')])",
    "SimpleNamespace(airflow_commands=[SimpleNamespace(name='dags', subcommands=None)])",
    "SimpleNamespace(airflow_commands=[SimpleNamespace(name='dags', subcommands=())])",
    "SimpleNamespace(airflow_commands=({group}, {group}))",
    "SimpleNamespace(airflow_commands=({group},))",
)
"""What an Airflow to come might have instead of its list of commands; `{group}` is a group as today's are."""

ASK = """
import io, json, logging, sys
from contextlib import redirect_stderr
from copy import deepcopy
from types import SimpleNamespace
from airflow.cli import cli_parser
from airflow.cli.cli_config import GroupCommand
from ndvi_airflow import airflow_compat, cli

asked, answers = json.load(open(sys.argv[1])), {"words": [], "shapes": []}
parser = cli_parser.get_parser()
for words in asked["words"]:
    said, code = io.StringIO(), 0
    with redirect_stderr(said):
        try:
            parser.parse_args(words)
        except SystemExit as end:
            code = end.code
    answers["words"].append([code, said.getvalue()])

said = io.StringIO()
airflow_compat.log.addHandler(logging.StreamHandler(said))
for shape in asked["shapes"]:
    made = eval(shape.replace("{group}", "GroupCommand('dags', '', ())"))
    before = deepcopy(made)
    sys.modules["airflow.cli.cli_parser"] = made
    airflow_compat.add_command_to_dags_group(cli.BACKFILL)
    answers["shapes"].append([made == before, said.getvalue()])
    said.truncate(said.seek(0))
json.dump(answers, open(sys.argv[2], "w"))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process of its own, with an Airflow that nobody has configured, says of all of them."""
    home = tmp_path_factory.mktemp("airflow")
    asked, answered = home / "asked.json", home / "answered.json"
    words = [*TAKEN.values(), *([*BACKFILL, *option.split(), "ndvi_daily"] for option in REFUSED)]
    words += [line.split() for line in NO_DAY]
    asked.write_text(json.dumps({"words": words, "shapes": UNKNOWN_SHAPES}))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "NDVI_"))}
    subprocess.run(
        [sys.executable, "-c", ASK, asked, answered], env={**environment, "AIRFLOW_HOME": str(home)}, check=True
    )
    found = json.loads(answered.read_text())
    return {
        "words": dict(zip([*TAKEN, *REFUSED, *NO_DAY], found["words"], strict=True)),
        "shapes": dict(zip(UNKNOWN_SHAPES, found["shapes"], strict=True)),
    }


@pytest.mark.parametrize("name", TAKEN)
def test_airflow_takes_our_commands(answers: dict[str, Any], name: str) -> None:
    assert answers["words"][name] == [0, ""]


@pytest.mark.parametrize("option", REFUSED)
def test_an_option_without_a_counterpart_is_refused_with_a_hint(answers: dict[str, Any], option: str) -> None:
    code, said = answers["words"][option]
    assert code == 2
    assert "has no counterpart in Airflow 3" in said
    assert REFUSED[option] in said


@pytest.mark.parametrize("line", NO_DAY)
def test_what_is_no_day_or_number_is_said_in_words(answers: dict[str, Any], line: str) -> None:
    code, said = answers["words"][line]
    assert code == 2
    assert NO_DAY[line] in said


@pytest.mark.parametrize("shape", UNKNOWN_SHAPES)
def test_an_airflow_of_another_shape_is_left_as_it_is_with_a_warning(answers: dict[str, Any], shape: str) -> None:
    untouched, said = answers["shapes"][shape]
    assert untouched
    assert said == "`airflow dags backfill` cannot be restored on this Airflow: use `airflow backfill create`\n"

"""The laptop stack with Airflow in it: brought up once, found again, and put to work on the sample season.

What `make demo` leaves is then worked with by the commands of the documents.
"""

import csv
import json
from collections.abc import Iterator
from io import StringIO

import pystac_client
import pytest
from rich.console import Console
from support.documents import RUN, type_all
from support.laptop import a_stack

from ndvi_airflow.local.__main__ import main
from ndvi_airflow.local.config import ROOT
from ndvi_airflow.local.demo import Farmer, run_demo
from ndvi_airflow.local.rest import Rest
from ndvi_airflow.local.seasons import PERIODS, SOWN
from ndvi_airflow.local.stack import Stack, find, status, up
from ndvi_core.errors import TryAgain
from ndvi_core.registry.events import load_events
from ndvi_core.registry.progress import FieldStatus
from ndvi_core.sample import season as sample
from ndvi_core.sample.fields import ALL_FIELDS
from ndvi_core.sample.truth import true_events
from ndvi_core.support.days import days_between

START, END = PERIODS["sample"]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """With the sample season."""
    with a_stack("sample") as running:
        yield running


@pytest.fixture(scope="module")
def done(stack: Stack) -> str:
    """What `make demo` prints."""
    console = Console(file=StringIO(), width=120)
    run_demo(stack, console)
    return console.file.getvalue()


def statuses(stack: Stack) -> list[FieldStatus]:
    return Farmer(stack, Console(file=StringIO())).statuses()


def test_everything_runs_and_every_dag_is_there(stack: Stack) -> None:
    assert all(status(stack.settings).values())
    assert stack.rest.import_errors() == []
    parsed = stack.rest.parsed_files()
    assert parsed.keys() == {path.name for path in (ROOT / "dags").glob("*.py")}
    assert all(parsed.values()), "each file has a DAG"


def test_up_of_a_stack_that_is_up_starts_nothing(stack: Stack) -> None:
    before = status(stack.settings)
    assert up(stack.settings, say=print) == stack
    assert status(stack.settings) == before
    assert find(stack.settings) == stack


def test_env_prints_what_the_airflow_command_needs(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NDVI_LOCAL_HOME", str(stack.settings.home))
    assert main(["env"]) == 0
    printed = dict(line.removeprefix("export ").split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert printed["AIRFLOW_HOME"] == str(stack.settings.home / "airflow")
    assert printed["NDVI_START_DATE"] == str(START)


def test_an_airflow_that_is_not_there_is_named_with_the_way_to_start_it() -> None:
    with pytest.raises(TryAgain, match=r"http://localhost:1 does not answer.*make up"):
        Rest("http://localhost:1").runs("ndvi_daily")


def test_demo_observes_every_field_on_every_day_from_its_plant_date(stack: Stack, done: str) -> None:
    crops = [(field, crop) for field in ALL_FIELDS for crop in field.crops if crop.plant_date <= END]
    rows = {(row.field_id, season.plant_type): season for row in statuses(stack) for season in row.seasons}
    passes = {flight.day for flight in sample.passes(SOWN, END)}
    assert len(rows) == len(crops) == 18
    for field, crop in crops:
        row = rows[field.field_id, crop.plant_type]
        days = days_between(max(crop.plant_date, SOWN), min(crop.end_date or END, END))
        assert (row.days, row.missing) == (len(days), 0)
        assert row.counts["no_scene"] == len(set(days) - passes)
        assert row.counts["computed"] + row.counts["cloudy"] + row.counts["shadow"] == len(set(days) & passes)
        assert row.counts["cloudy"] >= 1
        assert field.field_id in done


def test_demo_finds_the_crops_that_the_sample_grows(stack: Stack, done: str) -> None:
    last = {row.field_id: row.last_value for row in statuses(stack)}
    assert 0.75 < last["field_1"] < 0.9  # spring barley
    assert 0.7 < last["field_2"] < 0.85  # grass that has grown again
    assert 0.4 < last["field_9"] < 0.65  # barley in drought
    assert 0.45 < last["field_16"] < 0.65  # maize after rye
    assert 0.65 < last["field_4"] < 0.8  # sugar beet
    assert last["field_5"] == last["field_1"]  # the same ground


def test_demo_ends_with_the_events_of_its_period_and_no_others(stack: Stack, done: str) -> None:
    with stack.engine().connect() as connection:
        found = load_events(connection)
    assert {event.status for event in found} == {"open", "closed"}, "none was told that had to be withdrawn"
    begun = true_events(SOWN, END)
    assert sorted((event.kind, event.field_id) for event in found) == sorted(
        (true.kind, true.field_id) for true in begun
    )
    assert "below peers" in done


def test_demo_done_again_reads_no_pixel(stack: Stack, done: str) -> None:
    before = len(stack.files.requests())
    run_demo(stack, Console(file=StringIO()))
    assert before > 0
    assert len(stack.files.requests()) == before


def test_published_items_replace_those_of_the_stac_api(stack: Stack, done: str) -> None:
    items = json.loads(stack.season.items.read_text())["features"]
    try:
        stack.publish(items[:1])
        found = pystac_client.Client.open(stack.variables["STAC_API_URL"]).search(collections=["sentinel-2-l2a"])
        assert [item.id for item in found.items()] == [items[0]["id"]]
    finally:
        stack.publish(items)


@pytest.fixture(scope="module")
def said(stack: Stack, done: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each block of commands in the documents has printed, by its beginning."""
    return type_all(stack, tmp_path_factory.mktemp("typed"))


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

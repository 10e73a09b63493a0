"""The laptop stack with Airflow in it: brought up once, found again, and put to work on the sample season."""

import json
from datetime import date, timedelta
from io import StringIO

import pystac_client
import pytest
from rich.console import Console

from ndvi_airflow.local.__main__ import main
from ndvi_airflow.local.demo import Farmer, run_demo
from ndvi_airflow.local.rest import Rest
from ndvi_airflow.local.stack import Stack, find, status, up
from ndvi_core.errors import TryAgain
from ndvi_core.registry.progress import FieldStatus
from ndvi_core.sample import season as sample

DAGS = {"field_registration", "ndvi_alerts", "ndvi_catch_up", "ndvi_daily", "ndvi_days", "ndvi_recompute"}


@pytest.fixture(scope="module")
def done(stack: Stack) -> str:
    """What `make demo` prints."""
    console = Console(file=StringIO(), width=120)
    run_demo(stack, console)
    return console.file.getvalue()


def statuses(stack: Stack) -> dict[str, FieldStatus]:
    return {row.field_id: row for row in Farmer(stack, Console(file=StringIO())).statuses()}


def test_everything_runs_and_every_dag_is_there(stack: Stack) -> None:
    assert all(status(stack.settings).values())
    assert stack.rest.import_errors() == []
    assert {dag_id for dag_ids in stack.rest.parsed_files().values() for dag_id in dag_ids} >= DAGS


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
    assert printed["NDVI_START_DATE"] == "2025-04-16"


def test_an_airflow_that_is_not_there_is_named_with_the_way_to_start_it() -> None:
    with pytest.raises(TryAgain, match=r"http://localhost:1 does not answer.*make up"):
        Rest("http://localhost:1").runs("ndvi_daily")


def test_demo_observes_every_field_on_every_day_from_its_plant_date(stack: Stack, done: str) -> None:
    first, last = sample.START, sample.END
    late_by = {"field_1": 0, "field_2": 0, "field_3": 4, "field_4": 2, "field_5": 6}
    rows = statuses(stack)
    passes = {flight.day for flight in sample.passes(first, last)}
    assert list(rows) == list(late_by)
    for field_id, row in rows.items():
        days = [first + timedelta(n) for n in range(late_by[field_id], (last - first).days + 1)]
        assert (row.days, row.missing) == (len(days), 0)
        assert row.counts["no_scene"] == len(set(days) - passes)
        assert row.counts["computed"] + row.counts["cloudy"] == len(set(days) & passes)
        assert row.counts["cloudy"] >= 1  # the wholly clouded pass of 24 April
        assert field_id in done


def test_demo_finds_the_crops_that_the_sample_grows(stack: Stack, done: str) -> None:
    rows = statuses(stack)
    last = {field_id: row.last_value for field_id, row in rows.items()}
    assert 0.6 < last["field_1"] < 0.8  # spring barley
    assert 0.65 < last["field_2"] < 0.85  # grass
    assert 0.4 < last["field_3"] < 0.6  # flax
    assert 0.2 < last["field_4"] < 0.4  # sugar beet
    assert last["field_5"] == last["field_1"]  # the same ground
    assert {row.last_date for row in rows.values()} == {date(2025, 4, 29)}


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

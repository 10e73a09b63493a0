"""The command `ndvi observe`: what it prints, how it ends, what it needs."""

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import termios
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.catalogue import PERIOD, ROOT, START, Catalogue, ndvi
from support.features import ABSENT, collection, feature

from ndvi_airflow.local.services import start_stac
from ndvi_core.models.observation import Observation
from ndvi_core.storage.geoparquet import read_observations


def test_the_command_prints_a_table_and_nothing_else(catalogue: Catalogue, fields: Path, tmp_path: Path) -> None:
    finished = ndvi("observe", fields, *PERIOD, "--out", tmp_path / "out", env=catalogue.environment)
    assert (finished.returncode, finished.stderr) == (0, "")
    rows = read_observations((tmp_path / "out" / "observations.parquet").read_bytes())
    lines = finished.stdout.splitlines()
    assert lines[0].split()[:4] == ["field", "NDVI", "on", "computed"]
    for line in lines[1:6]:
        name, value, day, computed, *_ = line.split()
        own = [row for row in rows if row.field_id == name and row.status == "computed"]
        last = (f"{own[-1].ndvi_mean:.3f}", str(own[-1].date)) if own else ("-", "-")
        assert (value, day, computed) == (*last, str(len(own)))
    assert lines[-2].startswith(f"5 fields, {len(rows)} field-days: ")
    assert str(tmp_path / "out" / "observations.csv") in lines[-1]


def test_json_is_one_document_of_rows_and_paths(catalogue: Catalogue, fields: Path, tmp_path: Path) -> None:
    finished = ndvi(
        *("observe", fields, *PERIOD, "--out", tmp_path / "out", "--json", "--rows-only"), env=catalogue.environment
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    document = json.loads(finished.stdout)
    rows = read_observations((tmp_path / "out" / "observations.parquet").read_bytes())
    assert [Observation.model_validate(row) for row in document["rows"]] == rows
    assert sum(document["counts"].values()) == len(rows)
    assert document["files"] == {
        "parquet": str(tmp_path / "out" / "observations.parquet"),
        "csv": str(tmp_path / "out" / "observations.csv"),
        "pictures": None,
    }
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"observations.parquet", "observations.csv"}


@pytest.mark.parametrize(("options", "shown"), [((), True), (("--json",), False)], ids=["table", "json"])
def test_a_terminal_has_a_progress_bar(
    catalogue: Catalogue, fields: Path, tmp_path: Path, options: tuple[str, ...], shown: bool
) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    try:
        finished = ndvi(
            *("observe", fields, *PERIOD, "--out", tmp_path / "out", "--rows-only", *options),
            env=catalogue.environment,
            stderr=theirs,
        )
        os.write(theirs, b"end")
        said = os.read(ours, 1_000_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert finished.returncode == 0
    cells = pq.read_table(tmp_path / "out" / "observations.parquet").num_rows
    assert (f"0/{cells}" in said) == shown
    assert f"0/{cells}" not in finished.stdout


def test_features_that_cannot_be_taken_do_not_cost_the_others(catalogue: Catalogue, tmp_path: Path) -> None:
    good, other, *_ = catalogue.features
    other["properties"]["plant-date"] = "soon"
    file = tmp_path / "fields.geojson"
    file.write_bytes(collection(good, other))
    arguments = ("observe", file, *PERIOD, "--out", tmp_path / "out", "--json", "--rows-only")
    finished = ndvi(*arguments, env=catalogue.environment)
    assert finished.returncode == 0
    document = json.loads(finished.stdout)
    assert {row["field_id"] for row in document["rows"]} == {"field_1"}
    assert [(problem["id"], problem["reason"]) for problem in document["problems"]] == [("field_2", "bad_date")]
    validated = ndvi("validate", file, env={}).stdout
    assert validated.startswith(finished.stderr.rstrip("\n"))  # and then says which days would become due


def test_a_file_without_a_field_ends_with_2(catalogue: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "fields.geojson"
    file.write_bytes(collection(feature(object_id=ABSENT)))
    finished = ndvi("observe", file, *PERIOD, "--out", tmp_path / "out", "--json", env=catalogue.environment)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "object-id" in finished.stderr
    assert "there is no field to observe" in finished.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("server", "code"), [(None, 0), ("http://127.0.0.1:9", 75)], ids=["gone", "away"])
def test_a_scene_that_cannot_be_read_fails_its_days_alone(
    catalogue: Catalogue, fields: Path, tmp_path: Path, server: str | None, code: int
) -> None:
    """Items of another catalogue, whose assets of one day are not on the server, or on one that is away."""
    items = json.loads(catalogue.season.items.read_text())
    broken = tmp_path / "items.json"
    for item in items["features"]:
        if item["properties"]["datetime"].startswith(str(START)):
            for asset in item["assets"].values():
                asset["href"] = f"{server or catalogue.files.url}/nothing.tif"
    broken.write_text(json.dumps(items))
    stac = start_stac([catalogue.season.collection, broken], log=tmp_path / "stac.log")
    try:
        finished = ndvi(
            *("observe", fields, *PERIOD, "--out", tmp_path / "out", "--json", "--rows-only"),
            env={**catalogue.environment, "STAC_API_URL": stac.url, "GDAL_HTTP_MAX_RETRY": "0"},
        )
    finally:
        stac.stop()
    assert finished.returncode == code
    rows = json.loads(finished.stdout)["rows"]
    failed = {(row["field_id"], row["date"]) for row in rows if row["status"] == "failed"}
    assert failed
    assert {day for _, day in failed} == {str(START)}
    assert all("nothing.tif" in row["reason"] for row in rows if row["status"] == "failed")
    assert "cells failed" in finished.stderr
    assert any(row["status"] == "computed" for row in rows)


def test_observing_and_checking_need_no_database_driver(catalogue: Catalogue, tmp_path: Path) -> None:
    """The image that computes has none."""
    for name in ("sqlalchemy", "psycopg", "alembic"):
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('{name} was imported')")
    environment = {**catalogue.environment, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    fields = tmp_path / "fields.geojson"
    fields.write_bytes(collection(*catalogue.features, feature(object_id="a b")))
    observed = ndvi("observe", fields, *PERIOD, "--out", tmp_path / "out", env=environment)
    assert (observed.returncode, "'a b' cannot be an object-id" in observed.stderr) == (0, True), observed.stderr
    checked = ndvi("validate", "--extent", catalogue.season.extent, fields, env=environment)
    assert (checked.returncode, checked.stderr) == (2, "")


def test_the_package_is_imported_without_the_libraries() -> None:
    program = (
        "import sys, ndvi_core; ndvi_core.observe\n"
        "print(sorted(set(sys.modules) & {'numpy', 'pydantic', 'shapely', 'tqdm', 'obstore', 'ndvi_core.settings'}))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def _typed(document: str) -> list[str]:
    """The commands of this name that a document tells to type."""
    return [line.strip() for line in document.splitlines() if re.match(r"\s*(\.venv/bin/)?ndvi observe ", line)]


def test_what_the_documents_tell_to_type_works(catalogue: Catalogue, fields: Path) -> None:
    texts = [(ROOT / name).read_text() for name in ("README.md", "docs/data.md")]
    typed = [_typed(text) for text in [*texts, ndvi("observe", "--help", env={}).stdout]]
    assert all(typed)
    for command in {command.partition("#")[0] for commands in typed for command in commands}:
        finished = ndvi(*shlex.split(command)[1:], env=catalogue.environment, cwd=fields.parent)
        assert finished.returncode == 0, f"{command}: {finished.stderr}"


def test_the_python_that_the_documents_show_works(catalogue: Catalogue, fields: Path) -> None:
    (program,) = re.findall(r"```python\n(import ndvi_core.*?)```", (ROOT / "docs/data.md").read_text(), re.DOTALL)
    environment = {**os.environ, **catalogue.environment, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=fields.parent
    )
    assert finished.returncode == 0, finished.stderr
    assert "field_1" in finished.stdout

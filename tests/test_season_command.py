"""`ndvi season` as a pod runs it: a process of its own, without a database, judged by exit code and what it leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.country import Country, grown, some_fields

from ndvi_core.season_run.run import run_season_order
from ndvi_core.storage.object_store import Store


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NDVI_", "AWS_", "PG"))}
    return subprocess.run(
        [sys.executable, "-m", "ndvi_core", "season", *arguments],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def planned(engine: Engine, store: Store) -> str:
    """The order of a run with two fields."""
    country = Country(engine, store)
    fields = some_fields(2)
    country.register(*fields)
    country.record([row for field in fields for row in grown(field, range(0, 101, 5))])
    _, plan = country.plan()
    return plan.order.uri


def written(order: str) -> dict[str, bytes]:
    folder = Path(order.removeprefix("file://")).parent
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_an_order_gives_its_files_and_last_the_manifest_and_again_the_same_bytes(planned: str) -> None:
    before = written(planned)
    done = run("--order", planned)
    assert done.returncode == 0, done.stderr
    after = written(planned)
    assert after.keys() - before.keys() == {
        "seasons/series/year=2025/part=00000.parquet",
        "seasons/summaries/year=2025/part=00000.parquet",
        "seasons/peers/year=2025/peers.parquet",
        "seasons/found/year=2025/part=00000.parquet",
        "manifests/0.json",
    }
    assert "2 seasons" in done.stderr
    assert run("--order", planned).returncode == 0
    assert written(planned) == after


def test_many_seasons_are_computed_side_by_side_to_the_same_bytes(
    planned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_season_order(planned)
    alone = written(planned)
    monkeypatch.setattr("ndvi_core.season_run.run.WORTH_PROCESSES", 1)
    run_season_order(planned)
    assert written(planned) == alone


def test_an_order_of_another_release_is_refused(planned: str) -> None:
    file = Path(planned.removeprefix("file://"))
    order = json.loads(file.read_text())
    order["policy"]["version"] = "0"
    file.write_text(json.dumps(order))
    done = run("--order", planned)
    assert done.returncode == 2
    assert "run the image of the planner's release" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "does not exist"), (b"{", "is no order for seasons"), (b'{"policy": {}}', "policy.rules")],
)
def test_a_bad_order_ends_with_2_and_one_line(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "order.json").write_bytes(content)
    done = run("--order", f"file://{tmp_path}/order.json")
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_damaged_file_of_an_order_ends_with_2(planned: str) -> None:
    (file,) = Path(planned.removeprefix("file://")).parent.glob("orders/*/*.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    assert run("--order", planned).returncode == 2


def test_a_bucket_that_is_away_ends_with_75() -> None:
    done = run(
        "--order",
        "s3://ndvi/runs/order.json",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_ACCESS_KEY_ID="any",
        AWS_SECRET_ACCESS_KEY="any",
        AWS_REGION="us-east-1",
    )
    assert done.returncode == 75

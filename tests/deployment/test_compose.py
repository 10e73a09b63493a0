"""docker/compose.yaml as Docker Compose itself understands it; no container runs here."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ndvi_airflow.local.processes import script

ROOT = Path(__file__).parents[2]
AIRFLOW = ("api-server", "dag-processor", "scheduler", "triggerer")
Services = dict[str, dict[str, Any]]
"""Services of the compose file by name."""
FIXED = re.compile(r"^[a-z/-]+:(?!latest$)[\w.-]+$")


def parse_lines(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of passwords and keys as `make compose-up` writes it."""
    file = tmp_path_factory.mktemp("compose") / "secrets.env"
    made = subprocess.run([sys.executable, ROOT / "docker/make_secrets.py"], capture_output=True, text=True, check=True)
    file.write_text(made.stdout)
    return file


def composed(folder: Path, secrets: Path, *options: str | Path) -> Services:
    """Return the services; `folder` stands in for the project's, so that no `.env` of a developer's counts."""
    command = [script("docker-compose"), "--project-directory", folder, "--file", ROOT / "docker/compose.yaml"]
    command += ["--env-file", secrets, *options, "config", "--format", "json"]
    done = subprocess.run(command, env={"TAG": "dev"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "not set" not in done.stderr
    return json.loads(done.stdout)["services"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, secrets: Path) -> Services:
    options = ("--profile", "sample", "--env-file", ROOT / "docker/sample.env")
    return composed(tmp_path_factory.mktemp("project"), secrets, *options)


def one_shots(services: Services) -> set[str]:
    """Return the services that some other waits to see completed."""
    return {
        name
        for service in services.values()
        for name, how in (service.get("depends_on") or {}).items()
        if how["condition"] == "service_completed_successfully"
    }


def test_a_service_that_stays_up_has_a_healthcheck(sample: Services) -> None:
    assert {"migrate", "season", "extent"} == one_shots(sample)
    assert {name for name, service in sample.items() if "healthcheck" not in service} == one_shots(sample)


def test_the_ports_are_open_to_this_machine_alone(sample: Services) -> None:
    ports = [port for service in sample.values() for port in service.get("ports", ())]
    assert sorted(port["target"] for port in ports) == [8080, 8333]
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_images_have_a_version(sample: Services) -> None:
    assert [service["image"] for service in sample.values() if not FIXED.match(service["image"])] == []


def test_rustac_is_the_one_that_the_tests_ran_with(sample: Services) -> None:
    (named,) = re.findall(r"rustac==\S+", sample["stac"]["build"]["dockerfile_inline"])
    assert named in (ROOT / "requirements.txt").read_text().splitlines()


def test_airflows_parts_are_configured_alike(sample: Services) -> None:
    assert len({json.dumps(sample[name]["environment"], sort_keys=True) for name in AIRFLOW}) == 1


def test_uploads_that_wait_are_one_run_in_airflow_3_4_too(sample: Services) -> None:
    assert sample["dag-processor"]["environment"]["AIRFLOW__SCHEDULER__BATCH_ASSET_EVENTS"] == "True"


def test_connections_hold_the_passwords_of_their_servers(sample: Services, secrets: Path) -> None:
    made = parse_lines(secrets.read_text())
    environment = sample["scheduler"]["environment"]
    s3 = json.loads(environment["AIRFLOW_CONN_NDVI_S3"])
    registry = json.loads(environment["AIRFLOW_CONN_NDVI_REGISTRY"])
    server = sample["seaweedfs"]["environment"]
    assert (s3["login"], s3["password"]) == (server["AWS_ACCESS_KEY_ID"], server["AWS_SECRET_ACCESS_KEY"])
    assert registry["password"] == sample["postgres"]["environment"]["NDVI_PASSWORD"]
    assert f":{made['AIRFLOW_PASSWORD']}@" in environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert len(set(made.values())) == len(made)


@pytest.mark.parametrize(
    ("own", "first"),
    [("", "2025-04-01"), ("NDVI_START_DATE=2025-02-10", "2025-02-10"), ("NDVI_START_DATE=", "2025-04-01")],
)
def test_the_samples_scenes_begin_when_fields_are_sown_or_with_the_first_daily_run(
    tmp_path: Path, secrets: Path, own: str, first: str
) -> None:
    """A program in the place of `ndvi` says what it was asked for."""
    (tmp_path / ".env").write_text(own)
    options = ("--profile", "sample", "--env-file", ROOT / "docker/sample.env", "--env-file", tmp_path / ".env")
    season = composed(tmp_path, secrets, *options)["season"]
    stand_in = tmp_path / "ndvi"
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@"')
    stand_in.chmod(0o755)
    command = [*season["entrypoint"], *(word.replace("$$", "$") for word in season["command"])]
    environment = {**season["environment"], "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    asked = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    end = "--end=2025-06-28"
    assert asked.split() == ["sample", "--out=/season", "--base-url=http://scenes:8083", end, f"--start={first}"]


def test_settings_come_from_the_env_file_and_a_catalogue_in_it_replaces_the_sample(
    tmp_path: Path, secrets: Path
) -> None:
    catalogue = "https://earth-search.aws.element84.com/v1"
    own = tmp_path / ".env"
    own.write_text(f"STAC_API_URL={catalogue}\nNDVI_START_DATE=2026-04-01\nNDVI_MIN_VALID_FRACTION=0.7\n")
    services = composed(tmp_path, secrets, "--env-file", own)
    assert not {"season", "extent", "scenes", "stac"} & services.keys()
    environment = services["scheduler"]["environment"]
    assert environment["STAC_API_URL"] == catalogue
    assert (environment["NDVI_START_DATE"], environment["NDVI_END_DATE"]) == ("2026-04-01", "")
    assert environment["NDVI_MIN_VALID_FRACTION"] == "0.7"

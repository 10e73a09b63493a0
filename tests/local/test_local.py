"""What can be set about the laptop stack, and what it does with folders, ports and seasons, short of starting it."""

import fcntl
import json
import re
from datetime import date
from pathlib import Path

import pytest

from ndvi_airflow.local import stack
from ndvi_airflow.local.components import airflow_environment, process_environment
from ndvi_airflow.local.config import (
    ENV_FILE,
    ROOT,
    LocalSettings,
    load_local_settings,
    note_ports,
    user_variables,
)
from ndvi_airflow.local.processes import free_port
from ndvi_airflow.local.seasons import prepare_season, season_variables
from ndvi_airflow.local.services import S3, Postgres
from ndvi_airflow.settings import AirflowSettings
from ndvi_core.errors import BadInput, NotFound
from ndvi_core.sample.farm import Season

SAID: list[str] = []


@pytest.fixture
def settings(tmp_path: Path) -> LocalSettings:
    return LocalSettings(home=tmp_path / "home", airflow_port=0, s3_port=0, files_port=0, stac_port=0).with_ports()


def _as_variable(default: object) -> str:
    """Return how a default is written in the environment."""
    if default is None:
        return ""
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_env_template_lists_every_setting_with_its_default() -> None:
    template = dict(re.findall(r"^#([A-Z0-9_]+)=(.*)$", (ROOT / ".env.template").read_text(), re.MULTILINE))
    defaults = {}
    for model, prefix in ((AirflowSettings, "NDVI_"), (LocalSettings, "NDVI_LOCAL_")):
        for name, info in model.model_fields.items():
            defaults[str(info.validation_alias or f"{prefix}{name.upper()}")] = info.default
    defaults["NDVI_LOCAL_HOME"] = ".local"  # relative to where make runs: the project's folder
    assert template.keys() >= defaults.keys()
    rules = defaults.pop("NDVI_SEASON_RULES")
    assert type(rules).model_validate_json(template["NDVI_SEASON_RULES"]) == rules, "it names some of the defaults"
    for name, default in defaults.items():
        assert template[name] == _as_variable(default), name
    assert ENV_FILE.name == ".env"


def test_variables_of_the_environment_win_over_the_file_and_airflow_s_count_in_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NDVI_MIN_PIXELS=3\nSTAC_API_URL=https://a\nAIRFLOW__API__THEME=x\nNDVI_PRODUCTS=\n")
    environment = {
        "STAC_API_URL": "https://b",
        "NDVI_START_DATE": "",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "NDVI_LOCAL_HOME": "elsewhere",
        "AWS_PROFILE": "work",
    }
    assert user_variables(environment, tmp_path / ".env") == {
        "NDVI_MIN_PIXELS": "3",
        "STAC_API_URL": "https://b",
        "AIRFLOW__API__THEME": "x",
    }


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDVI_LOCAL_S3_PORT", "high")
    with pytest.raises(BadInput, match="NDVI_LOCAL_S3_PORT"):
        load_local_settings()


def test_free_ports_are_chosen_once_for_a_folder(settings: LocalSettings) -> None:
    assert note_ports(settings) is False
    again = LocalSettings(home=settings.home, airflow_port=0, s3_port=0, files_port=0, stac_port=0).with_ports()
    assert again == settings
    assert note_ports(again) is False
    moved = again.model_copy(update={"s3_port": free_port()})
    assert note_ports(moved) is True


def test_processes_see_no_other_airflow_and_no_aws_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", "/somewhere")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("NO_PROXY", "intranet")
    environment = process_environment({"AIRFLOW_HOME": "/ours"})
    assert {name: value for name, value in environment.items() if name.startswith(("AIRFLOW", "AWS"))} == {
        "AIRFLOW_HOME": "/ours"
    }
    assert environment["NO_PROXY"] == "intranet,localhost,127.0.0.1"


def test_secrets_are_made_once_and_for_the_user_alone(settings: LocalSettings, postgres: Postgres, s3: S3) -> None:
    first = airflow_environment(settings, postgres, s3, with_pods=False)
    assert airflow_environment(settings, postgres, s3, with_pods=False) == first
    assert (settings.home / "airflow" / "secrets.json").stat().st_mode & 0o077 == 0
    assert not [name for name in first if name.startswith("AWS_")]
    assert json.loads(first["AIRFLOW_CONN_NDVI_S3"])["extra"]["endpoint_url"] == s3.url


def test_season_is_written_again_only_when_another_one_is_wanted(settings: LocalSettings) -> None:
    season = Season(settings.home / "season")
    variables = {"NDVI_START_DATE": "2025-04-21", "NDVI_END_DATE": "2025-04-21"}
    assert prepare_season(season, settings, variables) is True
    assert prepare_season(season, settings, variables) is False
    assert prepare_season(season, settings, {**variables, "NDVI_END_DATE": "2025-04-22"}) is True
    (href,) = {
        asset["href"].rsplit("/", 2)[0]
        for item in json.loads(season.items.read_text())["features"]
        for asset in item["assets"].values()
    }
    assert href == f"http://127.0.0.1:{settings.files_port}"


@pytest.mark.parametrize("period", [{"NDVI_START_DATE": "soon"}, {"NDVI_START_DATE": "2025-05-02"}])
def test_a_season_of_an_impossible_period_is_refused(settings: LocalSettings, period: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        prepare_season(Season(settings.home / "season"), settings, {"NDVI_END_DATE": "2025-05-01", **period})


def test_season_brings_its_period_unless_the_user_has_a_catalogue(settings: LocalSettings) -> None:
    assert season_variables(settings, {}) == {
        "STAC_API_URL": f"http://127.0.0.1:{settings.stac_port}",
        "NDVI_CATALOGUE": "local",
        "NDVI_START_DATE": "2025-06-22",
        "NDVI_END_DATE": "2025-06-28",
    }
    assert season_variables(settings, {"STAC_API_URL": "https://earth-search.aws.element84.com/v1"}) == {}


def test_real_season_offers_the_real_files(settings: LocalSettings, realdata: Path) -> None:
    season = Season(settings.home / "season")
    real = settings.model_copy(update={"season": "southtyrol"})
    assert prepare_season(season, real, {"NDVI_REALDATA": str(realdata)}) is True
    items = json.loads(season.items.read_text())["features"]
    days = {date.fromisoformat(item["properties"]["datetime"][:10]) for item in items}
    assert (len(days), min(days), max(days)) == (12, date(2022, 6, 2), date(2022, 6, 30))
    for item in items:
        for asset in item["assets"].values():
            assert (season.scenes / asset["href"].rpartition("/")[2]).is_file()
    assert len(json.loads(season.late_fields.read_text())["features"]) == 2


def test_real_season_without_its_files_says_where_they_should_be(settings: LocalSettings, tmp_path: Path) -> None:
    real = settings.model_copy(update={"season": "southtyrol"})
    with pytest.raises(NotFound, match="NDVI_REALDATA"):
        prepare_season(Season(settings.home / "season"), real, {"NDVI_REALDATA": str(tmp_path)})


def test_clean_removes_no_folder_that_is_not_a_stack_s(settings: LocalSettings) -> None:
    settings.home.mkdir()
    (settings.home / "thesis.tex").write_text("precious")
    with pytest.raises(BadInput, match="NDVI_LOCAL_HOME"):
        stack.clean(settings, SAID.append)
    assert (settings.home / "thesis.tex").exists()
    note_ports(settings)
    stack.clean(settings, SAID.append)
    assert not settings.home.exists()


def test_down_and_clean_of_nothing_do_nothing(settings: LocalSettings) -> None:
    stack.down(settings, SAID.append)
    stack.clean(settings, SAID.append)
    assert not settings.home.exists()
    with pytest.raises(BadInput, match=r"is not up.*make up"):
        stack.find(settings)


def test_two_commands_do_not_work_on_one_folder(settings: LocalSettings) -> None:
    (settings.home / "run").mkdir(parents=True)
    with (settings.home / "run" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="another command"):
            stack.up(settings, SAID.append)


def test_airflow_does_not_import_the_stack_as_plugins() -> None:
    """It would import every file below plugins/ under its bare name: `__main__` and `files` among them."""
    from airflow._shared.module_loading import find_path_from_directory

    found = [Path(path) for path in find_path_from_directory(str(ROOT / "plugins"), ".airflowignore", "glob")]
    assert not [path for path in found if "local" in path.parts and path.suffix == ".py"]

"""The plugin is found once, whether the package is installed, its folder is mounted, or both."""

import json
import os
import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path
from runpy import run_path

import pytest

from ndvi_airflow import airflow_compat
from ndvi_airflow.plugin import NdviPlugin

PLUGINS = Path(__file__).parents[2] / "plugins"


def test_a_package_that_is_installed_and_mounted_gives_one_plugin(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    said = subprocess.run(
        [sys.executable, "-m", "airflow", "plugins", "--output", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    plugins = json.loads(said.stdout.splitlines()[-1])
    assert [plugin["source"] for plugin in plugins if plugin["name"] == "ndvi"] == [
        f"ndvi-airflow=={metadata.version('ndvi-airflow')}: {metadata.entry_points(group='airflow.plugins')['ndvi']}"
    ]
    assert "already registered" not in said.stdout + said.stderr


def test_a_mounted_folder_alone_gives_the_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "entry_points", lambda **_: ())
    assert run_path(str(PLUGINS / "ndvi_plugin.py"))["NdviPlugin"] is NdviPlugin


@pytest.mark.parametrize("can_restrict", [False, True])
def test_the_page_is_on_the_pages_of_our_dags_alone(can_restrict: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_compat, "can_restrict_views", lambda: can_restrict)
    navigation, *others = NdviPlugin.external_views
    assert (navigation["destination"], navigation["href"]) == ("nav", "ndvi/")
    assert len(others) == (2 if can_restrict else 0)
    for view in others:
        assert view["applies_to"]["dag_ids"] == ["ndvi_daily", "ndvi_catch_up", "ndvi_recompute"]
        import_module("airflow.api_fastapi.core_api.datamodels.plugins").ExternalViewResponse.model_validate(view)


def test_whether_views_can_be_restricted_is_what_airflow_says_of_itself() -> None:
    version = import_module("airflow").__version__
    assert airflow_compat.can_restrict_views() == (tuple(map(int, version.split(".")[:2])) >= (3, 4))

"""A farm on which runs are made."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.farm import DAYS, END, START, Farm

from ndvi_airflow.local.services import Files, start_files, start_stac
from ndvi_core.sample.farm import Season
from ndvi_core.sample.season import write_season
from ndvi_core.settings import load_settings
from ndvi_core.storage.object_store import Store


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Files]]:
    """The scene server, shared: nobody writes to it."""
    out = tmp_path_factory.mktemp("season")
    files = start_files(out / "scenes", log=out / "files.log")
    write_season(out, files.url, START, END)
    yield out, files
    files.stop()


@pytest.fixture
def empty_farm(
    scenes: tuple[Path, Files], tmp_path: Path, store: Store, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Farm]:
    """A farm with a catalogue and nothing else."""
    out, files = scenes
    season = Season(tmp_path / "season")  # of its own, since a test may change the catalogue
    shutil.copytree(out, season.folder, ignore=shutil.ignore_patterns("scenes", "*.log", "*.jsonl"))
    stac = start_stac([season.collection, season.items], log=tmp_path / "stac.log")
    monkeypatch.setenv("STAC_API_URL", stac.url)
    monkeypatch.setenv("NDVI_CATALOGUE", "local")
    monkeypatch.setenv("NDVI_BUCKET_URL", store.url)
    monkeypatch.setenv("NDVI_START_DATE", str(START))
    farm = Farm(season, store, engine, load_settings(), files, stac)
    yield farm
    farm.stac.stop()


@pytest.fixture
def farm(empty_farm: Farm) -> Farm:
    """A farm whose first fields are registered, before any day was run."""
    farm, season = empty_farm, empty_farm.season
    farm.store.write(farm.settings.extent_key, season.extent.read_bytes())
    farm.upload(season.fields)
    farm.intake()
    farm.catch_up()
    return farm


@pytest.fixture
def grown(farm: Farm) -> Farm:
    """A farm whose first fields are done for all days."""
    for day in DAYS:
        farm.daily(day)
    return farm

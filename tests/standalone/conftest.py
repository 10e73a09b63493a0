"""A catalogue, and a file of the fields that it shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.catalogue import END, START, Catalogue
from support.features import collection

from ndvi_airflow.local.services import start_files, start_stac
from ndvi_core.sample.season import write_season


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    folder = tmp_path_factory.mktemp("season")
    files = start_files(folder / "scenes", log=folder / "files.log")
    season = write_season(folder, files.url, START, END)
    stac = start_stac([season.collection, season.items], log=folder / "stac.log")
    yield Catalogue(season, files, stac)
    stac.stop()
    files.stop()


@pytest.fixture
def fields(catalogue: Catalogue, tmp_path: Path) -> Path:
    file = tmp_path / "fields.geojson"
    file.write_bytes(collection(*catalogue.features))
    return file

"""Observing a file of fields without registry and bucket: the same rows and pictures as the pipeline's."""

import csv
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import Geod
from sqlalchemy import Engine
from support.catalogue import END, START, Catalogue
from support.farm import Farm, published_rows
from support.features import collection, polygon
from support.models import a_field, square

import ndvi_core
from ndvi_core.errors import BadInput, TryAgain
from ndvi_core.intake.features import parse_fields
from ndvi_core.settings import Settings
from ndvi_core.storage.geoparquet import read_observations
from ndvi_core.storage.object_store import Store
from ndvi_core.support.days import days_between

DAYS = days_between(START, END)
EARTH = "-180.0,-90.0,180.0,90.0"


def contents(folder: Path) -> dict[str, bytes]:
    """Everything in a folder by its path there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_rows_and_pictures_are_those_of_the_pipeline(
    catalogue: Catalogue, fields: Path, store: Store, engine: Engine, tmp_path: Path
) -> None:
    settings = catalogue.settings.model_copy(update={"bucket_url": store.url, "start_date": START})
    farm = Farm(catalogue.season, store, engine, settings, catalogue.files, catalogue.stac)
    around = polygon((-1.0, 49.0), (0.0, 49.0), (0.0, 50.0), (-1.0, 50.0))
    store.write(settings.extent_key, json.dumps(around).encode())
    farm.upload(fields)
    farm.intake()
    for day in DAYS:
        farm.daily(day)

    found = ndvi_core.observe(fields, START, END, out=tmp_path / "out", settings=catalogue.settings)

    published = farm.objects("observations/")
    order = [one["properties"]["object-id"] for one in catalogue.features]
    # Without a pipeline there is no extent: nothing is cut off.
    rows = [row.model_copy(update={"extent": EARTH}) for data in published.values() for row in published_rows(data)]
    assert list(found.rows) == sorted(rows, key=lambda row: (order.index(row.field_id), row.date))
    assert {row.status for row in found.rows} >= {"computed", "no_scene"}
    written = pq.read_table(tmp_path / "out" / "observations.parquet")
    for key, data in published.items():
        day = date.fromisoformat(key.split("/")[1].removeprefix("date="))
        of_day = written.filter(pc.field("date") == day).rename_columns({"date": "day"})
        assert of_day.drop(["extent"]).equals(pq.read_table(pa.BufferReader(data)).drop(["extent"]))
    products = {key.removeprefix("fields/"): data for key, data in farm.objects("fields/").items()}
    assert any(name.endswith("ndvi.tif") for name in products)
    written_products = contents(tmp_path / "out" / "fields")
    assert written_products.keys() == products.keys()
    for name, data in products.items():
        if name.endswith(".json"):
            assert json.loads(written_products[name]) == json.loads(data) | {"extent": EARTH}
        else:
            assert written_products[name] == data


def test_the_folder_has_the_rows_twice_and_nothing_of_the_run(
    catalogue: Catalogue, fields: Path, tmp_path: Path
) -> None:
    out = tmp_path / "my fields #1 %41"
    found = ndvi_core.observe(fields, START, END, out=out, settings=catalogue.settings)
    assert {path.name for path in out.iterdir()} == {"observations.parquet", "observations.csv", "fields"}
    assert (found.parquet, found.csv, found.pictures) == (
        *(out / "observations.parquet", out / "observations.csv", out / "fields"),
    )
    assert read_observations(found.parquet.read_bytes()) == list(found.rows)
    with found.csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["field_id"], row["date"], row["status"]) for row in rows] == [
        (row.field_id, str(row.date), row.status) for row in found.rows
    ]
    assert [float(row["ndvi_mean"]) for row in rows if row["ndvi_mean"]] == [
        row.ndvi_mean for row in found.rows if row.ndvi_mean is not None
    ]


def test_from_python_a_path_a_mapping_and_fields_are_the_same(
    catalogue: Catalogue, fields: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in catalogue.environment.items():
        monkeypatch.setenv(name, value)
    told: list[tuple[int, int]] = []
    read = parse_fields(fields.read_bytes()).fields
    from_path = ndvi_core.observe(str(fields), START, END)
    from_mapping = ndvi_core.observe(json.loads(fields.read_text()), START, END, progress=lambda *n: told.append(n))
    assert from_path.rows == from_mapping.rows == ndvi_core.observe(read, START, END).rows
    assert (from_path.parquet, from_path.csv, from_path.pictures) == (None, None, None)
    cells = len(from_path.rows)
    assert told[0] == (0, cells)
    assert told[-1] == (cells, cells)
    assert told == sorted(told)


def test_a_plant_date_leaves_out_days_before_it_and_needs_not_be_there(catalogue: Catalogue) -> None:
    first, second, third, *_ = catalogue.features
    del first["properties"]["plant-date"], first["properties"]["plant-type"]
    second["properties"].update({"plant-date": str(START + timedelta(3))})
    third["properties"].update({"plant-date": None, "end-date": str(START + timedelta(1))})
    document = json.loads(collection(first, second, third))
    rows = ndvi_core.observe(document, START, END, settings=catalogue.settings).rows
    days = {row.field_id: [one.date for one in rows if one.field_id == row.field_id] for row in rows}
    assert days == {"field_1": DAYS, "field_2": DAYS[3:], "field_3": DAYS[:2]}


def test_files_have_the_facts_of_the_fields_and_null_where_the_file_states_none(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    first, second, *_ = catalogue.features
    del first["properties"]["plant-date"], first["properties"]["plant-type"]
    second["properties"].update({"plant-date": str(START), "plant-type": "7"})
    document = json.loads(collection(first, second))
    ndvi_core.observe(document, START, START, out=tmp_path, settings=catalogue.settings)
    rows = pq.read_table(tmp_path / "observations.parquet").to_pylist()
    names = ("plant_type", "plant_date", "season")
    assert [tuple(row[name] for name in names) for row in rows] == [(None, None, None), ("7", START, "2025")]
    geod = Geod(ellps="WGS84")
    for row, one in zip(rows, (first, second), strict=True):
        area, _ = geod.geometry_area_perimeter(shapely.orient_polygons(shapely.geometry.shape(one["geometry"])))
        assert row["area_ha"] == pytest.approx(area / 10_000, rel=1e-6)
    with (tmp_path / "observations.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [tuple(line[name] for name in names) for line in lines] == [("", "", ""), ("7", str(START), "2025")]
    assert [float(line["area_ha"]) for line in lines] == [row["area_ha"] for row in rows]


def test_a_day_without_a_scene_has_a_row(catalogue: Catalogue, fields: Path) -> None:
    items = json.loads(catalogue.season.items.read_text())["features"]
    with_scene = {date.fromisoformat(item["properties"]["datetime"][:10]) for item in items}
    rows = ndvi_core.observe(fields, START, END, settings=catalogue.settings).rows
    assert {row.date for row in rows if row.field_id == "field_1" and row.status == "no_scene"} == (
        set(DAYS) - with_scene
    )


def test_days_to_come_are_left_out(catalogue: Catalogue, fields: Path) -> None:
    today = datetime.now(UTC).date()
    rows = ndvi_core.observe(fields, today, today + timedelta(30), settings=catalogue.settings).rows
    assert {row.date for row in rows} <= {today, today + timedelta(1)}  # the test may run over midnight


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        pytest.param(END, START, f"the last day, {START}, is before the first, {END}", id="backwards"),
        pytest.param(date(1925, 4, 1), END, "no image before 2015-06-27: start then", id="before Sentinel-2"),
        pytest.param(date(9000, 1, 1), date(9000, 1, 2), "is still to come: start on", id="to come"),
        pytest.param(date(2020, 1, 1), date(2020, 1, 9), "no field is planted between 2020-01-01", id="unplanted"),
    ],
)
def test_a_wrong_period_is_refused_with_a_remedy(
    catalogue: Catalogue, fields: Path, start: date, end: date, words: str
) -> None:
    with pytest.raises(BadInput, match=re.escape(words)):
        ndvi_core.observe(fields, start, end, settings=catalogue.settings)


def test_more_than_fits_into_memory_is_refused_with_a_remedy(catalogue: Catalogue) -> None:
    many = [a_field(f"field_{number}", plant_date=date(2016, 1, 1)) for number in range(2000)]
    with pytest.raises(BadInput, match="are 1002000 field-days, more than 1000000: choose a shorter"):
        ndvi_core.observe(many, date(2016, 1, 1), date(2016, 1, 1) + timedelta(500), settings=catalogue.settings)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param([], "no field to observe", id="none"),
        pytest.param([a_field(), a_field()], "share an id", id="twice"),
        pytest.param([{"type": "Feature"}], "a dict is among the fields", id="features"),
        pytest.param({"type": "FeatureCollection", "features": [START]}, "not GeoJSON", id="no JSON"),
        pytest.param({"type": "FeatureCollection", "features": []}, "no field to observe", id="empty"),
        pytest.param([a_field(geometry=square(700_000.0, 5_400_000.0))], "no field is on the Earth", id="metres"),
        pytest.param("nothing.geojson", "cannot read nothing.geojson", id="no file"),
    ],
)
def test_what_is_no_field_is_refused(catalogue: Catalogue, fields: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        ndvi_core.observe(fields, START, END, settings=catalogue.settings)


def test_a_folder_that_cannot_be_made_is_refused_beforehand(catalogue: Catalogue, fields: Path) -> None:
    catalogue.files.clear()
    with pytest.raises(BadInput, match="cannot make the folder"):
        ndvi_core.observe(fields, START, END, out=fields / "out", settings=catalogue.settings)
    assert catalogue.files.requests() == []


def test_a_catalogue_that_is_down_is_to_be_tried_again(fields: Path) -> None:
    with pytest.raises(TryAgain):
        ndvi_core.observe(fields, START, END, settings=Settings(STAC_API_URL="http://127.0.0.1:9", catalogue="local"))

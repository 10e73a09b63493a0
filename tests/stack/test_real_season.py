"""Real pixels through the whole pipeline: what Airflow publishes is what rasterio and exactextract find too."""

import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from PIL import Image
from rich.console import Console
from support.laptop import a_stack
from support.oracles import exactextract_statistics, opened_and_grown
from support.southtyrol import CLOUDED, DAYS, on_map

from ndvi_airflow.local import southtyrol
from ndvi_airflow.local.demo import run_demo
from ndvi_airflow.local.stack import BUCKET, Stack

FIRST_RUN, END = date(2022, 6, 24), date(2022, 6, 30)
"""Days of `ndvi_daily`; the days before, from the plant dates on, are caught up."""
ACQUIRED = [date(2022, 6, int(day)) for day in DAYS]
SHOWN, CLOUD = (2, 4, 5, 6, 7), (3, 8, 9, 10)
Rows = dict[tuple[str, date], dict[str, Any]]


@pytest.fixture(scope="module")
def stack(realdata: Path) -> Iterator[Stack]:
    """A stack of its own, on which the demonstration has been run; in batches, which is quicker than by field."""
    period = {"NDVI_REALDATA": str(realdata), "NDVI_START_DATE": str(FIRST_RUN), "NDVI_END_DATE": str(END)}
    with a_stack("southtyrol", NDVI_FIELD_TASKS="0", **period) as running:
        run_demo(running, Console(width=120))
        yield running


@pytest.fixture(scope="module")
def bucket(stack: Stack) -> Path:
    return stack.settings.home / "s3" / BUCKET


@pytest.fixture(scope="module")
def published(bucket: Path) -> Rows:
    """Every row of every day's file, as another program reads it."""
    files = (bucket / "observations").glob("date=*/observations.parquet")
    rows = (row for file in files for row in pq.read_table(io.BytesIO(file.read_bytes())).to_pylist())
    return {(row["field_id"], row["day"]): row for row in rows}


def features() -> list[dict[str, Any]]:
    return [f for file in (southtyrol.FIELDS, southtyrol.LATE_FIELDS) for f in json.loads(file.read_text())["features"]]


def season(properties: dict[str, str]) -> set[date]:
    """The days on which a field is processed."""
    start = date.fromisoformat(properties["plant-date"])
    end = min(date.fromisoformat(properties.get("end-date", str(END))), END)
    return {start + timedelta(number) for number in range((end - start).days + 1)}


@pytest.fixture(scope="module")
def bands(realdata: Path) -> dict[date, dict[str, np.ndarray]]:
    found = {}
    for day in ACQUIRED:
        name = f"S2_L2A_32TPS_{day:%Y%m%d}"
        folder = realdata / "imagery" / "s2_southtyrol_202206"
        opened = {band: rasterio.open(folder / f"{name}_{band}.tif") for band in ("B04", "B08", "SCL")}
        found[day] = {band: raster.read(1) for band, raster in opened.items()} | {"bounds": opened["B04"].bounds}
    return found


def cloud(of: dict[str, np.ndarray]) -> np.ndarray:
    """Return where the default policy, `scl-dilated@1`, sees cloud, cirrus or shadow."""
    kinds = (np.isin(of["SCL"], (8, 9, 10)), of["SCL"] == 3)
    return np.logical_or(*(opened_and_grown(kind, 20, 40, 10) for kind in kinds))


def ndvi(of: dict[str, np.ndarray]) -> np.ndarray:
    red, nir = of["B04"].astype(float), of["B08"].astype(float)
    hidden = ~np.isin(of["SCL"], SHOWN) & ~np.isin(of["SCL"], CLOUD) | cloud(of) | (red == 0) | (nir == 0)
    return np.where(hidden, np.nan, (nir - red) / np.where(hidden, 1, nir + red))


def test_every_field_has_a_row_for_every_day_of_its_season_and_no_other(published: Rows) -> None:
    owed = {(f["properties"]["object-id"], day) for f in features() for day in season(f["properties"])}
    assert len({field_id for field_id, _ in owed}) == 20
    assert set(published) == owed


def test_days_without_an_acquisition_say_so(published: Rows) -> None:
    for (_, day), row in published.items():
        assert (row["status"] == "no_scene") == (day not in ACQUIRED)


def test_statistics_are_exactextracts(published: Rows, bands: dict[date, dict[str, np.ndarray]]) -> None:
    compared = 0
    for feature in features():
        field = on_map(shapely.geometry.shape(feature["geometry"]))
        for day in season(feature["properties"]) & set(ACQUIRED):
            row = published[feature["properties"]["object-id"], day]
            peer = exactextract_statistics(ndvi(bands[day]), bands[day]["bounds"], field)
            if row["ndvi_mean"] is None:
                assert row["status"] in ("cloudy", "no_data")
                assert peer["ndvi_mean"] is None or np.isnan(peer["ndvi_mean"])
            else:
                assert {key: row[key] for key in peer} == pytest.approx(peer, abs=1e-6)
                compared += 1
    assert compared > 100


def test_clouded_dates_are_cloudy_with_their_share_of_cloud(
    published: Rows, bands: dict[date, dict[str, np.ndarray]]
) -> None:
    for feature in features():
        field = on_map(shapely.geometry.shape(feature["geometry"]))
        for day in season(feature["properties"]) & {date(2022, 6, int(day)) for day in CLOUDED}:
            row = published[feature["properties"]["object-id"], day]
            assert row["status"] == "cloudy"
            share = exactextract_statistics(cloud(bands[day]).astype(float), bands[day]["bounds"], field)["ndvi_mean"]
            assert row["cloud_fraction"] == pytest.approx(share, abs=2e-6)


def test_the_raster_has_the_scene_s_own_pixels(bucket: Path, bands: dict[date, dict[str, np.ndarray]]) -> None:
    day = date(2022, 6, 12)
    whole = ndvi(bands[day]).astype(np.float32)
    left, _, _, top = bands[day]["bounds"]
    with rasterio.open(bucket / "fields" / "orchard_01" / str(day) / "ndvi.tif") as raster:
        values = raster.read(1)
        column, row = round((raster.bounds.left - left) / 10), round((top - raster.bounds.top) / 10)
    inside = np.isfinite(values)
    assert inside.sum() > 100
    assert np.array_equal(values[inside], whole[row : row + values.shape[0], column : column + values.shape[1]][inside])


def test_the_picture_opens(bucket: Path) -> None:
    with Image.open(bucket / "fields" / "orchard_01" / "2022-06-12" / "ndvi.png") as picture:
        picture.load()
        assert picture.format == "PNG"
        assert picture.getextrema()[0] != (255, 255), "not blank"

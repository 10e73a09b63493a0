"""The days' files in their folders, read as one table by the programs that people use."""

from datetime import date, datetime
from pathlib import Path

import duckdb
import geopandas
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
import shapely
from support.models import a_field, an_observation, facts_of, square

from ndvi_core.models.observation import Observation
from ndvi_core.storage.geoparquet import write_day

WHEAT, MAIZE = a_field("007"), a_field("maize", square(0.2), plant_type="maize")
DAYS = [date(2025, 4, 30), date(2025, 5, 1), date(2025, 5, 2)]
ROWS: dict[date, list[Observation]] = {
    # Nothing known, some known, no row at all: the types have to be the same in each file.
    DAYS[0]: [an_observation(WHEAT, DAYS[0], "no_scene", reason="no scene of this day")],
    DAYS[1]: [
        an_observation(WHEAT, DAYS[1], ndvi_mean=0.25, valid_fraction=1.0, baseline="05.11", scene_ids=("a", "b")),
        an_observation(MAIZE, DAYS[1], ndvi_mean=0.75, valid_fraction=0.5, baseline="05.11"),
    ],
    DAYS[2]: [],
}
KNOWN = [("007", DAYS[0], None), ("007", DAYS[1], 0.25), ("maize", DAYS[1], 0.75)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("season") / "observations"
    fields = {field.field_id: field for field in (WHEAT, MAIZE)}
    for day, rows in ROWS.items():
        of_day = [fields[row.field_id] for row in rows]
        facts = [fact for one in of_day for fact in facts_of(one.geometry, plant_type=one.plant_type)]
        file = folder / f"date={day}" / "observations.parquet"
        file.parent.mkdir(parents=True)
        file.write_bytes(write_day([(rows, facts)]))
    return folder


def check(table: pd.DataFrame) -> None:
    table = table.sort_values(["day", "field_id"])
    found = zip(table["field_id"], map(_day, table["day"]), table["ndvi_mean"], strict=True)
    assert [(one, day, None if pd.isna(mean) else mean) for one, day, mean in found] == KNOWN
    assert [_day(value) for value in table["date"]] == [day for _, day, _ in KNOWN], "the folder says the same"
    assert table["valid_fraction"].mean() == 0.75, "what is not known does not count as nought"
    assert list(table["baseline"].dropna()) == ["05.11", "05.11"]
    assert list(table["season"]) == ["2025"] * 3
    assert list(table["plant_type"]) == ["wheat", "wheat", "maize"]


def _day(value: object) -> date:
    if isinstance(value, datetime):  # pandas' timestamps are such too
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def test_pandas_reads_a_season(folder: Path) -> None:
    check(pd.read_parquet(f"{folder}/"))


def test_geopandas_reads_a_season(folder: Path) -> None:
    table = geopandas.read_parquet(f"{folder}/")
    check(table)
    assert table.crs.equals("OGC:CRS84")
    assert set(table.geometry) == {WHEAT.geometry, MAIZE.geometry}
    utm = table.to_crs(table.estimate_utm_crs()).area / 10_000
    assert table["area_ha"].to_numpy() == pytest.approx(utm.to_numpy(), rel=2e-3)  # a zone's scale is 0.9996 to 1.001


def test_pyarrow_reads_a_season_with_the_types_of_a_single_file(folder: Path) -> None:
    table = pa.dataset.dataset(folder, partitioning="hive").to_table()
    check(table.to_pandas())
    assert table.schema.field("day").type == pa.date32()
    one = pa.dataset.dataset(next(folder.glob("date=2025-05-01/*")))
    assert table.drop_columns(["date"]).schema.equals(one.schema)


def test_duckdb_reads_a_season(folder: Path) -> None:
    table = duckdb.read_parquet(f"{folder}/*/*.parquet", hive_partitioning=True)
    types = dict(zip(table.columns, map(str, table.types), strict=True))
    assert (types["day"], types["date"], types["plant_date"]) == ("DATE", "DATE", "DATE")
    assert len(table.filter("day >= DATE '2025-05-01'").fetchall()) == 2
    check(pd.DataFrame(dict(zip(table.columns, zip(*table.fetchall(), strict=True), strict=True))))


def test_polars_reads_a_season(folder: Path) -> None:
    table = pl.read_parquet(f"{folder}/", hive_partitioning=True)
    assert (table.schema["day"], table.schema["date"]) == (pl.Date, pl.Date)
    check(pd.DataFrame(table.to_dicts()))


def test_a_file_alone_says_its_day(folder: Path) -> None:
    data = (folder / "date=2025-05-01" / "observations.parquet").read_bytes()
    table = pd.read_parquet(pa.BufferReader(data))
    assert set(map(_day, table["day"])) == {DAYS[1]}
    assert shapely.from_wkb(table["geometry"][1]) == MAIZE.geometry

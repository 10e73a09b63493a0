"""Files of observations, read by pyarrow and by what the GeoParquet specification says."""

import io
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from support.chance import examples
from support.models import facts_of

from ndvi_core.errors import BadInput
from ndvi_core.models.indices import INDICES, YLGN, Index, names_in_order
from ndvi_core.models.observation import IndexStatistics, Observation
from ndvi_core.storage.geoparquet import read_observations, write_day, write_observations

COMPUTED = Observation(
    field_id="field_1",
    date=date(2025, 6, 1),
    status="computed",
    ndvi_mean=0.1 + 0.2,
    ndvi_std=1e-300,
    ndvi_min=-1.0,
    ndvi_max=1.0,
    ndvi_p10=0.1,
    ndvi_p25=0.25,
    ndvi_median=0.5,
    ndvi_p75=0.75,
    ndvi_p90=0.9,
    ndvi_valid_pixel_count=12.5,
    pixel_count=25.0,
    valid_fraction=0.5,
    cloud_fraction=0.25,
    pure_pixel_count=9,
    quality=("offset_doubtful", "resampled"),
    note="pixels of another grid are from S2A_30UXU_20250601_0_L2A",
    acquired_at=datetime(2025, 6, 1, 10, 56, 31, 24_001, tzinfo=UTC),
    platform="sentinel-2a",
    relative_orbit=94,
    sun_zenith=28.5,
    view_zenith=7.25,
    scene_ids=("S2A_30UXV_20250601_0_L2A", "S2A_30UXU_20250601_0_L2A"),
    baseline="05.11",
    offset_rule="planetary-computer@1",
    mask_policy="scl@1",
    algorithm_version="1",
    geometry_hash="0123456789abcdef",
    fingerprint="f" * 64,
)
EMPTY_HANDED = Observation(
    field_id="champ-du-nord",
    date=date(1969, 12, 31),
    status="no_scene",
    reason="aucune scène ce jour-là",
    mask_policy="scl@1",
    algorithm_version="1",
    geometry_hash="0123456789abcdef",
    fingerprint="0" * 64,
)
SQUARE = shapely.box(-0.85, 49.33, -0.84, 49.34)
PAIR = shapely.MultiPolygon([shapely.box(3, 1, 4, 2), shapely.box(5, 1, 6, 2.5)])


def _table(data: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(data))


def test_pyarrow_reads_the_rows_that_were_written() -> None:
    rows = _table(write_observations([COMPUTED, EMPTY_HANDED])).to_pylist()
    lists = ("scene_ids", "quality")
    expected = [row.model_dump(exclude={"indices"}) for row in (COMPUTED, EMPTY_HANDED)]
    assert rows == [row | {name: list(row[name]) for name in lists} for row in expected]


TEXT, DAY, NUMBER, WHOLE = pa.string(), pa.date32(), pa.float64(), pa.int64()
TEXTS = pa.list_(pa.field("element", TEXT, nullable=False))
SCHEMA = {
    "field_id": (TEXT, False, ""),
    "date": (DAY, False, ""),
    "status": (TEXT, False, ""),
    "reason": (TEXT, True, ""),
    **dict.fromkeys(("ndvi_mean", "ndvi_std", "ndvi_min", "ndvi_max"), (NUMBER, True, "1")),
    **dict.fromkeys(("ndvi_p10", "ndvi_p25", "ndvi_median", "ndvi_p75", "ndvi_p90"), (NUMBER, True, "1")),
    **dict.fromkeys(("ndvi_valid_pixel_count", "pixel_count"), (NUMBER, True, "pixel")),
    "pure_pixel_count": (WHOLE, True, "pixel"),
    **dict.fromkeys(("valid_fraction", "cloud_fraction", "shadow_fraction"), (NUMBER, True, "1")),
    **dict.fromkeys(("snow_fraction", "nodata_fraction"), (NUMBER, True, "1")),
    "quality": (TEXTS, False, ""),
    "note": (TEXT, True, ""),
    "acquired_at": (pa.timestamp("us", tz="UTC"), True, ""),
    "platform": (TEXT, True, ""),
    "relative_orbit": (WHOLE, True, ""),
    **dict.fromkeys(("sun_zenith", "view_zenith"), (NUMBER, True, "degree")),
    "scene_ids": (TEXTS, False, ""),
    **dict.fromkeys(("baseline", "offset_rule"), (TEXT, True, "")),
    **dict.fromkeys(("mask_policy", "algorithm_version", "geometry_hash"), (TEXT, False, "")),
    "extent": (TEXT, True, "degree"),
    "fingerprint": (TEXT, False, ""),
}
"""The columns of a day's file, in order: type, whether it may be null, unit. Add to it; change and remove nothing."""


def test_columns_have_their_order_types_and_units() -> None:
    schema = _table(write_observations([])).schema
    assert {
        field.name: (field.type, field.nullable, field.metadata.get(b"unit", b"").decode()) for field in schema
    } == SCHEMA
    assert schema.names == list(SCHEMA)
    assert all(field.metadata[b"description"] for field in schema)


INDICES_OF_ROW = {
    "evi2": IndexStatistics(mean=0.1 + 0.2, std=1e-300, min=-1.0, p10=0.1, valid_pixel_count=12.5),
    "cire": IndexStatistics(mean=3.5),
}


def test_the_columns_of_indices_follow_those_of_an_observation() -> None:
    schema = _table(write_observations([], indices=("ndvi", "evi2", "ndmi"))).schema
    statistics = ("mean", "std", "min", "max", "p10", "p25", "median", "p75", "p90", "valid_pixel_count")
    further = [f"{index}_{statistic}" for index in ("evi2", "ndmi") for statistic in statistics]
    assert schema.names == [*SCHEMA, *further]
    for name in further:
        field = schema.field(name)
        unit = b"pixel" if name.endswith("_count") else b"1"
        assert (field.type, field.nullable, field.metadata[b"unit"]) == (NUMBER, True, unit)
    metadata = {key.decode(): text.decode() for key, text in schema.field("ndmi_mean").metadata.items()}
    assert metadata == {
        "description": "Normalised Difference Moisture Index: mean of the valid pixels, weighted by coverage; "
        "pixels of 20 m",
        "unit": "1",
        "formula": "(nir08 - swir16) / (nir08 + swir16) of reflectances: nir08 is B8A, swir16 is B11",
        "reference": "Wilson and Sader 2002, https://doi.org/10.1016/S0034-4257(01)00318-2",
    }
    assert schema.field("ndvi_mean").metadata[b"formula"].startswith(b"(nir - red) / (nir + red) of reflectances")
    assert b"formula" not in schema.field("pixel_count").metadata


def test_indices_are_read_as_they_were_written_and_nothing_is_no_number() -> None:
    rows = [COMPUTED.model_copy(update={"indices": INDICES_OF_ROW}), EMPTY_HANDED]
    data = write_observations(rows, indices=("ndvi", "evi2", "cire", "ndmi"))
    assert read_observations(data) == rows
    assert _table(data).column("ndmi_mean").to_pylist() == [None, None]
    assert read_observations(write_observations(rows, indices=("evi2",)))[0].indices.keys() == {"evi2"}


@pytest.mark.parametrize("rows", [[COMPUTED], []], ids=["no numbers", "no rows"])
def test_days_have_the_columns_of_the_set_whatever_their_rows_have(rows: list[Observation]) -> None:
    set_of_days = ("ndvi", "evi2", "cire")
    with_numbers = COMPUTED.model_copy(update={"indices": INDICES_OF_ROW})
    one = _table(write_day([([with_numbers], facts_of(SQUARE))], set_of_days)).schema
    other = _table(write_day([(rows, facts_of(SQUARE)[: len(rows)])], set_of_days)).schema
    assert one.remove_metadata() == other.remove_metadata()
    assert one.names[-15:-5] == [name for name in one.names if name.startswith("cire_")]


def test_an_index_is_an_entry_of_the_registry_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    ratio = Index("sr", "Simple Ratio", ("nir", "red"), np.divide, "nir / red", (0.0, 10.0), YLGN, "Jordan 1969")
    monkeypatch.setitem(INDICES, ratio.name, ratio)
    row = COMPUTED.model_copy(update={"indices": {"sr": IndexStatistics(mean=4.5)}})
    data = write_day([([row], facts_of(SQUARE))], names_in_order(["sr"]))
    assert _table(data).column("sr_mean").to_pylist() == [4.5]
    assert _table(data).schema.field("sr_mean").metadata[b"reference"] == b"Jordan 1969"


FACTS = {
    "plant_type": (TEXT, True, ""),
    "plant_date": (DAY, True, ""),
    "season": (TEXT, True, ""),
    "area_ha": (NUMBER, False, "hectare"),
    "geometry": (pa.binary(), False, "degree"),
}
"""What files with the facts of fields have after them. Add to it; change and remove nothing."""


def test_a_days_file_has_the_facts_of_its_fields_and_names_its_day_otherwise() -> None:
    schema = _table(write_day([([COMPUTED], facts_of(SQUARE))])).schema
    expected = {("day" if name == "date" else name): kind for name, kind in (SCHEMA | FACTS).items()}
    assert {
        field.name: (field.type, field.nullable, field.metadata.get(b"unit", b"").decode()) for field in schema
    } == expected
    assert schema.names == list(expected)
    assert all(field.metadata[b"description"] for field in schema)


def test_facts_are_written_beside_the_rows_and_may_be_unknown() -> None:
    known, unknown = facts_of(SQUARE), facts_of(PAIR, plant_type=None, plant_date=None)
    rows = _table(write_observations([COMPUTED, EMPTY_HANDED], [*known, *unknown])).to_pylist()
    assert [(row["plant_type"], row["plant_date"], row["season"]) for row in rows] == [
        ("wheat", date(2025, 4, 1), "2025"),
        (None, None, None),
    ]
    # 0.01 by 0.01 degree at 49.335 north: 1112.2 m along the meridian, 727.3 m across.
    assert rows[0]["area_ha"] == pytest.approx(1112.2 * 727.3 / 10_000, rel=1e-3)


_text = st.text(st.characters(codec="utf-8"), max_size=20)
_number = st.floats(allow_nan=False)
_observations = st.builds(
    Observation,
    field_id=_text,
    date=st.dates(),
    status=st.sampled_from(["computed", "cloudy", "failed"]),
    reason=st.none() | _text,
    ndvi_mean=st.none() | _number,
    pixel_count=_number,
    scene_ids=st.lists(_text, max_size=3).map(tuple),
    baseline=st.none() | _text,
    mask_policy=_text,
    algorithm_version=_text,
    geometry_hash=_text,
    fingerprint=_text,
    indices=st.dictionaries(
        st.sampled_from(["evi2", "ndre"]), st.builds(IndexStatistics, mean=_number, p10=st.none() | _number)
    ),
)


@examples(50)
@given(st.lists(_observations, max_size=5))
def test_what_is_written_is_read(rows: list[Observation]) -> None:
    assert read_observations(write_observations(rows, indices=("ndvi", "evi2", "ndre"))) == rows


def test_more_rows_than_a_batch_keep_their_order() -> None:
    rows = [COMPUTED.model_copy(update={"ndvi_mean": number / 10_000}) for number in range(10_000)]
    assert read_observations(write_observations(rows)) == rows


def test_geometries_make_it_geoparquet() -> None:
    data = write_observations([COMPUTED, EMPTY_HANDED], facts_of(SQUARE, PAIR))
    file = pq.ParquetFile(io.BytesIO(data))
    assert json.loads(file.metadata.metadata[b"geo"]) == {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB",
                "geometry_types": ["MultiPolygon", "Polygon"],
                "bbox": [-0.85, 1.0, 6.0, 49.34],
            }
        },
    }
    column = file.read().column("geometry")
    assert column.type == pa.binary()
    assert [shapely.from_wkb(wkb) for wkb in column.to_pylist()] == [SQUARE, PAIR]
    assert read_observations(data) == [COMPUTED, EMPTY_HANDED]


@pytest.mark.parametrize(
    ("rows", "geometries", "types"),
    [
        pytest.param([], [], [], id="no rows"),
        pytest.param([COMPUTED], [shapely.Polygon()], ["Polygon"], id="empty geometry"),
    ],
)
def test_without_an_area_there_is_no_bbox(
    rows: list[Observation], geometries: list[shapely.Polygon], types: list[str]
) -> None:
    metadata = pq.read_metadata(io.BytesIO(write_observations(rows, facts_of(*geometries)))).metadata
    assert json.loads(metadata[b"geo"])["columns"]["geometry"] == {"encoding": "WKB", "geometry_types": types}


def test_z_is_dropped() -> None:
    high = shapely.force_3d(SQUARE, 100.0)
    assert write_observations([COMPUTED], facts_of(high)) == write_observations([COMPUTED], facts_of(SQUARE))


def test_facts_must_match_the_rows() -> None:
    with pytest.raises(ValueError, match="facts of 1 fields for 2 rows"):
        write_observations([COMPUTED, EMPTY_HANDED], facts_of(SQUARE))


def test_the_same_rows_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    """Hash seeds differ between processes, in Python as in Rust; nothing may be written in the order of a hash map."""
    here = write_observations([COMPUTED, EMPTY_HANDED], facts_of(SQUARE, PAIR))
    program = (
        "import sys, pathlib; sys.path[:0] = ['tests', 'tests/storage', '.'];"
        "from test_geoparquet import *;"
        "pathlib.Path(sys.argv[1]).write_bytes(write_observations([COMPUTED, EMPTY_HANDED], facts_of(SQUARE, PAIR)))"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program, tmp_path / "there.parquet"], check=True, cwd=root)
    assert (tmp_path / "there.parquet").read_bytes() == here


def _without(name: str) -> bytes:
    file = io.BytesIO()
    pq.write_table(_table(write_observations([COMPUTED])).drop_columns([name]), file)
    return file.getvalue()


def _with(name: str, value: object) -> bytes:
    table = _table(write_observations([COMPUTED]))
    file = io.BytesIO()
    pq.write_table(table.set_column(table.schema.get_field_index(name), name, pa.array([value])), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "not a Parquet file", id="empty"),
        pytest.param(b"field_id,date\n", "not a Parquet file", id="CSV"),
        pytest.param(write_observations([COMPUTED])[:-100], "not a Parquet file", id="truncated"),
        pytest.param(_without("fingerprint"), "no column fingerprint", id="column missing"),
        pytest.param(_with("status", "fine"), "row 0.status: .* got 'fine'", id="unknown status"),
        pytest.param(_with("field_id", None), "row 0.field_id: ", id="null where there must be a value"),
    ],
)
def test_other_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_observations(data)

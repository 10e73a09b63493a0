"""Observations as text, read by the programs that people use."""

import csv
import io
import json
from datetime import UTC, date, datetime

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from support.chance import examples
from support.models import a_field, an_observation, facts_of, square

from ndvi_core.models.observation import IndexStatistics, Observation, columns
from ndvi_core.storage.csv_table import write_csv
from ndvi_core.storage.ndjson import write_ndjson

FIELD = a_field("007")
DAY = date(2025, 4, 20)
COMPUTED = an_observation(
    FIELD,
    DAY,
    ndvi_mean=0.1 + 0.2,
    pure_pixel_count=0,
    quality=("no_pure_pixel", "resampled"),
    acquired_at=datetime(2025, 4, 20, 10, 56, 31, tzinfo=UTC),
    scene_ids=("one", "two"),
    baseline="05.11",
    geometry_hash="12e4567890123456",
)
NOTHING = an_observation(FIELD, DAY, "no_scene", reason='"none", he said,\nand left')
ROWS, FACTS = [COMPUTED, NOTHING], facts_of(square(), square(), plant_type="42")
TEXT = (
    "field_id",
    "status",
    "quality",
    "scene_ids",
    "baseline",
    "geometry_hash",
    "fingerprint",
    "plant_type",
    "season",
)


def test_pandas_does_not_take_a_baseline_for_a_number() -> None:
    table = pd.read_csv(io.BytesIO(write_csv(ROWS, FACTS)))
    assert table["baseline"][0] == "N05.11"
    assert pd.isna(table["baseline"][1])


def test_pandas_reads_text_as_text_when_it_is_told_to() -> None:
    table = pd.read_csv(io.BytesIO(write_csv(ROWS, FACTS)), dtype=dict.fromkeys(TEXT, str))
    assert list(table.loc[0, ["field_id", "plant_type", "season", "geometry_hash"]]) == [
        *("007", "42", "2025", "12e4567890123456"),
    ]
    assert table["ndvi_mean"][0] == 0.1 + 0.2
    assert table["reason"][1] == NOTHING.reason


def test_numbers_that_are_not_known_are_not_there() -> None:
    (row,) = pd.read_csv(io.BytesIO(write_csv([NOTHING], FACTS[:1]))).to_dict("records")
    numbers = {name for name in Observation.model_fields if name.endswith(("_count", "_fraction", "_zenith", "_orbit"))}
    assert all(pd.isna(row[name]) for name in (*numbers, "ndvi_mean", "acquired_at", "baseline", "platform"))
    (line,) = write_ndjson([NOTHING], FACTS[:1]).splitlines()
    assert all(json.loads(line)[name] is None for name in (*numbers, "ndvi_mean", "acquired_at", "baseline"))


def test_text_and_nothing_else_is_in_quotation_marks() -> None:
    _, computed, *_ = write_csv(ROWS, facts_of(square(), square(), plant_date=None)).decode().split("\r\n")
    cells = dict(zip([*columns(), "plant_type", "plant_date", "season", "area_ha"], computed.split(","), strict=True))
    assert {
        name: cells[name] for name in ("field_id", "date", "reason", "pure_pixel_count", "quality", "baseline")
    } == {
        "field_id": '"007"',
        "date": "2025-04-20",
        "reason": "",
        "pure_pixel_count": "0",
        "quality": '"no_pure_pixel resampled"',
        "baseline": '"N05.11"',
    }
    assert (cells["plant_type"], cells["plant_date"], cells["season"]) == ('"wheat"', "", "")


_text = st.text(st.characters(codec="utf-8"), max_size=20)


@examples(50)
@given(reason=_text, plant_type=_text)
def test_any_text_comes_back(reason: str, plant_type: str) -> None:
    row = NOTHING.model_copy(update={"reason": reason})
    data = write_csv([row], facts_of(square(), plant_type=plant_type))
    (found,) = csv.DictReader(io.StringIO(data.decode(), newline=""))
    assert (found["reason"], found["plant_type"]) == (reason, plant_type)


def test_ndjson_has_an_object_a_line_with_the_rows_and_the_facts() -> None:
    lines = [json.loads(line) for line in write_ndjson(ROWS, FACTS).splitlines()]
    facts = {"plant_type": "42", "plant_date": "2025-04-01", "season": "2025", "area_ha": FACTS[0].area_ha}
    assert lines == [row.model_dump(mode="json", exclude={"indices"}) | facts for row in ROWS]
    assert write_ndjson([], []) == b""


def test_indices_have_columns_after_those_of_the_row() -> None:
    row = ROWS[0].model_copy(update={"indices": {"ndmi": IndexStatistics(mean=0.25, valid_pixel_count=3.5)}})
    lines = [json.loads(line) for line in write_ndjson([row, NOTHING], FACTS[:2], ("ndvi", "ndmi")).splitlines()]
    found = list(csv.DictReader(io.StringIO(write_csv([row, NOTHING], FACTS[:2], ("ndvi", "ndmi")).decode())))
    assert [list(line) for line in lines] == [list(cells) for cells in found]
    assert [line["ndmi_mean"] for line in lines] == [0.25, None]
    assert [(cells["ndmi_mean"], cells["ndmi_valid_pixel_count"]) for cells in found] == [("0.25", "3.5"), ("", "")]


def test_the_same_rows_give_the_same_bytes() -> None:
    assert write_csv(ROWS, FACTS) == write_csv(list(ROWS), list(FACTS))
    assert write_ndjson(ROWS, FACTS) == write_ndjson(list(ROWS), list(FACTS))

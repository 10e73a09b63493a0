"""What the API says of fields and cells, against a registry and a ledger written by hand."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pyarrow.parquet
import pytest
import shapely
from support.models import a_field, an_observation, square
from support.web import Ask, Server

from ndvi_core.models.observation import IndexStatistics
from ndvi_core.registry import fields as registry
from ndvi_core.registry import index_sets, ledger, recorded_days
from ndvi_core.registry.progress import STATUSES

FIRST = date(2025, 4, 1)
LAST = FIRST + timedelta(5)
CIRCLE = shapely.Point(10.05, 46.05).buffer(0.01, quad_segs=64)
METRE = 1 / 111_000

wheat = a_field("wheat", CIRCLE, plant_date=FIRST)
maize = a_field(
    "maize", square(0.2), plant_type="maize", plant_date=FIRST + timedelta(2), end_date=FIRST + timedelta(3)
)
later = a_field("later", square(0.4), plant_date=FIRST + timedelta(30))
PROVENANCE = {
    "scene_ids": ("S2A_31NAA_20250401_0_L2A", "S2A_31NAB_20250401_0_L2A"),
    "baseline": "05.11",
    "offset_rule": "none@1",
    "valid_fraction": 0.75,
}
NDMI = {"ndmi": IndexStatistics(mean=0.25, p10=-0.5)}
ROWS = [
    an_observation(wheat, FIRST, ndvi_mean=0.4326, indices=NDMI, **PROVENANCE),
    an_observation(wheat, FIRST + timedelta(1), "no_scene", reason="no scene of this day"),
    an_observation(wheat, FIRST + timedelta(2), ndvi_mean=-0.1),
    an_observation(wheat, FIRST + timedelta(3), "cloudy", reason="31 % valid", ndvi_mean=0.9),
    an_observation(wheat, FIRST + timedelta(4), "no_scene", reason="no scene of this day"),
    an_observation(maize, FIRST + timedelta(2), "failed", reason="a scene is broken"),
    an_observation(maize, FIRST + timedelta(3), "no_scene", reason="no scene of this day"),
]


@pytest.fixture(scope="module", autouse=True)
def _seeded(server: Server) -> Iterator[None]:
    with server.engine.begin() as connection:
        registry.upsert_fields(connection, [wheat, maize, later], "file")
        ledger.upsert_observations(connection, ROWS, datetime(2025, 6, 1, tzinfo=UTC))
        recorded_days.mark_recorded(connection, LAST, FIRST)
        index_sets.register_indices(connection, ["evi2", "ndmi"])
    yield
    server.empty()


def test_the_session_has_the_period_and_the_tiles(ask: Ask) -> None:
    assert ask("api/session").json() == {
        "user": "viewer",
        "may_upload": False,
        "may_recompute": False,
        "may_review": False,
        "tiles_url": "https://tiles.example/{z}/{x}/{y}.png",
        "tiles_attribution": "",
        "start_date": "2025-04-01",
        "last_day": "2025-04-06",
    }


def test_fields_come_as_geojson_with_their_status(ask: Ask) -> None:
    answer = ask("api/fields")
    assert answer.headers["Content-Type"] == "application/geo+json"
    assert answer.headers["Content-Encoding"] == "gzip"
    found = answer.json()
    assert (found["type"], found["numberMatched"], found["numberReturned"]) == ("FeatureCollection", 3, 3)
    first, second, third = (feature["properties"] for feature in found["features"])
    (season,) = first.pop("seasons")
    assert first == {"field_id": "wheat", **season}
    assert season == {
        "season": "2025",
        "plant_type": "wheat",
        "plant_date": "2025-04-01",
        "end_date": None,
        "days": 6,
        "counts": {**dict.fromkeys(STATUSES, 0), "computed": 2, "no_scene": 2, "cloudy": 1},
        "missing": 1,
        "ndvi_mean": pytest.approx((0.4326 - 0.1) / 2),
        "last_value": -0.1,
        "last_date": "2025-04-03",
        "last_status": "cloudy",
        "last_reason": "31 % valid",
    }
    assert (second["end_date"], second["last_value"]) == ("2025-04-04", None)
    assert (second["last_status"], second["last_reason"]) == ("failed", "a scene is broken")
    assert (third["days"], third["last_status"]) == (0, None)
    assert shapely.equals_exact(shapely.geometry.shape(found["features"][0]["geometry"]), CIRCLE, 1e-12, normalize=True)


def test_a_page_leads_to_the_next_one(ask: Ask) -> None:
    pages, query = [], {"limit": 2, "tolerance": 5}
    answer = ask("api/fields", **query)
    while True:
        pages.append([feature["id"] for feature in answer.json()["features"]])
        if "next" not in answer.links:
            break
        answer = ask(str(answer.url.join(answer.links["next"]["url"])))
    assert pages == [["wheat", "maize"], ["later"]]


def test_a_box_leaves_out_what_it_does_not_meet(ask: Ask) -> None:
    found = ask("api/fields", bbox="0.19,-1,0.205,1").json()
    assert ([feature["id"] for feature in found["features"]], found["numberMatched"]) == (["maize"], 1)


def test_simplified_boundaries_are_off_by_the_tolerance_at_most(ask: Ask) -> None:
    (feature, *_) = ask("api/fields", tolerance=20).json()["features"]
    simpler = shapely.geometry.shape(feature["geometry"])
    assert len(simpler.exterior.coords) < len(CIRCLE.exterior.coords) / 4
    assert shapely.hausdorff_distance(simpler, CIRCLE, densify=0.1) <= 20 * METRE


def test_one_field_has_all_that_the_registry_knows(ask: Ask) -> None:
    feature = ask("api/fields/wheat").json()
    assert shapely.equals_exact(shapely.geometry.shape(feature["geometry"]), CIRCLE, 1e-12, normalize=True)
    properties = feature["properties"]
    assert (properties["revision"], properties["geometry_hash"], properties["caught_up"]) == (
        1,
        wheat.geometry_hash,
        False,
    )
    assert properties["last_status"] == "cloudy"


def test_the_grid_has_a_letter_and_a_number_for_each_cell(ask: Ask) -> None:
    answer = ask("api/grid", start=FIRST - timedelta(1), end=LAST + timedelta(1))
    found = answer.json()
    assert found["days"] == [str(FIRST + timedelta(offset)) for offset in range(-1, 7)]
    assert found["field_ids"] == ["wheat", "maize", "later"]
    words = [[found["letters"][letter] for letter in letters] for letters in found["status"]]
    assert words[0] == [
        "not_due", "computed", "no_scene", "computed", "cloudy", "no_scene", "missing", "not_due",
    ]  # fmt: skip
    assert words[1] == ["not_due"] * 3 + ["failed", "no_scene"] + ["not_due"] * 3
    assert words[2] == ["not_due"] * 8
    assert found["ndvi"][0] == [None, 433, None, -100, None, None, None, None]


def test_the_grid_is_paged_by_fields(ask: Ask) -> None:
    answer = ask("api/grid", limit=1, offset=1)
    assert answer.json()["field_ids"] == ["maize"]
    assert answer.links["next"]["url"] == "?limit=1&offset=2"
    assert "next" not in ask("api/grid", limit=2, offset=1).links


def test_rows_of_an_earlier_boundary_count_for_nothing_but_are_listed(ask: Ask, server: Server) -> None:
    moved = a_field("moved", square(0.6), plant_date=FIRST, end_date=FIRST)
    corrected = a_field("moved", square(0.61), plant_date=FIRST, end_date=FIRST)
    with server.engine.begin() as connection:
        registry.upsert_fields(connection, [moved], "file")
        ledger.upsert_observations(connection, [an_observation(moved, FIRST)], datetime(2025, 6, 1, tzinfo=UTC))
        registry.upsert_fields(connection, [corrected], "file")
    status = ask("api/fields/moved").json()["properties"]
    assert (status["revision"], status["missing"], status["last_value"]) == (2, 1, None)
    assert ask("api/grid", start=FIRST, end=FIRST, offset=3).json()["status"] == ["."]
    (row,) = ask("api/fields/moved/observations").json()
    assert row["geometry_hash"] == moved.geometry_hash
    table = pyarrow.parquet.read_table(io.BytesIO(ask("api/fields/moved/observations", format="parquet").content))
    assert shapely.from_wkb(table["geometry"][0].as_py()).equals(moved.geometry)


def test_observations_have_their_provenance(ask: Ask) -> None:
    rows = ask("api/fields/wheat/observations").json()
    assert [row["date"] for row in rows] == [str(FIRST + timedelta(offset)) for offset in range(5)]
    assert rows[0] == ROWS[0].model_dump(mode="json")
    assert rows[3]["reason"] == "31 % valid"


def test_observations_of_several_fields_and_days_come_in_order(ask: Ask) -> None:
    rows = ask("api/observations", field_ids="maize,wheat,nobody", start="2025-04-03", end="2025-04-04").json()
    assert [(row["field_id"], row["date"]) for row in rows] == [
        ("wheat", "2025-04-03"),
        ("wheat", "2025-04-04"),
        ("maize", "2025-04-03"),
        ("maize", "2025-04-04"),
    ]
    page = ask("api/observations", field_ids="maize,wheat", start="2025-04-03", end="2025-04-04", limit=3)
    assert len(page.json()) == 3
    rest = ask(str(page.url.join(page.links["next"]["url"])))
    assert ([row["date"] for row in rest.json()], "next" in rest.links) == (["2025-04-04"], False)


def test_csv_and_parquet_say_the_same_as_json(ask: Ask) -> None:
    expected = ask("api/fields/wheat/observations").json()
    as_csv = ask("api/fields/wheat/observations", format="csv")
    assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (
        as_csv.headers["Content-Disposition"] == 'attachment; filename="wheat_ndvi-evi2-ndmi_2025-04-01_2025-04-06.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(as_csv.text)))
    assert [row["date"] for row in rows] == [row["date"] for row in expected]
    assert rows[0]["scene_ids"].split(" ") == expected[0]["scene_ids"]
    assert (float(rows[0]["ndvi_mean"]), rows[1]["ndvi_mean"], rows[0]["reason"]) == (0.4326, "", "")

    table = pyarrow.parquet.read_table(
        io.BytesIO(ask("api/fields/wheat/observations", format="parquet").content)
    ).to_pylist()
    assert [float(rows[0][name] or "nan") for name in ("ndmi_mean", "ndmi_p10")] == [0.25, -0.5]
    assert [row["ndmi_mean"] for row in table] == [row["indices"].get("ndmi", {}).get("mean") for row in expected]
    assert {row["evi2_mean"] for row in table} == {None}
    for row, known in zip(table, expected, strict=True):
        del known["indices"]
        assert json.loads(json.dumps({name: row[name] for name in known}, default=str)) == known


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_ndjson_has_the_rows_with_the_facts_of_their_field(ask: Ask) -> None:
    rows = ask("api/fields/wheat/observations").json()
    lines = lines_of(ask("api/fields/wheat/observations", format="ndjson"))
    facts = {
        "plant_type": "wheat",
        "plant_date": "2025-04-01",
        "season": "2025",
        "area_ha": pytest.approx(270.1, rel=1e-2),
    }
    # A circle of 0.01 degrees at 46.05 north: half axes of 1111.5 and 773.5 m.
    for line, row in zip(lines, rows, strict=True):
        ndmi = row.pop("indices").get("ndmi", {"mean": None, "p10": None})
        assert line.items() >= (row | facts | {"ndmi_mean": ndmi["mean"], "ndmi_p10": ndmi["p10"]}).items()


def test_the_indices_of_the_rows_are_listed_with_what_shows_them(ask: Ask) -> None:
    entries = ask("api/indices").json()
    assert [entry["name"] for entry in entries] == ["ndvi", "evi2", "ndmi"]
    ndmi = entries[-1]
    assert (ndmi["bands"], ndmi["formula"], ndmi["resolution"], ndmi["range"]) == (
        *(["nir08", "swir16"], "(nir08 - swir16) / (nir08 + swir16)", 20, [-0.8, 0.8]),
    )
    assert all(colour.startswith("#") for colour in ndmi["colours"])


def test_all_fields_come_in_pages_in_the_order_of_registration(ask: Ask) -> None:
    answer = ask("api/observations", format="ndjson", limit=3, start=FIRST, end=LAST)
    found = [lines_of(answer)]
    while "next" in answer.links:
        answer = ask(str(answer.url.join(answer.links["next"]["url"])))
        found.append(lines_of(answer))
    assert {len(page) for page in found[:-1]} == {3}
    rows = [(row["field_id"], row["date"]) for page in found for row in page if row["field_id"] != "moved"]
    assert rows == [(row.field_id, str(row.date)) for row in ROWS]


def test_a_file_of_several_fields_is_named_by_their_ids(ask: Ask) -> None:
    def name(ids: list[str]) -> str:
        answer = ask("api/observations", field_ids=",".join(ids), format="csv", start="2025-04-03", end="2025-04-03")
        return answer.headers["Content-Disposition"].split('"')[1]

    assert name(["wheat", "maize"]) == "wheat_maize_ndvi-evi2-ndmi_2025-04-03_2025-04-03.csv"
    many = name([f"parcel-{number:04}" for number in range(40)])
    assert many.startswith("parcel-0000_parcel-0001_")
    assert "_and_31_more_ndvi-evi2-ndmi_" in many


def test_all_fields_come_in_every_format(ask: Ask) -> None:
    period = {"start": FIRST + timedelta(2), "end": FIRST + timedelta(2)}
    expected = [("wheat", "2025-04-03"), ("maize", "2025-04-03")]
    as_json = ask("api/observations", **period).json()
    as_csv = ask("api/observations", format="csv", **period)
    as_parquet = ask("api/observations", format="parquet", **period)
    assert (
        as_csv.headers["Content-Disposition"]
        == 'attachment; filename="all_fields_ndvi-evi2-ndmi_2025-04-03_2025-04-03.csv"'
    )
    table = pyarrow.parquet.read_table(io.BytesIO(as_parquet.content)).to_pylist()
    for rows in (as_json, csv.DictReader(io.StringIO(as_csv.text)), table):
        assert [(row["field_id"], str(row["date"])) for row in rows] == expected
    assert [(row["plant_type"], row["season"]) for row in table] == [("wheat", "2025"), ("maize", "2025")]
    assert table[0]["area_ha"] > table[1]["area_ha"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("api/extent", "upload a GeoJSON file with one rectangle"),
        ("api/fields/nobody", "no field nobody in the registry"),
        ("api/fields/nobody/observations", "no field nobody in the registry"),
        ("api/fields/wheat/overlays/2025-04-02.png", "wheat has nothing of 2025-04-02"),
        ("api/fields/wheat/overlays/2025-04-02.json", "wheat has nothing of 2025-04-02"),
        ("pictures/wheat/2025-04-02.png", "wheat has nothing of 2025-04-02"),
        ("orders/ndvi_daily/manual__x/0", "the task has not written its manifest"),
    ],
)
def test_what_is_not_there_is_said_so(ask: Ask, path: str, said: str) -> None:
    answer = ask(path)
    assert answer.status_code == 404
    assert said in answer.json()["detail"]


def test_the_extent_comes_as_geojson(ask: Ask, server: Server) -> None:
    key = "staticdata/config/bbox.geojson"
    server.bucket.write(key, json.dumps(shapely.geometry.mapping(shapely.box(9, 45, 12, 48))).encode())
    try:
        found = ask("api/extent").json()
    finally:
        server.bucket.delete(key)
    assert found["type"] == "Feature"
    assert shapely.geometry.shape(found["geometry"]).bounds == (9, 45, 12, 48)


@pytest.mark.parametrize("path", ["api/observations", "api/fields/wheat/observations"])
@pytest.mark.parametrize(
    ("start", "end"), [("0001-01-01", "9999-12-31"), ("9999-12-31", None), (None, "0001-01-01"), ("9999-12-31",) * 2]
)
def test_the_ends_of_the_calendar_are_days(ask: Ask, path: str, start: str | None, end: str | None) -> None:
    period = {name: day for name, day in (("start", start), ("end", end)) if day}
    answer = ask(path, **period)
    assert answer.status_code == 200
    assert bool(answer.json()) is (len(set(period.values())) == 2)
    whole = len(period) == 2 and start != end
    assert ask("api/grid", limit=1, **period).status_code == (422 if whole else 200), "of all days these are too many"


@pytest.mark.parametrize("path", ["api/fields", "api/grid", "api/observations", "api/fields/wheat/observations"])
def test_far_beyond_the_last_page_is_nothing(ask: Ask, path: str) -> None:
    answer = ask(path, offset=2**31 - 1)
    assert (answer.status_code, "next" in answer.links) == (200, False)


@pytest.mark.parametrize(
    "path",
    [
        "api/fields?limit=0",
        "api/fields?limit=10001",
        "api/fields?offset=-1",
        "api/fields?tolerance=-1",
        "api/fields?bbox=1,2,3",
        "api/fields?bbox=3,0,1,1",
        "api/fields?bbox=nan,0,1,1",
        "api/grid?start=soon",
        "api/grid?start=0",
        "api/grid?start=1e3",
        "api/grid?start=1743465600",
        "api/grid?start=2025-04-01T00:00:00",
        "api/grid?start=2025-4-1",
        "api/grid?start=0000-01-01",
        "api/grid?end=2025-04-01%00",
        "api/observations?end=10000-01-01",
        "api/observations?limit=20001",
        "api/observations?offset=99999999999",
        "api/observations?field_ids=wheat%00",
        "api/fields/wheat/overlays/0.png",
        "pictures/wheat/1743465600.png",
        "orders/ndvi%00daily/x/0",
        "orders/ndvi_daily/x%00y/0",
        "orders/ndvi_daily/%2e%2e/0",
        "orders/ndvi_daily/x/99999999999",
        "api/grid?start=2025-04-02&end=2025-04-01",
        "api/grid?start=0001-01-01&limit=10000",
        "api/observations?field_ids=",
        "api/observations?field_ids=wheat,a.b",
        "api/observations?field_ids=" + ",".join(["a"] * 1001),
        "api/fields/a.b",
        "api/fields/%2e%2e",
        "api/fields/wheat%20",
        "api/fields/wheat/observations?format=xml",
        "api/fields/wheat/overlays/2025-02-30.png",
        "api/fields/..wheat/overlays/2025-04-01.json",
        "pictures/wheat/soon.png",
        "pictures/wheat%00/2025-04-01.png",
    ],
)
def test_what_makes_no_sense_is_refused(ask: Ask, path: str) -> None:
    assert ask(path).status_code == 422

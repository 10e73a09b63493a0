"""What the API says of a field that has two seasons."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import shapely
from support.features import collection, feature
from support.models import a_field, an_observation, square
from support.web import Ask, Server, SignIn

from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger, recorded_days

FIRST, GAP, SECOND = date(2025, 4, 1), date(2025, 4, 4), date(2025, 4, 6)
LAST = date(2025, 4, 8)
barley = a_field("home", square(0.1), plant_type="barley", plant_date=FIRST, end_date=GAP - timedelta(1))
maize = a_field("home", square(0.1, side=0.02), plant_type="maize", plant_date=SECOND)
ROWS = [
    an_observation(barley, FIRST, ndvi_mean=0.8),
    an_observation(barley, FIRST + timedelta(1), "cloudy", reason="31 % valid"),
    an_observation(barley, GAP, ndvi_mean=0.7),
    an_observation(barley, SECOND, ndvi_mean=0.6),
    an_observation(maize, SECOND + timedelta(1), ndvi_mean=0.2),
]


@pytest.fixture(scope="module", autouse=True)
def _seeded(server: Server) -> Iterator[None]:
    with server.engine.begin() as connection:
        for field in (barley, maize):
            registry.upsert_fields(connection, [field], "file")
        ledger.upsert_observations(connection, ROWS, datetime(2025, 6, 1, tzinfo=UTC))
        recorded_days.mark_recorded(connection, LAST, FIRST)
    yield
    server.empty()


@pytest.mark.parametrize("path", ["api/fields", "api/fields/home"])
def test_a_field_has_the_status_of_its_present_season_and_of_all(ask: Ask, path: str) -> None:
    found = ask(path).json()
    properties = (found["features"][0] if "features" in found else found)["properties"]
    old, new = properties["seasons"]
    assert (old["season"], old["plant_type"], old["end_date"]) == ("2025", "barley", "2025-04-03")
    assert (old["days"], old["missing"], old["last_value"], old["last_status"]) == (3, 1, 0.8, "cloudy")
    assert (new["season"], new["plant_type"], new["plant_date"], new["end_date"]) == (
        "2025-2",
        "maize",
        "2025-04-06",
        None,
    )
    assert (new["days"], new["missing"], new["last_value"]) == (3, 2, 0.2), "a row of last season's boundary is none"
    assert {name: properties[name] for name in new} == new


def test_the_grid_has_a_gap_between_seasons(ask: Ask) -> None:
    found = ask("api/grid", start=FIRST, end=LAST).json()
    words = [found["letters"][letter] for letter in found["status"][0]]
    assert words == [
        "computed", "cloudy", "missing", "not_due", "not_due", "missing", "computed", "missing",
    ]  # fmt: skip
    assert found["ndvi"][0] == [800, None, None, None, None, None, 200, None]


def test_rows_have_the_crop_of_the_season_in_which_their_day_lies(ask: Ask) -> None:
    told = [("2025-04-01", "barley", "2025"), ("2025-04-02", "barley", "2025"), ("2025-04-06", "maize", "2025-2")]
    expected = [*told, ("2025-04-07", "maize", "2025-2")]
    names = ("date", "plant_type", "season")
    lines = map(json.loads, ask("api/fields/home/observations", format="ndjson").text.splitlines())
    assert [tuple(line[name] for name in names) for line in lines] == expected
    table = csv.DictReader(io.StringIO(ask("api/observations", format="csv").text))
    assert [tuple(row[name] for name in names) for row in table] == expected


def test_an_uploads_check_says_which_season_ends_and_which_begins(sign_in: SignIn, server: Server) -> None:
    made = feature(
        shapely.geometry.mapping(square(0.1, side=0.02)), object_id="home", plant_type="rye", plant_date="2025-09-15"
    )
    client = sign_in("user", cookie=True)
    sent = client.post(
        "api/uploads/check", content=collection(made), headers={"Content-Type": "application/geo+json"}
    ).json()
    (properties,) = (one["properties"] for one in sent["fields"]["features"])
    assert (properties["season"], properties["effect"]) == ("2025-3", "changed")
    assert properties["changes"] == ["maize ends on 2025-09-14, rye begins 2025-09-15"]
    with server.engine.connect() as connection:
        (field,) = registry.load_fields(connection)
    assert [season.plant_type for season in field.seasons] == ["barley", "maize"], "nothing is registered"

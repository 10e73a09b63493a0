"""What the API says of all fields at once, and what people say of events."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from pyproj import Geod
from scipy.stats import rankdata
from support.country import Country, struck
from support.peers import LAST, MAIZE, PLANTED, SLOW, WHEAT, behind, grow
from support.web import Ask, SignIn


@pytest.fixture(scope="module", autouse=True)
def _seeded(country: Country) -> None:
    grow(country)


def by_field(standings: dict[str, list[object]]) -> dict[str, dict[str, object]]:
    rows = [dict(zip(standings, values, strict=True)) for values in zip(*standings.values(), strict=True)]
    return {str(row["field_id"]): row for row in rows}


def test_each_field_has_its_area_its_last_value_and_the_change_since_the_pass_before(ask: Ask) -> None:
    found = by_field(ask("api/standings").json())
    assert list(found)[:2] == ["slow", "maize_1"], "in the order of registration"
    assert len(found) == 16
    area, _ = Geod(ellps="WGS84").geometry_area_perimeter(WHEAT[1].geometry)
    hit = found["wheat_2"]
    assert hit["area_ha"] == pytest.approx(abs(area) / 10_000, abs=1e-3)
    assert (hit["plant_type"], hit["season"], hit["plant_date"]) == ("wheat", "2025", str(PLANTED))
    assert (hit["last_date"], hit["before_date"]) == (str(LAST), str(LAST - timedelta(days=5)))
    assert hit["last_value"] == pytest.approx(struck(100))
    assert hit["change"] == pytest.approx(struck(100) - struck(95), abs=1e-4)
    assert found["slow"]["season"] == "2025", "the present one"
    assert found["slow"]["change"] == pytest.approx(behind(100) - behind(95), abs=1e-4)


def test_what_is_not_known_is_null(ask: Ask) -> None:
    found = by_field(ask("api/standings").json())
    single, future = found["lupin"], found["rye"]
    assert (single["last_date"], single["before_date"], single["change"]) == ("2025-05-31", None, None)
    assert (future["last_date"], future["last_value"], future["peers_date"], future["rank"]) == (None,) * 4
    assert found["wheat_1"]["peers_z"] is None, "three are too few"
    assert (found["wheat_1"]["peers_count"], found["wheat_1"]["rank"], found["wheat_1"]["ranked"]) == (3, None, 0)


def test_the_place_among_peers_is_that_of_the_fields_own_figures(ask: Ask) -> None:
    found = by_field(ask("api/standings").json())
    names = [field.field_id for field in (*MAIZE, SLOW)]
    z = []
    for name in names:
        figures = ask(f"api/fields/{name}/seasons").json()[-1]["indices"]["ndvi"]
        row = found[name]
        assert row["peers_date"] == figures["latest_day"]
        parts = "peers_count", "peers_median", "peers_z"
        assert [row[part] for part in parts] == [figures[part] for part in parts]
        z.append(figures["peers_z"])
    assert [found[name]["rank"] for name in names] == rankdata([-one for one in z], method="min").tolist()
    assert {found[name]["ranked"] for name in names} == {11}
    assert found["slow"]["rank"] == 11
    assert found["slow"]["peers_z"] < -2


def test_the_same_as_csv(ask: Ask) -> None:
    answer = ask("api/standings", format="csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="standings.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    found = ask("api/standings").json()
    assert list(rows[0]) == list(found)
    assert [row["field_id"] for row in rows] == found["field_id"]
    assert [float(row["change"]) if row["change"] else None for row in rows] == found["change"]


def the_drop(ask: Ask) -> dict[str, object]:
    (drop,) = ask("api/events", kind="drop").json()
    return dict(drop)


def test_an_event_is_dismissed_with_a_note_and_that_is_taken_back(ask: Ask, sign_in: SignIn, country: Country) -> None:
    drop = the_drop(ask)
    assert (drop["dismissed"], drop["note"], drop["reviewed_by"], drop["reviewed_at"]) == (False, None, None, None)
    began = datetime.now(UTC)
    path = f"api/events/{drop['event_id']}/review"
    said = sign_in("user", cookie=True).put(path, json={"dismissed": True, "note": "hail on 24 June"})
    assert said.status_code == 200
    assert (said.json()["dismissed"], said.json()["note"], said.json()["reviewed_by"]) == (
        True,
        "hail on 24 June",
        "user",
    )
    assert abs(datetime.fromisoformat(said.json()["reviewed_at"]) - began) < timedelta(minutes=5)
    assert said.json()["status"] == drop["status"], "what the data say stays"
    assert the_drop(ask) == said.json()
    assert drop["event_id"] not in {one["event_id"] for one in ask("api/events", dismissed="false").json()}
    assert [one["event_id"] for one in ask("api/events", dismissed="true").json()] == [drop["event_id"]]

    country.season_run()
    assert the_drop(ask) == said.json(), "computing the season again takes nothing back"
    (row,) = files(country).query("dismissed").to_dict("records")
    assert (row["event_id"], row["note"], row["reviewed_by"]) == (drop["event_id"], "hail on 24 June", "user")
    lines = list(csv.DictReader(io.StringIO(ask("api/events", dismissed="true", format="csv").text)))
    assert [(line["note"], line["reviewed_by"]) for line in lines] == [("hail on 24 June", "user")]

    sign_in("op").put(path, json={"dismissed": False}).raise_for_status()
    back = the_drop(ask)
    assert (back["dismissed"], back["note"], back["reviewed_by"]) == (False, None, "op")
    country.season_run()
    assert not files(country)["dismissed"].any()


def files(country: Country) -> pd.DataFrame:
    """Read the files of events as a person would."""
    keys = [info.key for info in country.store.list("events/")]
    return pd.concat([pd.read_parquet(io.BytesIO(country.store.read(key))) for key in keys])


def test_only_who_may_trigger_seasons_says_something_of_events(ask: Ask, sign_in: SignIn) -> None:
    path = f"api/events/{the_drop(ask)['event_id']}/review"
    assert sign_in("viewer").put(path, json={"dismissed": True}).status_code == 403
    sessions = [sign_in(role).get("api/session").json()["may_review"] for role in ("viewer", "user")]
    assert sessions == [False, True]
    assert the_drop(ask)["dismissed"] is False


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_a_form_or_page_of_another_site_cannot(ask: Ask, sign_in: SignIn, headers: dict[str, str], status: int) -> None:
    path = f"api/events/{the_drop(ask)['event_id']}/review"
    client = sign_in("user", cookie=True)
    answer = client.put(
        path, content=json.dumps({"dismissed": True}), headers={"Content-Type": "application/json", **headers}
    )
    assert answer.status_code == status
    assert the_drop(ask)["dismissed"] is False


@pytest.mark.parametrize(
    ("event_id", "said", "status"),
    [
        ("0" * 16, {"dismissed": True}, 404),
        (None, {"note": "without saying whether"}, 422),
        (None, {"dismissed": True, "note": "x" * 2001}, 422),
        (None, {"dismissed": True, "note": "a\x00b"}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(
    ask: Ask, sign_in: SignIn, event_id: str | None, said: dict[str, object], status: int
) -> None:
    answer = sign_in("user").put(f"api/events/{event_id or the_drop(ask)['event_id']}/review", json=said)
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)

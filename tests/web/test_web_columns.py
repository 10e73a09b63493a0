"""The registry as columns says the same as its JSON; who has an answer is told so, until something changes."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
import shapely
from sqlalchemy import Connection
from support.events import an_event, note_events
from support.models import a_field, an_observation, square
from support.web import Ask, Server, SignIn

from ndvi_core.models.season_part import SeasonPart
from ndvi_core.registry import events, field_life, ledger, recorded_days, stale_seasons
from ndvi_core.registry import fields as registry

FIRST = date(2025, 4, 1)
LAST = FIRST + timedelta(5)
PERIOD = {"start": FIRST - timedelta(1), "end": LAST + timedelta(1)}
PLANNED = datetime(2025, 6, 1, tzinfo=UTC)

holed = shapely.Point(10.05, 46.05).buffer(0.01, quad_segs=16).difference(shapely.box(10.049, 46.049, 10.051, 46.051))
parts = shapely.MultiPolygon([square(0.2), square(0.23)])
wheat = a_field("wheat", holed, plant_date=FIRST)
maize = a_field("maize", parts, plant_type="Körnermais", plant_date=FIRST + timedelta(2), end_date=FIRST + timedelta(3))
second = a_field("maize", parts, plant_type='"rye", a cover', plant_date=FIRST + timedelta(5), season="cover")
later = a_field("later", square(0.4), plant_date=FIRST + timedelta(30))
moved = a_field("moved", square(0.6), plant_date=FIRST, end_date=FIRST + timedelta(1))
corrected = a_field("moved", square(0.61), plant_date=FIRST, end_date=FIRST + timedelta(1))
ROWS = [
    an_observation(wheat, FIRST, ndvi_mean=0.4326),
    an_observation(wheat, FIRST + timedelta(1), "no_scene", reason="no scene of this day"),
    an_observation(wheat, FIRST + timedelta(2), ndvi_mean=-0.1),
    an_observation(wheat, FIRST + timedelta(3), "cloudy", reason='31 % valid, "hazy"', ndvi_mean=0.9),
    an_observation(wheat, FIRST + timedelta(4), ndvi_mean=0.0),
    an_observation(maize, FIRST + timedelta(2), "failed", reason="a scene is broken"),
    an_observation(maize, FIRST + timedelta(3), "no_scene", reason="no scene of this day"),
    an_observation(second, FIRST + timedelta(5), ndvi_mean=1.0),
    an_observation(moved, FIRST, ndvi_mean=0.5),
]


@pytest.fixture(scope="module", autouse=True)
def _seeded(server: Server) -> Iterator[None]:
    with server.engine.begin() as connection:
        for field in (wheat, maize, second, later, moved):
            registry.upsert_fields(connection, [field], "file")
        ledger.upsert_observations(connection, ROWS, PLANNED)
        registry.upsert_fields(connection, [corrected], "file")
        recorded_days.mark_recorded(connection, LAST, FIRST)
    yield
    server.empty()


@pytest.fixture(scope="module")
def _an_event(server: Server) -> None:
    note_events(server.engine, an_event("e1"))


@pytest.fixture(scope="module")
def ask(sign_in: SignIn) -> Ask:
    client = sign_in("viewer")
    return lambda path, headers=None, **parameters: client.get(path, params=parameters or None, headers=headers)


def table(answer: httpx.Response) -> pa.Table:
    assert answer.headers["Content-Type"] == "application/vnd.apache.arrow.stream"
    with pa.ipc.open_stream(answer.content) as stream:
        return stream.read_all()


def test_ids_bounds_and_boundaries_are_those_of_the_geojson(ask: Ask) -> None:
    features = ask("api/fields").json()["features"]
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    fields = table(ask("api/columns/fields"))
    assert fields["field_id"].to_pylist() == [feature["id"] for feature in features]
    bounds = zip(*(fields[name].to_pylist() for name in ("west", "south", "east", "north")), strict=True)
    assert list(bounds) == [shape.bounds for shape in shapes]
    boundaries = table(ask("api/columns/boundaries"))["boundary"].to_pylist()
    for shape, polygons in zip(shapes, boundaries, strict=True):
        degrees = [[[(x / 1e7, y / 1e7) for x, y in ring] for ring in rings] for rings in polygons]
        found = shapely.MultiPolygon([shapely.Polygon(rings[0], rings[1:]) for rings in degrees])
        expected = shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])
        assert shapely.equals_exact(found, expected, 1e-7), "to a centimetre, with holes and parts"


def test_simplified_boundaries_have_the_points_of_the_geojson(ask: Ask) -> None:
    (feature, *_) = ask("api/fields", tolerance=20).json()["features"]
    ring = table(ask("api/columns/boundaries", tolerance=20))["boundary"][0].as_py()[0][0]
    assert np.array(ring) / 1e7 == pytest.approx(np.array(feature["geometry"]["coordinates"][0]), abs=1e-6)


def test_the_status_of_seasons_is_that_of_the_json(ask: Ask) -> None:
    expected: list[dict[str, Any]] = [
        {"field_id": feature["id"], **season}
        for feature in ask("api/fields").json()["features"]
        for season in feature["properties"]["seasons"]
    ]
    rows = table(ask("api/columns/seasons")).to_pylist()
    assert len(rows) == 5
    for row, known in zip(rows, expected, strict=True):
        counts = known.pop("counts")
        assert {status: row.pop(status) for status in counts} == counts
        assert row["days"] - sum(counts.values()) == known.pop("missing")
        dated = {name: str(value) if isinstance(value, date) else value for name, value in row.items()}
        assert dated == known


def test_the_days_are_those_of_the_json(ask: Ask) -> None:
    expected = ask("api/grid", **PERIOD).json()
    found = table(ask("api/columns/grid", **PERIOD))
    assert found["field_id"].to_pylist() == expected["field_ids"]
    assert [bytes(letters).decode() for letters in found["status"].to_pylist()] == expected["status"]
    assert found["ndvi"].to_pylist() == expected["ndvi"]
    assert expected["status"] == ["-cncyc.-", "---xn-c-", "--------", "-..-----"]
    assert expected["ndvi"][0] == [None, 433, None, -100, None, 0, None, None]


def test_too_many_cells_are_refused(ask: Ask) -> None:
    answer = ask("api/columns/grid", start="0001-01-01", end="9999-12-31")
    assert (answer.status_code, "ask for fewer days" in answer.json()["detail"]) == (422, True)


Change = Callable[[Connection], None]


def a_day(connection: Connection) -> None:
    ledger.upsert_observations(connection, [an_observation(wheat, LAST, ndvi_mean=0.7)], PLANNED)


def a_recorded_day(connection: Connection) -> None:
    recorded_days.mark_recorded(connection, LAST + timedelta(1), FIRST)


def another_name(connection: Connection) -> None:
    field_life.rename(connection, "later", "north_7")


def an_earlier_end(connection: Connection) -> None:
    field_life.retire(connection, "wheat", LAST)


def a_removal(connection: Connection) -> None:
    field_life.remove(connection, "moved")


def a_season_to_compute(connection: Connection) -> None:
    stale_seasons.note_part(connection, SeasonPart(2025, 0))


def a_computed_season(connection: Connection) -> None:
    notes = [note for of_part in stale_seasons.stale_parts(connection).values() for note in of_part]
    assert notes
    stale_seasons.mark_done(connection, notes)


def a_caught_up_field(connection: Connection) -> None:
    registry.mark_caught_up(connection, registry.load_fields(connection, ["wheat"]))


def other_settings(connection: Connection) -> None:
    stale_seasons.note_new_settings(connection, "others")


def a_review(connection: Connection) -> None:
    events.review_event(connection, "e1", True, "hail", "op")


def at_once(change: Change) -> Change:
    """Return a change after which the seasons that it concerns are computed before anybody looks."""

    def changed_and_computed(connection: Connection) -> None:
        change(connection)
        a_computed_season(connection)

    changed_and_computed.__name__ = f"{change.__name__}_at_once"
    return changed_and_computed


SEASONS = ("api/standings", "api/events")
DAYS = ("api/columns/seasons", "api/columns/grid", "api/fields", "api/grid", *SEASONS)
FIELDS = ("api/columns/fields", "api/columns/boundaries")


@pytest.mark.usefixtures("_an_event")
@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (a_day, DAYS),
        (a_recorded_day, DAYS),
        (another_name, DAYS + FIELDS),
        (an_earlier_end, DAYS + FIELDS),
        (a_removal, DAYS + FIELDS),
        (a_season_to_compute, SEASONS),
        (a_computed_season, SEASONS),
        (at_once(a_day), DAYS),
        (at_once(a_caught_up_field), SEASONS),
        (at_once(other_settings), SEASONS),
        (at_once(a_review), SEASONS),
    ],
    ids=lambda one: one.__name__ if callable(one) else "",
)
def test_an_answer_is_given_again_after_a_change_alone(
    ask: Ask, server: Server, change: Change, changed: tuple[str, ...]
) -> None:
    paths = DAYS + FIELDS
    period = {"start": FIRST, "end": LAST}
    query = {path: period if path.endswith("grid") else {} for path in paths}
    known = {path: {"If-None-Match": ask(path, **query[path]).headers["ETag"]} for path in paths}

    again = [ask(path, known[path], **query[path]) for path in paths]
    assert [(answer.status_code, answer.content) for answer in again] == [(304, b"")] * len(paths)
    with server.engine.begin() as connection:
        change(connection)
    answers = {path: ask(path, known[path], **query[path]).status_code for path in paths}
    assert answers == {path: 200 if path in changed else 304 for path in paths}


def test_the_revisions_tell_which_day_has_changed(ask: Ask, server: Server) -> None:
    before = ask("api/revisions").json()
    row = an_observation(wheat, FIRST + timedelta(1), ndvi_mean=0.6)
    with server.engine.begin() as connection:
        ledger.upsert_observations(connection, [row], PLANNED)
        ledger.upsert_observations(connection, [row], PLANNED - timedelta(1))
    after = ask("api/revisions").json()
    day = str(FIRST + timedelta(1))
    assert {key: value for key, value in after.items() if key not in ("days", "seasons")} == {
        key: value for key, value in before.items() if key not in ("days", "seasons")
    }
    assert after["seasons"] != before["seasons"], "that of the day is to be computed"
    assert after["days"] == before["days"] | {day: before["days"][day] + 1}, "the older run wrote nothing"
    other = {"start": FIRST + timedelta(2), "end": LAST}
    known = {"If-None-Match": ask("api/columns/grid", **other).headers["ETag"]}
    with server.engine.begin() as connection:
        ledger.upsert_observations(connection, [row], PLANNED)
    assert ask("api/columns/grid", known, **other).status_code == 304, "a day outside of the period"


def test_the_documented_lines_make_a_data_frame(
    server: Server, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    (lines,) = re.findall(r"```python\n(.+?)```", Path("docs/api.md").read_text(), re.DOTALL)
    token = sign_in("viewer").headers["Authorization"].removeprefix("Bearer ")
    named: dict[str, Any] = {"AIRFLOW": server.url, "TOKEN": token}
    exec(lines, named)
    assert named["seasons"]["season"].to_list().count("cover") == 1

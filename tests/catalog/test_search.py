"""Searching a STAC API: recorded conversations over real HTTP, and a real `rustac serve`."""

import json
import logging
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import box
from support.features import polygon
from support.replay import SELF, Answer, Asked, Replay, replay
from support.stac_items import cdse, earth_search, scenes_found

from ndvi_core.catalog.search import search_scenes
from ndvi_core.errors import BadInput, TryAgain
from ndvi_core.settings import Settings
from ndvi_core.support import json_api as api

AREA = box(11.2, 46.2, 11.3, 46.3)
DAY = date(2022, 6, 2)
EARTH_SEARCH_URL = "https://earth-search.aws.element84.com/v1"


def settings(url: str, **changes: Any) -> Settings:
    return Settings(STAC_API_URL=url, **{"catalogue": "local", **changes})


LANDING = {
    "type": "Catalog",
    "id": "c",
    "stac_version": "1.0.0",
    "description": "c",
    "links": [{"rel": "self", "href": SELF}, {"rel": "search", "href": f"{SELF}/search", "method": "POST"}],
}


def page(*items: Any, more: bool = False) -> dict[str, Any]:
    following = {"rel": "next", "href": f"{SELF}/search", "method": "POST", "merge": True, "body": {"token": "next"}}
    return {"type": "FeatureCollection", "features": list(items), "links": [following] if more else []}


def serving(*items: Any) -> AbstractContextManager[Replay]:
    """Run a STAC API that finds these items whatever it is asked."""
    return replay(lambda request: Answer(page(*items) if request.path == "/search" else LANDING))


def searches(server: Replay) -> list[Any]:
    return [request.body for request in server.asked if request.path.endswith("/search")]


# What is asked


def test_the_search_asks_for_half_a_day_more_on_each_side() -> None:
    with serving(earth_search()) as server:
        scenes_found(settings(server.url), AREA, date(2022, 6, 1), date(2022, 6, 30))
    assert searches(server) == [
        {
            "collections": ["sentinel-2-l2a"],
            "datetime": "2022-05-31T12:00:00Z/2022-07-01T12:00:00Z",
            "intersects": json.loads(shapely.to_geojson(AREA)),
            "limit": 100,
        }
    ]


def circle(longitude: float) -> shapely.Polygon:
    return shapely.Point(longitude, 0).buffer(0.5, quad_segs=500)


@pytest.mark.parametrize(
    ("area", "asked"),
    [
        (circle(20), box(19.5, -0.5, 20.5, 0.5)),
        (circle(0), box(-0.5, -0.5, 0.5, 0.5)),
        (
            shapely.MultiPolygon([circle(179.5), circle(-179.5)]),
            shapely.MultiPolygon([box(179, -0.5, 180, 0.5), box(-180, -0.5, -179, 0.5)]),
        ),
    ],
    ids=["east", "greenwich", "antimeridian"],
)
def test_an_area_of_very_many_vertices_is_searched_by_rectangles(area: Any, asked: Any) -> None:
    with serving(earth_search()) as server:
        scenes_found(settings(server.url), area, DAY, DAY)
    sent = shapely.from_geojson(json.dumps(searches(server)[0]["intersects"]))
    assert shapely.get_num_coordinates(sent) < 20
    assert sent.buffer(1e-9).covers(area)
    assert sent.symmetric_difference(asked).area < 1e-4


# What comes back


def test_only_scenes_of_the_solar_days_asked_for_are_returned() -> None:
    new_zealand = {"grid:code": "MGRS-60HTB", "s2:datatake_id": None}
    items = [
        earth_search("day before", datetime="2022-05-31T22:30:00Z", **new_zealand),
        earth_search("first", datetime="2022-06-01T22:30:00Z", **new_zealand),
        earth_search("last", datetime="2022-06-02T22:30:00Z", **new_zealand),
        earth_search("day after", datetime="2022-06-03T22:30:00Z", **new_zealand),
    ]
    with serving(*items) as server:
        scenes = scenes_found(settings(server.url), AREA, date(2022, 6, 2), date(2022, 6, 3))
    assert [(scene.id, scene.day) for scene in scenes] == [("first", date(2022, 6, 2)), ("last", date(2022, 6, 3))]


def test_an_item_on_two_pages_is_one_scene() -> None:
    neighbour = earth_search("b", **{"grid:code": "MGRS-32TQS"})

    def respond(request: Asked) -> Answer:
        if request.path != "/search":
            return Answer(LANDING)
        return Answer(
            page(earth_search("a"), neighbour) if "token" in request.body else page(earth_search("a"), more=True)
        )

    with replay(respond) as server:
        scenes = scenes_found(settings(server.url), AREA, DAY, DAY)
    assert [scene.id for scene in scenes] == ["a", "b"]
    first, second = searches(server)
    assert second == first | {"token": "next"}


def test_older_products_are_kept_for_where_the_newest_has_no_pixels() -> None:
    items = [
        earth_search("old", **{"s2:processing_baseline": "02.14"}),
        earth_search("new"),
        earth_search("other", **{"grid:code": "MGRS-32TQS"}),
    ]
    with serving(*items) as server:
        found = search_scenes(settings(server.url), AREA, DAY, DAY)
    assert [scene.id for scene in found.scenes] == ["new", "other"]
    assert [scene.id for scene in found.older] == ["old"]


def test_scenes_over_the_antimeridian_are_of_two_days() -> None:
    """At 22:30 UTC it is the next day in zone 60, and the same day where its tile reaches into zone 1."""
    cut = {
        "type": "MultiPolygon",
        "coordinates": [polygon(*corners)["coordinates"] for corners in (WEST_OF_IT, EAST_OF_IT)],
    }
    item = earth_search("a", datetime="2022-06-01T22:30:00Z", geometry=cut, **{"grid:code": "MGRS-60KXF"})
    with serving(item) as server:
        for day, count in ((date(2022, 5, 31), 0), (date(2022, 6, 1), 1), (date(2022, 6, 2), 1), (date(2022, 6, 3), 0)):
            assert len(scenes_found(settings(server.url), AREA, day, day)) == count, day


WEST_OF_IT = ((179.5, -17), (180, -17), (180, -16), (179.5, -16))
EAST_OF_IT = ((-180, -17), (-179.5, -17), (-179.5, -16), (-180, -16))


def test_items_that_cannot_be_read_are_named_and_told_from_scenes(caplog: pytest.LogCaptureFixture) -> None:
    items = [earth_search("good"), earth_search("no-assets", assets={}), cdse("other-dialect")]
    with serving(*items) as server, caplog.at_level(logging.WARNING):
        found = search_scenes(settings(server.url), AREA, DAY, DAY)
    assert [scene.id for scene in found.scenes] == ["good"]
    assert [(item.id, item.day) for item in found.unreadable] == [("no-assets", DAY), ("other-dialect", DAY)]
    assert all(item.footprint is not None and item.footprint.covers(AREA) for item in found.unreadable)
    assert len(caplog.records) == 1
    assert "2 of 3 items cannot be read" in caplog.text
    assert "item no-assets: asset 'red' is missing" in caplog.text
    assert "item other-dialect: asset 'red' is missing; it has B04_10m, B08_10m, SCL_20m" in caplog.text


def test_an_item_that_says_neither_where_nor_when_may_be_a_scene_of_any_field_and_day() -> None:
    with serving(earth_search(), {"id": "bare", "geometry": None, "properties": {}}) as server:
        (item,) = search_scenes(settings(server.url), AREA, DAY, DAY).unreadable
    assert (item.id, item.footprint, item.day) == ("bare", None, None)


def test_an_unreadable_item_of_another_day_is_nothing_to_this_one() -> None:
    with serving(earth_search(), earth_search("yesterday", datetime="2022-06-01T10:10:31Z", assets={})) as server:
        assert search_scenes(settings(server.url), AREA, DAY, DAY).unreadable == []


def test_a_day_without_an_item_of_its_own_does_not_fail_for_its_neighbours() -> None:
    """The search asks for half a day more on each side, and gets what was acquired there."""
    with serving(earth_search("yesterday", datetime="2022-06-01T20:10:31Z", assets={})) as server:
        assert search_scenes(settings(server.url), AREA, DAY, DAY) == ([], [], [])


def test_items_of_another_dialect_name_the_setting() -> None:
    with serving(cdse("a"), cdse("b")) as server:
        with pytest.raises(
            BadInput, match=r"none of the 2 items .* 'local' \(red, nir, scl\): name theirs in NDVI_CATALOGUE"
        ):
            scenes_found(settings(server.url), AREA, DAY, DAY)
        assert scenes_found(settings(server.url, catalogue="cdse"), AREA, DAY, DAY)[0].offset.rule == "cdse@1"


@pytest.mark.parametrize("count", [1, 12])
def test_a_search_without_any_item_that_can_be_read_fails(count: int) -> None:
    items = [earth_search(f"broken-{number}", datetime=None) for number in range(count)]
    refused = rf"{count} of {count} items of 'sentinel-2-l2a' at .* cannot be read: local, item broken-0: no datetime"
    with serving(*items) as server, pytest.raises(BadInput, match=refused):
        search_scenes(settings(server.url), AREA, DAY, DAY)


# Recorded conversations


def recorded(file: Path) -> AbstractContextManager[Replay]:
    """Answer as Earth Search did: landing page and collections by path, pages of a search by their token."""
    conversation = json.loads(file.read_text())["interactions"]
    text = {
        _recorded_key(turn["request"]["uri"], turn["request"]["body"]): Answer(
            json.dumps(turn["response"]["body"]).replace(EARTH_SEARCH_URL, SELF), turn["response"]["status"]["code"]
        )
        for turn in conversation
    }
    return replay(lambda request: text.get(_recorded_key(request.path, request.body), Answer(page())))


def _recorded_key(path: str, body: Any) -> tuple[str, str | None]:
    return path.removeprefix(EARTH_SEARCH_URL).rstrip("/"), (body or {}).get("next")


def test_a_recorded_search_of_three_pages_gives_each_reprocessed_scene_once(realdata: Path) -> None:
    with recorded(realdata / "stac/recorded/earth_search_v1_search_3pages_duplicates_32T_202003.json") as server:
        scenes = scenes_found(
            settings(server.url, catalogue="earth-search"), box(9, 47, 10, 48), date(2020, 3, 1), date(2020, 3, 5)
        )
    assert len(searches(server)) == 3
    assert [(scene.day.day, scene.tile) for scene in scenes] == [
        (day, tile) for day in (2, 5) for tile in ("32TMT", "32TNT", "32UMU", "32UNU")
    ]
    assert {scene.id[-6:] for scene in scenes} == {"_1_L2A"}
    assert {scene.baseline for scene in scenes} == {"05.00"}
    assert {(scene.offset.rule, scene.offset.red, scene.offset.nir) for scene in scenes} == {
        ("earth-search-harmonised@1", 0, 0)
    }


def test_a_recorded_404_of_a_collection_names_the_setting(realdata: Path) -> None:
    file = realdata / "stac/recorded/earth_search_v1_404.json"
    missing = json.loads(file.read_text())["interactions"][-1]["request"]["uri"].rpartition("/")[2]
    with recorded(file) as server, pytest.raises(BadInput, match=rf"STAC_COLLECTION \(now '{missing}'\)"):
        scenes_found(settings(server.url, STAC_COLLECTION=missing), AREA, DAY, DAY)
    assert [request.path for request in server.asked][1:] == ["/search", f"/collections/{missing}"]


def test_a_search_that_finds_nothing_is_no_error_if_the_collection_exists() -> None:
    with serving() as server:
        assert scenes_found(settings(server.url), AREA, DAY, DAY) == []
    assert server.asked[-1].path == "/collections/sentinel-2-l2a"


# Trouble


def test_a_server_that_is_busy_twice_is_asked_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BACKOFF_SECONDS", 0)
    busy = iter([503, 503])

    def respond(request: Asked) -> Answer:
        if request.path != "/search":
            return Answer(LANDING)
        return Answer(page(earth_search()), next(busy, 200))

    with replay(respond) as server:
        assert len(scenes_found(settings(server.url), AREA, DAY, DAY)) == 1
    assert len(searches(server)) == 3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_stays_busy_is_for_a_later_try(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BACKOFF_SECONDS", 0)
    with replay(lambda request: Answer("overloaded", status)) as server:
        with pytest.raises(TryAgain, match=rf"{server.url} answers {status}: overloaded"):
            scenes_found(settings(server.url), AREA, DAY, DAY)
        assert len(server.asked) == 1 + api.RETRIES


def test_a_server_that_cannot_be_reached_is_for_a_later_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BACKOFF_SECONDS", 0)
    with replay(lambda request: Answer(LANDING)) as server:
        url = server.url
    with pytest.raises(TryAgain, match=f"cannot reach {url}: .*refused"):
        scenes_found(settings(url), AREA, DAY, DAY)


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"detail": "Not Found"}, 404),
        Answer("forbidden", 403),
        Answer("<html>Welcome</html>"),
        Answer(["no", "object"]),
        Answer({"type": "Catalog", "id": "static", "links": [{"rel": "child", "href": "./2022/catalog.json"}]}),
    ],
    ids=["404", "403", "HTML", "list", "static catalogue"],
)
def test_what_is_no_stac_api_names_the_setting(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BACKOFF_SECONDS", 0)
    with replay(lambda request: answer) as server, pytest.raises(BadInput, match=f"set STAC_API_URL .*{server.url}"):
        scenes_found(settings(server.url), AREA, DAY, DAY)


def test_a_search_that_is_refused_names_the_settings() -> None:
    refusal = Answer({"code": "400", "description": "Invalid collection"}, 400)
    with (
        replay(lambda request: refusal if request.path == "/search" else Answer(LANDING)) as server,
        pytest.raises(BadInput, match=r"/search answers 400 .*Invalid collection.*: check STAC_COLLECTION"),
    ):
        scenes_found(settings(server.url), AREA, DAY, DAY)

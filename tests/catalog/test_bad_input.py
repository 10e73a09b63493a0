"""Items and answers of a catalogue, spoiled anywhere: an item is read or refused, a search finds all or says why."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box
from support.bounds import bounded
from support.chance import examples
from support.orders import make_order
from support.replay import SELF, Answer, Asked, Replay, replay
from support.scenes import pixel_box
from support.spoiled import spoiled, written
from support.stac_items import cdse, earth_search, planetary_computer, scenes_found

from ndvi_core.catalog.dialects import (
    CDSE,
    EARTH_SEARCH_C1,
    LOCAL,
    PLANETARY_COMPUTER,
    Dialect,
    scene_from_item,
    unreadable_item,
)
from ndvi_core.catalog.search import deduplicate
from ndvi_core.errors import BadInput, NdviError, SceneUnreadable, TryAgain
from ndvi_core.settings import Settings
from ndvi_core.storage.work_orders import read_order, write_order
from ndvi_core.support import json_api

MADE: list[tuple[dict[str, Any], Dialect]] = [
    (earth_search(), EARTH_SEARCH_C1),
    (earth_search(), LOCAL),
    (planetary_computer(), PLANETARY_COMPUTER),
    (cdse(), CDSE),
]


def check(item: dict[str, Any], dialect: Dialect) -> None:
    """Read an item; let the scene, or what is said of an item that is none, go the way that it goes in a run."""
    with bounded():
        try:
            scene = scene_from_item(item, dialect, ("green", "swir16"))
        except SceneUnreadable as error:
            said = unreadable_item(item, str(error))
            assert said.reason.isprintable(), "it goes into a database"
            assert said.model_dump_json()
            return
        assert scene.days
        assert deduplicate([scene, scene])
        order = make_order({"a": pixel_box(0, 0, 2, 2)}, [scene])
        assert read_order(write_order(order)).scenes == (scene,)


def read_as_json(document: Any) -> Any:
    """Return what Python's parser makes of a spoiled document; None if it is not even JSON."""
    try:
        return json.loads(written(document))
    except (ValueError, RecursionError):
        return None


@given(st.sampled_from(MADE).flatmap(lambda one: st.tuples(spoiled(one[0]), st.just(one[1]))))
@examples(150)
def test_an_item_with_anything_anywhere_in_it_is_read_or_refused(spoiled_item: tuple[Any, Dialect]) -> None:
    item = read_as_json(spoiled_item[0])
    if isinstance(item, dict):
        check(item, spoiled_item[1])


@pytest.fixture(scope="module")
def real_items(realdata: Path) -> list[tuple[dict[str, Any], Dialect]]:
    """Real items with the assets that are read of them."""
    return list(_with_dialects(realdata))


def _with_dialects(realdata: Path) -> Iterator[tuple[dict[str, Any], Dialect]]:
    for path in sorted((realdata / "stac" / "items").rglob("*.json")):
        item = json.loads(path.read_text())
        for dialect in (EARTH_SEARCH_C1, PLANETARY_COMPUTER, CDSE):
            needed = {dialect.red, dialect.nir, dialect.scl}
            read = {*needed, dialect.further["green"], dialect.further["swir16"], dialect.visual}
            if needed <= item["assets"].keys():
                yield item | {"assets": {key: item["assets"][key] for key in item["assets"] if key in read}}, dialect


@given(data=st.data())
@examples(100)
def test_so_is_a_real_one(real_items: list[tuple[dict[str, Any], Dialect]], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(real_items) - 1))
    whole, dialect = real_items[number]
    item = read_as_json(data.draw(spoiled(whole)))
    if isinstance(item, dict):
        check(item, dialect)


def with_band(**changes: Any) -> dict[str, Any]:
    """Return the assets of an item whose red band says something else of itself."""
    assets = earth_search()["assets"]
    assets["red"]["raster:bands"] = [{**assets["red"]["raster:bands"][0], **changes}]
    return {"assets": assets}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "the last day that there is": ({"datetime": "9999-12-31T23:59:59Z"}, "has no day before or after it"),
    "before the first day": ({"datetime": "0001-01-01T00:00:00+14:00"}, "date value out of range"),
    "changed before the first day": ({"updated": "0001-01-01T00:00:00+14:00"}, "date value out of range"),
    "an endless offset": (with_band(offset=float("inf")), "infinity"),
    "an offset of very many digits": (with_band(offset=10**400), "too large"),
    "an offset beyond all reflectances": (with_band(offset=1e300), "more than any reflectance"),
    "a scale of 0, as text": (with_band(scale="0", offset=1), "division by zero"),
    "coordinates of very many digits": (
        {"geometry": {"type": "Polygon", "coordinates": [[[10**400, 0], [1, 0], [1, 1], [10**400, 0]]]}},
        "not GeoJSON",
    ),
    "half a character": ({"platform": "\ud800"}, "cannot be printed"),
    "a NUL": ({"platform": "sentinel\0"}, "cannot be printed"),
}


@pytest.mark.parametrize(("changes", "said"), REFUSED.values(), ids=REFUSED)
def test_an_item_is_refused_by_name_for(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SceneUnreadable, match=f"^earth-search-c1, item S2A_32TPS_20220602_0_L2A: .*{said}"):
        scene_from_item(earth_search(**changes), EARTH_SEARCH_C1)


@pytest.mark.parametrize("name", ["S2A_32TPS\0", "S2A_32TPS\ud800", "S2A_32TPS\n"])
def test_an_id_that_no_database_holds_is_escaped_in_what_is_said(name: str) -> None:
    with pytest.raises(SceneUnreadable) as refusal:
        scene_from_item(earth_search(name), LOCAL)
    said = unreadable_item(earth_search(name), str(refusal.value))
    assert said.reason.isprintable()
    assert said.id.isprintable()


def test_numbers_that_need_not_be_there_are_as_good_as_missing() -> None:
    odd = {"view:incidence_angle": 10**400, "sat:relative_orbit": "9" * 50, "s2:mean_solar_zenith": float("nan")}
    scene = scene_from_item(earth_search(**odd, **with_band(nodata=1e300)), LOCAL)
    assert (scene.view_zenith, scene.sun_zenith, scene.relative_orbit, scene.nodata) == (None, None, None, None)


# Searches

FIRST, LAST = date(2022, 6, 1), date(2022, 6, 30)
NEXT = {"rel": "next", "href": f"{SELF}/search", "method": "POST", "merge": True, "headers": {"x": "y"}, "body": {}}
ANSWERS: dict[str, dict[str, Any]] = {
    "landing": {"type": "Catalog", "id": "c", "links": [{"rel": "search", "href": f"{SELF}/search"}]},
    "first": {
        "type": "FeatureCollection",
        "numberMatched": 2,
        "features": [earth_search("a")],
        "links": [NEXT | {"body": {"token": 1}}],
    },
    "last": {"type": "FeatureCollection", "numberMatched": 2, "features": [earth_search("b")], "links": []},
}


class Api:
    """A running API whose answers are those of `ANSWERS`, but for one."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.pages = 0
        self.url = ""

    def respond(self, request: Asked) -> Answer:
        if not urlsplit(request.path).path.endswith("/search"):
            return Answer(self.answers["landing"])
        self.pages += 1
        return Answer(self.answers["first" if self.pages == 1 else "last"])

    def found(self, name: str, answer: str) -> list[str]:
        """Search, and return the ids of the scenes."""
        self.pages = 0
        self.answers = {**{one: json.dumps(whole) for one, whole in ANSWERS.items()}, name: answer}
        settings = Settings(STAC_API_URL=self.url, catalogue="local")
        with bounded():
            return [scene.id for scene in scenes_found(settings, box(11.2, 46.2, 11.3, 46.3), FIRST, LAST)]


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    api = Api()
    running: Replay
    with pytest.MonkeyPatch.context() as patch, replay(api.respond) as running:
        patch.setattr(json_api, "RETRIES", 0)
        api.url = running.url
        yield api


@given(data=st.data())
@examples(60)
def test_a_search_with_anything_in_an_answer_finds_all_or_says_why_not(api: Api, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(ANSWERS)))
    answer = written(data.draw(spoiled(ANSWERS[name])))
    with suppress(NdviError):
        found = api.found(name, answer)
        assert len(found) == len(set(found))


DEEP = "[" * 100_000 + "]" * 100_000


def page(**changes: Any) -> str:
    return json.dumps(ANSWERS["first"] | changes)


@pytest.mark.parametrize(
    ("name", "answer", "kind", "said"),
    [
        ("landing", DEEP, BadInput, "does not answer in JSON"),
        ("landing", json.dumps({"links": 5}), BadInput, "no STAC API|not a STAC API"),
        ("landing", json.dumps({"links": [{"rel": "search", "href": "http://["}]}), BadInput, "not a STAC API"),
        ("first", DEEP, TryAgain, "does not answer with a page of items"),
        ("first", page(links=[NEXT | {"href": "http://["}]), TryAgain, "a next page that cannot be followed: .*http"),
        ("first", page(links=[NEXT | {"body": ["token"]}]), TryAgain, "a next page that cannot be followed: its head"),
        ("first", page(links=[NEXT | {"headers": 5}]), TryAgain, "a next page that cannot be followed: its headers"),
        ("first", page(links=5), TryAgain, "says that 2 items match, but gave 1"),
        (
            "first",
            page(links=[], numberMatched=1, features=[earth_search() | {"assets": 5}]),
            BadInput,
            "1 of 1 items .* cannot be read: local, item S2A_32TPS_20220602_0_L2A: assets: ",
        ),
    ],
)
def test_a_search_ends_with_a_reason_at(api: Api, name: str, answer: str, kind: type[NdviError], said: str) -> None:
    with pytest.raises(kind, match=said):
        api.found(name, answer)

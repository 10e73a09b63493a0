"""A search gives all items or fails: answers that are no page, pages that lead nowhere, servers that are busy."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from shapely.geometry import box
from support.replay import SELF, Answer, Asked, Replay, replay
from support.stac_items import earth_search, scenes_found

from ndvi_core.errors import BadInput, TryAgain
from ndvi_core.settings import Settings
from ndvi_core.support import json_api

AREA = box(11.2, 46.2, 11.3, 46.3)
FIRST, LAST = date(2022, 6, 1), date(2022, 6, 30)
SEARCH = {"rel": "search", "href": f"{SELF}/search", "method": "POST"}

Pages = Callable[[Asked, int], Answer]
"""What to answer to a request for a page, and how many came before it."""


def an_item(day: int) -> dict[str, Any]:
    datatake = f"GS2A_202206{day:02}T101031_036268_N04.00"
    own = {"datetime": f"2022-06-{day:02}T10:10:31Z", "s2:datatake_id": datatake}
    return earth_search(f"day-{day:02}", **own)


def a_page(*days: int, following: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    links = [{"rel": "next", **following}] if following else []
    return {"type": "FeatureCollection", "features": [an_item(day) for day in days], "links": links, **members}


def token(number: int, **members: Any) -> dict[str, Any]:
    """Return a link to the next page by POST."""
    return {"href": f"{SELF}/search", "method": "POST", "merge": True, "body": {"token": number}, **members}


def days_found(pages: Pages, search_links: Sequence[Any] = (SEARCH,)) -> tuple[list[int], Replay]:
    """Search an API whose answers are these; return the days of the scenes and what the API was asked."""
    asked: list[Asked] = []

    def respond(request: Asked) -> Answer:
        if not urlsplit(request.path).path.endswith("/search"):
            return Answer({"type": "Catalog", "id": "c", "links": list(search_links)})
        asked.append(request)
        return pages(request, len(asked) - 1)

    with replay(respond) as server:
        try:
            scenes = scenes_found(Settings(STAC_API_URL=server.url, catalogue="local"), AREA, FIRST, LAST)
        finally:
            server.asked[:] = asked
        return [scene.day.day for scene in scenes], server


def serve(*pages: Any) -> Pages:
    return lambda _, number: Answer(pages[number])


# Answers that are no page


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"code": "RequestTimeout"}, "RequestTimeout"),
        ({"type": "Feature"}, "Feature"),
        ({"type": "FeatureCollection"}, "FeatureCollection"),
        ({"type": "FeatureCollection", "features": {"a": 1}}, "features"),
        ({"type": "FeatureCollection", "features": [None]}, "null"),
        (["no", "object"], "no"),
        ("<html>Bad day</html>", "Bad day"),
        ("", "''"),
    ],
)
@pytest.mark.parametrize("before", [0, 1], ids=["first page", "second page"])
def test_an_answer_that_is_no_page_of_items_fails_the_search(answer: Any, said: str, before: int) -> None:
    pages = [a_page(1, following=token(1))] * before
    with pytest.raises(TryAgain, match=rf"/search does not answer with a page of items but with .*{said}"):
        days_found(serve(*pages, answer))


@pytest.mark.parametrize("members", [{"numberMatched": 12}, {"context": {"matched": 12}}])
@pytest.mark.parametrize("days", [(), (1, 2)])
def test_fewer_items_than_match_fail_the_search(members: dict[str, Any], days: tuple[int, ...]) -> None:
    with pytest.raises(TryAgain, match=rf"says that 12 items match, but gave {len(days)}"):
        days_found(serve(a_page(*days, **members)))


@pytest.mark.parametrize("matched", [2, 1, None, "many", True])
def test_a_count_that_is_reached_or_is_no_number_is_fine(matched: Any) -> None:
    assert days_found(serve(a_page(1, 2, numberMatched=matched)))[0] == [1, 2]


# Pages


def test_an_empty_page_with_a_next_one_does_not_end_the_search() -> None:
    pages = serve(a_page(1, following=token(1)), a_page(following=token(2)), a_page(following=token(3)), a_page(2))
    assert days_found(pages)[0] == [1, 2]


@pytest.mark.parametrize("links", [None, [{"href": "x"}], [None], ["next"], [{"rel": "next"}], {"next": "x"}])
def test_links_that_lead_nowhere_end_the_search(links: Any) -> None:
    assert days_found(serve({**a_page(1), "links": links}))[0] == [1]


@pytest.mark.parametrize("href", ["/search?page=2", "search?page=2", f"{SELF}/search?page=2", "?page=2"])
def test_links_by_get_are_followed_wherever_they_are_relative_to(href: str) -> None:
    found, server = days_found(serve(a_page(1, following={"href": href}), a_page(2)))
    assert found == [1, 2]
    assert [(request.method, request.path) for request in server.asked] == [
        ("POST", "/search"),
        ("GET", "/search?page=2"),
    ]


def test_a_body_that_is_not_merged_stands_for_itself() -> None:
    _, server = days_found(serve(a_page(1, following=token(7, merge=False)), a_page(2)))
    assert server.asked[1].body == {"token": 7}


@pytest.mark.parametrize(
    "pages",
    [
        lambda _, number: Answer(a_page(1, following=token(1))),
        lambda _, number: Answer(a_page(1, 2, following=token(number))),
        lambda _, number: Answer(a_page(1 + number % 3, following=token(number))),
        lambda _, number: Answer(a_page(1 + number % 3, following=token(number % 3))),
        lambda _, number: Answer(a_page(following=token(number))),
    ],
    ids=["the same link", "the same items", "items that came before", "a circle of links", "nothing but links"],
)
def test_pages_that_lead_round_in_a_circle_end_with_an_error(pages: Pages) -> None:
    with pytest.raises(
        BadInput, match="lead round in a circle, so that it cannot be known whether all items have come"
    ):
        days_found(pages)


def test_a_last_page_that_leads_to_itself_is_the_last_if_all_items_have_come() -> None:
    found, server = days_found(lambda *_: Answer(a_page(1, 2, numberMatched=2, following=token(1))))
    assert found == [1, 2]
    assert len(server.asked) == 2


# Methods


@pytest.mark.parametrize("status", [405, 501])
def test_a_search_that_may_not_be_posted_is_made_by_get(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_api, "BACKOFF_SECONDS", 0)

    def pages(request: Asked, _: int) -> Answer:
        if request.method == "POST":
            return Answer({"description": "Method Not Allowed"}, status)
        return Answer(a_page(3))

    links = [{"rel": "search", "href": "./search"}]
    found, server = days_found(pages, links)
    assert found == [3]
    query = parse_qs(urlsplit(server.asked[-1].path).query)
    assert query["collections"] == ["sentinel-2-l2a"]
    assert query["datetime"] == ["2022-05-31T12:00:00Z/2022-07-01T12:00:00Z"]
    assert json.loads(query["intersects"][0])["type"] == "Polygon"


def test_an_api_that_declares_get_alone_is_never_posted_to() -> None:
    found, server = days_found(serve(a_page(3)), [SEARCH | {"method": "GET"}])
    assert found == [3]
    assert [request.method for request in server.asked] == ["GET"]


# Busy servers


@pytest.mark.parametrize(
    "busy", [Answer({"message": "Forbidden"}, 403), Answer("Slow down", 429), Answer({"code": "Throttling"}, 503)]
)
def test_a_throttled_search_is_made_again(busy: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_api, "BACKOFF_SECONDS", 0)
    assert days_found(lambda _, number: busy if number < 3 else Answer(a_page(4)))[0] == [4]


def test_a_search_that_stays_throttled_is_for_a_later_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_api, "BACKOFF_SECONDS", 0)
    with pytest.raises(TryAgain, match="answers 403"):
        days_found(lambda *_: Answer({"message": "Forbidden"}, 403))


def test_a_refusal_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_api, "BACKOFF_SECONDS", 0)
    with pytest.raises(BadInput, match=r"answers 403 \(no access\): check STAC_COLLECTION"):
        days_found(lambda *_: Answer("no access", 403))


def test_the_wait_that_a_server_asks_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    monkeypatch.setattr(json_api, "BACKOFF_SECONDS", 0)
    days_found(lambda _, number: Answer(a_page(5)) if number else Answer("busy", 429, {"Retry-After": "77"}))
    assert slept == [77]

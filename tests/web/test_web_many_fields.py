"""The fields page with more fields than come at once, in a browser: what is seen first, and what is loaded again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from support.browser import NEEDS_BROWSER, Browser
from support.models import a_field, an_observation, square
from support.web import Server

from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger, recorded_days, stale_seasons

pytestmark = NEEDS_BROWSER

COUNT = 1200
FIRST = date(2025, 4, 1)
LAST = FIRST + timedelta(60)
PASS = LAST - timedelta(2)
EARLY = FIRST + timedelta(3)
MISSING = COUNT * 61 - (2 * COUNT - 1)
PLANNED = datetime(2025, 7, 1, tzinfo=UTC)
FIELDS = [
    a_field(f"f{number}", square(0.02 * (number % 40), 45 + 0.02 * (number // 40), 0.015), plant_date=FIRST)
    for number in range(COUNT)
]


@pytest.fixture(scope="module")
def registered(server: Server) -> Iterator[Server]:
    """Fields with values on an early day and on a late one; of the last field only the early one."""
    rows = [an_observation(field, EARLY, ndvi_mean=0.2) for field in FIELDS]
    rows += [an_observation(field, PASS, ndvi_mean=0.8) for field in FIELDS[:-1]]
    with server.engine.begin() as connection:
        registry.upsert_fields(connection, FIELDS, "file")
        ledger.upsert_observations(connection, rows, PLANNED)
        recorded_days.mark_recorded(connection, LAST, FIRST)
    yield server
    server.empty()


@pytest.fixture(scope="module")
def browser(registered: Server, signed_in: Browser) -> Browser:
    signed_in.open("/ndvi/#view=map")
    signed_in.find("#summary", f"{MISSING:,} cells missing")
    return signed_in


def columns(browser: Browser) -> list[str]:
    """Return which columns were asked for, in order."""
    return [url.split("/api/columns/")[1] for url in browser.asked() if "/api/columns/" in url]


def test_the_last_days_and_boxes_come_before_the_rest(browser: Browser) -> None:
    asked = columns(browser)
    early = LAST - timedelta(30)
    assert asked[0] == "fields"
    assert asked[1] == f"grid?start={early}&end={LAST}"
    assert set(asked[2:]) == {
        "boundaries?tolerance=5",
        "seasons",
        f"grid?start={FIRST}&end={early - timedelta(1)}",
    }
    assert browser.text("#summary") == f"1,200 fields · recorded to 31 May 2025 · {MISSING:,} cells missing"


def test_the_list_is_made_of_the_columns(browser: Browser) -> None:
    browser.click("[data-view=list]")
    browser.press_on("#find", "f1199")
    row = browser.find("#list-rows tr", "f1199").text
    assert "0.20" in row
    assert "4 Apr 2025" in row
    assert "1 of 61" in row
    browser.click("[data-view=map]")


def test_of_a_new_pass_only_its_day_is_loaded(browser: Browser, registered: Server) -> None:
    before = len(columns(browser))
    with registered.engine.begin() as connection:
        ledger.upsert_observations(connection, [an_observation(FIELDS[-1], PASS, ndvi_mean=0.5)], PLANNED)
    missing = MISSING - 1
    browser.find("#summary", f"{missing:,} cells missing")
    assert sorted(columns(browser)[before:]) == [f"grid?start={PASS}&end={PASS}", "seasons"]
    with registered.engine.begin() as connection:
        recorded_days.mark_recorded(connection, LAST + timedelta(1), FIRST)
    browser.find("#summary", "recorded to 1 Jun 2025")
    assert f"{missing + COUNT:,} cells missing" in browser.text("#summary")
    assert f"grid?start={LAST + timedelta(1)}&end={LAST + timedelta(1)}" in columns(browser)[before + 2 :]
    assert "seasons" in columns(browser)[before + 2 :]


def test_a_field_more_is_loaded_and_named(browser: Browser, registered: Server) -> None:
    with registered.engine.begin() as connection:
        registry.upsert_fields(connection, [a_field("one_more", square(1), plant_date=LAST)], "file")
    browser.find("#summary", "1,201 fields")
    browser.find("#notes", "one_more: registered")


def look_twice(browser: Browser, before: int | None = None) -> list[str]:
    """Return what was asked for from now on, or since so many requests, until the page has looked for news twice."""
    before = len(browser.asked()) if before is None else before
    browser.wait(lambda: sum("/api/revisions" in url for url in browser.asked()[before:]) >= 2, "two looks for news")
    return [url.split("/ndvi/api/")[1] for url in browser.asked()[before:] if "/ndvi/api/" in url]


LOOKS = {"session", "revisions", "indices", "extent"}
"""Of which there may be no extent yet."""


@pytest.mark.parametrize("shown", ["view=map", "field=f1,f2"])
def test_what_has_not_changed_is_not_asked_for(browser: Browser, shown: str) -> None:
    browser.run("location.hash = arguments[0]", shown)
    if "field" in shown:
        browser.find("#curve svg")
    look_twice(browser)  # what is shown first, and of the changes of other tests, is loaded meanwhile
    assert set(look_twice(browser)) <= LOOKS


def test_of_computed_seasons_and_reviews_only_what_tells_of_them_is_loaded(
    browser: Browser, registered: Server
) -> None:
    browser.run("location.hash = arguments[0]", "field=f1,f2")
    look_twice(browser)
    before = len(browser.asked())
    with registered.engine.begin() as connection:
        notes = [note for of_part in stale_seasons.stale_parts(connection).values() for note in of_part]
        stale_seasons.mark_done(connection, notes)
    look_twice(browser)
    asked = [one for one in look_twice(browser, before) if one not in LOOKS]
    assert asked.count("standings") == sum("events?limit=" in one for one in asked) == 1
    assert {f"fields/{name}/seasons" for name in ("f1", "f2")} <= set(asked)
    assert not [one for one in asked if one.startswith("columns/")]


def test_no_error_was_written_to_the_console(browser: Browser) -> None:
    assert [problem for problem in browser.problems() if "Failed to load" not in problem] == []

"""What has changed, the list, filters and search on the page, in a real browser: its words are the API's numbers."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import Keys
from support.browser import NEEDS_BROWSER, Browser
from support.country import Country
from support.peers import a_crop, grow
from support.web import SignIn, token_of

pytestmark = NEEDS_BROWSER

NONE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def browser(country: Country, signed_in: Browser) -> Browser:
    signed_in.open("/ndvi/")
    assert "Upload" in signed_in.text("#no-fields"), "an empty registry says what to do"
    assert signed_in.serious_issues() == []
    signed_in.open("/ndvi/#view=map&date=2025-04-30")
    signed_in.find("#no-fields", "Upload")
    assert not signed_in.chrome.find_element("css selector", "#timeline").is_displayed(), "no day has anything to show"
    assert not signed_in.chrome.find_element("css selector", "#said").is_displayed(), "nor is another one shown"
    grow(country)
    return signed_in


@pytest.fixture
def page(browser: Browser) -> Browser:
    browser.resize()
    return browser


@pytest.fixture(scope="module")
def ask(sign_in: SignIn) -> Callable[..., Any]:
    client = sign_in("viewer")
    return lambda path, **parameters: client.get(f"api/{path}", params=parameters).raise_for_status().json()


def show(page: Browser, address: str = "") -> None:
    page.open(f"/ndvi/{address}")
    page.find("#days-canvas" if "view=days" in address else "#filter-count")
    page.find("#summary", "fields")


def crops(page: Browser) -> list[str]:
    page.find("#changes .crop h2")
    return page.run("return [...document.querySelectorAll('#changes .crop h2')].map(one => one.textContent)")


def names(page: Browser) -> list[str]:
    page.find("#list-rows th")
    return page.run("return [...document.querySelectorAll('#list-rows [data-id]')].map(one => one.textContent)")


def address(page: Browser) -> str:
    return str(page.run("return decodeURIComponent(location.hash)"))


def test_the_first_view_is_what_changed_crop_by_crop(page: Browser, ask: Callable[..., Any]) -> None:
    show(page)
    assert crops(page) == ["lupin", "silage maize", "wheat", "rye"]
    assert page.text("#changes-pass") == "Last pass: 10 Jul 2025, 14 fields have a value of it"
    (drop,) = ask("events", kind="drop")
    line = page.text(".crop[aria-labelledby=changes-wheat] .unusual li")
    assert line.startswith(
        f"wheat_2 Drop, 20 Jun to 5 Jul 2025: NDVI {drop['before']:.2f}, then {drop['value']:.2f}\n"
        "Rests on 20 Jun 2025, 25 Jun 2025, 30 Jun 2025, 5 Jul 2025\n"
    )
    columns = ask("standings")
    slow = {name: values[columns["field_id"].index("slow")] for name, values in columns.items()}
    assert page.text(".crop[aria-labelledby=changes-silage_maize] .ranks").splitlines() == [
        "Fell most since the pass before",
        f"slow {slow['change']:+.2f} to {slow['last_value']:.2f}, 5 Jul 2025 to 10 Jul 2025".replace("-", MINUS),
        "Furthest below peers",
        f"slow 11 of 11, z {slow['peers_z']:.1f} on 10 Jul 2025".replace("-", MINUS),
    ]
    assert page.text(".crop[aria-labelledby=changes-rye]").endswith("Nothing unusual is open.")


def test_a_line_leads_to_map_curve_and_evidence_and_back(page: Browser) -> None:
    show(page)
    page.press_on(".crop[aria-labelledby=changes-wheat] .unusual a", Keys.ENTER)
    page.find("#field-title", "wheat_2")
    page.find("#curve svg")
    page.find("#map")
    page.find("#provenance h3", "5 Jul 2025")
    assert address(page) == "#date=2025-07-05&field=wheat_2&season=2025"
    page.press(Keys.ESCAPE)
    assert page.run("return document.getElementById('field').hidden")
    page.chrome.back()
    page.find("#field-title", "wheat_2")
    page.chrome.back()
    assert "wheat" in crops(page)
    page.click(".crop[aria-labelledby=changes-wheat] .evidence a")
    page.find("#provenance h3", "20 Jun 2025")


def test_an_event_is_dismissed_and_that_is_undone(page: Browser, ask: Callable[..., Any]) -> None:
    show(page)
    line = ".crop[aria-labelledby=changes-wheat]"
    page.click(f"{line} [data-keep^=turn]")
    page.find(f"{line} .quiet", "Nothing unusual is open.")
    page.find("#notes", "dismissed")
    assert [one["field_id"] for one in ask("events", dismissed="true")] == ["wheat_2"]
    page.click("#notes li:last-child .small")
    page.find(f"{line} .unusual", "wheat_2")
    assert ask("events", dismissed="true") == []


def test_what_somebody_else_says_of_an_event_shows_by_itself(
    page: Browser, ask: Callable[..., Any], sign_in: SignIn
) -> None:
    show(page)
    line = ".crop[aria-labelledby=changes-wheat]"
    page.find(f"{line} .unusual", "wheat_2")
    since = page.run("return window.openSince ??= Date.now()")
    path = f"api/events/{ask('events', kind='drop')[0]['event_id']}/review"
    sign_in("op").put(path, json={"dismissed": True}).raise_for_status()
    page.find(f"{line} .quiet", "Nothing unusual is open.")
    sign_in("op").put(path, json={"dismissed": False}).raise_for_status()
    page.find(f"{line} .unusual", "wheat_2")
    assert page.run("return window.openSince") == since


def test_a_review_holds_though_the_events_cannot_be_loaded_again(page: Browser, ask: Callable[..., Any]) -> None:
    show(page)
    line = ".crop[aria-labelledby=changes-wheat]"
    page.find(f"{line} .unusual", "wheat_2")
    with page.cut_off("*/api/events?*"):
        page.click(f"{line} [data-keep^=turn]")
        page.find("#notes li:last-child", "dismissed")
        page.find("#problem", "Airflow does not answer")
        assert [one["field_id"] for one in ask("events", dismissed="true")] == ["wheat_2"]
        hidden = "window.hidden = 0; new MutationObserver(([one]) => one.target.hidden && window.hidden++)"
        page.run(f"{hidden}.observe(document.getElementById('problem'), {{attributeFilter: ['hidden']}})")
        looks = len(page.asked())
        page.wait(lambda: sum("/api/revisions" in url for url in page.asked()[looks:]) >= 3, "further looks")
        assert page.run("return window.hidden") == 0, "a look that goes well does not hide it"
    page.find(f"{line} .quiet", "Nothing unusual is open.")
    assert page.run("return document.getElementById('problem').hidden")
    page.click("#notes li:last-child .small")
    page.find(f"{line} .unusual", "wheat_2")


def test_a_note_says_who_wrote_it_and_a_dismissed_event_can_be_found(page: Browser, ask: Callable[..., Any]) -> None:
    show(page)
    line = ".crop[aria-labelledby=changes-wheat]"
    page.click(f"{line} [data-keep^=note]")
    page.press("hail", Keys.ESCAPE)
    assert ask("events", kind="drop")[0]["note"] is None, "Escape leaves it"
    page.press(Keys.ENTER)
    page.press("hail on 24 June")
    page.find("#filter-crop option[value=wheat]").click()
    page.find("#filter-count", "3 fields of 16")
    assert page.find(f"{line} textarea").get_attribute("value") == "hail on 24 June", "drawn anew, and not lost"
    page.click(f"{line} .note-form .primary")
    assert page.text(f"{line} .said").startswith("“hail on 24 June” admin, ")
    page.click(f"{line} [data-keep^=turn]")
    page.find(f"{line} .quiet", "Nothing unusual is open.")
    page.find("#changes-events option[value=dismissed]").click()
    page.find(f"{line} .said", "“hail on 24 June” dismissed by admin, ")
    assert address(page) == "#crop=wheat&events=dismissed"
    page.click(f"{line} [data-keep^=turn]")
    page.find(f"{line} .quiet", "No event was dismissed.")
    page.chrome.back()
    page.find(f"{line} .said", "“hail on 24 June” admin, ")
    page.open("/ndvi/#field=wheat_2")
    page.find("#panel .events .said", "“hail on 24 June” admin, ")


def test_who_may_not_is_offered_nothing(page: Browser, sign_in: SignIn) -> None:
    page.sign_in(token_of(sign_in, "viewer"))
    try:
        show(page)
        page.find(".unusual li")
        assert page.chrome.find_elements("css selector", ".review button") == []
    finally:
        page.sign_in(token_of(sign_in, "admin"))


def test_crop_area_and_group_narrow_the_list_and_are_in_the_address(page: Browser) -> None:
    show(page)
    page.find("#filter-crop option[value=wheat]").click()
    page.find("#filter-count", "3 fields of 16")
    assert crops(page) == ["wheat"]
    page.click("[data-view=list]")
    assert names(page) == ["wheat_1", "wheat_2", "wheat_3"]
    page.click("#filter-group summary")
    page.press_on("#filter-ids", "wheat_1, wheat_3\nnope")
    page.click("#filter-group-use")
    page.find("#filter-count", "2 fields of 16")
    assert page.text("#said") == "Of the group there is no field nope."
    link = address(page)
    assert link == "#view=list&crop=wheat&ids=wheat_1,wheat_3,nope"
    page.chrome.back()
    page.find("#filter-count", "3 fields of 16")
    page.chrome.forward()
    page.find("#filter-count", "2 fields of 16")
    page.open(f"/ndvi/{link}")
    assert names(page) == ["wheat_1", "wheat_3"]
    page.click("#filter-none")
    page.find("#filter-count", "16 fields")
    page.press_on("#filter-from", "200", Keys.TAB)
    page.find("#list-none", "No field is as the filters and the search say.")
    assert address(page) == "#view=list&ha_from=200"


def test_the_list_is_sorted_by_any_column(page: Browser, ask: Callable[..., Any]) -> None:
    show(page, "#view=list")
    page.find("#list-rows", "of 11")
    columns = ask("standings")
    rows = sorted(zip(columns["change"], columns["field_id"], strict=True), key=lambda row: (row[0] is None, row[0]))
    page.click("[data-sort=change]")
    assert names(page)[:2] == [name for _, name in rows[:2]] == ["slow", "maize_1"]
    assert names(page)[-2:] == ["lupin", "rye"], "what has none is last"
    assert page.find("#list-head .col-change").get_attribute("aria-sort") == "ascending"
    page.click("[data-sort=change]")
    assert names(page)[-3:] == ["slow", "lupin", "rye"]
    assert address(page) == "#view=list&sort=-change"
    page.click("[data-sort=field]")
    assert names(page)[1:4] == ["maize_1", "maize_2", "maize_3"]
    page.click("[data-sort=peers]")
    cells = page.find("#list-rows tr:nth-child(2)").text
    area = columns["area_ha"][columns["field_id"].index("slow")]
    assert cells.startswith(f"slow silage maize {area:.1f} 1 Apr 2025 0.44 {MINUS}0.06 11 of 11, z {MINUS}")
    assert "10 Jul 2025 21 of 101" in cells


def test_the_search_is_over_ids_and_crops_and_says_when_it_finds_nothing(page: Browser) -> None:
    show(page, "#view=days")
    page.press_on("#find", "Silage Ma", Keys.ENTER)
    page.find("#list-view")
    page.find("#filter-count", "11 fields of 16")
    assert address(page) == "#view=list&find=Silage Ma"
    page.press_on("#find", "x")
    assert page.text("#said") == "No field and no crop has “Silage Max” in its name."
    page.run("document.getElementById('find').select()")
    page.press("wheat_3", Keys.ENTER)
    page.find("#field-title", "wheat_3")
    assert not page.find("#find").get_attribute("value")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("#field=nope", "There is no field nope."),
        ("#field=nope,slow", "There is no field nope."),
        (
            "#date=2031-01-01",
            "1 Jan 2031 is not among the days that are loaded, 1 Oct 2024 to 10 Jul 2025: the nearest one is shown.",
        ),
        ("#date=2025-02-30", "The date 2025-02-30 of the address is no day: it is written YYYY-MM-DD."),
        ("#find=banana", "No field and no crop has “banana” in its name."),
    ],
)
def test_what_is_not_there_is_said(page: Browser, asked: str, said: str) -> None:
    page.open(f"/ndvi/{asked}")
    assert page.text("#said") == said
    assert page.serious_issues() == []


def test_escape_closes_the_field_from_anywhere(page: Browser) -> None:
    show(page, "#view=list&field=slow")
    page.find("#field-title", "slow")
    page.press_on("#list-scroll", Keys.ESCAPE)
    assert page.run("return document.getElementById('field').hidden")
    assert address(page) == "#view=list"


def test_within_airflow_a_reload_keeps_what_was_shown(page: Browser) -> None:
    page.open("/plugin/ndvi-fields")
    page.chrome.switch_to.frame(page.find("iframe"))
    page.find("#summary", "fields")
    page.click("[data-view=list]")
    page.find("#filter-crop option[value=wheat]").click()
    page.find("#filter-count", "3 fields of 16")
    page.chrome.switch_to.default_content()
    shown = page.chrome.current_url
    assert "/plugin/ndvi-fields" in shown
    assert shown.endswith("#view=list&crop=wheat")
    page.chrome.get("about:blank")
    page.chrome.get(shown)
    page.chrome.switch_to.frame(page.find("iframe"))
    assert names(page) == ["wheat_1", "wheat_2", "wheat_3"]
    page.chrome.switch_to.default_content()
    page.open("/plugin/ndvi-fields#field=wheat_2")
    page.chrome.switch_to.frame(page.find("iframe"))
    page.find("#field-title", "wheat_2")
    page.chrome.switch_to.default_content()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("shown", ["", "#view=list&field=slow", "#events=recent&crop=wheat"])
def test_nobody_is_kept_out(page: Browser, shown: str, width: int, theme: str) -> None:
    page.resize(width=width, theme=theme)
    page.open(f"/ndvi/{shown}")
    if width == 320 and "field=" in shown:  # on a small screen an open field covers the list
        page.find("#curve svg")
    else:
        page.find("#list-rows, .crop")
        page.click("#filter-group summary")
    assert page.serious_issues() == []
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")


def test_of_very_many_fields_only_the_rows_in_view_are_made(page: Browser, country: Country) -> None:
    country.register(*(a_crop(f"many_{number:04}", 100, "oat") for number in range(3000)))
    show(page, "#view=list&sort=field")
    page.find("#filter-count", "3,016 fields")
    assert len(names(page)) < 80
    page.run("document.getElementById('list-scroll').scrollTop = 1e6")
    page.find("#list-rows", "wheat_3")
    assert page.find("#list-rows tr:nth-last-child(2)").get_attribute("aria-rowindex") == "3017"
    assert page.find("#list-table").get_attribute("aria-rowcount") == "3017"


def test_the_sheet_of_very_many_fields_still_begins_with_those_that_are_far_behind(
    page: Browser, ask: Callable[..., Any], country: Country
) -> None:
    country.register(*(a_crop(f"more_{number}", 60) for number in range(200)))
    page.open("/ndvi/sheet.html#crop=silage_maize")
    page.find("#sheet:not([aria-busy])")
    told = "211 fields planted in 2025; 1 field with something open; 1 field far below the others"
    assert page.text("#sheet header p") == told
    columns = ask("standings")
    z = columns["peers_z"][columns["field_id"].index("slow")]
    first = page.text("#sheet tbody tr")
    assert first.startswith("slow ")
    assert f"{z:.2f}".replace("-", MINUS) in first


def test_no_error_was_written_to_the_console(browser: Browser) -> None:
    not_there = "/extent", "/overlays/", "tiles.example", "/series?", "/api/events?"
    known = [problem for problem in browser.problems() if not any(words in problem for words in not_there)]
    assert known == [], json.dumps(known, indent=1)

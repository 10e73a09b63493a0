"""The sheets that are printed of a field and of a crop, in a real browser."""

import base64
import re

import pytest
from support.browser import NEEDS_BROWSER, Browser
from support.pixels import DAYS, Computed

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def page(computed: Computed, signed_in: Browser) -> Browser:
    return signed_in


@pytest.mark.parametrize(
    ("address", "heading"), [("field=clover", "clover"), ("crop=clover&year=2025", "clover"), ("field=nope", "")]
)
def test_a_sheet_is_printed_without_what_only_a_screen_needs(page: Browser, address: str, heading: str) -> None:
    page.open(f"/ndvi/sheet.html#{address}")
    page.find("#sheet:not([aria-busy])")
    if not heading:
        assert page.text("#sheet .problem") == "no field nope in the registry"
        return
    assert page.text("h1") == heading
    assert page.serious_issues() == []
    if "crop" not in address:
        assert [one.text for one in page.chrome.find_elements("css selector", "#sheet h2")] == [
            "Season curve of NDVI",
            "Latest pictures of NDVI",
            "Zones of clover by NDVI, 10 Apr 2025 to 4 Jun 2025",
            "Numbers",
        ]
        assert len(page.chrome.find_elements("css selector", ".sheet-day img")) == len(DAYS)
    page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not page.chrome.find_element("css selector", "nav").is_displayed()
    finally:
        page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    printed = base64.b64decode(page.chrome.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == (1 if "crop" in address else 2)


def test_a_sheet_has_all_fields_though_a_season_or_the_events_cannot_be_loaded(page: Browser) -> None:
    with page.cut_off("*/fields/clover/seasons", "*/api/events?*"):
        page.open("/ndvi/sheet.html#crop=clover&year=2025")
        page.find("#sheet:not([aria-busy])")
    assert page.text("h1") == "clover"
    assert [one.text for one in page.chrome.find_elements("css selector", "#sheet .problem")] == [
        "The season of clover could not be loaded: Airflow does not answer. Is it running?",
        "What is open could not be loaded: Airflow does not answer. Is it running?",
    ]
    assert page.text("#sheet tbody th") == "clover"


def test_no_error_was_written_to_the_console(page: Browser) -> None:
    not_there = "/series?", "/zones?", "/fields/nope", "/clover/seasons", "/api/events?"
    assert [problem for problem in page.problems() if not any(words in problem for words in not_there)] == []

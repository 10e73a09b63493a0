"""The season curve of the fields page with several indices, in a real browser on a registry that is written by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from support.browser import NEEDS_BROWSER, Browser
from support.models import a_field, an_observation
from support.web import Server

from ndvi_core.models.observation import IndexStatistics
from ndvi_core.registry import fields as registry
from ndvi_core.registry import index_sets, ledger, recorded_days

pytestmark = NEEDS_BROWSER

FIRST = date(2025, 4, 1)
CIRE = (0.5, 2.25, 6.5)
"""Values of three days; the last one is beyond the upper end of the scale."""
NONE = "\N{EN DASH}"
PAGE = "/ndvi/#field=wheat"


@pytest.fixture(scope="module")
def registered(server: Server) -> Iterator[Server]:
    """A field with NDVI and another index on three days, and a cloudy day."""
    wheat = a_field("wheat", plant_date=FIRST)
    rows = [
        an_observation(
            wheat,
            FIRST + timedelta(days=5 * number),
            ndvi_mean=0.5,
            ndvi_std=0.1,
            valid_fraction=1.0,
            indices={"cire": IndexStatistics(mean=value)},
        )
        for number, value in enumerate(CIRE)
    ]
    cloudy = an_observation(wheat, FIRST + timedelta(days=1), "cloudy")
    with server.engine.begin() as connection:
        registry.upsert_fields(connection, [wheat], "file")
        ledger.upsert_observations(connection, [*rows, cloudy], datetime(2025, 6, 1, tzinfo=UTC))
        recorded_days.mark_recorded(connection, FIRST + timedelta(days=12), FIRST)
    yield server
    server.empty()


@pytest.fixture(scope="module")
def browser(registered: Server, signed_in: Browser) -> Browser:
    return signed_in


def heights(page: Browser) -> list[float]:
    """Return where the points of the curve are, from above."""
    return page.run(
        "return [...document.querySelectorAll('#curve .points circle')].map(c => Number(c.getAttribute('cy')))"
    )


def table(page: Browser) -> list[list[str]]:
    """Return the first three cells of each row of the numbers."""
    cells = "[...row.cells].slice(0, 3).map(cell => cell.textContent)"
    return page.run(f"return [...document.querySelectorAll('#field tr')].map(row => {cells})")


def ticks(page: Browser) -> list[str]:
    return page.run("return [...document.querySelectorAll('.axes text[text-anchor]')].map(t => t.textContent)")


def test_with_ndvi_alone_nothing_is_there_to_choose(browser: Browser) -> None:
    browser.open(PAGE)
    browser.find("#curve svg")
    assert browser.chrome.find_elements("css selector", "#index") == []
    assert len(set(heights(browser))) == 1
    assert ticks(browser) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]


def test_the_curve_is_of_the_index_that_is_chosen(browser: Browser, registered: Server) -> None:
    with registered.engine.begin() as connection:
        index_sets.register_indices(connection, ["cire", "ndmi"])
    browser.open(PAGE)
    options = browser.find("#index").find_elements("css selector", "option")
    assert [option.text for option in options] == ["NDVI", "CIRE", "NDMI"]
    options[1].click()
    browser.find("#curve-key", "Chlorophyll Index Red Edge: nir08 / rededge1 - 1")
    assert ticks(browser) == [f"{value}.0" for value in range(8)], "of all values, whatever the scale's end"
    first, second, third = heights(browser)
    assert (first - second) / (second - third) == pytest.approx((CIRE[1] - CIRE[0]) / (CIRE[2] - CIRE[1]), abs=1e-3)
    assert "index=cire" in browser.run("return location.hash")
    assert table(browser) == [
        ["Day", "NDVI", "CIRE"],
        ["11 Apr 2025", "0.50", "6.50"],
        ["6 Apr 2025", "0.50", "2.25"],
        ["2 Apr 2025", NONE, NONE],
        ["1 Apr 2025", "0.50", "0.50"],
    ]
    assert browser.serious_issues() == []


def test_a_link_leads_back_to_the_index(browser: Browser) -> None:
    browser.open(f"{PAGE}&index=cire")
    browser.find("#curve-key", "Chlorophyll")
    browser.press_on("#curve svg", "\ue010")
    assert browser.text("#tooltip").splitlines()[:3] == ["wheat, 11 Apr 2025", "NDVI 0.50 ± 0.10", "CIRE 6.50"]


@pytest.mark.parametrize("index", ["ndmi", "lai"], ids=["without numbers", "unknown"])
def test_an_index_without_numbers_and_one_that_is_none_have_a_page_too(browser: Browser, index: str) -> None:
    browser.open(f"{PAGE}&index={index}")
    browser.find("#curve svg")
    assert len(heights(browser)) == (0 if index == "ndmi" else 3)
    assert [problem for problem in browser.problems() if "Failed to load" not in problem] == []

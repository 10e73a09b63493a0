"""The page when answers are cut short or another server's, when a right is missing and when the session ends."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Keys
from support.browser import NEEDS_BROWSER, Browser
from support.pixels import Computed
from support.web import SignIn, token_of

pytestmark = NEEDS_BROWSER

PAGE = "async () => new Response('<html><body>Bad Gateway</body></html>')"
HALF = """async (ask) => {
    const whole = await (await ask()).arrayBuffer();
    return new Response(whole.slice(0, whole.byteLength / 2));
}"""
FAILS = "async () => Response.json({detail: 'the bucket is away'}, {status: 503})"
NEVER = "() => new Promise(() => {})"
WHOLE = "1 field"


@pytest.fixture(scope="module")
def browser(computed: Computed, signed_in: Browser) -> Browser:
    return signed_in


@pytest.fixture(autouse=True)
def _as_admin(browser: Browser, sign_in: SignIn) -> Iterator[None]:
    yield
    browser.sign_in(token_of(sign_in, "admin"))


@pytest.mark.parametrize("instead", [PAGE, HALF], ids=["page", "half"])
@pytest.mark.parametrize("name", ["fields", "grid", "seasons"])
def test_what_cannot_be_read_is_named_and_asked_for_until_it_can(browser: Browser, name: str, instead: str) -> None:
    with browser.spoiled(f"/api/columns/{name}$", instead):
        browser.open("/ndvi/#view=list")
        browser.find("#problem", f"The answer to ndvi/api/columns/{name} cannot be read: it is cut short, or not from")
        assert browser.text("#summary") == "Not loaded"
        browser.run("window.isMended = true")
        browser.find("#summary", WHOLE)
        assert browser.run("return document.getElementById('problem').hidden")


@pytest.mark.parametrize("instead", [PAGE, HALF], ids=["page", "half"])
def test_without_boundaries_the_rest_is_there_and_it_is_said(browser: Browser, instead: str) -> None:
    with browser.spoiled("/api/columns/boundaries$", instead):
        browser.open("/ndvi/#view=list")
        browser.find("#list-rows", "clover")
        browser.find("#problem", "The answer to ndvi/api/columns/boundaries cannot be read")
        assert WHOLE in browser.text("#summary")
        browser.run("window.isMended = true")
        browser.wait(lambda: browser.run("return document.getElementById('problem').hidden"), "no problem any more")


@pytest.mark.parametrize("instead", [PAGE, HALF], ids=["page", "half"])
def test_what_is_new_does_not_load_for_ever(browser: Browser, instead: str) -> None:
    with browser.spoiled("/api/standings$", instead):
        browser.open("/ndvi/")
        browser.find("#changes-pass", "What is new could not be loaded.")
        assert browser.text("#problem").startswith("What is new could not be loaded: The answer to ndvi/api/standings")
        browser.run("window.isMended = true")
        browser.find("#changes-pass", "Last pass: 4 Jun 2025")


@pytest.mark.parametrize(("instead", "said"), [(NEVER, "…"), (FAILS, "not loaded")], ids=["waits", "fails"])
def test_what_is_not_loaded_is_not_said_to_be_nothing(browser: Browser, instead: str, said: str) -> None:
    with browser.spoiled("/api/standings$", instead):
        browser.open("/ndvi/#view=list")
        browser.find("#list-rows td", said)
        cells = [one.text for one in browser.chrome.find_elements("css selector", "#list-rows td")]
        assert cells.count(said) == 3, "the hectares, the change and the place among peers"


@pytest.mark.parametrize(
    ("instead", "said"),
    [(NEVER, "Loading the fields…"), (FAILS, "The fields could not be loaded. This is tried again by itself.")],
    ids=["waits", "fails"],
)
def test_each_view_says_what_is_not_there(browser: Browser, instead: str, said: str) -> None:
    browser.resize(width=320)
    with browser.spoiled("/api/columns/seasons$", instead):
        for view in ("changes", "map", "list", "days"):
            browser.open(f"/ndvi/#view={view}")
            browser.find("#waiting", said)
            assert not browser.chrome.find_element("css selector", "#play").is_enabled()
            assert browser.chrome.find_element("css selector", "#changes-pass").text == ""
            assert browser.serious_issues() == []
        if instead == FAILS:
            browser.run("window.isMended = true")
            browser.find("#summary", WHOLE)
            assert not browser.chrome.find_element("css selector", "#waiting").is_displayed()
    browser.resize()


@pytest.mark.parametrize(
    ("instead", "said"), [(NEVER, "Loading…"), (FAILS, "the bucket is away")], ids=["waits", "fails"]
)
def test_a_field_that_is_not_there_says_so_and_can_be_left(browser: Browser, instead: str, said: str) -> None:
    browser.resize(width=320)
    with browser.spoiled("/observations$", instead):
        browser.open("/ndvi/#field=clover")
        assert browser.find("#field p", said).rect["y"] < 500, "under what is above it, not at the foot of the screen"
        assert browser.text("#field-title") == "clover"
        browser.click("#field [aria-label=Close]")
        browser.find("#map")
    browser.resize()


def test_a_picture_that_is_awaited_is_not_the_one_before(browser: Browser) -> None:
    with browser.spoiled("/pixels/", NEVER), browser.cut_off("*/overlays/*"):
        browser.open("/ndvi/#field=clover")
        browser.find(".strip .lost", "no picture")
        browser.run("window.isMended = true")
        browser.press_on("[data-keep^=picture-]", Keys.ENTER)
        browser.find("#picture .look-aside", "GeoTIFF")
        browser.click("#picture [aria-label=Close]")
        browser.run("window.isMended = false")
        browser.press_on("[data-keep=look-two]", Keys.ENTER)
        browser.find("#picture .readout", "Loading…")
        assert browser.text("#picture-title") == "NDVI of clover"
        assert browser.chrome.find_element("css selector", "#picture .look-aside").text == ""
        drawn = "const [canvas] = document.querySelectorAll('canvas.raster'); const pen = canvas.getContext('2d');"
        pixels = "return pen.getImageData(0, 0, canvas.width, canvas.height).data.some((one) => one > 0)"
        browser.wait(lambda: not browser.run(drawn + pixels), "nothing is drawn")


def test_a_picture_that_cannot_be_had_has_a_name_and_a_reason(browser: Browser) -> None:
    with browser.spoiled("/pixels/", FAILS):
        browser.open("/ndvi/#field=clover")
        browser.press_on("[data-keep=look-two]", Keys.ENTER)
        browser.find("#picture .problem", "the bucket is away")
        assert browser.text("#picture-title") == "NDVI of clover"
        assert not browser.chrome.find_element("css selector", "#swipe").is_displayed()
        assert browser.serious_issues() == []
        browser.run("window.isMended = true")
        browser.find("#look-before option:last-child").click()
        browser.find("#swipe")
        assert browser.text("#picture-title").startswith("NDVI of clover: ")


def test_a_sheet_says_what_it_does_not_have_and_claims_nothing_of_it(browser: Browser) -> None:
    with browser.spoiled("/zones$|/events$", FAILS):
        browser.open("/ndvi/sheet.html#field=clover&season=2025")
        browser.find("#sheet:not([aria-busy])")
        assert "The zones could not be loaded: the bucket is away" in browser.text("#sheet")
        browser.open("/ndvi/sheet.html#crop=clover&year=2025")
        browser.find("#sheet:not([aria-busy])")
        assert browser.text("#sheet header p") == "1 field planted in 2025"
        assert "What is open could not be loaded: the bucket is away" in browser.text("#sheet")


@pytest.mark.parametrize("width", [1280, 320])
def test_who_may_not_read_is_told_which_right_that_takes(browser: Browser, sign_in: SignIn, width: int) -> None:
    browser.sign_in(token_of(sign_in, "guest"))
    browser.resize(width=width)
    said = "this takes the right to read the DAG ndvi_daily, which you do not have: ask who runs this Airflow"
    for view in ("changes", "map", "list", "days"):
        browser.open(f"/ndvi/#view={view}")
        browser.find("#problem", said)
        assert browser.text("#problem") == said, "once"
        assert browser.text("#summary") == "Not loaded"
        assert browser.serious_issues() == []
    for sheet in ("field=clover", "crop=clover"):
        browser.open(f"/ndvi/sheet.html#{sheet}")
        browser.find("#sheet .problem", said)
    browser.resize()


def test_who_may_only_read_sees_all_and_is_offered_no_more(browser: Browser, sign_in: SignIn) -> None:
    browser.sign_in(token_of(sign_in, "viewer"))
    browser.open("/ndvi/#field=clover")
    browser.find("#curve svg")
    buttons = [one.text for one in browser.chrome.find_elements("css selector", "button") if one.is_displayed()]
    assert not {"Upload", "Edit", "Dismiss", "Note"}.intersection(buttons)
    browser.open("/ndvi/#view=days")
    browser.find("#days-legend li")
    browser.press_on("#days-canvas", Keys.ARROW_DOWN)
    browser.find("#days-selected", "clover")
    recompute = browser.find("#days-recompute")
    assert not recompute.is_enabled()
    assert recompute.get_attribute("title") == "You do not have the right to trigger ndvi_recompute."


def test_a_session_that_ends_is_said_and_what_is_there_stays(browser: Browser, sign_in: SignIn) -> None:
    browser.open("/ndvi/#view=list")
    browser.find("#list-rows", "clover")
    browser.chrome.delete_all_cookies()
    browser.find("#problem", "Your session has ended. Log in to Airflow again, then reload this page.")
    assert "clover" in browser.text("#list-rows")
    assert " What is shown is as it was at " in browser.text("#problem")
    browser.chrome.add_cookie({"name": "_token", "value": token_of(sign_in, "admin"), "path": "/"})
    browser.wait(lambda: browser.run("return document.getElementById('problem').hidden"), "no problem any more")

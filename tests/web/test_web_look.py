"""The pixels of a field on the page, in a real browser: values, two days, zones and files."""

import base64
import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import ActionChains, Keys
from support.browser import NEEDS_BROWSER, Browser
from support.pixels import CLEAR, CLOUDY, DAYS, PLANTED, Computed
from support.web import SignIn

from ndvi_core.models.indices import INDICES

pytestmark = NEEDS_BROWSER

CANVAS = "canvas.raster"
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def ask(computed: Computed, sign_in: SignIn) -> Callable[..., Any]:
    client = sign_in("viewer")
    return lambda path, **parameters: client.get(f"api/fields/clover/{path}", params=parameters).json()


@pytest.fixture(scope="module")
def browser(computed: Computed, signed_in: Browser) -> Browser:
    return signed_in


@pytest.fixture
def page(browser: Browser) -> Browser:
    browser.resize()
    browser.open("/ndvi/#field=clover")
    browser.find("#curve svg")
    return browser


def look(page: Browser, mode: str = "day", **chosen: str) -> None:
    """Open the pixels of the last day, and choose what is shown of them."""
    press(page, ".strip button")
    page.find(".histogram")
    if mode != "day":
        press(page, f"#mode-{mode}")
    for name, value in chosen.items():
        choose(page, f"#look-{name}", value)


def press(page: Browser, selector: str) -> None:
    page.run("arguments[0].scrollIntoView({block: 'center'})", page.find(selector))
    page.click(selector)


def choose(page: Browser, selector: str, value: str) -> None:
    script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))"
    page.run(script, page.find(selector), value)


def title(page: Browser, words: str) -> None:
    page.find("#picture-title", words)


def values_of(answer: Any, name: str = "values", kind: str = "<f4") -> np.ndarray:
    return np.frombuffer(base64.b64decode(answer[name]), kind).reshape(answer["height"], answer["width"])


def said(value: float) -> str:
    return f"{value:.2f}".replace("-", MINUS)


def colour_at(page: Browser, column: int, row: int, answer: Any) -> list[int]:
    """Return the colour that the canvas has in the middle of a pixel of the first raster."""
    script = """
      const [canvas, column, row, width, height] = arguments;
      const scale = Math.min((canvas.clientWidth - 12) / width, (canvas.clientHeight - 12) / height);
      const x = (canvas.clientWidth - scale * width) / 2 + (column + 0.5) * scale;
      const y = (canvas.clientHeight - scale * height) / 2 + (row + 0.5) * scale;
      return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data].slice(0, 3);
    """
    frames = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
    page.chrome.execute_async_script(frames)
    return page.run(script, page.find(CANVAS), column, row, answer["width"], answer["height"])


def of_scale(value: float, low: float = 0.0, high: float = 1.0) -> list[float]:
    """Return the colour of a value on the scale of NDVI."""
    anchors = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in INDICES["ndvi"].colours]
    places = np.linspace(low, high, len(anchors))
    return [float(np.interp(value, places, channel)) for channel in zip(*anchors, strict=True)]


def test_a_picture_is_named_as_it_reads_and_opens_its_pixels(page: Browser, ask: Callable[..., Any]) -> None:
    button = page.find(".strip button")
    assert button.accessible_name == " ".join(button.text.split())
    assert button.text.split() == ["4", "Jun", "2025", said(ask(f"pixels/{CLEAR[-1]}")["statistics"]["mean"])]
    look(page)
    title(page, "NDVI of clover on 4 Jun 2025")
    assert f"date={CLEAR[-1]}" in page.run("return location.hash")
    page.press(Keys.ESCAPE)
    assert not page.chrome.find_element("id", "picture").is_displayed()


def test_the_value_of_a_pixel_is_said_to_keyboard_and_mouse(page: Browser, ask: Callable[..., Any]) -> None:
    answer = ask(f"pixels/{CLEAR[-1]}")
    values = values_of(answer)
    look(page)
    column, row = (answer["width"] - 1) // 2 + 4, (answer["height"] - 1) // 2 + 3
    page.press_on(CANVAS, *[Keys.ARROW_RIGHT] * 5, *[Keys.ARROW_DOWN] * 3)
    size, _, west, _, _, north = answer["transform"]
    east, south = west + size * (column + 0.5), north - size * (row + 0.5)
    words = f"NDVI {said(values[row, column])}, {east:,.0f} m east, {south:,.0f} m north (EPSG:32632)"
    assert page.text(".readout") == words
    assert page.run("return document.getElementById('announcer').textContent") == words
    assert colour_at(page, column + 1, row, answer) == pytest.approx(of_scale(values[row, column + 1]), abs=2)
    page.press(*[Keys.ARROW_UP] * answer["height"], *[Keys.ARROW_LEFT] * answer["width"])
    assert np.isnan(values[0, 0])
    assert page.text(".readout").startswith("NDVI without a value")


def test_colours_are_stretched_to_what_is_there_and_say_so(page: Browser, ask: Callable[..., Any]) -> None:
    answer = ask(f"pixels/{CLEAR[-1]}")
    spread, values = answer["statistics"], values_of(answer)
    look(page)
    assert page.text(".look-ticks").split()[0::4] == ["0.00", "1.00"]
    choose(page, "#look-colours", "relative")
    page.find(".look-legend", "Relative: from the 2nd to the 98th percentile")
    ticks = page.text(".look-ticks").split()
    assert (ticks[0], ticks[-1]) == (said(spread["p2"]), said(spread["p98"]))
    row, column = 12, 18
    expected = of_scale(values[row, column], spread["p2"], spread["p98"])
    assert colour_at(page, column, row, answer) == pytest.approx(expected, abs=2)


def test_the_histogram_is_that_of_the_api(page: Browser, ask: Callable[..., Any]) -> None:
    answer = ask(f"pixels/{CLEAR[-1]}")
    bins, spread = answer["histogram"], answer["statistics"]
    look(page)
    heights = page.run(
        "return [...document.querySelectorAll('.histogram .bars rect')].map(one => Number(one.getAttribute('height')))"
    )
    assert np.array(heights) / max(heights) == pytest.approx(np.array(bins["pixels"]) / max(bins["pixels"]), abs=0.01)
    name = page.find(".histogram").accessible_name
    assert f"Histogram of {round(spread['pixels'])} pixels" in name
    assert f"mean {said(spread['mean'])}, 2nd percentile {said(spread['p2'])}" in name


def test_two_days_are_swiped_with_keys_and_with_the_mouse(page: Browser, ask: Callable[..., Any]) -> None:
    look(page, "two", before=str(CLEAR[0]))
    title(page, "10 Apr 2025 on the left, 4 Jun 2025 on the right")
    before, after = (ask(f"pixels/{day}") for day in (CLEAR[0], CLEAR[-1]))
    first, second = (of_scale(values_of(answer)[12, 8]) for answer in (before, after))
    page.press_on("#swipe", Keys.HOME)
    assert colour_at(page, 8, 12, before) == pytest.approx(second, abs=2)
    page.press_on("#swipe", Keys.END)
    assert colour_at(page, 8, 12, before) == pytest.approx(first, abs=2)
    page.run("document.getElementById('swipe').blur()")
    mouse(page, 0.1).click_and_hold().perform()
    page.run("arguments[0].releasePointerCapture(1)", page.find(CANVAS))  # as when the system takes the pointer
    mouse(page, 0.9).perform()
    mouse(page, 0.9).release().perform()
    assert page.find("#swipe").get_attribute("value") == "10"
    assert colour_at(page, 8, 12, before) == pytest.approx(second, abs=2)
    page.press_on(CANVAS, Keys.ARROW_UP)
    row, column = (before["height"] - 1) // 2, (before["width"] - 1) // 2
    numbers = [said(values_of(answer)[row, column]) for answer in (before, after)]
    assert page.text(".readout") == f"10 Apr 2025 {numbers[0]}, 4 Jun 2025 {numbers[1]}"


def mouse(page: Browser, share: float) -> ActionChains:
    """Return actions that begin with the mouse at a share of the canvas's width."""
    box = page.run("return arguments[0].getBoundingClientRect().toJSON()", page.find(CANVAS))
    chain = ActionChains(page.chrome, duration=0)
    chain.w3c_actions.pointer_action.move_to_location(round(box["x"] + share * box["width"]), round(box["y"] + 5))
    return chain


def test_days_on_the_grids_of_two_zones_are_not_laid_beside_each_other(page: Browser) -> None:
    look(page)
    script = """
      const [day, epsg] = arguments, ask = window.fetch;
      window.fetch = async (address, ...options) => {
        const answer = await ask(address, ...options);
        if (!`${address}`.includes(`/pixels/${day}`)) return answer;
        return { ok: true, json: async () => ({ ...(await answer.json()), epsg }) };
      };
    """
    page.run(script, str(CLEAR[-1]), 32633)
    press(page, "#mode-two")
    choose(page, "#look-before", str(CLEAR[0]))
    words = "The pixels of 10 Apr 2025 (EPSG:32632) and 4 Jun 2025 (EPSG:32633) are on the grids of two UTM zones"
    page.find("#picture .problem", words)


def test_a_difference_has_a_diverging_scale(page: Browser, ask: Callable[..., Any]) -> None:
    look(page, "difference", before=str(CLEAR[0]))
    title(page, "4 Jun 2025 less 10 Apr 2025")
    assert page.text(".look-ticks").split()[0::2] == [f"{MINUS}0.50", "±0.00", "+0.50"]
    answer = ask(f"pixels/{CLEAR[-1]}", minus=str(CLEAR[0]))
    page.press_on(CANVAS, Keys.ARROW_UP)
    value = values_of(answer)[(answer["height"] - 1) // 2, (answer["width"] - 1) // 2]
    assert page.text(".readout").startswith(f"Difference of NDVI +{value:.2f}, ")
    red, green, _ = colour_at(page, 8, 12, answer)
    assert green > red, "what has grown is green, and brown what has not"


def test_zones_are_those_of_the_api_and_of_the_days_that_are_ticked(page: Browser, ask: Callable[..., Any]) -> None:
    look(page, "zones")
    title(page, "Zones of clover by NDVI, 10 Apr 2025 to 4 Jun 2025")
    rows = [one.text.split() for one in page.find("table.zones tbody").find_elements("css selector", "tr")]
    assert rows == table_of(ask("zones"))
    assert page.text("#zone-days") == "Made of 4 days"
    page.click("#zone-days")
    ticked = page.run("return [...document.querySelectorAll('.zone-days input:checked')].map(one => one.value)")
    assert sorted(ticked) == [str(day) for day in CLEAR]
    press(page, f"#zone-{CLEAR[0]}")
    page.find("#zone-days", "Made of 3 days")
    choose(page, "#look-count", "3")
    title(page, "5 May 2025 to 4 Jun 2025")
    page.find(".readout")
    wanted = ask("zones", count=3, days=",".join(map(str, CLEAR[1:])))
    page.wait(lambda: rows_of(page) == table_of(wanted), "the zones of the days that are ticked")
    page.press_on(CANVAS, Keys.ARROW_UP)
    zone = values_of(wanted, "classes", "u1")[(wanted["height"] - 1) // 2, (wanted["width"] - 1) // 2]
    assert page.text(".readout").startswith(f"zone {zone}: " if zone else "outside the field")


def test_days_of_zones_are_unticked_one_after_the_other(page: Browser) -> None:
    look(page, "zones")
    title(page, "Zones of clover")
    click = "document.getElementById(`zone-${arguments[0]}`).click()"
    page.run("; ".join(click.replace("[0]", f"[{at}]") for at in (0, 1)), *map(str, CLEAR[:2]))
    title(page, f"{CLEAR[2]:%-d %b %Y} to 4 Jun 2025")
    assert page.text("#zone-days") == "Made of 2 days", "no answer was waited for"
    page.click("#zone-days")
    press(page, f"#zone-{CLEAR[2]}")
    page.find("#zone-days", "Made of 1 day")
    page.press(Keys.ESCAPE)
    with page.cut_off("*/zones?*"):
        press(page, "[data-keep=look-zones]")
        page.find("#picture .problem", "Airflow does not answer")
        assert page.text("#zone-days") == "Made of 0 days", "of which they were made before says nothing of these"


def rows_of(page: Browser) -> list[list[str]]:
    return [one.text.split() for one in page.find("table.zones tbody").find_elements("css selector", "tr")]


def table_of(answer: Any) -> list[list[str]]:
    return [[str(one["zone"]), f"{one['area_ha']:.2f}", "ha", said(one["mean"])] for one in answer["zones"]]


def links(page: Browser, within: str) -> dict[str, str]:
    found = page.find(within).find_elements("css selector", "a.button")
    return {one.text: one.get_attribute("href") for one in found}


def saved_name(page: Browser, url: str) -> str:
    script = "fetch(arguments[0]).then(one => arguments[1](one.headers.get('Content-Disposition')))"
    return re.findall('filename="(.+)"', page.chrome.execute_async_script(script, url))[0]


def test_files_are_named_by_field_index_and_days(page: Browser) -> None:
    names = {words: saved_name(page, url) for words, url in links(page, "section[aria-labelledby=table-title]").items()}
    period = f"{PLANTED}_{DAYS[-1]}"
    assert names == {
        "CSV": f"clover_ndvi_{period}.csv",
        "Parquet": f"clover_ndvi_{period}.parquet",
        "Boundary (GeoJSON)": "clover_boundary.geojson",
        "All GeoTIFFs (ZIP)": f"clover_ndvi_{period}.zip",
    }
    look(page, "difference", before=str(CLOUDY))
    title(page, "4 Jun 2025 less 10 May 2025")
    assert {saved_name(page, url) for url in links(page, ".look-aside").values()} == {
        f"clover_ndvi_{CLEAR[-1]}_minus_{CLOUDY}.tif"
    }
    press(page, "#mode-zones")
    title(page, "Zones")
    stem = f"clover_ndvi_zones_{CLEAR[0]}_{CLEAR[-1]}"
    assert [saved_name(page, url) for url in links(page, ".look-aside").values()] == [f"{stem}.geojson", f"{stem}.tif"]


def test_what_is_seen_is_a_picture_with_its_legend(page: Browser) -> None:
    look(page)
    script = """
      const [done] = arguments, click = HTMLAnchorElement.prototype.click;
      HTMLAnchorElement.prototype.click = function () {
        HTMLAnchorElement.prototype.click = click;
        const name = this.download;
        const image = new Image(), canvas = document.createElement("canvas");
        image.onload = () => {
          [canvas.width, canvas.height] = [image.width, image.height];
          canvas.getContext("2d").drawImage(image, 0, 0);
          done([name, canvas.toDataURL().split(",")[1]]);
        };
        image.src = this.href;
      };
      [...document.querySelectorAll(".look-aside button")].find(one => one.textContent === "PNG").click();
    """
    name, content = page.chrome.execute_async_script(script)
    assert name == f"clover_ndvi_{CLEAR[-1]}.png"
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")).reshape(-1, 3)
    assert (picture == 255).all(axis=1).mean() > 0.2, "on white, whatever the theme"
    ends = [np.abs(picture - of_scale(value)).sum(axis=1).min() for value in (0.02, 0.98)]
    assert max(ends) < 12, "the legend has both ends of the scale"


def test_what_cannot_be_shown_is_said(page: Browser) -> None:
    look(page)
    with page.cut_off("*/zones?*"):
        press(page, "#mode-zones")
        page.find("#picture .problem", "Airflow does not answer")
        press(page, "#mode-day")
        page.find(".histogram")
        assert page.chrome.find_elements("css selector", "#picture .problem:not([hidden])") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("mode", ["day", "two", "difference", "zones"])
def test_nobody_is_kept_out(page: Browser, mode: str, width: int, theme: str) -> None:
    page.resize(width=width, theme=theme)
    look(page, mode)
    page.find(".look-aside table" if mode == "zones" else ".look-legend")
    assert page.serious_issues() == []
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")
    controls = "#picture :is(button, select, a, input[type=range])"
    small = page.run(
        f"return [...document.querySelectorAll('{controls}')]"
        ".filter(one => one.offsetParent && one.getBoundingClientRect().height < 24).map(one => one.outerHTML)"
    )
    assert small == []


def test_a_link_to_a_field_shows_it_on_a_phone(page: Browser) -> None:
    page.resize(width=360, height=740)
    page.open("/ndvi/#field=clover")
    assert page.find("#field-title", "clover").rect["y"] < 400
    assert page.find("#curve svg").rect["y"] < 740
    assert not page.chrome.find_element("id", "map").is_displayed()
    page.click("#field header .icon")
    page.find("#map")


def test_no_error_was_written_to_the_console(browser: Browser) -> None:
    not_there = "/series?", "/extent", "tiles.example", "/zones?"
    assert [problem for problem in browser.problems() if not any(words in problem for words in not_there)] == []

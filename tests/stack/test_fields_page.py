"""The fields page in a real browser, on the running stack: each test goes on where the last one ended.

Three fields are there; their owner uploads two more on the page.
"""

import csv
import re
from collections.abc import Iterator
from datetime import date
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from selenium.webdriver import Keys
from support.browser import NEEDS_BROWSER, Browser, a_browser
from support.features import collection, feature
from support.laptop import a_stack
from support.person import CATCH_UP, DAILY, RECOMPUTE, REGISTRATION, Person
from support.story import Story, changed

from ndvi_core.products.colour_map import colour_of
from ndvi_core.registry.progress import field_statuses

pytestmark = NEEDS_BROWSER

START, END = date(2025, 5, 1), date(2025, 5, 2)
"""A day with a scene and one without."""
EARLY, LATE = ("field_1", "field_2", "field_3"), ("field_4", "field_5")
PAGE = "/ndvi/"
MAP = "/ndvi/#view=map"
MARK = "window.openSince ??= Date.now(); return window.openSince"
"""Gone if the page is loaded again."""


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with a_stack("sample", NDVI_START_DATE=str(START), NDVI_END_DATE=str(END)) as stack:
        engine, person = stack.engine(), Person(stack)
        person.upload("staticdata/config/bbox.geojson", stack.season.extent.read_bytes())
        story = Story(stack, person, engine)
        person.upload("staticdata/fields/pending/fields.geojson", story.file_of(*EARLY))
        for dag_id in (REGISTRATION, CATCH_UP, RECOMPUTE):
            person.unpause(dag_id)
        person.until(lambda: story.registered() == list(EARLY), "the fields in the registry")
        person.unpause(DAILY)
        person.until_quiet(DAILY, 2)
        person.until(lambda: story.registered(caught_up=False) == [], "the days before the first run")
        yield story
        engine.dispose()


@pytest.fixture
def person(story: Story) -> Person:
    return story.person


@pytest.fixture(scope="module")
def browser(story: Story) -> Iterator[Browser]:
    with a_browser(story.stack.url) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Browser:
    """The map, opened anew in a large light window."""
    browser.resize()
    browser.open(MAP)
    browser.find("#summary", "fields")
    return browser


def point_at(page: Browser, field_id: str) -> list[str]:
    """Go from field to field on the map by keyboard until this one is reached; return what is said of it."""
    page.run("document.getElementById('map').focus()")
    for _ in range(10):
        page.press("n")
        lines = page.text("#tooltip").splitlines()
        if lines[0] == field_id:
            return lines
    raise AssertionError(f"{field_id} is not on the map")


def colour_beside_tooltip(page: Browser) -> list[int]:
    """Return the colour of the map in the middle of the field that the tooltip is about."""
    return page.run("""
        const tooltip = document.getElementById("tooltip").getBoundingClientRect();
        const map = document.getElementById("map");
        const box = map.getBoundingClientRect();
        const [x, y] = [tooltip.left - 14 - box.left, tooltip.top - 14 - box.top];
        return Array.from(map.getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3));
    """)


def test_the_map_shows_each_field_in_the_colour_of_its_ndvi(page: Browser, story: Story) -> None:
    assert page.text("#summary") == "3 fields · recorded to 2 May 2025"
    for _ in range(4):
        page.press_on("#map", "-")  # until the fields are too small for pictures and names
    for field_id in EARLY:
        name, crop, value, today = point_at(page, field_id)
        ndvi = float(re.fullmatch(r"NDVI (\d\.\d\d) on 1 May 2025", value)[1])
        assert crop == story.features[field_id]["properties"]["plant-type"].replace("_", " ")
        assert today == "2 May 2025: No Sentinel-2 scene on this day"
        assert colour_beside_tooltip(page) == pytest.approx(colour_of(np.float64(ndvi)).tolist(), abs=4), name


def test_a_day_without_a_scene_is_hatched_and_says_why(page: Browser) -> None:
    page.open(f"{PAGE}#date=2025-05-02&colour=day")
    page.find("#date-note", "no new value")
    assert point_at(page, "field_2")[2:] == ["2 May 2025: No Sentinel-2 scene on this day"]
    page.press_on("#date", Keys.ARROW_LEFT)
    page.find("#date-text", "1 May 2025")
    assert point_at(page, "field_2")[2].startswith("NDVI 0.")


def test_a_bad_file_is_explained_and_goes_nowhere(page: Browser, person: Person, tmp_path: Path) -> None:
    file = tmp_path / "bad.geojson"
    file.write_bytes(collection(feature(object_id="a b"), feature(plant_date="yesterday", object_id="late")))
    page.click("#open-upload")
    page.find("#upload-file").send_keys(str(file))
    assert page.text("#upload-summary") == "0 fields can be registered, 2 features cannot"
    assert "'a b' cannot be an object-id" in page.text("#upload .problems")
    assert "not 'yesterday'" in page.text("#upload .problems")
    assert not page.find("#upload-confirm").is_enabled()
    assert person.keys("staticdata/fields/pending/") == []


def test_late_fields_appear_after_their_upload_without_a_reload(page: Browser, story: Story, tmp_path: Path) -> None:
    since = page.run(MARK)
    file = tmp_path / "late.geojson"
    file.write_bytes(story.file_of(*LATE))
    page.click("#open-upload")
    page.find("#upload-file").send_keys(str(file))
    assert page.text("#upload-summary") == "2 fields can be registered, none cannot"
    page.click("#upload-confirm")
    page.find("#notes", "2 new fields")
    page.find("#summary", "5 fields")
    story.person.until(lambda: story.registered(caught_up=False) == [], "the late fields' days")
    page.find("#summary", "recorded to 2 May 2025")
    story.person.until(lambda: "NDVI" in point_at(page, "field_4")[2], "the late field's value on the map")
    assert page.run(MARK) == since


def test_recomputing_one_cell_runs_just_its_task(page: Browser, story: Story, person: Person) -> None:
    person.until_quiet(CATCH_UP)
    written = story.recorded_at()
    tried = {run["dag_run_id"]: person.tries(DAILY, run["dag_run_id"]) for run in person.runs(DAILY)}
    known = {run["dag_run_id"] for run in person.runs(RECOMPUTE)}

    page.click("[data-view=days]")
    page.press_on("#days-canvas", Keys.END, Keys.ARROW_LEFT, Keys.ARROW_DOWN)
    assert page.text("#days-selected").startswith("field_2, 1 May 2025: NDVI 0.")
    page.click("#days-recompute")
    assert page.find("#notes .good").text.startswith("field_2, 1 May 2025: 1 cell")

    (run_id,) = {run["dag_run_id"] for run in person.runs(RECOMPUTE)} - known
    assert set(person.computed(RECOMPUTE, run_id)) == {"field_2"}
    assert changed(written, story.recorded_at()) == {("field_2", date(2025, 5, 1))}
    assert {run: person.tries(DAILY, run) for run in tried} == tried


def test_a_field_shows_its_season_its_pictures_and_where_a_number_comes_from(page: Browser, story: Story) -> None:
    point_at(page, "field_2")
    page.press(Keys.ENTER)
    page.find("#field-title", "field_2")
    assert "field=field_2" in page.run("return location.hash")
    page.find("#curve svg")
    with story.engine.connect() as connection:
        (status,) = field_statuses(connection, START, ["field_2"])
    assert len(page.chrome.find_elements("css selector", "#curve .points circle")) == status.counts["computed"]
    page.press_on("#curve svg", Keys.END, Keys.ARROW_LEFT, Keys.ENTER)
    page.find("#provenance h3", "1 May 2025")
    page.find(".provenance", "S2")
    page.find(".provenance", "scl-dilated@1")
    picture = page.find(".strip img")
    story.person.until(lambda: page.run("return arguments[0].naturalWidth", picture) > 0, "the picture")
    page.press_on(".compare input", "field_3", Keys.ENTER)
    page.find(".chip", "field_3")
    assert len(page.chrome.find_elements("css selector", "#curve .points")) == 2
    download = page.find("#field a[href*='format=csv']").get_attribute("href")
    rows = page.chrome.execute_async_script("fetch(arguments[0]).then(a => a.text()).then(arguments[1])", download)
    assert {row["field_id"] for row in csv.DictReader(StringIO(rows))} == {"field_2", "field_3"}


def test_a_link_leads_back_to_what_was_shown(page: Browser) -> None:
    page.open(f"{PAGE}#view=days&date=2025-04-19&field=field_3")
    page.find("#field-title", "field_3")
    page.find("#days-canvas")
    page.click("[data-view=list]")
    page.find("#list-rows", "field_4")
    page.chrome.back()
    page.find("#days-canvas")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("shown", ["#view=map", "#field=field_1,field_2", "#view=days"])
def test_nobody_is_kept_out(page: Browser, theme: str, shown: str) -> None:
    page.resize(theme=theme)
    page.open(PAGE + shown)
    page.find("#summary", "5 fields")
    assert page.run("return document.documentElement.dataset.theme") == theme
    assert page.serious_issues() == []


@pytest.mark.parametrize("shown", ["#view=map", "#field=field_1", "#view=days"])
def test_a_telephone_shows_all_of_it(page: Browser, shown: str) -> None:
    page.resize(width=360, height=740)
    page.open(PAGE + shown)
    page.find("#summary", "5 fields")
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")
    assert page.serious_issues() == []


def test_it_is_a_page_of_airflow(page: Browser) -> None:
    page.run("localStorage.setItem('theme', 'dark')")
    page.open("/")
    page.find("a[href$='/plugin/ndvi-fields']").click()
    page.chrome.switch_to.frame(page.find("iframe"))
    page.find("#summary", "5 fields")
    assert page.run("return document.documentElement.dataset.theme") == "dark"
    page.chrome.switch_to.default_content()
    page.run("localStorage.removeItem('theme')")


def test_no_error_was_written_to_the_console_and_no_other_host_was_asked(browser: Browser) -> None:
    assert browser.problems() == []
    addresses = [urlsplit(url) for url in browser.asked()]
    hosts = {one.netloc for one in addresses if one.scheme in ("http", "https", "ws", "wss")}
    assert hosts == {urlsplit(browser.url).netloc}

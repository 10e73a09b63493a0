"""The season of a field on the page, in a real browser: what it draws and says are the numbers that were computed.

Maize on ten fields grows alike; an eleventh falls behind in June and bore barley before. Another field has a single
value, and one is registered after the seasons were computed.
"""

import csv
import re
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from selenium.webdriver import Keys
from support.browser import NEEDS_BROWSER, Browser
from support.country import Country, crop, grown
from support.models import a_field, square
from support.web import Server, SignIn

from ndvi_core.models.field import Field
from ndvi_core.models.observation import Observation

pytestmark = NEEDS_BROWSER

BARLEY, PLANTED = date(2024, 10, 1), date(2025, 4, 1)
AGE = 100
"""Days since planting of the last recorded day."""
GAP = range(21, 50)
"""Days since planting without a pass."""
HIDDEN = 65
"""Day since planting on which a cloud was not recognised."""
LAST = PLANTED + timedelta(days=AGE)
PASSES = [day for day in range(0, AGE + 1, 5) if day not in GAP]


def behind(day: int) -> float:
    """Maize that stays behind from day 70 on, and a cloud."""
    return 0.12 if day == HIDDEN else crop(day) - max(day - 70, 0) * 0.012


def maize(name: str, number: int, **changes: Any) -> Field:
    return a_field(name, square(number * 0.02), **{"plant_type": "silage_maize", "plant_date": PLANTED, **changes})


def seen(field: Field, days: Any, curve: Any = crop) -> list[Observation]:
    rows = grown(field, days, curve, ndvi_std=0.05)
    return [
        row.model_copy(update={"valid_fraction": 0.6 if number % 3 == 0 else 1.0}) for number, row in enumerate(rows)
    ]


@pytest.fixture(scope="module")
def registered(server: Server, country: Country) -> Server:
    slow, single, late = maize("slow", 0), maize("single", 20, plant_type="lupin"), maize("late", 30)
    before = maize("slow", 0, plant_type="barley", plant_date=BARLEY, end_date=date(2025, 3, 20))
    peers = [maize(f"peer_{number}", number) for number in range(1, 11)]
    country.register(before)
    country.register(slow, *peers, single)
    country.record(seen(before, range(0, 171, 6), lambda day: crop(day) * 0.9), until=before.end_date)
    country.record([row for field in peers for row in seen(field, PASSES, _shifted(field))])
    country.record([*seen(slow, PASSES, behind), *seen(single, [60])], until=LAST)
    country.season_run()
    country.register(late)
    country.record(seen(late, [60, 70, 80]), until=LAST)
    return server


def _shifted(field: Field) -> Any:
    """Maize that is a little greener or paler than others; the last value of the tenth is one that nothing confirms."""
    number = int(field.field_id.removeprefix("peer_"))
    return lambda day: crop(day) + (number - 5) * 0.012 - (0.25 if (number, day) == (10, AGE) else 0.0)


@pytest.fixture(scope="module")
def ask(registered: Server, sign_in: SignIn) -> Callable[..., Any]:
    """Ask the API as another program would."""
    client = sign_in("viewer")

    def ask(path: str, **parameters: str) -> Any:
        return client.get(f"api/{path}", params=parameters).raise_for_status().json()

    return ask


@pytest.fixture(scope="module")
def browser(registered: Server, signed_in: Browser) -> Browser:
    return signed_in


@pytest.fixture
def page(browser: Browser) -> Browser:
    browser.resize()
    return browser


def show(page: Browser, address: str) -> None:
    page.open(f"/ndvi/#{address}")
    page.find("#curve svg")


def numbers(page: Browser, selector: str, attribute: str) -> list[float]:
    script = "return [...document.querySelectorAll(arguments[0])].map(one => Number(one.getAttribute(arguments[1])))"
    return page.run(script, selector, attribute)


class Axes:
    """Day and value of a place in the curve, by its ticks and by two of its points."""

    def __init__(self, page: Browser) -> None:
        heights = numbers(page, "#curve .axes text[text-anchor]", "y")
        ticks = page.run(
            "return [...document.querySelectorAll('#curve .axes text[text-anchor]')].map(t => t.textContent)"
        )
        low, high = float(ticks[0]), float(ticks[-1])
        self._value = lambda y: low + (heights[0] - 4 - y) / (heights[0] - heights[-1]) * (high - low)
        xs = numbers(page, "#curve .points circle", "cx")
        first, last = min(xs), max(xs)
        self._day = lambda x: (x - first) / (last - first) * AGE

    def places(self, path: str) -> dict[int, float]:
        """Return the values of a path by days since planting."""
        pairs = re.findall(r"([\d.]+) ([\d.]+)", path)
        return dict(self.place(float(x), float(y)) for x, y in pairs)

    def place(self, x: float, y: float) -> tuple[int, float]:
        return round(self._day(x)), self._value(y)


def paths(page: Browser, selector: str) -> list[str]:
    return page.run("return [...document.querySelectorAll(arguments[0])].map(one => one.getAttribute('d'))", selector)


def test_the_curve_is_what_was_computed(page: Browser, ask: Callable[..., Any]) -> None:
    series = ask("fields/slow/series", season="2025", index="ndvi")
    show(page, "field=slow")
    axes = Axes(page)
    solid = [axes.places(path) for path in paths(page, "#curve .smoothed path:not(.gap)")]
    (dashed,) = [axes.places(path) for path in paths(page, "#curve .smoothed path.gap")]
    drawn = {day: value for part in (*solid, dashed) for day, value in part.items()}
    assert drawn == pytest.approx(dict(enumerate(series["smoothed"])), abs=0.003)
    far = {day for day, is_gap in enumerate(series["gap"]) if is_gap}
    assert set(dashed) == far | {min(far) - 1, max(far) + 1}
    assert far < set(GAP)
    points = zip(*(numbers(page, "#curve .points .value", at) for at in ("cx", "cy")), strict=True)
    observed = {day: value for day, value in enumerate(series["observed"]) if value is not None and day != HIDDEN}
    assert dict(axes.place(*point) for point in points) == pytest.approx(observed, abs=0.003)
    (band,) = paths(page, "#curve .band.error")
    lower = axes.places(band)  # the way back is along the lower edge
    expected = {day: value - 2 * series["error"][day] for day, value in enumerate(series["smoothed"])}
    assert lower == pytest.approx(expected, abs=0.003)


def test_an_outlier_and_a_value_that_nothing_confirms_look_otherwise_and_say_so(page: Browser) -> None:
    show(page, "field=slow")
    assert len(paths(page, "#curve .points path.outlier")) == 1
    assert len(numbers(page, "#curve .points circle.value", "cx")) == len(PASSES) - 1
    page.press_on("#curve svg", *[Keys.ARROW_RIGHT] * (PASSES.index(HIDDEN) + 1))
    hidden = PLANTED + timedelta(days=HIDDEN)
    title, observed, *more = page.text("#tooltip").splitlines()
    assert title == f"slow, {hidden.day} Jun 2025"
    assert observed.startswith("NDVI 0.12")
    assert "outlier: does not count" in more
    page.click("#field details[data-keep=table] summary")
    assert (
        page.text(f"#field tr:nth-child({len(PASSES) - PASSES.index(HIDDEN)}) td:last-child") == "computed, an outlier"
    )
    show(page, "field=peer_10")
    assert len(numbers(page, "#curve .points circle.provisional", "cx")) == 1
    page.press_on("#curve svg", Keys.END)
    assert "provisional: counts little until the next value" in page.text("#tooltip")


def test_peers_are_shown_where_there_are_enough(page: Browser, ask: Callable[..., Any]) -> None:
    series = ask("fields/slow/series", season="2025", index="ndvi")
    show(page, "field=slow")
    axes = Axes(page)
    (median,) = [axes.places(path) for path in paths(page, "#curve .peers > path")]
    assert median == pytest.approx(dict(enumerate(series["peers_median"])), abs=0.003)
    (band,) = [axes.places(path) for path in paths(page, "#curve .peers .band")]
    assert band[80] == pytest.approx(series["peers_median"][80] - series["peers_mad"][80], abs=0.003)
    assert "Median of 11 fields of silage maize" in page.text("#curve-key")
    show(page, "field=slow&season=2024")
    assert paths(page, "#curve .peers path") == []
    assert "Too few fields of barley to compare with" in page.text("#curve-key")


def test_start_peak_and_end_are_said_and_marked(page: Browser, ask: Callable[..., Any]) -> None:
    barley, now = ask("fields/slow/seasons")
    show(page, "field=slow&season=2024")
    figures = barley["indices"]["ndvi"]
    said = page.text("#phenology").splitlines()
    start, peak, end = (date.fromisoformat(figures[name]) for name in ("start", "peak", "end"))
    assert said == [
        "Start of season",
        f"{start:%-d %b %Y}",
        "Peak",
        f"{figures['peak_value']:.2f} on {peak:%-d %b %Y}",
        "End of season",
        f"{end:%-d %b %Y}",
        "Length",
        f"{(end - start).days} days",
    ]
    assert len(paths(page, "#curve .phenology path")) == 3
    show(page, "field=slow")
    assert now["indices"]["ndvi"]["end_reason"] == "not_over"
    assert page.text("#phenology").splitlines()[-2:] == ["End of season", "not yet"]
    assert len(paths(page, "#curve .phenology path")) == 2


def test_a_season_is_picked_and_everything_is_of_it(page: Browser) -> None:
    show(page, "field=slow")
    options = page.find("#season").find_elements("css selector", "option")
    assert [one.text for one in options] == ["silage maize, since 1 Apr 2025", "barley, 1 Oct 2024 to 20 Mar 2025"]
    options[1].click()
    page.find("#field .facts", "1 Oct 2024")
    assert "season=2024" in page.run("return location.hash")
    assert page.text("#field .facts").splitlines()[:6] == [
        "Crop",
        "barley",
        "Planted",
        "1 Oct 2024",
        "Ends",
        "20 Mar 2025",
    ]
    assert len(numbers(page, "#curve .points circle", "cx")) == 29
    for file in ("CSV", "Daily series (CSV)"):
        rows = downloaded(page, file)
        assert {row["season"] for row in rows} == {"2024"}
        assert {row["plant_type"] for row in rows} == {"barley"}
    page.chrome.back()
    page.find("#field .facts", "1 Apr 2025")
    assert len(numbers(page, "#curve .points circle", "cx")) == len(PASSES) - 1


def downloaded(page: Browser, words: str) -> list[dict[str, str]]:
    url = page.chrome.find_element("link text", words).get_attribute("href")
    text = page.chrome.execute_async_script("fetch(arguments[0]).then(a => a.text()).then(arguments[1])", url)
    return list(csv.DictReader(StringIO(text)))


def test_the_season_of_a_link_is_that_of_its_day(page: Browser) -> None:
    show(page, "field=slow&date=2024-12-05")
    assert "barley" in page.text("#field .facts")
    page.find("#provenance h3", "18 Mar 2025")  # the last value: that day has none
    page.press_on("#date", Keys.END)
    page.find("#field .facts", "silage maize")


def test_the_daily_series_is_a_file(page: Browser, ask: Callable[..., Any]) -> None:
    series = ask("fields/slow/series", season="2025", index="ndvi")
    show(page, "field=slow")
    rows = downloaded(page, "Daily series (CSV)")
    assert [row["day"] for row in rows] == series["day"]
    assert [float(row["smoothed"]) for row in rows] == series["smoothed"]


def test_events_are_flagged_and_listed_and_lead_to_their_day(page: Browser, ask: Callable[..., Any]) -> None:
    known = sorted(
        (one for one in ask("events", field="slow") if one["season"] == "2025"), key=lambda one: one["last_day"]
    )
    assert [one["kind"] for one in known] == ["no_value", "green_up", "below_peers"]
    show(page, "field=slow")
    below = known[2]
    assert page.text(".events").splitlines() == [
        "No value from 22 Apr 2025 (over)",
        f"Green-up, 21 Apr to 26 May 2025: NDVI {known[1]['before']:.2f}, then {known[1]['value']:.2f} (over)",
        f"Below its peers since {date.fromisoformat(below['first_day']):%-d %b %Y}: NDVI {below['value']:.2f}, "
        f"median of 11 fields of silage maize {below['before']:.2f}",
    ]
    flags = page.run("return [...document.querySelectorAll('#curve .flags text')].map(one => one.textContent)")
    assert flags == ["1", "2", "3"]
    page.press_on(".events li:last-child a", Keys.ENTER)
    page.find("#provenance h3", f"{date.fromisoformat(below['last_day']):%-d %b %Y}")
    assert f"date={below['last_day']}" in page.run("return location.hash")
    show(page, "field=slow&season=2024")
    assert page.text(".events").startswith("Green-up, ")


def test_a_field_with_one_value_has_a_point_and_no_line(page: Browser) -> None:
    show(page, "field=single")
    assert len(numbers(page, "#curve .points circle", "cx")) == 1
    assert paths(page, "#curve .smoothed path") == []
    assert page.text("#phenology").splitlines()[1] == "too few values"


def test_a_season_that_is_not_computed_says_so_until_it_is(page: Browser, country: Country) -> None:
    show(page, "field=late")
    assert len(numbers(page, "#curve .points circle", "cx")) == 3
    assert page.text("#phenology").startswith("This season's curve is not computed yet")
    assert page.chrome.find_elements("link text", "Daily series (CSV)") == []
    since = page.run("return window.openSince ??= Date.now()")
    country.season_run()
    page.find("#phenology", "Start of season")
    assert paths(page, "#curve .smoothed path") != []
    assert page.run("return window.openSince") == since


def test_earlier_seasons_are_behind_the_curve(page: Browser, ask: Callable[..., Any]) -> None:
    barley = ask("fields/slow/series", season="2024", index="ndvi")["smoothed"][: AGE + 1]
    show(page, "field=slow")
    axes = Axes(page)
    (line,) = [axes.places(path) for path in paths(page, "#curve .earlier path")]
    assert line == pytest.approx({day: value for day, value in enumerate(barley) if value is not None}, abs=0.003)
    assert page.text("#curve .earlier text") == "2024"
    assert "Smoothed earlier seasons, by days since planting: 2024 (barley)" in page.text("#curve-key")
    page.press_on("#align", Keys.ARROW_DOWN)
    page.find("#curve-key", "by day of the year")
    assert "align=year" in page.run("return location.hash")
    assert paths(page, "#curve .earlier path") == [], "barley was harvested before maize was planted"
    show(page, "field=slow&align=none")
    assert paths(page, "#curve .earlier path") == []
    show(page, "field=slow&season=2024")
    assert page.chrome.find_elements("css selector", "#align") == []


def test_an_earlier_season_that_cannot_be_loaded_is_named(page: Browser) -> None:
    with page.cut_off("*season=2024*"):
        show(page, "field=slow")
        assert "2024 (barley, not loaded: " in page.text("#curve-key")
        assert paths(page, "#curve .earlier path") == []
    page.wait(lambda: paths(page, "#curve .earlier path") != [], "the earlier season")
    assert "2024 (barley)" in page.text("#curve-key")


def test_every_day_on_the_axis_has_its_year(page: Browser) -> None:
    show(page, "field=slow")
    labels = page.run(
        "return [...document.querySelectorAll('#curve .axes text:not([text-anchor])')].map(one => one.textContent)"
    )
    assert labels[0] == "1 Apr 2025"
    assert all(label.endswith("2025") for label in labels)


def test_other_fields_are_compared_within_the_season(page: Browser) -> None:
    show(page, "field=slow,peer_1")
    lines = page.run("return [...document.querySelectorAll('#curve .smoothed')].map(one => one.children.length)")
    assert lines == [3, 3], "each solid, dashed over the gap, and solid again"
    assert len(numbers(page, "#curve .points circle", "cx")) == 2 * len(PASSES) - 1
    show(page, "field=slow,peer_1&season=2024")
    assert len(numbers(page, "#curve .points circle", "cx")) == 29, "the other field has no season in that time"


def test_numbers_that_cannot_be_loaded_keep_nobody_from_the_observations(page: Browser) -> None:
    page.chrome.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/series?*"]})
    try:
        show(page, "field=slow")
        assert "Airflow does not answer" in page.text("#phenology")
        assert len(numbers(page, "#curve .points circle", "cx")) == len(PASSES)
    finally:
        page.chrome.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})


def test_a_field_that_could_not_be_loaded_is_there_when_the_network_is(page: Browser) -> None:
    show(page, "field=slow")
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.chrome.execute_cdp_cmd("Network.emulateNetworkConditions", {**network, "offline": True})
    page.run("location.hash = '#field=peer_1'")
    page.find("#field .problem", "Airflow does not answer")
    page.chrome.execute_cdp_cmd("Network.emulateNetworkConditions", {**network, "offline": False})
    page.find("#field-title", "peer_1")
    page.find("#curve svg")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("shown", ["field=slow,peer_10", "field=slow&season=2024", "field=single"])
def test_nobody_is_kept_out(page: Browser, shown: str, width: int, theme: str) -> None:
    page.resize(width=width, theme=theme)
    show(page, shown)
    assert page.serious_issues() == []
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")


def test_no_error_was_written_to_the_console(browser: Browser) -> None:
    not_there = "/series?", "/overlays/", "/extent", "tiles.example", "ERR_INTERNET_DISCONNECTED"
    assert [problem for problem in browser.problems() if not any(words in problem for words in not_there)] == []

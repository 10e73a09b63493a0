"""The map and the days of the page, in a real browser: a farm on ground that one pass saw clear, and one white."""

import json
import math
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from selenium.webdriver import ActionChains, Keys
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Engine
from support.browser import NEEDS_BROWSER, Browser
from support.models import a_field, an_observation
from support.orders import make_order, put_order
from support.scenes import EPSG, LEFT, TOP, lonlat, make_scene, pixel_box, write_raster
from support.web import Server

from ndvi_core.compute import run_order
from ndvi_core.models.field import Field
from ndvi_core.models.work_order import Passes
from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger, recorded_days
from ndvi_core.storage.object_store import Store

pytestmark = NEEDS_BROWSER

SIZE = 400
"""Rows and columns of the image, 10 m each."""
PATCH = (slice(40, 60), slice(300, 330))
PLANTED, CLEAR, BROKEN, WHITE, LAST = (date(2025, 4, day) for day in (1, 2, 7, 12, 15))
MARGIN = 48
"""Pixels that the page leaves around what it shows."""
OUTLINES: dict[str, BaseGeometry] = {
    "inner": pixel_box(210, 110, 30, 30),
    "wheat": pixel_box(180, 80, 90, 100),
    "rye": pixel_box(180, 190, 90, 100),
    **{f"orchard_{n}": pixel_box(300 + 12 * (n // 8), 80 + 12 * (n % 8), 12, 12) for n in range(32)},
    "elsewhere": pixel_box(60_000, 60_000, 90, 90),
}
VALUES = {"inner": 0.9, "wheat": 0.1}
SPY = """
window.labels = [];
const { clearRect, fillRect, fillText } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
  if (this.canvas.id === "map" && x === 0 && y === 0 && width > 300) window.labels = [];
  fillRect.call(this, x, y, width, height);
};
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  if (this.canvas.id === "map" && this.font.includes("600")) {
    window.labels.push([text, x, y, this.measureText(text).width]);
  }
  fillText.call(this, text, x, y);
};
"""
"""Notes the names that are written on the map since its land was drawn."""

to_degrees = Transformer.from_crs(EPSG, 4326, always_xy=True).transform


def extent() -> tuple[float, float, float, float]:
    """Return west, south, east and north of the farm: all of the image but its edge."""
    west, south = to_degrees(LEFT + 300, TOP - 10 * SIZE + 300)
    east, north = to_degrees(LEFT + 10 * SIZE - 300, TOP - 300)
    return west, south, east, north


def mercator(longitude: float, latitude: float) -> tuple[float, float]:
    """Return the place in Web Mercator, in radians, southwards."""
    return math.radians(longitude), -math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))


@pytest.fixture(scope="module")
def farm(server: Server, s3_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found_a_farm(server.engine, server.bucket, tmp_path_factory.mktemp("scenes"))
    yield server
    server.empty()


def found_a_farm(engine: Engine, bucket: Store, folder: Path) -> None:
    """Write fields, what is known of them, and two pictures; one field lies 600 km from all others, by mistake."""
    clear, white = np.full((3, SIZE, SIZE), 60, np.uint8), np.full((3, SIZE, SIZE), 255, np.uint8)
    clear[(slice(None), *PATCH)] = np.array((250, 20, 20)).reshape(3, 1, 1)
    scenes = []
    for day, pixels in ((CLEAR, clear), (WHITE, white)):
        image = write_raster(folder / f"TCI_{day}.tif", pixels)
        scenes.append(make_scene(folder, day=day).model_copy(update={"visual": str(image)}))
    west, south, east, north = extent()
    order = make_order({"rye": OUTLINES["rye"]}, scenes, store=bucket)
    passes = Passes(uri=bucket.uri("passes"), scenes=(0, 1))
    drawn = order.model_copy(update={"passes": passes, "extent": f"{west!r},{south!r},{east!r},{north!r}"})
    run_order(put_order(bucket, drawn))
    box = shapely.geometry.mapping(shapely.box(west, south, east, north))
    bucket.write("staticdata/config/bbox.geojson", json.dumps(box).encode())
    fields = [a_field(name, lonlat(outline), plant_date=PLANTED) for name, outline in OUTLINES.items()]
    fields.append(a_field("later", lonlat(pixel_box(320, 200, 30, 30)), plant_date=date(2025, 4, 10)))
    with engine.begin() as connection:
        registry.upsert_fields(connection, fields, "file")
        rows = [row for field in fields for row in known(field)]
        ledger.upsert_observations(connection, rows, datetime(2025, 6, 1, tzinfo=UTC))
        recorded_days.mark_recorded(connection, LAST, PLANTED)


def known(field: Field) -> Iterator[Any]:
    for day in (date(2025, 4, number) for number in range(field.plant_date.day, 16)):
        if field.field_id == "elsewhere":
            yield an_observation(field, day, "outside_extent")
        elif day == CLEAR:
            yield an_observation(field, day, ndvi_mean=VALUES.get(field.field_id, 0.5), valid_fraction=1.0)
        elif day == WHITE:
            yield an_observation(field, day, "cloudy")
        elif (field.field_id, day) == ("rye", BROKEN):
            yield an_observation(field, day, "failed")
        elif (field.field_id, day) != ("orchard_3", LAST):
            yield an_observation(field, day, "no_scene")


@pytest.fixture(scope="module")
def browser(farm: Server, signed_in: Browser) -> Browser:
    signed_in.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SPY})
    return signed_in


@pytest.fixture
def page(browser: Browser) -> Browser:
    browser.resize()
    return browser


def show(page: Browser, address: str) -> None:
    page.open(f"/ndvi/#{address}")
    page.find("#ground-day", "Satellite")
    settled(page)


def settled(page: Browser, canvas: str = "map") -> None:
    """Wait until a canvas has looked the same for a moment."""
    page.chrome.execute_async_script(
        """
        const [id, done] = arguments;
        const map = document.getElementById(id);
        let last = "", same = 0;
        const look = () => {
          const now = map.toDataURL();
          same = now === last ? same + 1 : 0;
          last = now;
          if (same > 3) done(); else setTimeout(look, 200);
        };
        look();
        """,
        canvas,
    )


def red(page: Browser) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the red patch on the map, in pixels of the window."""
    return tuple(
        page.run(
            """
            const map = document.getElementById("map");
            const box = map.getBoundingClientRect();
            const { data, width } = map.getContext("2d").getImageData(0, 0, map.width, map.height);
            const found = [Infinity, Infinity, -Infinity, -Infinity];
            for (let at = 0; at < data.length; at += 4) {
              if (data[at] < 200 || data[at + 1] > 70 || data[at + 2] > 70) continue;
              const [x, y] = [box.left + ((at / 4) % width), box.top + Math.floor(at / 4 / width)];
              found[0] = Math.min(found[0], x);
              found[1] = Math.min(found[1], y);
              found[2] = Math.max(found[2], x + 1);
              found[3] = Math.max(found[3], y + 1);
            }
            return found;
            """
        )
    )


def place(page: Browser, outline: BaseGeometry) -> tuple[float, float]:
    """Return where the middle of an outline is in the window when the page shows the extent."""
    box = page.run("return document.getElementById('map').getBoundingClientRect().toJSON()")
    west, south, east, north = extent()
    (left, top), (right, bottom) = mercator(west, north), mercator(east, south)
    width, height = box["width"], box["height"]
    scale = min((width - 2 * MARGIN) / (right - left), (height - 2 * MARGIN) / (bottom - top))
    x, y = mercator(*to_degrees(outline.centroid.x, outline.centroid.y))
    middle = (left + right) / 2, (top + bottom) / 2
    return box["x"] + width / 2 + (x - middle[0]) * scale, box["y"] + height / 2 + (y - middle[1]) * scale


def colour(page: Browser, at: tuple[float, float]) -> list[int]:
    return page.run(
        """
        const map = document.getElementById("map");
        const box = map.getBoundingClientRect();
        const [x, y] = arguments[0];
        return Array.from(map.getContext("2d").getImageData(x - box.left, y - box.top, 1, 1).data.slice(0, 3));
        """,
        list(at),
    )


def pointer(page: Browser, at: tuple[float, float]) -> ActionChains:
    """Return actions that begin with the pointer at a place of the window."""
    chain = ActionChains(page.chrome, duration=0)
    chain.w3c_actions.pointer_action.move_to_location(round(at[0]), round(at[1]))
    return chain


def patch() -> BaseGeometry:
    (rows, columns) = PATCH
    return pixel_box(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)


def test_the_ground_lies_where_it_should_whatever_lies_elsewhere(page: Browser) -> None:
    show(page, f"view=map&date={LAST}")
    assert page.text("#ground-day") == "Satellite, 2 Apr 2025", "the last clear day"
    left, top, right, bottom = red(page)
    middle = (left + right) / 2, (top + bottom) / 2
    assert middle == pytest.approx(place(page, patch()), abs=1.6), "10 m are 1.6 pixels of the map"
    assert page.serious_issues() == []


def test_the_day_itself_lies_over_the_last_clear_one(page: Browser) -> None:
    show(page, f"view=map&date={WHITE}")
    assert page.text("#ground-day") == "Satellite, 12 Apr 2025"
    assert colour(page, place(page, patch())) == pytest.approx([255] * 3, abs=3)


def requests(page: Browser, part: str) -> int:
    """Return how often something was asked for that has this in its address."""
    return sum(part in address for address in page.asked())


def wait_for_request(page: Browser, part: str, known: int) -> None:
    end = time.monotonic() + 60
    while requests(page, part) == known:
        assert time.monotonic() < end, f"{part} was not asked for"


@pytest.mark.parametrize(("what", "part"), [("*/api/passes?*", "/api/passes?"), ("*/api/passes/*.json", "_L2A.json")])
def test_a_picture_of_which_nothing_could_be_loaded_comes_later(page: Browser, what: str, part: str) -> None:
    asked = requests(page, part)
    with page.cut_off(what):
        page.open(f"/ndvi/#view=map&date={LAST}")
        wait_for_request(page, part, asked)
        settled(page)
        assert red(page)[0] is None, "there is none yet"
    end = time.monotonic() + 60
    while time.monotonic() < end and red(page)[0] is None:
        time.sleep(0.5)
    left, top, right, bottom = red(page)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx(place(page, patch()), abs=1.6)
    page.find("#ground-day", "Satellite, 2 Apr 2025")


def test_the_ground_can_be_plain_and_stays_so(page: Browser) -> None:
    show(page, "view=map")
    page.click("#ground")
    settled(page)
    plain = colour(page, place(page, patch()))
    assert plain != pytest.approx([250, 20, 20], abs=30)
    show(page, "view=map")
    assert colour(page, place(page, patch())) == plain
    page.click("#ground")
    settled(page)
    assert colour(page, place(page, patch())) == pytest.approx([250, 20, 20], abs=12)


def test_a_field_on_another_one_is_seen_and_each_is_reached_and_the_map_stays(page: Browser) -> None:
    show(page, "view=map")
    inner = place(page, OUTLINES["inner"])
    beside = inner[0], inner[1] + 12  # not on the name
    assert colour(page, beside) == pytest.approx([0, 90, 46], abs=30), "0.9 is dark green"
    before = red(page)
    pointer(page, beside).perform()
    assert page.text("#tooltip").splitlines()[0] == "inner"
    assert "Also here: wheat. A further click opens the next one." in page.text("#tooltip")
    pointer(page, beside).click().perform()
    page.find("#field-title", "inner")
    settled(page)
    assert red(page)[:2] == before[:2], "the panel, which hides some of the patch, does not move the map"
    pointer(page, beside).click().perform()
    page.find("#field-title", "wheat")


def test_names_do_not_lie_on_one_another_and_what_is_open_is_named(page: Browser) -> None:
    show(page, "view=map&field=orchard_9")
    assert "orchard_9" in [text for text, *_ in page.run("return window.labels")]
    for _ in range(5):
        labels = page.run("return window.labels")
        boxes = [shapely.box(x - width / 2, y - 7, x + width / 2, y + 7) for _, x, y, width in labels]
        assert labels
        assert not any(one.intersects(other) for n, one in enumerate(boxes) for other in boxes[:n])
        page.press_on("#map", "+")
        settled(page)


def test_what_filters_leave_out_is_a_boundary_on_the_map(page: Browser) -> None:
    show(page, "view=map")
    wheat, rye = ((x, y + 24) for x, y in (place(page, OUTLINES[name]) for name in ("wheat", "rye")))
    ground = pytest.approx([60] * 3, abs=4)
    assert colour(page, rye) != ground
    show(page, "view=map&ids=wheat,inner")
    page.find("#filter-count", "2 fields of 37")
    assert colour(page, rye) == ground
    assert colour(page, wheat) != ground
    assert {text for text, *_ in page.run("return window.labels")} == {"wheat"}
    page.click("#filter-none")
    page.find("#filter-count", "37 fields")
    settled(page)
    assert colour(page, rye) != ground


def test_the_day_grid_has_the_fields_that_filters_leave(page: Browser) -> None:
    page.open("/ndvi/#view=days&find=orchard")
    assert page.find("#days-trouble", "missing").text == "1 day missing, of 1 field"
    page.press_on("#days-canvas", Keys.HOME)
    assert page.text("#days-selected").startswith("orchard_3, ")
    page.run("document.getElementById('find').select()")
    page.press_on("#find", "nothing")
    assert page.text("#days-none") == "No field is as the filters and the search say."
    assert page.text("#days-selected").startswith("Select cells")
    page.click("#filter-none")
    page.find("#days-trouble", "1 day failed, 1 day missing, of 2 fields")
    assert page.serious_issues() == []


def test_days_have_trouble_first_and_their_legend_is_as_drawn(page: Browser) -> None:
    page.open("/ndvi/#view=days")
    assert page.find("#days-trouble", "failed").text == "1 day failed, 1 day missing, of 2 fields"
    legend = page.text("#days-legend")
    assert legend.index("failed") < legend.index("missing") < legend.index("computed")
    page.press_on("#days-canvas", "\ue011", "\ue010")  # Home, End
    assert page.text("#days-selected").startswith(("rye, ", "orchard_3, "))
    page.find("#days-order").send_keys("by id")
    settled(page, "days-canvas")
    dashes = page.run(
        """
        const canvas = document.getElementById("days-canvas");
        const pen = canvas.getContext("2d");
        const row = arguments[0];
        const { data } = pen.getImageData(140, 40 + 24 * row + 12, canvas.width - 150, 1);
        let changes = 0;
        for (let at = 4; at < data.length; at += 4) if (Math.abs(data[at] - data[at - 4]) > 40) changes++;
        return changes;
        """,
        sorted([*OUTLINES, "later"]).index("later"),
    )
    assert dashes > 10, "later is not planted before the tenth"
    assert page.serious_issues() == []
    assert [problem for problem in page.problems() if "Failed to load" not in problem] == []

# /// script
# requires-python = ">=3.11"
# dependencies = ["pillow>=12", "selenium>=4.40"]
# ///
"""Make the pictures in docs/images again, of a laptop stack as `make demo` leaves it.

    eval "$(.venv/bin/python -m ndvi_airflow.local env)"
    .venv/bin/uv run docs/screenshots.py              # all of them, or those that are named
    .venv/bin/uv run docs/screenshots.py --looks DIR  # each view of the fields page instead, or some states

The looks are of what the stack has: before any upload, after `make demo`; `python -m benchmarks.page --looks DIR` makes
them of 10,000 fields. Each view is there whole and as it loads, without an API, with broken answers, for those who may
only read or not even that, and after the session has ended (`looks.py`); wide and light, narrow and dark.

It reads pages and fills in forms, but triggers and clears nothing. It needs Debian's packages chromium and
chromium-driver.
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

IMAGES = Path(__file__).parent / "images"
COLOURS = 256
PATIENCE_SECONDS = 60.0
STILL_SECONDS = 2.0
"""A page that has not changed for this time is taken to be complete."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

COMPUTE = "/dags/ndvi_daily/runs/scheduled__2025-06-25/tasks/compute/mapped"
"""Compute tasks of 2025-06-25, when a cloud and its shadow cover parts of the fields."""
GRID = "//*[@data-panel-id='main-panel']"
DETAILS = "//*[@data-panel-id='details-panel']"
TIDY = """
document.activeElement.blur();
document.querySelectorAll("[aria-label$='Details Panel']").forEach(handle => handle.style.visibility = "hidden");
"""
DIALOG = "//*[@data-scope='dialog' and @data-part='content']"


class Browser:
    """Chromium on one Airflow. Elements are named by XPath and waited for."""

    def __init__(self, url: str, profile: str) -> None:
        options = ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        self.url = url.rstrip("/")
        self.chrome = Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.chrome.get(f"{self.url}/api/v2/version")  # a page of the server, for what its interface remembers
        self.remember("log_wrap", "true")

    def open(self, path: str, width: int = 1120, height: int = 700, grid_percent: int = 20) -> None:
        """Open a page in a window of this size; the grid at its left takes `grid_percent` of the width."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        layout = {"details-panel,main-panel": {"expandToSizes": {}, "layout": [grid_percent, 100 - grid_percent]}}
        for direction in ("ltr", "rtl"):
            self.remember(f"react-resizable-panels:grid-{direction}", json.dumps(layout))
        self.chrome.get(self.url + path)

    def find(self, xpath: str) -> WebElement:
        """Wait until such an element is shown, and return the first one."""
        waiting = WebDriverWait(self.chrome, PATIENCE_SECONDS, ignored_exceptions=[WebDriverException])
        return waiting.until(
            lambda chrome: next(e for e in (*chrome.find_elements(By.XPATH, xpath), None) if not e or e.is_displayed()),
            f"not on {self.chrome.current_url}: {xpath}",
        )

    def click(self, xpath: str) -> None:
        self.find(xpath)
        self.settled()
        self.find(xpath).click()

    def click_if_there(self, xpath: str) -> bool:
        """Click an element if it is shown; return whether it is."""
        found = [one for one in self.chrome.find_elements(By.XPATH, xpath) if one.is_displayed()]
        for one in found[:1]:
            one.click()
        return bool(found)

    def press(self, *keys: str) -> None:
        self.settled()
        ActionChains(self.chrome).send_keys(*keys).perform()

    def settled(self) -> Image.Image:
        """Wait until the page does not change any more, and return its picture."""
        end = time.monotonic() + PATIENCE_SECONDS
        before = b""
        while (now := self.chrome.get_screenshot_as_png()) != before and time.monotonic() < end:
            before = now
            time.sleep(STILL_SECONDS)
        return Image.open(BytesIO(now)).convert("RGB")

    def save(self, name: str, xpath: str, down_to: str | None = None, margin: int = 8) -> None:
        """Save what is shown of an element, or of its upper part that ends with another element, in few colours."""
        self._tidy()
        page = self.settled()
        box, last = self.find(xpath).rect, self.find(down_to or xpath).rect
        left, top = max(box["x"] - margin, 0), max(box["y"] - margin, 0)
        right = min(box["x"] + box["width"] + margin, page.width)
        bottom = min(last["y"] + last["height"] + margin, page.height)
        picture = page.crop(tuple(map(round, (left, top, right, bottom))))
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)

    def _tidy(self) -> None:
        """Take the mouse and the text cursor off what they would highlight, and away the handle that lies over text."""
        mouse = ActionBuilder(self.chrome)
        mouse.pointer_action.move_to_location(0, 0)
        mouse.perform()
        self.chrome.execute_script(TIDY)

    def remember(self, key: str, value: str) -> None:
        self.chrome.execute_script("localStorage.setItem(arguments[0], arguments[1])", key, value)


def grid(browser: Browser) -> None:
    """All days of ndvi_daily."""
    browser.open("/dags/ndvi_daily", grid_percent=50)
    browser.click("//button[@aria-label='Options']")
    browser.click("//button[@role='combobox' and .='10']")
    browser.click("//*[@role='option' and @data-value='25']")
    browser.press(Keys.ESCAPE)
    browser.save("grid", GRID, down_to=f"{GRID}//a[.='watcher']")


def tasks(browser: Browser) -> None:
    """The compute tasks of a day, labelled with their fields."""
    browser.open(COMPUTE)
    browser.find("//a[.='field_1']")
    browser.save("tasks", DETAILS, down_to="//tbody", margin=0)


def clear(browser: Browser) -> None:
    """Clearing one field of one day."""
    browser.open(f"{COMPUTE}/1")
    browser.click("//button[contains(@aria-label, 'to clear')]")
    browser.find(f"{DIALOG}//td[contains(., 'record')]")
    browser.save("clear", DIALOG, margin=0)


def clear_days(browser: Browser) -> None:
    """Choosing one field on several days."""
    browser.open("/dags/ndvi_daily/tasks/compute/task_instances", height=740, grid_percent=8)
    browser.click(f"{DETAILS}//button[contains(., 'Filter')]")
    browser.click("//*[@role='menuitem' and .='Rendered Map Index']")
    browser.press("field_2", Keys.ENTER)
    for row in range(1, 3):
        browser.click(f"//tbody/tr[{row}]/td[1]//label")
    browser.save("clear_days", DETAILS, down_to="//body", margin=0)


def lineage(browser: Browser) -> None:
    """The way of the data, and what events contain."""
    browser.open("/assets", width=1300, height=672)
    browser.click("//a[.='ndvi_fields']")
    browser.find("//*[contains(@class, 'react-flow__node')][contains(., 'ndvi_observations')]")
    for _ in ("the event", "its list of fields"):
        browser.click("//*[contains(@class, 'codicon-folding-collapsed')]")
    browser.save("lineage", "//body")


def log(browser: Browser) -> None:
    """What a compute task read, what came out, and why a cell has no value."""
    browser.open(f"{COMPUTE}/1", grid_percent=8)
    browser.find("//*[contains(text(), 'manifest')]")
    first = innermost("1 cells of", "ancestor::*[@data-index][1]")
    browser.save("log", first, down_to=innermost("Command exited"), margin=0)


def form(browser: Browser) -> None:
    """ndvi_recompute by hand."""
    browser.open("/dags/ndvi_recompute", width=900, height=1160)
    browser.click("//button[@aria-label='Trigger Dag']")
    browser.find("//*[@name='element_field_ids']").send_keys("field_2\nfield_4")
    browser.find("//*[@name='element_start']").send_keys("06252025")
    browser.find("//*[@name='element_end']").send_keys("06282025")
    browser.click("//*[@name='element_force']/ancestor::label")
    parameters = innermost("Run Parameters", "ancestor::*[@data-part='item']")
    browser.save("form", parameters, down_to=f"{DIALOG}//button[contains(., 'Trigger')]")


def pictures(browser: Browser) -> None:
    """The link to the pictures of a late field's days, and where it leads."""
    browser.open("/dags/ndvi_catch_up/tasks/compute/task_instances?rendered_map_index=field_4", grid_percent=8)
    browser.click("//tbody//a[.='field_4']")
    browser.click("//a[contains(@href, '/details')]")
    link = "//a[.='NDVI pictures']"
    browser.save("link", DETAILS, down_to=link, margin=0)
    address = browser.find(link).get_attribute("href").removeprefix(browser.url)
    browser.open(address, width=1090, height=1400)
    browser.save("pictures", "//body", down_to="//li[not(.//img)]", margin=4)


def field(browser: Browser) -> None:
    """A partly clouded field."""
    browser.open("/ndvi/pictures/field_3/2025-06-25.png")
    browser.save("field", "//img", margin=0)


def documentation(browser: Browser) -> None:
    """What a DAG says of itself."""
    browser.open("/dags/ndvi_daily")
    browser.click("//button[@aria-label='Dag Docs']")
    dialog = browser.find(DIALOG)
    corner = dialog.size["width"] // 2 - 4, dialog.size["height"] // 2 - 4
    browser.settled()
    mouse = ActionChains(browser.chrome).move_to_element_with_offset(dialog, *corner)
    mouse.click_and_hold().move_by_offset(200, 10).release().perform()
    browser.save("documentation", DIALOG, margin=0)


def page_map(browser: Browser) -> None:
    """The map in Airflow, at the end of the season."""
    browser.open("/plugin/ndvi-fields#view=map", width=1180, height=710)
    browser.chrome.switch_to.frame(browser.find("//iframe"))
    browser.find("//*[@id='ground-day'][contains(., 'Satellite')]")
    browser.chrome.switch_to.default_content()
    browser.save("page_map", "//body", margin=0)


def page_changes(browser: Browser) -> None:
    """What has changed since the last pass."""
    browser.open("/ndvi/", width=1180, height=660)
    browser.find("//*[@id='changes']//section")
    browser.save("page_changes", "//body", margin=0)


def page_field(browser: Browser) -> None:
    """Two fields of a partly clouded day, compared."""
    browser.open("/ndvi/#field=field_3,field_4&date=2025-06-25", width=1180, height=1010)
    browser.find("//*[@id='provenance']//summary")
    browser.save("page_field", "//body", margin=0)


def page_days(browser: Browser) -> None:
    """The day grid with a selection."""
    browser.open("/ndvi/#view=days", width=900, height=400)
    browser.find("//*[@id='days-legend']/li")
    browser.chrome.execute_script("document.getElementById('days-canvas').focus()")
    browser.press(Keys.ARROW_DOWN, *(Keys.ARROW_LEFT,) * 4)
    keys = ActionChains(browser.chrome).key_down(Keys.SHIFT)
    keys.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, *(Keys.ARROW_LEFT,) * 2).key_up(Keys.SHIFT).perform()
    browser.save("page_days", "//body", margin=0)


@contextmanager
def meadows() -> Iterator[Path]:
    """Yield a file of which one field is good and one is not."""
    properties = {
        "object-type": "field",
        "object-id": "north_meadow",
        "plant-date": "2025-06-18",
        "plant-type": "clover",
    }
    corners = [[-0.835, 49.343], [-0.831, 49.343], [-0.831, 49.345], [-0.835, 49.345], [-0.835, 49.343]]
    lower = [[longitude + 0.007, latitude - 0.014] for longitude, latitude in corners]
    features = [
        {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [lower]}},
        {
            "type": "Feature",
            "properties": {**properties, "object-id": "south_meadow", "plant-date": "18.6.2025"},
            "geometry": {"type": "Polygon", "coordinates": [corners]},
        },
    ]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "meadows.geojson"
        file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        yield file


def page_upload(browser: Browser) -> None:
    """A file of which one field is good and one is not, before it is uploaded."""
    browser.open("/ndvi/#view=map", width=1180, height=620)
    with meadows() as file:
        browser.click("//*[@id='open-upload']")
        browser.find("//*[@id='upload-file']").send_keys(str(file))
        browser.find("//*[@id='upload-confirm']")
    browser.save("page_upload", "//body", margin=0)


def page_dark(browser: Browser) -> None:
    """The page on a telephone, dark."""
    browser.remember("theme", "dark")
    browser.open("/api/v2/version")
    browser.open("/ndvi/#view=map", width=360, height=740)
    browser.find("//*[@id='summary'][contains(., 'fields')]")
    browser.save("page_dark", "//body", margin=0)
    browser.remember("theme", "light")


def innermost(text: str, then: str = ".") -> str:
    """Return the XPath of the innermost element with a text, or of what is found from there."""
    return f"//*[contains(., '{text}') and not(*[contains(., '{text}')])]/{then}"


PICTURES: tuple[Callable[[Browser], None], ...] = (
    grid,
    tasks,
    clear,
    clear_days,
    lineage,
    log,
    form,
    pictures,
    field,
    documentation,
    page_changes,
    page_map,
    page_field,
    page_days,
    page_upload,
    page_dark,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--looks", type=Path, metavar="DIR", help="save each view of the fields page there instead")
    wanted = parser.parse_args()
    url = os.environ.get("AIRFLOW__API__BASE_URL")
    if url is None:
        raise SystemExit('AIRFLOW__API__BASE_URL is not set: eval "$(.venv/bin/python -m ndvi_airflow.local env)"')
    with TemporaryDirectory() as profile:
        browser = Browser(url, profile)
        try:
            if wanted.looks:
                from looks import looks

                return looks(browser, wanted.looks, wanted.names)
            for take in PICTURES:
                if not wanted.names or take.__name__ in wanted.names:
                    take(browser)
                    print(take.__name__)
        finally:
            browser.chrome.quit()


if __name__ == "__main__":
    main()

"""`make bench-page`: the fields page with many fields, in Chromium on this machine's Airflow.

Makes a registry of synthetic fields with a season of answers in a stack of its own, opens the page, and measures how
long it takes to be there, and a frame while the map is moved, zoomed and played and while the day grid is scrolled.
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import shapely
from sqlalchemy import Engine, text

from benchmarks.alone import alone
from ndvi_airflow.local import stack as local
from ndvi_airflow.local.config import ROOT, LocalSettings
from ndvi_airflow.local.stack import Stack
from ndvi_core.models.field import Field
from ndvi_core.registry import fields as registry

sys.path.insert(0, str(ROOT / "tests"))
from support.browser import Browser, a_browser

WEST, NORTH = 0.5, 49.5
PARCEL = 300.0
"""Metres from one field to the next."""
METRES_A_DEGREE = 111_320
CROPS = ("winter_wheat", "rapeseed", "maize", "sugar_beet", "grassland")
START = date(2025, 4, 1)
REVISIT = 3
"""Days from one pass to the next."""

OBSERVATIONS = text("""
    INSERT INTO observation (
        date, sequence, status, reason, ndvi_mean, ndvi_std, ndvi_valid_pixel_count, pixel_count, valid_fraction,
        cloud_fraction, scene_ids, mask_policy, algorithm_version, geometry_hash, fingerprint, planned_at)
    SELECT :start + day, sequence, status, CASE status WHEN 'computed' THEN NULL ELSE 'synthetic' END,
        CASE status WHEN 'computed' THEN 0.5 + 0.4 * sin((day + sequence % 60) / 30.0) END,
        CASE status WHEN 'computed' THEN 0.05 END,
        CASE status WHEN 'computed' THEN 600 ELSE 0 END, 600, CASE status WHEN 'computed' THEN 1 ELSE 0 END,
        CASE status WHEN 'cloudy' THEN 1 ELSE 0 END, '{}', 'scl@1', '1', geometry_hash, 'synthetic', now()
    FROM (
        SELECT sequence, geometry_hash, day, CASE
            WHEN day % :revisit > 0 THEN 'no_scene'
            WHEN hashint8(sequence / 40 + day * 7919) % 5 = 0 THEN 'cloudy'
            WHEN hashint8(sequence * 31 + day) % 997 = 0 THEN 'failed'
            ELSE 'computed' END AS status
        FROM field, generate_series(0, :days - 1) AS day
    ) AS cell
""")
LOADED = """
    const [mark] = performance.getEntriesByName("fields-shown");
    const answers = performance.getEntriesByType("resource").filter((one) => /api.(fields|grid)/.test(one.name));
    const ended = answers.map((one) => one.responseEnd).filter((end) => end < mark?.startTime);
    return mark && {there: mark.startTime, answered: Math.max(...ended)};
"""
FRAMES = """
    const [move, done] = [new Function("frame", arguments[0]), arguments[1]];
    const times = [];
    let before = performance.now();
    const next = (now) => {
        times.push(now - before);
        before = now;
        if (times.length > 90) return done(times.slice(1));
        move(times.length);
        requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
"""
MOVES = {
    "nothing": "",
    "moving the map, all fields in view": "const map = document.getElementById('map'); map.dispatchEvent("
    "new KeyboardEvent('keydown', {key: frame % 20 < 10 ? 'ArrowLeft' : 'ArrowRight'}))",
    "zooming by the wheel": "const map = document.getElementById('map'); map.dispatchEvent(new WheelEvent('wheel', "
    "{deltaY: frame % 60 < 30 ? -40 : 40, clientX: 500, clientY: 350, cancelable: true}))",
    "another day each frame": "const date = document.getElementById('date'); date.value = frame % 90; "
    "date.dispatchEvent(new Event('input'))",
    "scrolling the day grid": "document.getElementById('days-scroll').scrollTop = frame * 200",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=90)
    arguments = parser.parse_args()
    with alone(Path(".bench")), _stack(arguments.days) as stack:
        engine = stack.engine()
        _fill(engine, arguments.fields, arguments.days)
        engine.dispose()
        with a_browser(stack.url) as browser:
            _measure(browser, arguments.fields, arguments.days)


@contextmanager
def _stack(days: int) -> Iterator[Stack]:
    ports = dict.fromkeys(("airflow_port", "s3_port", "files_port", "stac_port"), 0)
    period = {"NDVI_START_DATE": str(START), "NDVI_END_DATE": str(START + timedelta(days - 1))}
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = LocalSettings(home=Path(folder) / "stack", **ports)
        try:
            yield local.up(settings, print, period)
        finally:
            local.down(settings, print)


def _fill(engine: Engine, count: int, days: int) -> None:
    """Register parcels side by side, each with a bent boundary, and give each of their days an answer."""
    random = np.random.default_rng(1)
    columns = math.ceil(math.sqrt(count))
    height = PARCEL / METRES_A_DEGREE
    width = height / math.cos(math.radians(NORTH))
    fields = []
    for number in range(count):
        row, column = divmod(number, columns)
        angles = np.sort(random.uniform(0, 2 * math.pi, 12))
        reach = random.uniform(0.3, 0.48, 12)
        x = WEST + (column + reach * np.cos(angles)) * width
        y = NORTH - (row + reach * np.sin(angles)) * height
        shape = shapely.convex_hull(shapely.MultiPoint(np.column_stack([x, y])))
        crop = CROPS[number % len(CROPS)]
        fields.append(Field(field_id=f"field_{number + 1}", geometry=shape, plant_type=crop, plant_date=START))
    with engine.begin() as connection:
        registry.upsert_fields(connection, fields, "synthetic")
        connection.execute(OBSERVATIONS, {"start": START, "days": days, "revisit": REVISIT})
        connection.execute(
            text("INSERT INTO recorded_day (date) SELECT :start + day FROM generate_series(0, :days - 1) AS day"),
            {"start": START, "days": days},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _measure(browser: Browser, count: int, days: int) -> None:
    browser.resize(1280, 800)
    browser.open("/ndvi/#view=map")
    browser.find("#summary", f"{count:,} fields")
    loads = [_load(browser, count) for _ in range(3)]
    there, answered = map(statistics.median, zip(*loads, strict=True))
    print(f"{count:,} fields, {days} days: there after {there:.1f} s, the API's last answer after {answered:.1f} s")
    print("| what | median frame, ms | 95 % within, ms |\n|---|---|---|")
    for what, move in MOVES.items():
        browser.click("[data-view=days]" if "grid" in what else "[data-view=map]")
        if "grid" not in what:
            browser.press_on("#map", "0")
        times = browser.chrome.execute_async_script(FRAMES, move)
        print(f"| {what} | {statistics.median(times):.0f} | {np.percentile(times, 95):.0f} |")


def _load(browser: Browser, count: int) -> tuple[float, float]:
    """Return the seconds from the request to the map with all fields, and to the last answer that it takes."""
    browser.open("/ndvi/#view=map")
    browser.find("#summary", f"{count:,} fields")
    while not (found := browser.run(LOADED)):
        time.sleep(0.1)
    return found["there"] / 1000, found["answered"] / 1000


if __name__ == "__main__":
    main()

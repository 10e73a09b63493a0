"""`make bench-page`: the fields page with many fields, in Chromium on this machine's Airflow, beside other libraries.

Makes a registry of synthetic fields with a season of answers in a stack of its own, opens the page, and measures how
long it takes until all fields are on the map and until everything is there, what the browser keeps, and a frame while
the map is moved, zoomed and played and while the day grid is scrolled. The same data, as files of GeoJSON and JSON
that need no database and no user, are shown by a plain page of Leaflet and one of MapLibre (`peers/`), which need npm.
With `--looks` it saves pictures of the page instead, in all states, to look at.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, ClassVar

import httpx
import numpy as np
import shapely
from sqlalchemy import Engine, text

from benchmarks.alone import alone
from benchmarks.api import api_client
from ndvi_airflow.local import stack as local
from ndvi_airflow.local.config import ROOT, LocalSettings
from ndvi_airflow.local.stack import Stack
from ndvi_core.models.field import Field
from ndvi_core.registry import fields as registry

sys.path.insert(0, str(ROOT / "tests"))
from support.browser import PATIENCE_SECONDS, Browser, a_browser

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
    ORDER BY day, sequence
""")
"""Day by day, as daily runs write them."""
LOADED = """
    const [picture, all] = ["map-shown", "all-shown"].map((name) => performance.getEntriesByName(name).at(-1));
    return all && {picture: picture.startTime, all: all.startTime, heap: performance.memory.usedJSHeapSize};
"""
FRAMES = """
    const [move, done] = [new Function("frame", arguments[0]), arguments[1]];
    const times = [];
    const began = performance.now();
    let before = began;
    const next = (now) => {
        times.push(now - before);
        before = now;
        if (times.length > 90 || now - began > 20_000) return done(times.slice(1));
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


PEERS = {"Leaflet": "leaflet.html", "MapLibre": "maplibre.html"}
PAN = "window.pan(frame)"
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, action="append", help="10,000 and then 100,000 unless said else")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--looks", type=Path, metavar="DIR", help="save pictures of 10,000 fields there instead")
    arguments = parser.parse_args()
    folder = Path(".bench").resolve()
    with alone(folder), _stack(arguments.days) as stack:
        if arguments.looks:
            _look(stack, (arguments.fields or [10_000])[0], arguments.days, arguments.looks)
            return
        peers = _install_peers(folder / "peers")
        lines = [f"load of the machine at the beginning: {os.getloadavg()[0]:.1f}\n"]
        for count in arguments.fields or (10_000, 100_000):
            engine = stack.engine()
            _fill(engine, count, arguments.days)
            engine.dispose()
            lines += _measure(stack.url, count, arguments.days, peers)
            (folder / "page.md").write_text("\n".join(lines))
    sys.stdout.write("\n".join(lines) + "\n")


def _install_peers(folder: Path) -> Path:
    """Install the libraries to compare with, of the versions in `peers/package.json`."""
    shutil.copytree(Path(__file__).with_name("peers"), folder, dirs_exist_ok=True)
    subprocess.run(["npm", "install", "--silent", "--prefix", folder], check=True)
    return folder


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
        connection.execute(text("TRUNCATE field, season, field_revision, observation, recorded_day CASCADE"))
        registry.upsert_fields(connection, fields, "synthetic")
        connection.execute(OBSERVATIONS, {"start": START, "days": days, "revisit": REVISIT})
        connection.execute(
            text("INSERT INTO recorded_day (date) SELECT :start + day FROM generate_series(0, :days - 1) AS day"),
            {"start": START, "days": days},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _look(stack: Stack, count: int, days: int, folder: Path) -> None:
    engine = stack.engine()
    _fill(engine, count, days)
    engine.dispose()
    environment = {**os.environ, "AIRFLOW__API__BASE_URL": stack.url}
    command = [sys.executable, ROOT / "docs" / "screenshots.py", "--looks", folder]
    subprocess.run(command, env=environment, check=True)


def _measure(url: str, count: int, days: int, peers: Path) -> list[str]:
    lines = [f"## {count:,} fields, {days} days\n"]
    lines += ["| page | all fields on the map, s | everything, s | JavaScript's heap, MB |", "|---|---|---|---|"]
    frames = ["| what | median frame, ms | 95 % within, ms |", "|---|---|---|"]
    with a_browser(url) as browser:
        browser.resize(1280, 800)
        lines.append(_loads(browser, "/ndvi/#view=map", "the fields page"))
        frames += [_frames(browser, what, move) for what, move in MOVES.items()]
    _write_files(url, peers)
    with _files(peers) as address:
        for name, page in PEERS.items():
            with a_browser(address) as browser:
                browser.resize(1280, 800)
                lines.append(_loads(browser, f"/{page}", name))
                frames.append(_frames(browser, f"moving the map, in {name}", PAN))
    return [*lines, "", *frames, ""]


def _loads(browser: Browser, path: str, name: str) -> str:
    """Return a row of the table: the medians of some times that a page is opened, each with an empty cache."""
    found = []
    for _ in range(ROUNDS):
        browser.chrome.execute_cdp_cmd("Network.clearBrowserCache", {})
        browser.open(path)
        end = time.monotonic() + PATIENCE_SECONDS
        while not (load := browser.run(LOADED)):
            if time.monotonic() > end:
                return f"| {name} | not within {PATIENCE_SECONDS} s | | |"
            time.sleep(0.1)
        found.append(load)
    picture, everything, heap = (statistics.median(load[key] for load in found) for key in ("picture", "all", "heap"))
    return f"| {name} | {picture / 1000:.1f} | {everything / 1000:.1f} | {heap / 1e6:.0f} |"


def _frames(browser: Browser, what: str, move: str) -> str:
    if move != PAN:
        browser.click("[data-view=days]" if "grid" in what else "[data-view=map]")
        if "grid" not in what:
            browser.press_on("#map", "0")
    browser.chrome.set_script_timeout(PATIENCE_SECONDS)
    times = browser.chrome.execute_async_script(FRAMES, move)
    return f"| {what} | {statistics.median(times):.0f} | {np.percentile(times, 95):.0f} |"


def _write_files(url: str, folder: Path) -> None:
    """Write what the API says of all fields and days as files, in one GeoJSON and one JSON."""
    with api_client(url) as client:
        features = [one for page in _pages(client, "fields?limit=5000&tolerance=5") for one in page["features"]]
        collection = {"type": "FeatureCollection", "features": features}
        (folder / "fields.json").write_text(json.dumps(collection, separators=(",", ":")))
        (folder / "days.json").write_text(json.dumps(list(_pages(client, "grid?limit=5000")), separators=(",", ":")))


def _pages(client: httpx.Client, path: str) -> Iterator[Any]:
    """Yield the pages of an answer."""
    answer = client.get(path).raise_for_status()
    yield answer.json()
    while "next" in answer.links:
        answer = client.get(answer.url.join(answer.links["next"]["url"])).raise_for_status()
        yield answer.json()


@contextmanager
def _files(folder: Path) -> Iterator[str]:
    """Serve a folder; yield its address."""
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    extensions_map: ClassVar = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    main()

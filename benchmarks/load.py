"""`make bench-load`: what a laptop stack bears: many uploads, a catch-up beside daily runs, many people on the page.

100 files are uploaded at once. When some days of their fields are recorded, 5,000 late fields come, and are caught up
while the daily runs go on for all. Then 50 people open the fields page, look for news as it does, and open fields.
"""

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Engine, func, select

from benchmarks.alone import alone
from benchmarks.api import api_client
from benchmarks.land import DAY, lonlat, make_fields
from benchmarks.pipeline import FOLDER, POLL_SECONDS, a_stack, scenes, seconds_of, warm, write_extent
from ndvi_airflow.defaults import CATCH_UP, DAILY
from ndvi_airflow.local.rest import Rest
from ndvi_core.models.field import Field
from ndvi_core.registry import fields as registry
from ndvi_core.registry import tables
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

UPLOADS = 100
DAYS = [DAY + timedelta(number) for number in range(20)]
BEFORE = 5
"""Days that are recorded at least before the late fields come."""
PAUSE_SECONDS = 6
"""From one look of the page for news to the next; as often somebody opens a field."""
FIRST = (
    *("session", "extent", "indices", "revisions", "columns/fields", "columns/boundaries?tolerance=0"),
    *("columns/seasons", f"columns/grid?start={DAYS[0]}&end={DAYS[-1]}", "standings", "events?limit=5000&status=open"),
)
"""What the page asks for when it is opened."""
OF_FIELD = ("fields/{}/observations?format=json", "fields/{}/seasons", "events?field={}")
"""What it asks for of a field."""

Answers = dict[str, list[float]]
"""Seconds of each answer, by what was asked for."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--late", type=int, default=5000, help="fields that come late")
    parser.add_argument("--users", type=int, default=50, help="people on the page")
    parser.add_argument("--seconds", type=int, default=60, help="how long they stay")
    wanted = parser.parse_args()
    settings = {
        "NDVI_CATALOGUE": "local",
        "NDVI_PRODUCTS": "none",
        "NDVI_START_DATE": str(DAYS[0]),
        "NDVI_END_DATE": str(DAYS[-1]),
    }
    outlines = lonlat(np.array(make_fields(UPLOADS + wanted.late)))
    with alone(FOLDER), scenes(len(DAYS)) as catalogue, a_stack({**settings, "STAC_API_URL": catalogue}) as stack:
        store, engine = write_extent(stack), stack.engine()
        warm(stack.rest)
        say(_upload(store, engine, outlines[:UPLOADS]))
        for line in _catch_up(stack.rest, engine, outlines[UPLOADS:]):
            say(line)
        for line in _visit(stack.url, wanted.users, wanted.seconds):
            say(line)
        engine.dispose()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def wait(is_so: Callable[[], bool]) -> float:
    """Return how many seconds it took until something was so."""
    began = time.monotonic()
    while not is_so():
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def _upload(store: Store, engine: Engine, outlines: Sequence[shapely.Polygon]) -> str:
    """Put a file for each field into the bucket at once, and wait until all fields are registered."""
    prefix = Settings().pending_prefix
    files = [_file(number, outline) for number, outline in enumerate(outlines, start=1)]
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda file: store.write(*file), [(f"{prefix}{name}.geojson", data) for name, data in files]))
    took = wait(lambda: not list(store.list(prefix)))
    if _count(engine, tables.field) != len(files):
        raise SystemExit(f"not all were registered: see {Settings().rejected_prefix}")
    return f"{len(files)} uploads at once: all registered and answered after {took:.0f} s"


def _file(number: int, outline: shapely.Polygon) -> tuple[str, bytes]:
    properties = {"object-id": f"field_{number}", "object-type": "field", "plant-type": "maize", "plant-date": str(DAY)}
    feature = {"type": "Feature", "properties": properties, "geometry": shapely.geometry.mapping(outline)}
    return f"field_{number}", json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()


def _catch_up(rest: Rest, engine: Engine, outlines: Sequence[shapely.Polygon]) -> Iterator[str]:
    """Register late fields amid daily runs, and wait until all fields have an answer for all days."""
    late = [
        Field(field_id=f"late_{number}", geometry=outline, plant_type="barley", plant_date=DAY)
        for number, outline in enumerate(outlines, start=1)
    ]
    rest.unpause(DAILY)
    wait(lambda: _count(engine, tables.recorded_day) >= BEFORE)
    with engine.begin() as connection:
        registry.upsert_fields(connection, late, "synthetic")
    began = time.time()
    rest.unpause(CATCH_UP)
    rest.trigger(CATCH_UP)
    wait(lambda: _count(engine, tables.observation) == (UPLOADS + len(late)) * len(DAYS))
    caught_up = max(seconds_of(run["end_date"]) for run in _ended(rest, CATCH_UP)) - began
    runs = _ended(rest, DAILY)
    before = [run for run in runs if seconds_of(run["start_date"]) < began]
    after = [run for run in runs if run not in before]
    published = max(seconds_of(run["end_date"]) for run in after) - began
    yield f"{len(before)} daily runs of {UPLOADS} fields, up to four at a time: {_lengths(before)}"
    yield f"{len(late)} late fields: caught up on those days after {caught_up:.0f} s"
    yield f"{len(after)} daily runs of all fields meanwhile: {_lengths(after)}, all ended after {published:.0f} s"


def _ended(rest: Rest, dag_id: str) -> list[dict[str, Any]]:
    wait(lambda: all(run["state"] in ("success", "failed") for run in rest.runs(dag_id)))
    return rest.runs(dag_id)


def _lengths(runs: Sequence[dict[str, Any]]) -> str:
    """Say how long runs took, and refuse those that failed."""
    if any(run["state"] != "success" for run in runs):
        raise SystemExit("a run failed")
    each = [seconds_of(run["end_date"]) - seconds_of(run["start_date"]) for run in runs]
    return f"median {statistics.median(each):.0f} s, longest {max(each):.0f} s"


def _count(engine: Engine, table: Any) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _visit(url: str, users: int, seconds: int) -> Iterator[str]:
    """Yield a line for each kind of answer that people on the page waited for."""
    with ThreadPoolExecutor(users) as pool:
        found = list(pool.map(lambda number: _stay(url, number, seconds), range(users)))
    for what in found[0]:
        times = [one for answers in found for one in answers[what]]
        median, most = np.percentile(times, (50, 95))
        yield f"{users} users, {what}: {len(times)} answers, median {median:.2f} s, 95 % within {most:.2f} s"


def _stay(url: str, number: int, seconds: int) -> Answers:
    """Open the page, look for news, and open fields, for a while; an answer that is none ends it."""
    answers: Answers = defaultdict(list)
    with api_client(url) as client:

        def ask(what: str, *paths: str) -> None:
            began = time.monotonic()
            for path in paths:
                client.get(path).raise_for_status()
            answers[what].append(time.monotonic() - began)

        end = time.monotonic() + seconds
        ask("the page's first answers", *FIRST)
        while time.monotonic() < end:
            time.sleep(PAUSE_SECONDS)
            ask("news", "revisions")
            ask("a field", *(path.format(f"late_{number + 1}") for path in OF_FIELD))
    return answers


if __name__ == "__main__":
    main()

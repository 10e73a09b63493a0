"""`make bench-plan`, second part: seasons of 180 days of many fields, from the ledger to files and events.

Each step is a process of its own over PostgreSQL and a folder, so that its time and its peak of memory are its own; the
peak of PostgreSQL's is not among them.
"""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, literal, select, text

from benchmarks.alone import alone
from benchmarks.launch import launch
from benchmarks.plan import ENVIRONMENT, FOLDER, of_registry
from ndvi_core.registry import database, stale_seasons
from ndvi_core.registry.tables import season
from ndvi_core.runs.folder import RunFolder
from ndvi_core.runs.season_plan import plan_seasons
from ndvi_core.runs.season_record import record_seasons
from ndvi_core.season_run.run import run_season_order
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

PLANTED = date(2025, 3, 1)
DAYS = 180
EACH = 5 / 2
"""Days from one observation to the next: two satellites over most of Europe."""

FIELDS = """
WITH new AS (
    INSERT INTO field (field_id, geometry, geometry_hash, west, south, east, north, source, caught_up)
    SELECT 'field-' || lpad(n::text, 7, '0'), decode(repeat('00', 93), 'hex'), substr(md5(n::text), 1, 16), 0, 0, 1, 1,
        's3://ndvi/staticdata/fields/processed/some.geojson', true
    FROM generate_series(1, :count) n RETURNING sequence, geometry_hash
)
INSERT INTO season (sequence, number, name, plant_type, plant_date, revision, geometry_hash, source)
SELECT sequence, 1, '2025', (ARRAY['winter_wheat', 'maize', 'barley', 'sugar_beet'])[sequence % 4 + 1],
    :planted - (sequence % 20)::int, 1, geometry_hash, 's3://ndvi/staticdata/fields/processed/some.geojson' FROM new
"""
ROWS = """
INSERT INTO observation (date, sequence, status, ndvi_mean, ndvi_std, ndvi_min, ndvi_max, ndvi_p10, ndvi_p25,
    ndvi_median, ndvi_p75, ndvi_p90, ndvi_valid_pixel_count, pixel_count, pure_pixel_count, valid_fraction,
    cloud_fraction, shadow_fraction, snow_fraction, nodata_fraction, acquired_at, platform, relative_orbit, sun_zenith,
    view_zenith, scene_ids, baseline, offset_rule, mask_policy, algorithm_version, geometry_hash, extent, fingerprint,
    planned_at)
SELECT :day, s.sequence, 'computed',
    greatest(0.05, 0.2 + 0.6 / (1 + exp((45 - d) / 6.0)) - 0.5 / (1 + exp((145 - d) / 9.0))
        + 0.03 * (random() + random() - 1) + 0.1 * (hashint8(s.sequence) % 100) / 100.0),
    .1, .1, .9, .2, .3, .5, .6, .7, 300, 300, 250, 0.5 + 0.5 * random(), 0, 0, 0, 0, now(), 'sentinel-2a', 51, 40, 5,
    ARRAY['S2A_31UYV_20250301_0_L2A'], '05.11', 'earth-search-c1@1', 'scl-dilated@1', '7', s.geometry_hash,
    '-10,36,32,70', substr(md5(random()::text), 1, 16), now()
FROM (SELECT *, :day - plant_date AS d FROM season) s WHERE d >= 0 ORDER BY s.sequence
"""


def fill(folder: RunFolder, settings: Settings, url: str, count: int) -> None:
    engine = create_engine(url)
    database.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text(FIELDS), {"count": count, "planted": PLANTED})
    day = 0.0
    while day < DAYS:
        with engine.begin() as connection:
            connection.execute(text(ROWS), {"day": PLANTED + timedelta(days=int(day))})
        day += EACH
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO recorded_day VALUES (:day)"), {"day": PLANTED + timedelta(days=DAYS - 1)})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    note(folder, settings, url, count)


def note(_: RunFolder, __: Settings, url: str, ___: int) -> None:
    """Note all seasons, as recording a day of all fields does."""
    with create_engine(url).begin() as connection:
        cells = select(season.c.sequence, literal(PLANTED + timedelta(days=DAYS - 1)).label("date")).subquery()
        stale_seasons.note_cells(connection, cells)


def plan(folder: RunFolder, settings: Settings, url: str, _: int) -> None:
    plan_seasons(folder, settings, create_engine(url))


def compute(folder: RunFolder, _: Settings, __: str, ___: int) -> None:
    run_season_order(folder.read_season_plan().order.uri)


def record(folder: RunFolder, settings: Settings, url: str, _: int) -> None:
    record_seasons(folder, settings, create_engine(url))


STEPS: dict[str, Callable[[RunFolder, Settings, str, int], None]] = {
    "fill": fill,
    "plan": plan,
    "compute": compute,
    "record": record,
    "note": note,
    "plan again": plan,
    "compute again": compute,
    "record again": record,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, action="append", help="10000 and 100000 unless given")
    parser.add_argument("--step", nargs=3, metavar=("STEP", "FOLDER", "DATABASE"), help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.step:
        name, folder, url = wanted.step
        settings = Settings(start_date=PLANTED)
        run = RunFolder.of(Store(f"file://{folder}"), settings, "ndvi_season", "again" if "again" in name else "first")
        STEPS[name](run, settings, url, wanted.fields[0])
        return
    with alone(FOLDER):
        report = [of_registry(count, _measure) for count in wanted.fields or (10_000, 100_000)]
    (FOLDER / "seasons.json").write_text(json.dumps(report, indent=1))
    sys.stdout.write(_markdown(report))


def _measure(count: int, folder: Path, url: str) -> dict[str, Any]:
    steps = {}
    for name in STEPS:
        command = [sys.executable, "-m", "benchmarks.seasons", "--fields", str(count), "--step", name, str(folder), url]
        steps[name] = launch(command, folder.with_suffix(".log"), ENVIRONMENT)
        sys.stderr.write(f"{count} fields: {name}: {steps[name]}\n")
    sizes = {
        name: sum(file.stat().st_size for file in (folder / name).rglob("*.parquet"))
        for name in ("seasons/series", "seasons/summaries", "events", "runs/ndvi_season/again/orders")
    }
    return {"fields": count, "steps": steps, "bytes": sizes}


def _markdown(report: list[dict[str, Any]]) -> str:
    shown = [name for name in STEPS if name != "fill"]
    lines = ["| fields | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for entry in report:
        cells = [f"{entry['steps'][name]['wall']:.1f} s, {entry['steps'][name]['rss']:.0f} MB" for name in shown]
        lines.append(f"| {entry['fields']:,} | {' | '.join(cells)} |")
    for entry in report:
        each = ", ".join(f"{name} {size / entry['fields']:.0f} bytes a field" for name, size in entry["bytes"].items())
        lines += ["", f"{entry['fields']:,} fields: {each}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

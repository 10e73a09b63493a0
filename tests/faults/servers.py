"""What the work is done on: real servers behind proxies, and the process of which its steps are forks."""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import psutil
import pytest
from faults.proxy import Proxy, serve
from faults.schedule import Fault
from shapely.affinity import scale
from shapely.geometry import mapping, shape
from sqlalchemy import create_engine

from ndvi_airflow.local.services import S3, Files, Postgres, Service, start_files, start_postgres, start_s3, start_stac
from ndvi_core.registry import database
from ndvi_core.sample.farm import Season
from ndvi_core.sample.season import write_season

START, END = date(2025, 4, 16), date(2025, 4, 24)
BUCKET, TEMPLATE = "ndvi", "ndvi_template"
HELD_SECONDS = 5
"""A request is held no longer."""

FAKETIME = next(map(str, Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
"""The library that makes clocks wrong, Debian's libfaketime; without it all are right."""
FAKETIME_OPTIONS = {"FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

IMPORTED = (
    "boto3",
    "ndvi_core.catalog.search",
    "ndvi_core.compute",
    "ndvi_core.season_run.run",
    "ndvi_core.storage.geoparquet",
    "ndvi_core.zonal.observe",
    "obstore.store",
    "pystac_client.stac_api_io",
    "sqlalchemy.dialects.postgresql.psycopg",
)
"""What steps import where they use it."""
PROCESSES = get_context("forkserver")
"""What steps are forks of."""


@dataclass
class Lane:
    """The ways of one process to the servers."""

    s3: Proxy
    stac: Proxy
    process: ForkServerProcess | None = None
    is_held: Event = field(default_factory=Event)

    def hold(self, other: "Lane") -> None:
        """Wait until another process has ended, but not for ever: it may be waiting for a lock of this one."""
        self.is_held.set()
        end = time.monotonic() + HELD_SECONDS
        while other.is_at_work() and time.monotonic() < end:
            time.sleep(0.05)

    def is_at_work(self) -> bool:
        return self.process is not None and self.process.pid is not None and psutil.pid_exists(self.process.pid)

    def kill(self) -> None:
        """End the process that is at work."""
        assert self.process is not None
        self.process.kill()


@dataclass
class Servers:
    """Real servers, with proxies before them."""

    folder: Path
    database_folder: Path
    season: Season
    corrections: Path
    """Of dates and a boundary of the season's first fields."""
    postgres: Postgres
    s3: S3
    files: Files
    stac: Service
    scenes: Proxy
    lanes: tuple[Lane, ...]

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        return self.scenes, *(proxy for lane in self.lanes for proxy in (lane.s3, lane.stac))

    def restart_database(self) -> None:
        """Stop PostgreSQL, which ends its connections, and start it on the same data."""
        self.postgres.stop()
        self.postgres = start_postgres(self.database_folder)


def _start_forkserver() -> None:
    """Start the process of which steps are forks: it has imported all that a step needs, which takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        if FAKETIME:
            # Which looks at each question for the time how far a step's clock is off.
            for name, value in {"LD_PRELOAD": FAKETIME, "FAKETIME": "+0", **FAKETIME_OPTIONS}.items():
                patch.setenv(name, value)
        PROCESSES.set_forkserver_preload(["faults.step", *IMPORTED])
        forkserver.ensure_running()


def start(folder: Path, stack: ExitStack) -> Servers:
    """Start the servers, which end with the stack."""
    _start_forkserver()
    season = Season(folder / "season")
    files = start_files(season.scenes, log=folder / "files.log")
    stack.callback(files.stop)
    servers: Servers

    def lane(number: int) -> Callable[[Fault], None]:
        def do(fault: Fault) -> None:
            this, other = servers.lanes[number], servers.lanes[1 - number]
            if fault.kind == "database_restarts":
                servers.restart_database()
            elif fault.kind == "held":
                this.hold(other)
            elif fault.kind == "waits":
                other.is_held.wait(HELD_SECONDS)
            else:
                this.kill()

        return do

    scenes = stack.enter_context(serve(Proxy("scenes", files.url, lane(0))))
    write_season(season.folder, scenes.url, START, END)
    stac = start_stac([season.collection, season.items], log=folder / "stac.log")
    stack.callback(stac.stop)
    s3 = start_s3(folder / "s3", buckets=[BUCKET])
    stack.callback(s3.stop)
    lanes = tuple(
        Lane(
            stack.enter_context(serve(Proxy("s3", s3.url, lane(number)))),
            stack.enter_context(serve(Proxy("stac", stac.url, lane(number)))),
        )
        for number in (0, 1)
    )
    # Not in pytest's own folders: another pytest of the same user closes those to the user that the server runs as.
    database_folder = Path(stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))) / "data"
    servers = Servers(
        folder=folder,
        database_folder=database_folder,
        season=season,
        corrections=_write_corrections(season, folder / "corrections.geojson"),
        postgres=start_postgres(database_folder),
        s3=s3,
        files=files,
        stac=stac,
        scenes=scenes,
        lanes=lanes,
    )
    stack.callback(lambda: servers.postgres.stop())
    engine = create_engine(servers.postgres.url(TEMPLATE))
    database.upgrade(engine)
    engine.dispose()
    return servers


def _write_corrections(season: Season, file: Path) -> Path:
    """Write a file that corrects each of the first fields: a later plant date, a smaller boundary, an earlier date."""
    fields = json.loads(season.fields.read_text())
    later, smaller, earlier = fields["features"]
    later["properties"]["plant-date"] = str(START + timedelta(days=1))
    smaller["geometry"] = mapping(scale(shape(smaller["geometry"]), 0.6, 0.8))
    earlier["properties"]["plant-date"] = str(START + timedelta(days=2))
    file.write_text(json.dumps(fields))
    return file

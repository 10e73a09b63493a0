"""The work: a farm's fields come, days are computed, late fields are caught up, seasons follow; step by step."""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from uuid import uuid4

import psutil
import pytest
from faults.proxy import Proxy, serve
from faults.schedule import Fault, Schedule, Server
from faults.step import Call, work
from shapely.affinity import scale
from shapely.geometry import mapping, shape
from sqlalchemy import create_engine, text

from ndvi_airflow.local.services import S3, Files, Postgres, Service, start_files, start_postgres, start_s3, start_stac
from ndvi_core.registry import database
from ndvi_core.runs.folder import RunFolder
from ndvi_core.sample.farm import Season
from ndvi_core.sample.season import write_season
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

START, END = date(2025, 4, 16), date(2025, 4, 24)
DAILY = (date(2025, 4, 16), date(2025, 4, 19), date(2025, 4, 21), END)
"""Days of daily runs; those between them were left out, and are the catch-up's."""
BY_HAND = "field_1,field_2"
BUCKET, TEMPLATE = "ndvi", "ndvi_template"
TRIES = 12
"""Of a step: more than it can have faults."""
HELD_SECONDS = 5
"""A request is held no longer."""
WITHIN_SECONDS = 120
"""A step ends by then, or hangs."""
TOGETHER = (f"by_hand {BY_HAND} record", "catch_up 1 record")
"""Steps that are done at once; both publish some of the same days."""
UNREPAIRED = frozenset(f"{run} find_scenes" for run in (f"daily {END}", "catch_up 3"))
"""The searches after which no other one looks at the same days."""
LISTING = frozenset(("register 1", "register 2", "register 3", "season 1 plan", "season 2 plan"))
"""The steps that list a folder of the bucket before all else."""

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
_processes = get_context("forkserver")

Objects = dict[str, bytes]
Step = tuple[str, str, str, str | None]
"""Name, action, run and order."""


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
        _processes.set_forkserver_preload(["faults.farm", *IMPORTED])
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


class NeverDone(Exception):
    """A step fails however often it is done again."""


@dataclass(frozen=True)
class Failure:
    """A try of a step that did not end well."""

    step: str
    code: int | None
    """Exit code; negative for a signal; None for a process that did not end."""
    log: str


@dataclass
class Farm:
    """One run of the work under a schedule."""

    servers: Servers
    schedule: Schedule
    build: str | None = None
    name: str = field(default_factory=lambda: f"farm_{uuid4().hex[:12]}")
    points: dict[str, dict[Server, int]] = field(default_factory=dict)
    """Of each step: requests to each server in the try that succeeded."""
    failures: list[Failure] = field(default_factory=list)
    fired: list[Fault] = field(default_factory=list)
    after_each: Callable[["Farm", str], None] = lambda farm, step: None
    """Called after each try of a step."""
    _left: list[Fault] = field(default_factory=list)
    _tries: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._left = list(self.schedule.faults)
        self.folder = self.servers.folder / self.name
        self.folder.mkdir()
        self.settings = Settings(bucket_url=f"s3://{BUCKET}/{self.name}")
        self.store = Store(self.settings.bucket_url, self.servers.s3.environment)
        self._copy_database()

    @property
    def database(self) -> str:
        return self.servers.postgres.url(self.name)

    def _copy_database(self) -> None:
        server = create_engine(self.servers.postgres.url("postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {self.name} TEMPLATE {TEMPLATE}"))
        server.dispose()

    def work(self) -> None:
        """Do all of the work."""
        season = self.servers.season
        self.store.write(self.settings.extent_key, season.extent.read_bytes())
        second, third = season.late_fields, self.servers.corrections
        if self.schedule.uploads.corrections_first:
            second, third = third, second
        self.register(1, season.fields)
        self.run(f"daily {DAILY[0]}")
        self.register(2, second)
        self.run(f"daily {DAILY[1]}")
        self.seasons("season 1")
        self.register(3, third)
        self.run(f"by_hand {BY_HAND}", "catch_up 1")
        self.run(f"daily {DAILY[2]}")
        self.run("catch_up 2")
        self.run(f"daily {DAILY[3]}")
        self.run("catch_up 3")
        self.seasons("season 2")

    def register(self, number: int, file: Path) -> None:
        """Upload a file of fields, and take in what is pending until nothing is."""
        uploads = self.schedule.uploads
        for again in range(1 + uploads.again):
            for name in (file.name, f"copy_of_{file.name}")[: 1 + uploads.two_names]:
                self.store.write(f"{self.settings.pending_prefix}{name}", file.read_bytes())
            name = f"register {number}{' again' * again}"
            self.step(name, "register", name)
            for _ in range(TRIES):
                if not list(self.store.list(self.settings.pending_prefix)):
                    break
                self.step(name, "register", name)

    def run(self, *runs: str) -> None:
        """Search, plan and compute each run, then record all of them at once."""
        for run in runs:
            self.step(f"{run} find_scenes", "find_scenes", run)
            self.step(f"{run} plan", "plan", run)
            for number, order in enumerate(self._run_folder(run).read_plan().orders):
                if order.cells:
                    self.step(f"{run} compute {number}", "compute", run, order.uri)
        records = [(f"{run} record", "record", run, None) for run in runs]
        if self.schedule == Schedule():  # one after the other, so that the points are always the same
            for record in records:
                self.steps([record])
        else:
            self.steps(records)

    def seasons(self, run: str) -> None:
        """Compute the seasons that have changed, and record them."""
        self.step(f"{run} plan", "plan_seasons", run)
        self.step(f"{run} compute", "season", run, self._run_folder(run).read_season_plan().order.uri)
        self.step(f"{run} record", "record_seasons", run)

    def step(self, name: str, action: str, run: str, order: str | None = None) -> None:
        self.steps([(name, action, run, order)])

    def steps(self, steps: Sequence[Step]) -> None:
        """Do steps side by side; one that fails or is killed is done again, as an orchestrator would."""
        if len(steps) == 1 and steps[0][0] in self.schedule.twice:
            steps = [steps[0], steps[0]]
        left = list(steps)
        for _ in range(TRIES):
            left = self._try(left)
            if not left:
                return
        raise NeverDone(f"{left[0][0]} has failed {TRIES} times; the last time:\n{self.failures[-1].log}")

    def _try(self, steps: Sequence[Step]) -> list[Step]:
        """Try steps side by side, and return those that failed."""
        names = {name for name, *_ in steps}
        faults = [fault for fault in self._left if fault.step in names]
        for proxy in self.servers.proxies:
            proxy.arm([])
        running = []
        for lane, step in zip(self.servers.lanes, steps, strict=False):
            own = [fault for fault in faults if fault.step == step[0]]
            faults = [fault for fault in faults if fault not in own]
            for proxy in (lane.s3, lane.stac, *([self.servers.scenes] if lane is self.servers.lanes[0] else [])):
                proxy.arm(own)
            call = self._call(lane, step, tuple(fault for fault in own if fault.server == "database"))
            lane.is_held.clear()
            lane.process = _processes.Process(target=work, args=(call,))
            running.append((lane, step, call))
        for lane, *_ in running:
            lane.process.start()
        failed = []
        for lane, step, call in running:
            assert lane.process is not None
            lane.process.join(WITHIN_SECONDS)
            code = lane.process.exitcode
            if code != 0:
                lane.process.kill()
                self.failures.append(Failure(step[0], code, call.log.read_text()))
                failed.append(step)
            self._note(lane, step[0], call)
            self.after_each(self, step[0])
        return failed

    def _note(self, lane: Lane, step: str, call: Call) -> None:
        """Note what has happened in a try."""
        proxies = [lane.s3, lane.stac, *([self.servers.scenes] if lane is self.servers.lanes[0] else [])]
        self.points[step] = {proxy.server: proxy.requests for proxy in proxies}
        if call.statements.exists():
            self.points[step]["database"] = int(call.statements.read_text())
        said = call.log.read_text()
        fired = [fault for proxy in proxies for fault in proxy.fired]
        fired += [fault for fault in call.faults if f"fault: {fault}\n" in said]
        self.fired += fired
        self._left = [fault for fault in self._left if fault not in fired]

    def _call(self, lane: Lane, step: Step, faults: tuple[Fault, ...]) -> Call:
        name, action, run, order = step
        self._tries[name] += 1
        log = self.folder / f"{name} {self._tries[name]}.log"
        clock = self.schedule.clocks.get(name, "+0") if self._tries[name] == 1 else "+0"
        return Call(
            action=action,
            run=run,
            order=order,
            environment={
                **self.servers.s3.environment,
                "AWS_ENDPOINT_URL": lane.s3.url,
                "STAC_API_URL": lane.stac.url,
                "NDVI_CATALOGUE": "local",
                "NDVI_BUCKET_URL": self.settings.bucket_url,
                "NDVI_START_DATE": str(START),
                "NDVI_LOOK_BACK_DAYS": "10",
                "NDVI_FIELD_TASKS": "0",
                "FAKETIME": clock,
            },
            database=self.database,
            faults=faults,
            build=self.build,
            log=log,
            statements=log.with_suffix(".statements"),
        )

    def _run_folder(self, run: str) -> RunFolder:
        return RunFolder.of(self.store, self.settings, "test", run)

    def objects(self, *prefixes: str) -> Objects:
        """Return what is in the bucket, read behind the server's back."""
        root = self.servers.folder / "s3" / BUCKET / self.name
        files = (path for prefix in prefixes for path in sorted((root / prefix).rglob("*")) if path.is_file())
        return {str(path.relative_to(root)): path.read_bytes() for path in files}

    def files(self) -> tuple[Path, ...]:
        """Return the files of fields that are uploaded; later ones correct what earlier ones state."""
        return self.servers.season.fields, self.servers.season.late_fields, self.servers.corrections

    def plant_dates(self) -> dict[str, date]:
        """Return the plant date of each field that was uploaded."""
        features = [one for file in self.files() for one in json.loads(file.read_text())["features"]]
        stated = [one["properties"] for one in features]
        return {one["object-id"]: date.fromisoformat(one["plant-date"]) for one in stated}

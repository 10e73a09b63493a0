"""The work: a farm's fields come, days are computed, late fields are caught up, seasons follow; step by step."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import uuid4

from faults.schedule import Fault, Schedule, Server
from faults.servers import BUCKET, END, PROCESSES, START, TEMPLATE, Lane, Servers
from faults.step import Call, work
from sqlalchemy import create_engine, text

from ndvi_core.runs.folder import RunFolder
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

DAILY = (date(2025, 4, 16), date(2025, 4, 19), date(2025, 4, 21), END)
"""Days of daily runs; those between them were left out, and are the catch-up's."""
BY_HAND = "field_1,field_2"
TRIES = 12
"""Of a step: more than it can have faults."""
WITHIN_SECONDS = 120
"""A step ends by then, or hangs."""
UNFINISHED = ".rclone_temp_put_"
"""How the names begin of files that the S3 server has not received wholly."""
SETTLED_WITHIN = 10
"""Seconds until it has."""
TOGETHER = (f"by_hand {BY_HAND} record", "catch_up 1 record")
"""Steps that are done at once; both publish some of the same days."""
UNREPAIRED = frozenset(f"{run} find_scenes" for run in (f"daily {END}", "catch_up 3"))
"""The searches after which no other one looks at the same days."""
LISTING = frozenset(("register 1", "register 2", "register 3", "season 1 plan", "season 2 plan"))
"""The steps that list a folder of the bucket before all else."""

Objects = dict[str, bytes]
Step = tuple[str, str, str, str | None]
"""Name, action, run and order."""


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
    database: str = field(init=False)
    """URL of the registry."""
    _left: list[Fault] = field(default_factory=list)
    _tries: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._left = list(self.schedule.faults)
        self.folder = self.servers.folder / self.name
        self.folder.mkdir()
        self.settings = Settings(bucket_url=f"s3://{BUCKET}/{self.name}")
        self.store = Store(self.settings.bucket_url, self.servers.s3.environment)
        self.database = self._copy_database()

    def _copy_database(self) -> str:
        server = create_engine(self.servers.postgres.url("postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {self.name} TEMPLATE {TEMPLATE}"))
        server.dispose()
        return self.servers.postgres.url(self.name)

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
            lane.process = PROCESSES.Process(target=work, args=(call,))
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
        """Return what is in the bucket, read behind the server's back between two of its writes.

        While it replaces an object, it has removed the old one and not yet renamed the new one. A step that was killed
        may have asked for that.
        """
        root = self.servers.folder / "s3" / BUCKET / self.name
        for _ in range(SETTLED_WITHIN * 10):
            with suppress(FileNotFoundError):
                paths = _files_below(root, prefixes)
                found = {str(path.relative_to(root)): path.read_bytes() for path in paths}
                is_unfinished = any(path.name.startswith(UNFINISHED) for path in paths)
                if not is_unfinished and _files_below(root, prefixes) == paths:
                    return found
            time.sleep(0.1)
        raise NeverDone(f"the S3 server has been writing for {SETTLED_WITHIN} s")

    def files(self) -> tuple[Path, ...]:
        """Return the files of fields that are uploaded; later ones correct what earlier ones state."""
        return self.servers.season.fields, self.servers.season.late_fields, self.servers.corrections

    def plant_dates(self) -> dict[str, date]:
        """Return the plant date of each field that was uploaded."""
        features = [one for file in self.files() for one in json.loads(file.read_text())["features"]]
        stated = [one["properties"] for one in features]
        return {one["object-id"]: date.fromisoformat(one["plant-date"]) for one in stated}


def _files_below(root: Path, prefixes: Sequence[str]) -> list[Path]:
    return [path for prefix in prefixes for path in sorted((root / prefix).rglob("*")) if path.is_file()]

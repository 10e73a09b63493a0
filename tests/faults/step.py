"""A step of the work in a process of its own: what a task of the orchestrator does, with a database that may fail."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from faults.broken import BUILDS
from faults.schedule import Fault, Kind
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from ndvi_core import cli
from ndvi_core.errors import EXIT_DEFECT, NdviError
from ndvi_core.intake.pending import process_pending
from ndvi_core.raster.gdal import import_rasterio
from ndvi_core.runs.folder import RunFolder
from ndvi_core.runs.prepare import find_scenes, plan_run, search_scope
from ndvi_core.runs.record import publish_stale_days, record_run
from ndvi_core.runs.season_plan import plan_seasons
from ndvi_core.runs.season_record import record_seasons
from ndvi_core.runs.selection import Selection
from ndvi_core.runs.selectors import select_day, select_owed, select_range
from ndvi_core.settings import Settings, load_settings
from ndvi_core.storage.object_store import Store

import_rasterio()

REFUSALS: Mapping[Kind, str] = {
    "disk_full": "ERRCODE = 'disk_full', MESSAGE = 'could not extend file: No space left on device'",
    "deadlock": "ERRCODE = 'deadlock_detected', MESSAGE = 'deadlock detected'",
}
"""Errors by which PostgreSQL refuses a statement."""


@dataclass(frozen=True)
class Call:
    """What a process has to do, and with what."""

    action: str
    """One of `ACTIONS`."""
    run: str
    """The run it is a part of: `daily 2025-04-16`, `catch_up 1`, `by_hand field_1,field_2`, `season 1`."""
    order: str | None
    """URI of the order that it computes."""
    environment: Mapping[str, str]
    database: str
    faults: tuple[Fault, ...]
    """Of the database."""
    build: str | None
    """Of `BUILDS`, which breaks the product on purpose."""
    log: Path
    statements: Path
    """Where to say how many statements there were."""


def work(call: Call) -> None:
    """Do what a task does, and end the process as a task's ends."""
    with call.log.open("ab") as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    os.environ.update(call.environment)
    if call.build:
        BUILDS[call.build]()
    code = _code(call)
    sys.stderr.flush()
    os._exit(code)


def _code(call: Call) -> int:
    if call.order is not None:
        return cli.main([call.action, "--order", call.order])
    database = Database(call)
    settings = load_settings()
    folder = RunFolder.of(Store(settings.bucket_url), settings, "test", call.run)
    try:
        ACTIONS[call.action](folder, settings, database.engine, call.run)
    except Exception as error:
        traceback.print_exc()
        said = str(error).splitlines()[0]
        sys.stderr.write(f"{type(error).__module__}.{type(error).__name__}: {said}\n")
        return error.exit_code if isinstance(error, NdviError) else EXIT_DEFECT
    finally:
        call.statements.write_text(str(database.statements))
    return 0


class Database:
    """An engine whose statements are counted, and before some of which something happens."""

    def __init__(self, call: Call) -> None:
        self.engine = create_engine(call.database)
        self.statements = 0
        self._faults = list(call.faults)
        event.listen(self.engine, "before_cursor_execute", self._before_statement)
        event.listen(self.engine, "commit", self._before_commit)

    def _before_statement(self, connection: Connection, *_: Any) -> None:
        self._next(connection, at_commit=False)

    def _before_commit(self, connection: Connection) -> None:
        self._next(connection, at_commit=True)

    def _next(self, connection: Connection, *, at_commit: bool) -> None:
        self.statements += 1
        for fault in [one for one in self._faults if one.at <= self.statements]:
            if fault.kind in (REFUSALS if at_commit else ("commit_unanswered",)):
                continue
            self._faults.remove(fault)
            sys.stderr.write(f"fault: {fault}\n")
            sys.stderr.flush()
            if fault.kind == "killed_before":
                os.kill(os.getpid(), signal.SIGKILL)
            elif fault.kind == "connections_end":
                end_connections(str(self.engine.url.render_as_string(hide_password=False)))
            elif fault.kind in REFUSALS:
                # The server's own error: it ends the transaction too.
                connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION USING {REFUSALS[fault.kind]}; END $$")
            else:
                connection.connection.commit()
                raise OperationalError("COMMIT", None, psycopg.OperationalError("the connection was lost"))


def end_connections(url: str) -> None:
    """End all connections to a database."""
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid != pg_backend_pid()"
            )
        )
    engine.dispose()


def _register(folder: RunFolder, settings: Settings, engine: Engine, run: str) -> None:
    process_pending(folder.store, settings, engine)
    publish_stale_days(folder.store, settings, engine)


def _select(connection: Connection, settings: Settings, run: str) -> Selection:
    kind, _, what = run.partition(" ")
    if kind == "daily":
        return select_day(connection, date.fromisoformat(what), settings.look_back_days)
    if kind == "catch_up":
        return select_owed(connection, settings.start_date)
    return select_range(connection, settings.start_date, field_ids=what.split(","), force=True)


def _find_scenes(folder: RunFolder, settings: Settings, engine: Engine, run: str) -> None:
    with engine.begin() as connection:
        scope = search_scope(folder, settings, _select(connection, settings, run), connection)
    find_scenes(folder, settings, scope)


def _plan(folder: RunFolder, settings: Settings, engine: Engine, run: str) -> None:
    with engine.begin() as connection:
        plan_run(folder, settings, _select(connection, settings, run), connection)


def _record(folder: RunFolder, settings: Settings, engine: Engine, run: str) -> None:
    record_run(folder, settings, engine)


def _plan_seasons(folder: RunFolder, settings: Settings, engine: Engine, run: str) -> None:
    plan_seasons(folder, settings, engine)


def _record_seasons(folder: RunFolder, settings: Settings, engine: Engine, run: str) -> None:
    record_seasons(folder, settings, engine)


ACTIONS: Mapping[str, Callable[[RunFolder, Settings, Engine, str], None]] = {
    "register": _register,
    "find_scenes": _find_scenes,
    "plan": _plan,
    "record": _record,
    "plan_seasons": _plan_seasons,
    "record_seasons": _record_seasons,
}

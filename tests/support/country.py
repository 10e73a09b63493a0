"""Fields whose numbers are known, without pixels: registered, recorded and brought to seasons, step by step."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from sqlalchemy import Engine, event, text
from support.models import a_field, an_observation, square

from ndvi_core.models.event import Event
from ndvi_core.models.field import Field
from ndvi_core.models.observation import Observation
from ndvi_core.registry import events, ledger, recorded_days
from ndvi_core.registry import fields as registry
from ndvi_core.runs.folder import RunFolder, SeasonPlan
from ndvi_core.runs.season_plan import plan_seasons
from ndvi_core.runs.season_record import RecordedSeasons, record_seasons
from ndvi_core.season_run.run import run_season_order
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

PLANTED = date(2025, 4, 1)

Curve = Callable[[int], float]
"""NDVI by day since planting."""


def crop(day: int) -> float:
    """A crop that grows from day 30, is green from 60 to 120 and ripens slowly until 170."""
    return float(0.2 + 0.6 / (1 + np.exp(-(day - 45) / 6)) - 0.5 / (1 + np.exp(-(day - 145) / 9)))


def struck(day: int) -> float:
    """The crop, of which 0.3 are gone from day 85 on."""
    return crop(day) - (0.3 if day >= 85 else 0.0)


def grown(field: Field, days: Iterable[int], curve: Curve = crop, **more: Any) -> list[Observation]:
    """Return the field's observations of some days since planting."""
    return [
        an_observation(
            field,
            field.plant_date + timedelta(days=day),
            **{"ndvi_mean": curve(day), "valid_fraction": 1.0, "fingerprint": f"{day:016x}", **more},
        )
        for day in days
    ]


@dataclass
class Country:
    """A registry and a bucket in a folder."""

    engine: Engine
    store: Store
    settings: Settings = field(default_factory=lambda: Settings(start_date=PLANTED))
    _numbers: Any = field(default_factory=lambda: count(1))

    def register(self, *fields: Field, caught_up: bool = True) -> None:
        """Register fields, of which no day before is missing unless it is said."""
        with self.engine.begin() as connection:
            registry.upsert_fields(connection, fields, "file")
        if caught_up:
            self.catch_up()

    def catch_up(self) -> None:
        with self.engine.begin() as connection:
            registry.mark_caught_up(connection, registry.load_fields(connection, caught_up=False))

    def begin_another_part(self) -> None:
        """Let fields that are registered from now on be in another part than those before."""
        with self.engine.begin() as connection:
            last = connection.execute(text("SELECT max(sequence) FROM field")).scalar_one()
            first = (last // 4096 + 1) * 4096
            connection.execute(text(f"ALTER TABLE field ALTER COLUMN sequence RESTART WITH {first}"))

    def record(self, rows: Sequence[Observation], until: date | None = None) -> None:
        """Record rows, as a run of today would; `until` is the last day that is recorded then."""
        with self.engine.begin() as connection:
            ledger.upsert_observations(connection, rows, datetime.now(UTC))
            recorded_days.mark_recorded(connection, until or max(row.date for row in rows), self.settings.start_date)

    def plan(self) -> tuple[RunFolder, SeasonPlan]:
        folder = RunFolder.of(self.store, self.settings, "ndvi_season", f"run-{next(self._numbers)}")
        return folder, plan_seasons(folder, self.settings, self.engine)

    def compute_and_record(self, folder: RunFolder, plan: SeasonPlan) -> RecordedSeasons:
        run_season_order(plan.order.uri)
        return record_seasons(folder, self.settings, self.engine)

    def season_run(self) -> RecordedSeasons | None:
        """Bring files and events to what is so; None if they are."""
        folder, plan = self.plan()
        return self.compute_and_record(folder, plan) if plan.parts else None

    def events(self, **wanted: Any) -> list[Event]:
        with self.engine.connect() as connection:
            return events.load_events(connection, **wanted)

    def files(self) -> dict[str, bytes]:
        """Everything of seasons that consumers see."""
        return {
            info.key: self.store.read(info.key) for name in ("seasons/", "events/") for info in self.store.list(name)
        }

    def table(self, prefix: str) -> pd.DataFrame:
        """Read a folder as a person would."""
        folder = f"{self.store.url.removeprefix('file://')}/{prefix}"
        return duckdb.sql(f"FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true)").df()

    def changed_files(self, before: dict[str, bytes]) -> set[str]:
        after = self.files()
        return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def some_fields(number: int, name: str = "field", **changes: Any) -> list[Field]:
    """Return fields side by side."""
    return [
        a_field(f"{name}_{k}", square(k * 0.02), **{"plant_date": PLANTED, **changes}) for k in range(1, number + 1)
    ]


@contextmanager
def meanwhile(engine: Engine, words: str, change: Callable[[], None]) -> Iterator[None]:
    """Let somebody change something, once, right after the first statement that has these words was answered."""
    waiting = [change]

    def answered(*statement: Any) -> None:
        if words in statement[2] and waiting:
            waiting.pop()()

    event.listen(engine, "after_cursor_execute", answered)
    try:
        yield
    finally:
        event.remove(engine, "after_cursor_execute", answered)
    assert not waiting, f"no statement had the words {words!r}"

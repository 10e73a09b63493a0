"""A farm of one field, whose seasons are uploaded one after the other."""

import json
from datetime import UTC, date, datetime
from typing import Any

import shapely
from sqlalchemy import Engine, text
from support.features import collection, feature
from support.models import an_observation
from support.uploads import upload

from ndvi_core.intake.changes import Change
from ndvi_core.intake.features import parse_fields
from ndvi_core.intake.pending import process_pending
from ndvi_core.intake.report import FileReport
from ndvi_core.intake.submit import check_file
from ndvi_core.registry import due_days, field_life, ledger, recorded_days
from ndvi_core.registry import fields as registry
from ndvi_core.registry.progress import SeasonStatus, field_statuses
from ndvi_core.registry.stale_days import mark_published, stale_days
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

FIRST, LAST = date(2025, 1, 1), date(2026, 10, 31)
"""The first daily day, and the last recorded one."""
SETTINGS = Settings(start_date=FIRST, confirm_days=10_000)
HOME, REDRAWN, CORRECTED = (
    shapely.geometry.mapping(shapely.box(10.1, 40.1, 10.11 + wider, 40.11)) for wider in (0, 0.001, 0.002)
)
BARLEY = {"plant_type": "barley", "plant_date": "2025-03-01"}
MAIZE = {"plant_type": "maize", "plant_date": "2026-03-15"}

Told = tuple[str, str, str, str | None]
"""Name, crop, plant date and end date of a season."""


class OneFieldFarm:
    """A registry with one field, and the ways in."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self.store, self.engine, self.files = store, engine, 0
        extent = shapely.geometry.mapping(shapely.box(10, 40, 10.5, 40.5))
        store.write(SETTINGS.extent_key, json.dumps(extent).encode())
        with engine.begin() as connection:
            recorded_days.mark_recorded(connection, LAST, FIRST)

    def take_in(self, **properties: Any) -> FileReport:
        """Upload the field, and let the intake have it."""
        self.files += 1
        upload(self.store, f"{self.files:03}.geojson", self.file(**properties))
        (report,) = process_pending(self.store, SETTINGS, self.engine).files
        assert report.outcome == "registered"
        return report

    def file(self, **properties: Any) -> bytes:
        return collection(feature(**{"geometry": HOME, "object_id": "home", **properties}))

    def check(self, **properties: Any) -> Change:
        (change,) = check_file(self.file(**properties), self.engine.connect, self.store, SETTINGS).changes
        return change

    def seasons(self) -> list[Told]:
        with self.engine.connect() as connection:
            (field,) = registry.load_fields(connection)
        return [
            (one.name, one.plant_type, str(one.plant_date), str(one.end_date) if one.end_date else None)
            for one in field.seasons
        ]

    def missing(self) -> list[date]:
        """The days that a catch-up would have to compute."""
        with self.engine.connect() as connection:
            (field,) = registry.load_fields(connection)
            return due_days.missing_days(connection, [field.sequence], LAST).get(field.sequence, [])

    def compute(self) -> list[date]:
        """Give all missing days an answer, for the boundaries that they are due with; return them."""
        days = self.missing()
        with self.engine.begin() as connection:
            (field,) = registry.load_fields(connection)
            boundaries = registry.boundaries_of_seasons(connection, [field])
            of_day = {day: one.revision for one in field.seasons for day in one.active_days(days)}
            state = parse_fields(self.file()).fields[0]
            rows = [
                an_observation(state, day, geometry_hash=boundaries[field.sequence, of_day[day]][1], ndvi_mean=0.5)
                for day in days
            ]
            ledger.upsert_observations(connection, rows, datetime.now(UTC))
            for day in stale_days(connection):
                mark_published(connection, day)
        return days

    def kept(self) -> int:
        """How many rows the ledger has."""
        with self.engine.connect() as connection:
            return field_life.count_rows(connection, "home")

    def published(self, day: str) -> tuple[str | None, str | None] | None:
        """The season and crop under which a day's file has the field; None if the file does not have it."""
        with self.engine.connect() as connection:
            parts = list(ledger.load_day(connection, date.fromisoformat(day)))
        found = [(fact.season, fact.plant_type) for _, facts in parts for fact in facts]
        assert len(found) <= 1
        return found[0] if found else None

    def stale(self) -> list[date]:
        with self.engine.connect() as connection:
            return stale_days(connection)

    def statuses(self) -> tuple[SeasonStatus, ...]:
        with self.engine.connect() as connection:
            (status,) = field_statuses(connection, FIRST)
        return status.seasons

    def weeks_pass(self) -> None:
        """Let what was registered be registered a month ago."""
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE season SET registered_at = registered_at - interval '30 days'"))

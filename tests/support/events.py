"""Events as the registry has them; a test states only what it is about."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, func, insert, select, update
from support.models import a_field, square

from ndvi_core.models.event import Event, EventKind, EventStatus, Evidence
from ndvi_core.registry import fields as registry
from ndvi_core.registry.tables import event as event_table
from ndvi_core.registry.tables import field as field_table

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def an_event(event_id: str = "e1", kind: EventKind = "drop", **changes: Any) -> Event:
    values = {
        "policy": f"{kind}@1",
        "field_id": "field_1",
        "season": "2025",
        "plant_type": "barley",
        "index": "ndvi",
        "first_day": date(2025, 4, 20),
        "last_day": date(2025, 4, 26),
        "value": 0.42,
        "before": 0.71,
        "evidence": (Evidence(date(2025, 4, 20), "a" * 16), Evidence(date(2025, 4, 26), "b" * 16)),
        "status": "open",
        "opened_at": LONG_AGO,
        "changed_at": LONG_AGO,
    }
    return Event(event_id=event_id, kind=kind, **{**values, **changes})


def note_events(engine: Engine, *events: Event) -> None:
    """Put events into the registry, with fields for them."""
    with engine.begin() as connection:
        names = sorted({event.field_id for event in events})
        fields = [a_field(name, square(number * 0.02)) for number, name in enumerate(names)]
        registry.upsert_fields(connection, fields, "file")
        known = connection.execute(select(field_table.c.field_id, field_table.c.sequence))
        numbers = {row.field_id: row.sequence for row in known}
        rows = [
            {
                **event.model_dump(exclude={"evidence", "field_id"}),
                "sequence": numbers[event.field_id],
                "year": 2025,
                "was_open": event.status == "open",
                "evidence_days": [day for day, _ in event.evidence],
                "evidence_fingerprints": [fingerprint for _, fingerprint in event.evidence],
            }
            for event in events
        ]
        connection.execute(insert(event_table), rows)


def moment(engine: Engine) -> datetime:
    """Return the time of the registry's clock."""
    with engine.connect() as connection:
        return connection.execute(select(func.clock_timestamp())).scalar_one()


def becomes(engine: Engine, event_id: str, status: EventStatus) -> None:
    """Let an event end now."""
    with engine.begin() as connection:
        found = update(event_table).where(event_table.c.event_id == event_id)
        connection.execute(found.values(status=status, changed_at=func.clock_timestamp()))

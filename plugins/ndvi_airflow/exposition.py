"""The state of the registry and the bucket in Prometheus' text format, for `airflow ndvi status --prometheus`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from ndvi_airflow.defaults import midnight
from ndvi_core.models.event import EventKind
from ndvi_core.registry.progress import STATUSES, FieldStatus

MISSING = "missing"
"""What stands for a status where a due day has no answer."""


class State(NamedTuple):
    """What is exposed."""

    fields: Sequence[FieldStatus]
    recorded_until: date | None
    """The last recorded day."""
    uploads: Mapping[str, int]
    """Files in pending/, waiting/ and rejected/."""
    open_events: Mapping[EventKind, int]
    """How many events are open, by kind."""


class Family(NamedTuple):
    """A metric with its samples; all are gauges."""

    name: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]


def text_of(state: State) -> str:
    """Return all families as text, with a line feed at the end."""
    return "".join(f"{line}\n" for family in families(state) for line in _lines(family))


def families(state: State) -> Iterator[Family]:
    """Yield what is known of the state."""
    cells: Counter[tuple[str, str]] = Counter()
    for season in (season for field in state.fields for season in field.seasons):
        for status in STATUSES:
            cells[season.plant_type, status] += season.counts[status]
        cells[season.plant_type, MISSING] += season.missing
    yield Family(
        "ndvi_status_cells",
        "Due days of all seasons by crop and status; missing are those without an answer.",
        [({"crop": crop, "status": status}, number) for (crop, status), number in sorted(cells.items())],
    )
    whole = Counter("whole" if field.whole else "incomplete" for field in state.fields)
    yield Family(
        "ndvi_status_fields",
        "Fields; incomplete are those of which a due day is missing or failed.",
        [({"state": name}, whole[name]) for name in ("whole", "incomplete")],
    )
    if state.recorded_until is not None:
        until = midnight(state.recorded_until + timedelta(days=1))
        yield Family("ndvi_status_recorded_until_seconds", "End of the last recorded day.", [({}, until.timestamp())])
    yield Family(
        "ndvi_status_uploads",
        "Files that wait for the intake, for a confirmation, or were rejected.",
        [({"state": name}, number) for name, number in state.uploads.items()],
    )
    yield Family(
        "ndvi_status_events",
        "Open events of fields, by kind.",
        [({"kind": kind}, number) for kind, number in sorted(state.open_events.items())],
    )


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} gauge"
    for labels, value in family.samples:
        inside = ",".join(f'{name}="{_escaped(text, quotes=True)}"' for name, text in labels.items())
        yield f"{family.name}{{{inside}}} {value:.15g}" if inside else f"{family.name} {value:.15g}"


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text

"""How far the fields are, and what is unusual, as tables for a terminal."""

import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ndvi_core.models.event import Event
from ndvi_core.registry.progress import STATUSES, FieldStatus

ALWAYS_SHOWN = ("computed", "cloudy", "no_scene", "failed")
UNLIMITED = 200
"""Characters a line where no terminal sets a limit."""


def open_console(*, stderr: bool = False) -> Console:
    """Return a console that does not squeeze tables into 80 characters when its output goes to a file or a pipe.

    Args:
        stderr: for standard error instead of standard output.
    """
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=None if stream.isatty() else UNLIMITED)


def status_table(rows: Sequence[FieldStatus]) -> Table:
    """Return a line a season of each field: its days by status, its mean NDVI and the last value."""
    seasons = [(row.field_id, season) for row in rows for season in row.seasons]
    shown = [name for name in STATUSES if name in ALWAYS_SHOWN or any(season.counts[name] for _, season in seasons)]
    table = _table("field", "season", "crop")
    for heading in ("days", *(name.replace("_", " ") for name in shown), "missing", "mean NDVI", "last value"):
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("on", no_wrap=True)
    for field_id, row in seasons:
        numbers = (row.days, *(row.counts[name] for name in shown), row.missing)
        values = ("" if value is None else f"{value:.3f}" for value in (row.ndvi_mean, row.last_value))
        day = str(row.last_date or "")
        table.add_row(field_id, row.season, row.plant_type, *map(str, numbers), *values, day)
    return table


def events_table(events: Sequence[Event]) -> Table:
    """Return a line an event: of which field and crop, what and when, and by how much."""
    table = _table("field", "crop", "season", "event", "status", "from", "to")
    for heading in ("before", "value", "change"):
        table.add_column(heading, justify="right", overflow="fold")
    for event in events:
        what = (event.field_id, event.plant_type, event.season, event.kind.replace("_", " "), event.status)
        days = (str(event.first_day), str(event.last_day))
        numbers = ("" if value is None else f"{value:.2f}" for value in (event.before, event.value))
        table.add_row(*what, *days, *numbers, "" if event.change is None else f"{event.change:+.2f}")
    return table


def _table(*headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table

"""How far the fields are, as a table for a terminal."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from ndvi_core.status import STATUSES, FieldStatus

ALWAYS_SHOWN = ("computed", "cloudy", "no_scene", "failed")
UNLIMITED = 200
"""Characters a line where no terminal sets a limit."""


def open_console() -> Console:
    """Return a console that does not squeeze tables into 80 characters when its output goes to a file or a pipe."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else UNLIMITED)


def status_table(rows: Sequence[FieldStatus]) -> Table:
    """Return a line a field: its days by status, its mean NDVI and the last value."""
    shown = [name for name in STATUSES if name in ALWAYS_SHOWN or any(row.counts[name] for row in rows)]
    table = Table()
    for heading in ("field", "crop", "planted"):
        table.add_column(heading)
    for heading in ("days", *(name.replace("_", " ") for name in shown), "missing", "mean NDVI", "last value", "on"):
        table.add_column(heading, justify="right")
    for row in rows:
        numbers = (row.days, *(row.counts[name] for name in shown), row.missing)
        values = ("" if value is None else f"{value:.3f}" for value in (row.ndvi_mean, row.last_value))
        day = str(row.last_date or "")
        table.add_row(row.field_id, row.plant_type, str(row.plant_date), *map(str, numbers), *values, day)
    return table

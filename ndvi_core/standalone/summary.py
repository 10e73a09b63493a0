"""What came of observing fields, for a person as a table and for a program as JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import get_args

from ndvi_core.intake.features import Problem
from ndvi_core.models.observation import Observation, Status
from ndvi_core.standalone.observe import Observations

MAX_FIELDS = 20
"""Fields that the table has a line of."""
MAX_NAME = 24
"""Characters of an id in the table, which so fits into 100 columns."""
OWN_COLUMN: tuple[Status, ...] = ("computed", "no_scene", "cloudy", "failed")
"""The statuses that most days have; the table counts the others together."""
OTHER = "other"


def table(rows: Sequence[Observation]) -> str:
    """Return a line a field: its last mean NDVI, the day of it, and how many days have which status.

    Args:
        rows: field by field, each day by day, as `Observations` has them.
    """
    counts = Counter(row.status for row in rows)
    statuses = [status for status in get_args(Status) if status in counts or status == "computed"]
    columns = [status for status in statuses if status in OWN_COLUMN]
    columns += [OTHER] if len(columns) < len(statuses) else []
    by_field = [(field_id, list(own)) for field_id, own in groupby(rows, key=attrgetter("field_id"))]
    header = ["field", "NDVI", "on", *columns]
    lines = [header, *(_line(field_id, own, columns) for field_id, own in by_field[:MAX_FIELDS])]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [_aligned(line, widths) for line in lines]
    if len(by_field) > MAX_FIELDS:
        text.append(f"... and {len(by_field) - MAX_FIELDS} more fields")
    summary = ", ".join(f"{counts[status]} {status}" for status in statuses)
    return "\n".join([*text, "", f"{len(by_field)} fields, {len(rows)} field-days: {summary}"])


def document(found: Observations, problems: Sequence[Problem]) -> str:
    """Return all rows, their number by status, the problems of the file of fields and the paths, as JSON."""
    content = {
        "rows": [row.model_dump(mode="json") for row in found.rows],
        "counts": dict(Counter(row.status for row in found.rows)),
        "problems": [problem.model_dump(mode="json") for problem in problems],
        "files": {
            name: None if path is None else str(path)
            for name, path in (("parquet", found.parquet), ("csv", found.csv), ("pictures", found.pictures))
        },
    }
    return json.dumps(content, allow_nan=False)


def _line(field_id: str, rows: Sequence[Observation], columns: Sequence[str]) -> list[str]:
    counts = Counter(row.status if row.status in OWN_COLUMN else OTHER for row in rows)
    last = next((row for row in reversed(rows) if row.status == "computed"), None)
    name = field_id if len(field_id) <= MAX_NAME else f"{field_id[: MAX_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"
    value = ["-", "-"] if last is None else [f"{last.ndvi_mean:.3f}", str(last.date)]
    return [name, *value, *(str(counts[column]) for column in columns)]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Align texts left and numbers, which are all but the id and the day, right."""
    aligned = [
        cell.ljust(width) if number in (0, 2) else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()

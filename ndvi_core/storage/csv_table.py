"""Observations as CSV, for spreadsheets."""

import csv
from collections.abc import Sequence
from io import StringIO

from ndvi_core.models.observation import Observation, columns


def write_csv(rows: Sequence[Observation]) -> bytes:
    """Return a CSV file (UTF-8) with the columns of the days' files, in the order given.

    Scene ids have a space between them, and so have doubts; what is not known is empty.
    """
    text = StringIO()
    writer = csv.DictWriter(text, columns())
    writer.writeheader()
    writer.writerows(
        {**dict(row), **{name: " ".join(getattr(row, name)) for name in ("scene_ids", "quality")}} for row in rows
    )
    return text.getvalue().encode()

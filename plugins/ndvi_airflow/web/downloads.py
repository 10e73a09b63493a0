"""What files are called that people download: by field, what is in them, and the days."""

from collections.abc import Sequence
from datetime import date

MOST = 120
"""Characters of the ids in a name, at most: file systems take 255 bytes."""


def saved_as(extension: str, *parts: str | date) -> dict[str, str]:
    """Return the header that names a file after its parts."""
    name = "_".join(map(str, parts))
    return {"Content-Disposition": f'attachment; filename="{name}.{extension}"'}


def names_of(field_ids: Sequence[str]) -> str:
    """Return the ids of fields as part of a name: all of them, or as many as there is room for and how many follow."""
    for shown in range(len(field_ids), 0, -1):
        more = len(field_ids) - shown
        name = "_".join([*field_ids[:shown], *([f"and_{more}_more"] if more else [])])
        if len(name) <= MOST:
            return name
    return f"{len(field_ids)}_fields"

"""Checking a file of fields by the rules of the intake, without registry and bucket."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ndvi_core.errors import BadInput
from ndvi_core.intake.changes import Surroundings
from ndvi_core.intake.document import read_file
from ndvi_core.intake.features import Problem, parse_fields
from ndvi_core.intake.review import Reviewed, review
from ndvi_core.models.extent import Extent
from ndvi_core.settings import Settings


def check_file_alone(data: bytes, settings: Settings, extent: Extent | None = None) -> Reviewed:
    """Return what the intake would make of a file if its fields were the first ones.

    Args:
        data: the file's content.
        settings: what is decided for all files.
        extent: None: nothing is said about where the fields are.
    """
    now = datetime.now(UTC)
    last_owed_day = min(settings.end_date or date.max, now.date() - timedelta(days=1))
    around = Surroundings(now, settings.start_date, last_owed_day, extent)
    return review(parse_fields(data), around, settings.confirm_days, settings.min_pixels)


def too_large(size: int, settings: Settings) -> Problem | None:
    """Return what is wrong with a file of so many bytes, None if it is read."""
    if size <= settings.max_geojson_bytes:
        return None
    message = (
        f"the file has {size} bytes, more than the {settings.max_geojson_bytes} that are read: "
        "split it, or raise NDVI_MAX_GEOJSON_BYTES"
    )
    return Problem(feature=None, id=None, where="", reason="too_large", message=message)


def read_upload(path: Path, settings: Settings) -> bytes | Problem:
    """Return the content of a file on this machine, or why the intake would not get to read it."""
    try:
        return too_large(path.stat().st_size, settings) or read_file(path)
    except OSError as error:
        message = f"cannot read it: {error.strerror}"
    except BadInput as error:
        message = str(error)
    return Problem(feature=None, id=None, where="", reason="unreadable", message=message)

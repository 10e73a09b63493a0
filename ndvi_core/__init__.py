"""NDVI per farm field per day from Sentinel-2: the shared library, free of any scheduler."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from os import PathLike

    from ndvi_core.settings import Settings
    from ndvi_core.standalone.observe import Observations, Source

__version__ = "0.1.0"


def observe(
    fields: "Source",
    start: "date",
    end: "date",
    *,
    out: "str | PathLike[str] | None" = None,
    settings: "Settings | None" = None,
    progress: "Callable[[int, int], None] | None" = None,
) -> "Observations":
    """Compute the NDVI of fields on all days of a period, as the command `ndvi observe` does.

    Examples:
        >>> from datetime import date
        >>> found = ndvi_core.observe("fields.geojson", date(2025, 4, 16), date(2025, 4, 30), out="ndvi")
        >>> [(row.field_id, row.date, row.ndvi_mean) for row in found.rows if row.status == "computed"]

    Args:
        fields: a GeoJSON file's path, GeoJSON as a mapping, or `ndvi_core.models.field.Field`s. Longitude and latitude
            in degrees, WGS84. Features need no `plant-type` or `plant-date` here; those that cannot be taken are in
            `problems` of what is returned, and logged.
        start: first day.
        end: last day, included; days to come are left out.
        out: folder to write `observations.parquet`, `observations.csv` and `fields/<id>/<day>/` to; None for none.
        settings: catalogue, mask and thresholds; None reads the environment.
        progress: called with the numbers of field-days that are done, and of all.

    Raises:
        BadInput: there is nothing to compute, or the settings are wrong; the message names the remedy.
        TryAgain: the catalogue or a server of scenes failed for now.
    """
    from ndvi_core.standalone import observe as standalone  # `import ndvi_core` loads no library

    return standalone.observe(fields, start, end, out=out, settings=settings, progress=progress)

"""The observation of a cell: statistics, or the reason why there are none, with its provenance."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, NamedTuple

from ndvi_core.models.frozen import Frozen

Status = Literal["computed", "no_scene", "cloudy", "no_data", "outside_extent", "too_small", "failed"]


class Column(NamedTuple):
    """An attribute's unit and description, as files state them."""

    description: str
    unit: str = ""
    """`1` is dimensionless; empty for what has no unit."""


class Statistics(Frozen):
    """NDVI over the valid pixels of a field, each weighted by the fraction of it that the field covers.

    Pixels are those of the red band's grid, 10 m.
    """

    ndvi_mean: Annotated[float | None, Column("Mean NDVI of the valid pixels, weighted by coverage", "1")] = None
    ndvi_std: Annotated[float | None, Column("Population standard deviation of NDVI, weighted by coverage", "1")] = None
    ndvi_min: Annotated[float | None, Column("Least NDVI of a valid pixel", "1")] = None
    ndvi_max: Annotated[float | None, Column("Greatest NDVI of a valid pixel", "1")] = None
    ndvi_p10: Annotated[float | None, Column("10th percentile of NDVI, weighted by coverage", "1")] = None
    ndvi_p25: Annotated[float | None, Column("25th percentile of NDVI, weighted by coverage", "1")] = None
    ndvi_median: Annotated[float | None, Column("Median of NDVI, weighted by coverage", "1")] = None
    ndvi_p75: Annotated[float | None, Column("75th percentile of NDVI, weighted by coverage", "1")] = None
    ndvi_p90: Annotated[float | None, Column("90th percentile of NDVI, weighted by coverage", "1")] = None
    ndvi_valid_pixel_count: Annotated[float, Column("Sum of the field's shares of valid pixels", "pixel")] = 0.0
    pixel_count: Annotated[float, Column("Sum of the field's shares of all pixels: its area", "pixel")] = 0.0
    valid_fraction: Annotated[float, Column("ndvi_valid_pixel_count / pixel_count", "1")] = 0.0
    cloud_fraction: Annotated[float, Column("Share of the field under cloud, cloud shadow or cirrus", "1")] = 0.0
    """SCL classes 3 (cloud shadow), 8, 9 (cloud) and 10 (cirrus)."""


class Observation(Statistics):
    """A row of the ledger and of a day's file: exactly one for each cell."""

    field_id: Annotated[str, Column("The field's id")]
    date: Annotated[date, Column("Solar day of the acquisition")]
    status: Annotated[Status, Column("computed, no_scene, cloudy, no_data, outside_extent, too_small or failed")]
    reason: Annotated[str | None, Column("Why there is no value; null when there is one")] = None
    scene_ids: Annotated[tuple[str, ...], Column("Scenes that the numbers come from, or that were considered")] = ()
    baseline: Annotated[str | None, Column("Sentinel-2 processing baseline of the scenes")] = None
    offset_rule: Annotated[str | None, Column("Rule by which digital numbers became reflectance")] = None
    mask_policy: Annotated[str, Column("Name and version of the SCL mask policy")]
    algorithm_version: Annotated[str, Column("Version of the computation")]
    geometry_hash: Annotated[str, Column("Hash of the field's geometry as registered")]
    """Before it was clipped to the extent."""
    fingerprint: Annotated[str, Column("Hash of everything that decides the observation")]


HEAD = ("field_id", "date", "status", "reason")
"""The attributes that a person reads first."""


def columns() -> Mapping[str, Column]:
    """Return the attributes of an observation in the order in which files have them, as columns."""
    names = (*HEAD, *(name for name in Observation.model_fields if name not in HEAD))
    return {name: next(m for m in Observation.model_fields[name].metadata if isinstance(m, Column)) for name in names}

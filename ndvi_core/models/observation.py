"""What is known of a cell: statistics, or the reason why there are none, with its provenance."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

Status = Literal["computed", "no_scene", "cloudy", "no_data", "outside_extent", "too_small", "failed"]


class Statistics(BaseModel):
    """NDVI over the valid pixels of a field, each weighted by the share of it that the field covers."""

    model_config = ConfigDict(frozen=True)

    ndvi_mean: float | None = None
    ndvi_std: float | None = None
    """Population standard deviation."""
    ndvi_min: float | None = None
    ndvi_max: float | None = None
    ndvi_p10: float | None = None
    ndvi_p25: float | None = None
    ndvi_median: float | None = None
    ndvi_p75: float | None = None
    ndvi_p90: float | None = None
    ndvi_valid_pixel_count: float = 0.0
    """Sum of the shares of valid pixels, in pixels of 10 m (of the red band's grid)."""
    pixel_count: float = 0.0
    """Sum of the shares of all pixels: the field's area in pixels."""
    valid_fraction: float = 0.0
    """`ndvi_valid_pixel_count / pixel_count`."""
    cloud_fraction: float = 0.0
    """Share of the field's area whose SCL class is one of cloud shadow (3), cloud (8, 9) or cirrus (10)."""


class Observation(Statistics):
    """One row of the ledger and of a day's file: exactly one for each cell."""

    field_id: str
    date: date
    status: Status
    reason: str | None = None
    """For a person: why there is no value, None when there is one."""
    scene_ids: tuple[str, ...] = ()
    """The scenes that the numbers come from; of a cell without numbers, those that were considered."""
    baseline: str | None = None
    offset_rule: str | None = None
    mask_policy: str
    algorithm_version: str
    geometry_hash: str
    """Of the geometry as registered, before it was clipped to the extent."""
    fingerprint: str

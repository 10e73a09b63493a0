"""Work orders and manifests: all that a compute task is told, and all that it says when it is done."""

from datetime import date
from math import cos, radians

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Attribute

from ndvi_core import ALGORITHM_VERSION
from ndvi_core.models.geometry import Geometry
from ndvi_core.models.observation import Status
from ndvi_core.models.scene import Scene

BYTES_PER_PIXEL = 80
"""Of all arrays that a computation may hold for a pixel of a field's window at one time."""

_PIXEL_METRES = 10.0
_METRES_PER_DEGREE = 111_320.0
"""Of latitude, and of longitude on the equator."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, extra="forbid")


class Policy(_Frozen):
    """The choices that decide an observation besides field and scenes."""

    mask: str = "scl@1"
    """Name and version of the SCL mask policy, see `ndvi_core.zonal.mask`."""
    min_valid_fraction: float = Attribute(default=0.5, ge=0, le=1)
    """Below this share of valid pixels a cell is `cloudy`; what is left keeps its statistics."""
    min_pixels: float = Attribute(default=1.0, ge=0)
    """Fields that cover less than this many pixels are `too_small`."""
    algorithm_version: str = ALGORITHM_VERSION


class OrderField(_Frozen):
    """A field as a task needs it."""

    field_id: str
    geometry: Geometry
    """Clipped to the extent, WGS84."""
    geometry_hash: str
    """Of the geometry as registered."""

    @property
    def window_pixels(self) -> float:
        """Pixels of 10 m in the smallest rectangle that holds the field, about."""
        west, south, east, north = map(float, self.geometry.bounds)
        width = (east - west) * cos(radians((south + north) / 2)) * _METRES_PER_DEGREE
        height = (north - south) * _METRES_PER_DEGREE
        return (width / _PIXEL_METRES + 2) * (height / _PIXEL_METRES + 2)


class Cell(_Frozen):
    """One (field, day) to compute."""

    field: int
    """Index into the order's `fields`."""
    date: date
    scenes: tuple[int, ...]
    """Indexes into the order's `scenes`: all of that day that may hold the field; never empty."""
    fingerprint: str


class WorkOrder(_Frozen):
    """An immutable JSON file that tells one task what to compute. It needs no database and no scheduler."""

    label: str
    """For people: the field's id, or the name of the batch."""
    results: str
    """URI of the Parquet file of observations to write."""
    manifest: str
    """URI of the manifest to write last."""
    products: str
    """URI below which `<field_id>/<date>/...` is written."""
    pictures: bool = True
    """Whether to write the NDVI raster and picture of each cell besides its numbers."""
    memory_mb: int = Attribute(default=512, ge=128)
    """What the task may take of memory besides its fields' pixels, in MB (1,000,000 bytes)."""
    policy: Policy
    fields: tuple[OrderField, ...]
    scenes: tuple[Scene, ...]
    cells: tuple[Cell, ...]

    @property
    def memory(self) -> int:
        """Bytes that the task may take, those of its fields' pixels included."""
        return self.memory_mb * 1_000_000 + round(sum(field.window_pixels for field in self.fields) * BYTES_PER_PIXEL)


class Written(_Frozen):
    """An object that a task wrote."""

    uri: str
    sha256: str
    size: int
    """Bytes."""


class CellResult(_Frozen):
    """What became of one cell."""

    field_id: str
    date: date
    status: Status
    reason: str | None = None
    """As in the observation: why there is no value."""
    objects: tuple[Written, ...] = ()


class Manifest(_Frozen):
    """What a task wrote. Its presence means that the work is whole."""

    order_sha256: str
    """Of the order's bytes: a manifest left by another order at the same place is not taken for this one's."""
    results: Written
    cells: tuple[CellResult, ...]

"""Work orders and manifests: everything that a compute task is given, and everything that it reports."""

from collections.abc import Sequence
from datetime import date
from math import cos, radians
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, ConfigDict, SkipValidation
from pydantic import Field as Attribute
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.constants import ALGORITHM_VERSION, METRES_PER_DEGREE
from ndvi_core.models.field import Field, RegisteredField
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.indices import get_indices, names_in_order
from ndvi_core.models.observation import Observation, Status
from ndvi_core.models.scene import Scene

BYTES_PER_PIXEL = 80
"""Memory of all arrays that a computation may hold at one time for one pixel of a field's window."""

BYTES_PER_BAND = 24
"""What a pixel takes besides for each band of the indices other than NDVI."""

PLANNED_AT = "planned-at"
"""Metadata of an order and of what is made of it: when its run was planned, by the registry, in ISO 8601 and UTC."""

_PIXEL_METRES = 10.0


class _Strict(Frozen):
    model_config = ConfigDict(extra="forbid")


class Policy(_Strict):
    """The settings that decide an observation, besides its field and scenes."""

    mask: str = "scl@1"
    """Name and version of the SCL mask policy, see `ndvi_core.zonal.mask`."""
    min_valid_fraction: float = Attribute(default=0.5, ge=0, le=1)
    """A cell with a lower `valid_fraction` has the status of what hides most of it, and the statistics of the rest."""
    inner_buffer_m: float = Attribute(default=0.0, ge=0)
    """Metres by which a field is shrunk all around before it is computed, to keep clear of its edges."""
    min_pixels: float = Attribute(default=1.0, ge=0)
    """Fields that cover less than this many pixels are `too_small`."""
    algorithm_version: str = ALGORITHM_VERSION
    """Version of the computation that the cells are planned for."""
    indices: Annotated[tuple[str, ...], AfterValidator(names_in_order)] = ("ndvi",)
    """What is computed: NDVI first, then others in the order of `ndvi_core.models.indices.INDICES`.

    A name that is not there raises BadInput.
    """

    @property
    def decisive(self) -> dict[str, Any]:
        """What of it is part of fingerprints. NDVI alone is left unsaid, as it was before there were other indices."""
        return self.model_dump(exclude={"indices"} if self.indices == ("ndvi",) else None)


class OrderField(NamedTuple):
    """A field as a task needs it."""

    field_id: str
    geometry: BaseGeometry
    """Clipped to the extent, WGS84."""
    geometry_hash: str
    """Hash of the geometry as registered, before it was clipped."""

    @property
    def window_pixels(self) -> float:
        """About how many pixels of 10 m there are in the smallest rectangle that contains the field."""
        bounds = (0.0,) * 4 if self.geometry.is_empty else self.geometry.bounds
        west, south, east, north = map(float, bounds)
        width = (east - west) * cos(radians((south + north) / 2)) * METRES_PER_DEGREE
        height = (north - south) * METRES_PER_DEGREE
        return (width / _PIXEL_METRES + 2) * (height / _PIXEL_METRES + 2)


class SceneSet(NamedTuple):
    """What a cell can be computed from; many cells share one."""

    scenes: tuple[int, ...]
    """Indexes into the order's `scenes`: the newest products of that day that may contain the field."""
    older: tuple[int, ...] = ()
    """Likewise: older products of the same acquisitions, for where the newer ones turn out to have no data."""
    unreadable: tuple[str, ...] = ()
    """Why items of the catalogue that may be further such scenes cannot be read; empty only if there are scenes."""


class Cell(NamedTuple):
    """One (field, day) to compute."""

    field: int
    """Index into the order's `fields`."""
    date: date
    scene_set: SceneSet
    fingerprint: str


class Products(_Strict):
    """The objects of cells besides their rows."""

    uri: str
    """URI below which `<field_id>/<date>/...` is written: NDVI raster and JSON of each cell."""
    pictures: bool = True
    """Whether there is a picture too."""

    @classmethod
    def below(cls, uri: str, wanted: Literal["all", "data", "none"]) -> Self | None:
        """Return what the setting `NDVI_PRODUCTS` says is to be written below a URI."""
        return None if wanted == "none" else cls(uri=uri, pictures=wanted == "all")


class Passes(_Strict):
    """The true-colour pictures of whole scenes that a task draws besides."""

    uri: str
    """URI below which they are written."""
    scenes: tuple[int, ...]
    """Indexes into the order's `scenes`; of the orders of a run one alone has a scene."""


class WorkOrder(_Strict):
    """An immutable file with everything that one task needs; the task needs no database and no scheduler."""

    label: str
    """Name for people: the field's id, or the name of the batch."""
    results: str
    """URI of the Parquet file of observations to write."""
    manifest: str
    """URI of the manifest to write last."""
    products: Products | None
    """What to write of each cell besides its row; None for nothing."""
    passes: Passes | None = None
    """Pictures of its scenes, for orientation; None for none."""
    memory_mb: int = Attribute(default=512, ge=128)
    """Memory that the task may take besides that of its fields' pixels, in MB (1,000,000 bytes)."""
    policy: Policy
    extent: str | None = None
    """Extent that the fields are clipped to, as `str` gives it; None if there is none."""
    scenes: tuple[Scene, ...]
    fields: SkipValidation[tuple[OrderField, ...]]
    """Thousands at times, and like the cells made by nobody but the planner: to look at each again takes long."""
    cells: SkipValidation[tuple[Cell, ...]]

    @property
    def memory(self) -> int:
        """Memory that the task may take, including that of its fields' pixels, in bytes."""
        further = {band for index in get_indices(self.policy.indices) if index.name != "ndvi" for band in index.bands}
        per_pixel = BYTES_PER_PIXEL + BYTES_PER_BAND * len(further)
        return self.memory_mb * 1_000_000 + round(sum(field.window_pixels for field in self.fields) * per_pixel)


class Written(_Strict):
    """An object that a task wrote."""

    uri: str
    sha256: str
    size: int
    """Bytes."""


class CellResult(NamedTuple):
    """A cell's entry in the manifest; in its file a list."""

    field_id: str
    date: date
    status: Status
    reason: str | None = None
    """Why there is no value, as in the observation."""
    objects: tuple[Written, ...] = ()


class Usage(_Strict):
    """What the computation of an order read of scenes."""

    blocks: int = 0
    bytes: int = 0
    """What was asked for to have them."""


class Manifest(_Strict):
    """List of everything that a task wrote. Its presence means that the task's work is complete."""

    order_sha256: str
    """SHA-256 of the order's bytes, in hex, so that the manifest of an earlier order is not taken for this one's."""
    results: Written
    cells: tuple[CellResult, ...]
    usage: Usage = Usage()


def make_observation(
    field: Field | RegisteredField | OrderField,
    day: date,
    policy: Policy,
    fingerprint: str,
    status: Status,
    reason: str | None,
    scenes: Sequence[Scene] = (),
    **others: Any,
) -> Observation:
    """Return the observation of a cell, with its provenance.

    Args:
        field: The field, registered or of an order.
        day: The cell's day.
        policy: The policy that the cell was planned with.
        fingerprint: The cell's fingerprint.
        status: Outcome of the computation.
        reason: Why there is no value, None if there is one.
        scenes: The scenes that the numbers come from, or that were considered.
        **others: Any other attributes of the observation, such as its statistics.
    """
    return Observation(
        field_id=field.field_id,
        date=day,
        status=status,
        reason=reason,
        scene_ids=tuple(scene.id for scene in scenes),
        mask_policy=policy.mask,
        algorithm_version=policy.algorithm_version,
        geometry_hash=field.geometry_hash,
        fingerprint=fingerprint,
        **others,
    )

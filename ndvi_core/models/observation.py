"""The observation of a cell: statistics, or the reason why there are none, with its provenance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import Field as Attribute

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.indices import INDICES, Index, get_indices

Status = Literal[
    "computed",
    "no_scene",
    "cloudy",
    "shadow",
    "snow",
    "no_data",
    "undefined",
    "outside_extent",
    "too_small",
    "failed",
]
Doubt = Literal[
    "dark_pixels_dropped",
    "index_missing",
    "no_pure_pixel",
    "offset_doubtful",
    "older_product",
    "resampled",
    "saturated_pixels_dropped",
    "scene_unreadable",
]
"""What may be wrong with numbers:

- `dark_pixels_dropped`: some valid pixels have no positive reflectance in red or near infrared, and do not count.
- `index_missing`: an index besides NDVI has no numbers, since a scene lacks a band of it or the band cannot be read.
- `no_pure_pixel`: the field covers no pixel wholly, so that all of them are mixed with what is beside it.
- `offset_doubtful`: file or pixels belie the catalogue's offset, see `ndvi_core.zonal.offset_check`.
- `older_product`: some pixels are of an older product, because the newer one lacks them.
- `resampled`: some pixels are of another UTM zone's grid, by nearest neighbour.
- `saturated_pixels_dropped`: some valid pixels have digital numbers beyond those of a reflectance, and do not count.
- `scene_unreadable`: another scene of the day may show more of the field, but cannot be read.
"""


class Column(NamedTuple):
    """An attribute's unit and description, as files state them."""

    description: str
    unit: str = ""
    """`1` is dimensionless; empty for what has no unit."""
    formula: str = ""
    """Of the index that the number is a statistic of."""
    reference: str = ""
    """Who published that formula."""


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
    ndvi_valid_pixel_count: Annotated[float | None, Column("Sum of the field's shares of valid pixels", "pixel")] = None
    pixel_count: Annotated[float | None, Column("Sum of the field's shares of all pixels: its area", "pixel")] = None
    pure_pixel_count: Annotated[int | None, Column("Pixels that the field covers wholly, valid or not", "pixel")] = None
    valid_fraction: Annotated[float | None, Column("ndvi_valid_pixel_count / pixel_count", "1")] = None
    cloud_fraction: Annotated[
        float | None, Column("Share of the field under cloud, cirrus or cloud shadow, as the mask policy has them", "1")
    ] = None
    shadow_fraction: Annotated[float | None, Column("Share under cloud shadow, part of cloud_fraction", "1")] = None
    snow_fraction: Annotated[float | None, Column("Share of the field under snow or ice", "1")] = None
    nodata_fraction: Annotated[float | None, Column("Share of the field without data in any scene", "1")] = None


class IndexStatistics(Frozen):
    """An index other than NDVI over the valid pixels of a field, likewise, on the grid of its coarsest band."""

    mean: Annotated[float | None, Column("Mean of the valid pixels, weighted by coverage", "1")] = None
    std: Annotated[float | None, Column("Population standard deviation, weighted by coverage", "1")] = None
    min: Annotated[float | None, Column("Least value of a valid pixel", "1")] = None
    max: Annotated[float | None, Column("Greatest value of a valid pixel", "1")] = None
    p10: Annotated[float | None, Column("10th percentile, weighted by coverage", "1")] = None
    p25: Annotated[float | None, Column("25th percentile, weighted by coverage", "1")] = None
    median: Annotated[float | None, Column("Median, weighted by coverage", "1")] = None
    p75: Annotated[float | None, Column("75th percentile, weighted by coverage", "1")] = None
    p90: Annotated[float | None, Column("90th percentile, weighted by coverage", "1")] = None
    valid_pixel_count: Annotated[float | None, Column("Sum of the field's shares of valid pixels", "pixel")] = None


class Observation(Statistics):
    """A row of the ledger and of a day's file: exactly one for each cell."""

    field_id: Annotated[str, Column("The field's id")]
    date: Annotated[date, Column("Solar day of the acquisition")]
    status: Annotated[Status, Column(", ".join(get_args(Status)))]
    reason: Annotated[str | None, Column("Why there is no value; null when there is one")] = None
    quality: Annotated[tuple[Doubt, ...], Column("Named doubts about the numbers, in the order of the alphabet")] = ()
    note: Annotated[str | None, Column("What the doubts are about, e.g. which product was left out and why")] = None
    acquired_at: Annotated[datetime | None, Column("When the first of the scenes was acquired")] = None
    platform: Annotated[str | None, Column("Satellite, e.g. sentinel-2a")] = None
    relative_orbit: Annotated[int | None, Column("Relative orbit of the pass, 1 to 143")] = None
    sun_zenith: Annotated[float | None, Column("Mean sun zenith angle of the first scene", "degree")] = None
    view_zenith: Annotated[float | None, Column("Mean view zenith angle of the first scene", "degree")] = None
    scene_ids: Annotated[tuple[str, ...], Column("Scenes that the numbers come from, or that were considered")] = ()
    baseline: Annotated[str | None, Column("Sentinel-2 processing baseline of the scenes")] = None
    offset_rule: Annotated[str | None, Column("Rule by which digital numbers became reflectance")] = None
    mask_policy: Annotated[str, Column("Name and version of the SCL mask policy")]
    algorithm_version: Annotated[str, Column("Version of the computation")]
    geometry_hash: Annotated[str, Column("Hash of the field's geometry as registered")]
    """Before it was clipped to the extent."""
    extent: Annotated[
        str | None, Column("Extent that the geometry was clipped to: west,south,east,north", "degree")
    ] = None
    fingerprint: Annotated[str, Column("Hash of everything that decides the observation")]
    indices: dict[str, IndexStatistics] = Attribute(default_factory=dict)
    """The indices other than NDVI, by name; one that has no numbers may be left out."""


HEAD = ("field_id", "date", "status", "reason")
"""The attributes that a person reads first."""


@dataclass(frozen=True)
class IndexColumn:
    """A column of files for a number of an index other than NDVI."""

    index: str
    statistic: str
    """Attribute of `IndexStatistics`."""
    column: Column

    def of(self, row: Observation) -> float | None:
        """Return the number of a row, None if it has none."""
        value: float | None = getattr(row.indices.get(self.index, _NOTHING), self.statistic)
        return value


_NOTHING = IndexStatistics()


def columns() -> Mapping[str, Column]:
    """Return the attributes of an observation in the order in which files have them, as columns."""
    known = columns_of(Observation)
    ndvi = INDICES["ndvi"]
    ordered = {name: known[name] for name in (*HEAD, *(name for name in known if name not in HEAD))}
    return {name: _of(ndvi, column) if name.startswith("ndvi_") else column for name, column in ordered.items()}


def index_columns(indices: Iterable[str]) -> Mapping[str, IndexColumn]:
    """Return the columns that files have after those of an observation, if these indices are computed.

    Args:
        indices: names; NDVI, whose numbers are attributes of an observation, has none here.

    Raises:
        BadInput: see `get_indices`.
    """
    return {
        f"{index.name}_{statistic}": IndexColumn(index.name, statistic, _of(index, _described(index, column)))
        for index in get_indices(indices)
        if index.name != "ndvi"
        for statistic, column in columns_of(IndexStatistics).items()
    }


def _described(index: Index, column: Column) -> Column:
    grid = f"pixels of {index.resolution} m"
    return column._replace(
        description=f"{index.title}: {column.description[0].lower()}{column.description[1:]}; {grid}"
    )


def _of(index: Index, column: Column) -> Column:
    return column._replace(formula=index.formula_in_words, reference=index.reference)


def columns_of(model: type[Frozen]) -> dict[str, Column]:
    """Return the attributes of a model that are columns of files, in their order."""
    described = ((name, *info.metadata) for name, info in model.model_fields.items())
    return {name: column for name, *more in described for column in more if isinstance(column, Column)}

"""The Parquet files of seasons: daily series, summaries, what is usual among peers, and the events that were found."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.observation import Column
from ndvi_core.models.season_part import SeasonPart
from ndvi_core.storage.arrow_arrays import with_nulls
from ndvi_core.storage.parquet import write_table

if TYPE_CHECKING:
    from arro3.core import Array, DataType


SERIES_PREFIX, SUMMARIES_PREFIX, PEERS_PREFIX, FOUND_PREFIX = "series/", "summaries/", "peers/", "found/"


def keys_of(part: SeasonPart) -> tuple[str, str]:
    """Return the names of a part's files among those of the seasons: series and summaries."""
    return part.key(SERIES_PREFIX), part.key(SUMMARIES_PREFIX)


def peers_key(year: int) -> str:
    """Return the name of a year's file of peers."""
    return f"{PEERS_PREFIX}year={year}/peers.parquet"


class Values(NamedTuple):
    """A column of numbers or days, of which some are not known."""

    values: NDArray[Any]
    known: NDArray[np.bool_]


class Repeated(NamedTuple):
    """A column of few texts that occur often."""

    texts: Sequence[str]
    numbers: NDArray[np.integer[Any]]
    """Of each row, the number of its text."""


class Lists(NamedTuple):
    """A column of lists."""

    counts: NDArray[np.integer[Any]]
    """Of each row, how many it has."""
    items: "Data"
    """Of all rows, one after the other."""


class Spec(NamedTuple):
    """The type of a column, and what it says."""

    type: str
    column: Column
    nullable: bool = False


_FIELD = Spec("string", Column("The field's id"))
_SEASON = Spec("string", Column("Name of the season"))
_CROP = Spec("string", Column("Crop of the season"))
_INDEX = Spec("string", Column("Name of the index"))

SERIES: Mapping[str, Spec] = {
    "field_id": _FIELD,
    "season": _SEASON,
    "index": _INDEX,
    "day": Spec("date32", Column("The day")),
    "day_of_season": Spec("int32", Column("Days since the plant date, which is 0", "day")),
    "smoothed": Spec("float32", Column("Smoothed value of the index, in steps of 0.0001", "1"), nullable=True),
    "error": Spec("float32", Column("Standard error of the smoothed value", "1"), nullable=True),
    "observed": Spec("float32", Column("Mean of the field that was observed on the day", "1"), nullable=True),
    "weight": Spec("float32", Column("Valid fraction of the field, by which it counts", "1"), nullable=True),
    "outlier": Spec("bool", Column("The observation does not count")),
    "provisional": Spec("bool", Column("The observation counts little until another one confirms it")),
    "gap": Spec("bool", Column("The day is far from all observations that count: the smoothed value is a guess")),
}
"""A row for each season, index and day from the first that can have an observation to the last that is recorded."""

_WHY = "too_few_values, not_over, no_amplitude, no_rise, no_fall or gap; empty if it is known"
SUMMARIES: Mapping[str, Spec] = {
    "field_id": _FIELD,
    "sequence": Spec("int64", Column("Place of the field in the registry")),
    "season": _SEASON,
    "plant_type": _CROP,
    "plant_date": Spec("date32", Column("Plant date of the season")),
    "end_date": Spec("date32", Column("Last day of the season; null is open"), nullable=True),
    "index": _INDEX,
    "first_day": Spec("date32", Column("First day of the series")),
    "last_day": Spec("date32", Column("Last day of the series")),
    "values": Spec("int32", Column("Observations that count")),
    "outliers": Spec("int32", Column("Observations that do not count")),
    "latest_day": Spec("date32", Column("Last day with a smoothed value"), nullable=True),
    "latest": Spec("float32", Column("Smoothed value of that day", "1"), nullable=True),
    "start": Spec("date32", Column("Start of season"), nullable=True),
    "start_reason": Spec("string", Column(f"Why there is no start: {_WHY}")),
    "peak": Spec("date32", Column("Day of the highest smoothed value"), nullable=True),
    "peak_reason": Spec("string", Column(f"Why there is no peak: {_WHY}")),
    "end": Spec("date32", Column("End of season"), nullable=True),
    "end_reason": Spec("string", Column(f"Why there is no end: {_WHY}")),
    "peak_value": Spec("float32", Column("Smoothed value of that day", "1"), nullable=True),
    "length": Spec("int32", Column("Days from start to end", "day"), nullable=True),
    "amplitude": Spec("float32", Column("Peak minus the mean of the lowest values on both sides", "1"), nullable=True),
    "integral": Spec("float32", Column("Sum of the daily values from start to end", "day"), nullable=True),
    "history_count": Spec("int32", Column("Earlier seasons of the field with a value on that day since planting")),
    "history_percentile": Spec(
        "float32", Column("Where the latest value stands among them: share that is lower", "%"), nullable=True
    ),
    "crop_history_count": Spec("int32", Column("Likewise, those of the same crop")),
    "crop_history_percentile": Spec("float32", Column("Likewise, among those of the same crop", "%"), nullable=True),
}
"""A row for each season and index."""

PEERS: Mapping[str, Spec] = {
    "plant_type": _CROP,
    "index": _INDEX,
    "day_of_season": Spec("int32", Column("Days since the plant date, which is 0", "day")),
    "count": Spec("int32", Column("Seasons of this crop and year with a smoothed value on that day")),
    "median": Spec("float32", Column("Median of these values", "1")),
    "mad": Spec("float32", Column("Median absolute deviation from it", "1")),
}
"""A row for each crop, index and day since planting on which a season has a value."""

FOUND: Mapping[str, Spec] = {
    "sequence": Spec("int64", Column("Place of the field in the registry")),
    "season": _SEASON,
    "plant_type": _CROP,
    "kind": Spec("string", Column("What it is")),
    "policy": Spec("string", Column("Name and version of the rule")),
    "first_day": Spec("date32", Column("First day of the evidence")),
    "last_day": Spec("date32", Column("Last day of the evidence")),
    "value": Spec("float64", Column("What was found", "1"), nullable=True),
    "before": Spec("float64", Column("What it is compared with", "1"), nullable=True),
    "change": Spec("float64", Column("How unusual it is", "1"), nullable=True),
    "closed": Spec("bool", Column("Whether it is over")),
    **{
        f"evidence_{number}": Spec("date32", Column("Day of an observation that it rests on"), nullable=True)
        for number in range(1, 5)
    },
}
"""A row for each event that the seasons of a part have by today's data."""

Data = Repeated | Values | Lists | NDArray[Any] | Sequence[str]


def write_columns(columns: Mapping[str, Data], specs: Mapping[str, Spec]) -> bytes:
    """Return a Parquet file of these columns: the same values give the same bytes.

    Args:
        columns: for each of `specs`, in any order. Days are numbers since 1970-01-01.
        specs: the file's columns, in order.
    """
    from arro3.core import Field as ArrowField
    from arro3.core import RecordBatch, Schema

    fields, arrays = [], []
    for name, spec in specs.items():
        described = {key: text for key, text in spec.column._asdict().items() if text}
        fields.append(ArrowField(name, _type(spec.type), nullable=spec.nullable, metadata=described))
        arrays.append(_array(columns[name], _type(spec.type)))
    return write_table(RecordBatch.from_arrays(arrays, schema=Schema(fields)), {})


def _array(data: Data, type: "DataType") -> "Array":
    from arro3.core import Array, DataType, list_array

    if isinstance(data, Lists):
        offsets = np.concatenate([[0], np.cumsum(data.counts)]).astype(np.int32)
        return list_array(Array(offsets), _array(data.items, cast("DataType", type.value_type)), type=type)
    if isinstance(data, Repeated):
        return Array(list(data.texts), type=DataType.string()).take(Array(data.numbers.astype(np.uint32)))
    if isinstance(data, Values):
        return with_nulls(_plain(data.values), data.known).cast(type)
    if isinstance(data, np.ndarray):
        return Array(_plain(data)).cast(type)
    return Array(list(data), type=DataType.string())


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(values.astype(np.uint8) if values.dtype == np.bool_ else values)


def _type(name: str) -> "DataType":
    from arro3.core import DataType
    from arro3.core import Field as ArrowField

    types: dict[str, Callable[[], DataType]] = {
        "string": DataType.string,
        "bool": DataType.bool,
        "int32": DataType.int32,
        "int64": DataType.int64,
        "float32": DataType.float32,
        "float64": DataType.float64,
        "date32": DataType.date32,
        "timestamp": partial(DataType.timestamp, "us", tz="UTC"),
    }
    if name.startswith("list<"):
        return DataType.list(ArrowField("element", types[name[5:-1]](), nullable=False))
    return types[name]()

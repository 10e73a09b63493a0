"""Observations as Parquet, with the facts of their fields as GeoParquet 1.1: https://geoparquet.org/releases/v1.1.0/."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from io import BytesIO
from itertools import accumulate
from operator import attrgetter
from tempfile import TemporaryFile
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args

import shapely
from pydantic import TypeAdapter, ValidationError

from ndvi_core.errors import BadInput
from ndvi_core.models.field_facts import FieldFacts
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.indices import INDICES
from ndvi_core.models.observation import (
    Column,
    Doubt,
    IndexStatistics,
    Observation,
    columns,
    columns_of,
    index_columns,
)
from ndvi_core.storage.parquet import geo_metadata, geometry_field, read_table, to_wkb, write_table

if TYPE_CHECKING:
    from arro3.core import Array, DataType, RecordBatch, Schema, Table
    from arro3.core import Field as ArrowField

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.date()

COLUMNS = columns()
"""The columns of an observation, in order; each Arrow field carries `unit` and `description` as metadata."""

FACTS = columns_of(FieldFacts)
"""The columns that a file with the fields' facts has after them; the geometry is the last."""

DAY = "day"
"""The column `date` in a day's file: there `date` is the key of the folder, and a table has one column of a name."""

_TYPES: dict[object, str] = {
    str: "string",
    int: "int64",
    float: "float64",
    date: "date32",
    datetime: "timestamp",
    tuple[str, ...]: "list<string>",
    tuple[Doubt, ...]: "list<string>",
}
"""The Arrow type of each type of an observation's attributes; a literal is text."""


def write_observations(
    rows: Sequence[Observation], facts: Sequence[FieldFacts] | None = None, indices: Sequence[str] = ("ndvi",)
) -> bytes:
    """Return a Parquet file with one row per observation, in the order given: the same rows give the same bytes.

    Args:
        rows: Any number, none included.
        facts: Of each row's field, which make it GeoParquet 1.1: more columns, and of the geometry, longitude and
            latitude in degrees (OGC:CRS84), the WKB column `geometry`; Z is dropped.
        indices: Those that the file has columns for, whether or not a row has numbers of them.
    """
    if facts is None:
        return write_columns(_columns(rows, indices), indices)
    return _write_located([(rows, facts)], indices)


def write_columns(columns: Mapping[str, list[Any]], indices: Sequence[str] = ("ndvi",)) -> bytes:
    """Return the file that `write_observations` returns, given its columns, one list each."""
    return write_table(_batch(columns, _schema(indices), indices), {})


def write_day(
    parts: Iterable[tuple[Sequence[Observation], Sequence[FieldFacts]]], indices: Sequence[str] = ("ndvi",)
) -> bytes:
    """Return the file of a day, which is one of a table in folders `date=YYYY-MM-DD`: its column `date` is `day`.

    Args:
        parts: Rows and the facts of each row's field, as for `write_observations`; in parts, so that not all are in
            memory at once.
        indices: Those that the file has columns for: the same for all days, or they are not one table.
    """
    return _write_located(parts, indices, DAY)


def _write_located(
    parts: Iterable[tuple[Sequence[Observation], Sequence[FieldFacts]]], indices: Sequence[str], day: str = "date"
) -> bytes:
    from arro3.core import Array, RecordBatchReader
    from arro3.io import read_ipc_stream, write_ipc_stream

    field, schema = geometry_field(), _schema(indices, day)
    for more in (*_arrow_fields(FieldFacts, FACTS), field):
        schema = schema.append(more)
    types, bounds, sizes = set(), [], []
    # What the file says of all geometries has to be known before its first row: meanwhile the rows are on the disk.
    with TemporaryFile() as waiting:
        for rows, facts in parts:
            if len(facts) != len(rows):
                raise ValueError(f"facts of {len(facts)} fields for {len(rows)} rows")
            geometries = [fact.geometry for fact in facts]
            types |= {geometry.geom_type for geometry in geometries}
            bounds += [shapely.total_bounds(geometries)] if not all(g.is_empty for g in geometries) else []
            part = BytesIO()
            described = [_array([getattr(fact, name) for fact in facts], schema.field(name)) for name in FACTS]
            batch = _batch(_columns(rows, indices), schema, indices, *described, Array(to_wkb(geometries), type=field))
            write_ipc_stream(batch, part, compression=None)
            sizes.append(waiting.write(part.getvalue()))
        waiting.seek(0)
        geo = {"geo": json.dumps(geo_metadata(types, bounds))}
        # In the Arrow schema too: of a folder of files pyarrow, and so geopandas, hands on no other metadata.
        located = schema.with_metadata(geo)
        batches = (
            batch.with_schema(located) for size in sizes for batch in read_ipc_stream(BytesIO(waiting.read(size)))
        )
        return write_table(RecordBatchReader.from_batches(located, batches), geo)


def _columns(rows: Sequence[Observation], indices: Sequence[str]) -> dict[str, list[Any]]:
    further = index_columns(indices).items()
    own = list(map(list, zip(*map(attrgetter(*COLUMNS), rows), strict=True))) or [[] for _ in COLUMNS]
    return dict(zip(COLUMNS, own, strict=True)) | {name: [column.of(row) for row in rows] for name, column in further}


def _batch(columns: Mapping[str, list[Any]], schema: "Schema", indices: Sequence[str], *more: "Array") -> "RecordBatch":
    from arro3.core import RecordBatch

    names = (*COLUMNS, *index_columns(indices))
    arrays = [_array(columns[name], schema.field(position)) for position, name in enumerate(names)]
    return RecordBatch.from_arrays([*arrays, *more], schema=schema)


def read_observations(data: bytes) -> list[Observation]:
    """Read what `write_observations` wrote, in its order; columns that are not an observation's are passed over.

    A day's file is for others: its day has another name.

    Raises:
        BadInput: when `data` is not Parquet, lacks a column, or a value is not an observation's.
    """
    table = read_table(data)
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise BadInput(f"not a file of observations: no column {', '.join(missing)}")
    columns = [table.column(name).to_pylist() for name in COLUMNS]
    names = [*COLUMNS, "indices"]
    try:
        return _observations().validate_python(
            [dict(zip(names, row, strict=True)) for row in zip(*columns, _indices(table), strict=True)]
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(f"not a file of observations: row {where}: {first['msg']}, got {first['input']!r}") from error


def _indices(table: "Table") -> list[dict[str, IndexStatistics]]:
    """Return for each row the indices other than NDVI of which it has numbers, as far as the file has their columns."""
    found: list[dict[str, IndexStatistics]] = [{} for _ in range(table.num_rows)]
    for index in INDICES:
        names = {name: column.statistic for name, column in index_columns([index]).items()}
        if not names or not names.keys() <= set(table.column_names):
            continue
        values = zip(*(table.column(name).to_pylist() for name in names), strict=True)
        for row, numbers in zip(found, values, strict=True):
            if any(number is not None for number in numbers):
                row[index] = IndexStatistics(**dict(zip(names.values(), numbers, strict=True)))
    return found


@cache
def _observations() -> TypeAdapter[list[Observation]]:
    return TypeAdapter(list[Observation])


def _schema(indices: Sequence[str], day: str = "date") -> "Schema":
    """Return the columns of an observation, of which `date` has the name `day`, and after them those of indices."""
    from arro3.core import DataType, Schema
    from arro3.core import Field as ArrowField

    own = _arrow_fields(Observation, COLUMNS)
    further = [
        ArrowField(name, DataType.float64(), nullable=True, metadata=_describe(column.column))
        for name, column in index_columns(indices).items()
    ]
    return Schema([field.with_name(day) if field.name == "date" else field for field in [*own, *further]])


def _arrow_fields(model: type[Frozen], columns: Mapping[str, Column]) -> "list[ArrowField]":
    from arro3.core import Field as ArrowField

    fields = []
    for name, column in columns.items():
        annotation = model.model_fields[name].annotation
        required = [option for option in get_args(annotation) if option is not NoneType]
        nullable = NoneType in get_args(annotation)
        data_type = _data_type(_TYPES.get(required[0] if nullable else annotation, "string"))
        fields.append(ArrowField(name, data_type, nullable=nullable, metadata=_describe(column)))
    return fields


def _describe(column: Column) -> dict[str, str]:
    return {name: text for name, text in column._asdict().items() if text}


def _data_type(name: str) -> "DataType":
    from arro3.core import DataType
    from arro3.core import Field as ArrowField

    if name == "list<string>":
        return DataType.list(ArrowField("element", DataType.string(), nullable=False))
    if name == "timestamp":
        return DataType.timestamp("us", tz="UTC")
    types = {"string": DataType.string, "int64": DataType.int64, "float64": DataType.float64, "date32": DataType.date32}
    return types[name]()


def _array(values: list[Any], field: "ArrowField") -> "Array":
    """Turn the column's Python values into an Arrow array of the field's type."""
    from arro3.core import Array, DataType, list_array

    if DataType.is_date32(field.type):
        days = [None if value is None else (value - EPOCH_DAY).days for value in values]  # as Arrow counts them
        return Array(days, DataType.int32()).cast(field)
    if DataType.is_timestamp(field.type):
        since = [None if value is None else _microseconds(value) for value in values]
        return Array(since, DataType.int64()).cast(field)
    if DataType.is_list(field.type):
        offsets = Array(list(accumulate(map(len, values), initial=0)), type=DataType.int32())
        flat = [item for value in values for item in value]
        return list_array(offsets, Array(flat, type=DataType.string()), type=field)
    return Array(values, type=field)


def _microseconds(time: datetime) -> int:
    """Return the time since 1970, as Arrow counts it, exactly."""
    return (time - EPOCH) // timedelta(microseconds=1)

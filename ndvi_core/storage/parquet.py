"""Parquet files, and what makes one GeoParquet 1.1: https://geoparquet.org/releases/v1.1.0/."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import BadInput

if TYPE_CHECKING:
    from arro3.core import Field as ArrowField
    from arro3.core import RecordBatch, RecordBatchReader, Table

CREATED_BY = "ndvi_core"
"""Stands in files for the Parquet library's name and version, so that an upgrade alone changes no checksum."""

PARQUET = "application/vnd.apache.parquet"
"""The media type."""

COMPRESSION = "zstd(3)"

MAGIC = b"PAR1"

ROW_GROUP = 131_072
"""Rows that are encoded, and in memory, at a time."""

BATCH = 8192
"""Rows that are decoded at a time."""


def write_table(rows: "RecordBatch | RecordBatchReader", key_values: dict[str, str]) -> bytes:
    """Return a Parquet file with these metadata: the same rows give the same bytes."""
    from arro3.io import write_parquet

    file = BytesIO()
    write_parquet(
        rows,
        file,
        max_row_group_size=ROW_GROUP,
        compression=COMPRESSION,
        created_by=CREATED_BY,
        key_value_metadata=key_values,
    )
    return file.getvalue()


def read_table(data: bytes) -> "Table":
    """Read a Parquet file.

    Raises:
        BadInput: It is none.
    """
    from arro3.io import read_parquet

    if len(data) < 2 * len(MAGIC) or not (data.startswith(MAGIC) and data.endswith(MAGIC)):
        raise BadInput(f"not a Parquet file: {len(data)} bytes that do not begin and end with {MAGIC!r}")
    try:
        return read_parquet(BytesIO(data), batch_size=BATCH).read_all()
    except BaseException as error:  # arro3 raises bare Exceptions, and a panic of Rust is no Exception
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise
        raise BadInput(f"a damaged Parquet file: {error}") from error


def geometry_field() -> "ArrowField":
    """Return the column `geometry` of fields."""
    from arro3.core import DataType
    from arro3.core import Field as ArrowField

    said = {"description": "The field's geometry: WKB, OGC:CRS84", "unit": "degree"}
    return ArrowField("geometry", DataType.binary(), nullable=False, metadata=said)


def to_wkb(geometries: Sequence[BaseGeometry]) -> list[bytes]:
    """Return geometries as GeoParquet has them; Z is dropped."""
    # byte_order=1 is little endian on every machine; ISO is the flavour that GeoParquet asks for.
    return list(shapely.to_wkb(geometries, byte_order=1, output_dimension=2, flavor="iso"))


def geo_metadata(types: set[str], bounds: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    """Return the value of the file's `geo` key; a column without `crs` is OGC:CRS84.

    Args:
        types: Of the geometries.
        bounds: Of some of them each: west, south, east, north.
    """
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": sorted(types)}
    if bounds:
        lows, highs = np.min(bounds, axis=0)[:2], np.max(bounds, axis=0)[2:]
        column["bbox"] = [*lows.tolist(), *highs.tolist()]
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}

"""All fields of the registry as columns: for a hundred thousand of them, rows of Python objects would take minutes."""

from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, select
from sqlalchemy.dialects import postgresql

from ndvi_core.models.constants import METRES_PER_DEGREE
from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.registry.progress import STATUSES, by_season
from ndvi_core.registry.tables import BOUNDS
from ndvi_core.registry.tables import field as field_table

if TYPE_CHECKING:
    from arro3.core import DataType, Table

FIXED_POINT = 10_000_000
"""Units of a degree in the coordinates of boundaries: a centimetre."""


def field_columns(connection: Connection) -> "Table":
    """Return the ids and bounds of all fields, in the order of the registry."""
    from arro3.core import DataType

    fields = field_table.c
    types = {"field_id": DataType.string(), **dict.fromkeys(BOUNDS, DataType.float64())}
    return _table(connection, select(*(fields[name] for name in types)).order_by(fields.sequence), types)


def season_columns(connection: Connection, first_daily_day: date) -> "Table":
    """Return the status of all seasons, field by field in the order of the registry, those of each in that of time.

    The columns are those of `SeasonStatus`, with one for each status in place of `counts`.

    Args:
        connection: to the registry.
        first_daily_day: first day that is processed daily.
    """
    from arro3.core import DataType

    text, day, count, number = DataType.string(), DataType.date32(), DataType.int32(), DataType.float64()
    types = {
        **dict.fromkeys(("field_id", "season", "plant_type"), text),
        **dict.fromkeys(("plant_date", "end_date"), day),
        **dict.fromkeys(("days", *STATUSES), count),
        "ndvi_mean": number,
        "last_value": number,
        "last_date": day,
        **dict.fromkeys(("last_status", "last_reason"), text),
    }
    rows = by_season(last_owed_day(connection, first_daily_day), None)
    return _table(connection, rows.with_only_columns(*(rows.selected_columns[name] for name in types)), types)


def boundary_columns(connection: Connection, tolerance: float) -> "Table":
    """Return the boundaries of all fields, in the order of the registry: polygons of rings of points of x and y.

    Args:
        connection: to the registry.
        tolerance: metres by which they may be off, for fewer points.
    """
    from arro3.core import Array, Table, fixed_size_list_array, list_array

    wkb = connection.scalars(select(field_table.c.geometry).order_by(field_table.c.sequence)).all()
    shapes = simplified(shapely.from_wkb(wkb), tolerance)
    # Where all are polygons, the level of polygons is left out.
    kind, points, levels = shapely.to_ragged_array(shapes) if wkb else (None, np.zeros((0, 2)), [np.zeros(1)] * 2)
    if kind == shapely.GeometryType.POLYGON or kind is None:
        levels = [*levels, np.arange(len(wkb) + 1)]
    units = np.ascontiguousarray(np.rint(points * FIXED_POINT).astype(np.int32).ravel())
    found: Any = fixed_size_list_array(Array(units), 2)
    for offsets in levels:
        found = list_array(Array(np.ascontiguousarray(offsets.astype(np.int32))), found)
    return Table.from_pydict({"boundary": found})


def simplified(shapes: NDArray[Any], tolerance: float) -> NDArray[Any]:
    """Return boundaries with fewer points, off by at most so many metres; 0 is as they are."""
    # The degrees of a meridian: those of a parallel are shorter, so the tolerance holds there too.
    return np.asarray(shapely.simplify(shapes, tolerance / METRES_PER_DEGREE)) if tolerance else shapes


def _table(connection: Connection, query: Select[Any], types: dict[str, "DataType"]) -> "Table":
    """Return what a query selects. As text, since PostgreSQL and Arrow write and read that fastest."""
    from arro3.core import Field, Schema
    from arro3.io import read_csv

    statement = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    copied: Any = connection.connection.cursor()
    with copied.copy(f"COPY ({statement}) TO STDOUT (FORMAT csv)") as copy:
        text = BytesIO(b"".join(copy))
    schema = Schema([Field(name, type) for name, type in types.items()])
    return read_csv(text, schema, has_header=False).read_all()

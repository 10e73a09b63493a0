"""Work orders as GeoParquet: a row for each field with its boundary and its cells, the rest as JSON in the metadata."""

import json
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from ndvi_core.errors import BadInput
from ndvi_core.models.work_order import Cell, OrderField, SceneSet, WorkOrder
from ndvi_core.storage.parquet import geo_metadata, geometry_field, read_table, to_wkb, write_table

if TYPE_CHECKING:
    from arro3.core import DataType, Schema, Table

HEADER = "ndvi:order"
"""Key of the metadata that hold all of an order but its fields and cells, as JSON.

Its `scene_sets` are lists of scenes, older scenes and reasons, see `SceneSet`.
"""


def write_order(order: WorkOrder) -> bytes:
    """Return the file of an order; the same order gives the same bytes.

    Its cells are written field by field, and those of a field in their order.
    """
    from arro3.core import Array, DataType, RecordBatch, list_array

    cells: list[list[Cell]] = [[] for _ in order.fields]
    for cell in order.cells:
        cells[cell.field].append(cell)
    in_turn = [cell for of_field in cells for cell in of_field]
    sets = {of_cell: number for number, of_cell in enumerate(dict.fromkeys(cell.scene_set for cell in in_turn))}
    offsets = Array(list(accumulate(map(len, cells), initial=0)), type=DataType.int32())
    days = Array([cell.date.toordinal() - _EPOCH_DAY for cell in in_turn], DataType.int32())
    geometries = [field.geometry for field in order.fields]
    header = order.model_dump(mode="json", exclude={"fields", "cells"}) | {"scene_sets": list(sets)}
    schema = _schema(header)
    arrays = [
        Array([field.field_id for field in order.fields], type=DataType.string()),
        Array([field.geometry_hash for field in order.fields], type=DataType.string()),
        list_array(offsets, days.cast(DataType.date32()), type=schema.field("dates")),
        list_array(offsets, Array([sets[cell.scene_set] for cell in in_turn], type=DataType.int32())),
        list_array(offsets, Array([cell.fingerprint for cell in in_turn], type=DataType.string())),
        Array(to_wkb(geometries), type=DataType.binary()),
    ]
    columns = [array.cast(schema.field(position)) for position, array in enumerate(arrays)]
    bounds = [shapely.total_bounds(geometries)] if geometries else []
    geo = geo_metadata({geometry.geom_type for geometry in geometries}, bounds)
    return write_table(RecordBatch.from_arrays(columns, schema=schema), {"geo": json.dumps(geo)})


def read_order(data: bytes) -> WorkOrder:
    """Read what `write_order` wrote.

    Raises:
        BadInput: `data` is not such a file; the message says what is wrong.
        ValidationError: The header has defects.
    """
    table = read_table(data)
    header = _header(table)
    sets = _scene_sets(header.pop("scene_sets", None))
    try:
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
    except (OverflowError, ValueError) as error:  # of days
        raise BadInput(f"dates: {error}") from error
    geometries = shapely.from_wkb(columns["geometry"], on_invalid="ignore")
    if broken := np.flatnonzero(shapely.is_missing(geometries)).tolist():
        raise BadInput(f"fields.{broken[0]}.geometry: not WKB")
    if odd := np.flatnonzero(~_are_fields(geometries)).tolist():
        raise BadInput(f"fields.{odd[0]}.geometry: neither empty nor polygons in degrees")
    fields = tuple(map(OrderField, columns["field_id"], geometries.tolist(), columns["geometry_hash"]))
    cells: list[Cell] = []
    for number, of_field in enumerate(zip(*(columns[name] for name in _CELLS), strict=True)):
        if len(set(map(len, of_field))) > 1:
            raise BadInput(f"fields.{number}: {', '.join(_CELLS)} are not of one length")
        for day, scene_set, fingerprint in zip(*of_field, strict=True):
            if day is None:  # what the calendar does not have
                raise BadInput(f"cells.{len(cells)}.date: there is no such day")
            if not 0 <= scene_set < len(sets):
                raise BadInput(f"cells.{len(cells)}.scene_set: there is no set {scene_set} among {len(sets)}")
            cells.append(Cell(number, day, sets[scene_set], fingerprint))
    return WorkOrder.model_validate({**header, "fields": fields, "cells": tuple(cells)})


def describe_order(order: WorkOrder) -> dict[str, Any]:
    """Return an order as JSON for people: geometries are GeoJSON, and cells name their scenes."""
    fields: list[dict[str, Any]] = [
        {
            "field_id": field.field_id,
            "geometry_hash": field.geometry_hash,
            "geometry": shapely.geometry.mapping(field.geometry),
            "cells": [],
        }
        for field in order.fields
    ]
    for cell in order.cells:
        fields[cell.field]["cells"].append(
            {
                "date": cell.date.isoformat(),
                "scenes": [order.scenes[number].id for number in cell.scene_set.scenes],
                "older": [order.scenes[number].id for number in cell.scene_set.older],
                "unreadable": list(cell.scene_set.unreadable),
                "fingerprint": cell.fingerprint,
            }
        )
    return order.model_dump(mode="json", exclude={"fields", "cells"}) | {"fields": fields}


_EPOCH_DAY = date(1970, 1, 1).toordinal()
_CELLS = ("dates", "scene_sets", "fingerprints")


def _are_fields(geometries: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return which geometries can be those of fields: what is clipped away is empty."""
    lowest, highest = np.array([-180, -90, -180, -90]), np.array([180, 90, 180, 90])
    bounds = shapely.bounds(geometries)
    polygonal = np.isin(
        shapely.get_type_id(geometries), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    )
    within = polygonal & (bounds >= lowest).all(axis=1) & (bounds <= highest).all(axis=1)
    coordinates, owners = shapely.get_coordinates(geometries, return_index=True)
    within[owners[~np.isfinite(coordinates).all(axis=1)]] = False  # of which bounds know nothing
    return np.asarray(shapely.is_empty(geometries) | within)


def _scene_sets(stated: object) -> list[SceneSet]:
    try:
        return TypeAdapter(list[SceneSet]).validate_python(stated)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"scene_sets{''.join(f'.{step}' for step in first['loc'])}: {first['msg']}") from error


def _types() -> "dict[str, DataType]":
    from arro3.core import DataType
    from arro3.core import Field as ArrowField

    def many(of: "DataType") -> "DataType":
        return DataType.list(ArrowField("element", of, nullable=False))

    cells = (DataType.date32(), DataType.int32(), DataType.string())
    texts = {"field_id": DataType.string(), "geometry_hash": DataType.string()}
    return texts | {name: many(of) for name, of in zip(_CELLS, cells, strict=True)}


_DESCRIPTIONS = {
    "field_id": "The field's id",
    "geometry_hash": "Hash of the geometry as registered, before it was clipped to the extent",
    "dates": "Day of each cell to compute",
    "scene_sets": f"Of each cell, the index of its scenes in `scene_sets` of the metadata {HEADER}",
    "fingerprints": "Of each cell, the hash of everything that decides its observation",
}


def _schema(header: dict[str, Any]) -> "Schema":
    from arro3.core import Field as ArrowField
    from arro3.core import Schema

    fields = [
        ArrowField(name, of, nullable=False, metadata={"description": _DESCRIPTIONS[name]})
        for name, of in _types().items()
    ]
    return Schema([*fields, geometry_field()], metadata={HEADER: json.dumps(header)})


def _header(table: "Table") -> dict[str, Any]:
    """Return the header of a file, whose columns are those of an order.

    Raises:
        BadInput: It is not the file of an order.
    """
    if missing := [name for name in (*_types(), "geometry") if name not in table.column_names]:
        raise BadInput(f"no column {', '.join(missing)}")
    for name, expected in (*_types().items(), ("geometry", geometry_field().type)):
        if table.field(name).type != expected:
            raise BadInput(f"{name}: the column is {table.field(name).type}, not {expected}")
        if any(chunk.null_count for chunk in table.column(name).chunks):
            raise BadInput(f"{name}: a value is missing")
    try:
        header = json.loads(table.schema.metadata_str[HEADER])
        json.dumps(header, ensure_ascii=False).encode()  # half a character can be read, but not be written any more
    except (KeyError, RecursionError, ValueError) as error:
        raise BadInput(f"no JSON in the metadata {HEADER}: {error}") from error
    if not isinstance(header, dict):
        raise BadInput(f"the metadata {HEADER} are no JSON object")
    return header

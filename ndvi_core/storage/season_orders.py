"""Seasons of a part with their observations as Parquet: what their computation is given, a row a season."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import BadInput
from ndvi_core.models.season_table import EPOCH, Observed, SeasonData, SeasonTable
from ndvi_core.storage.arrow_arrays import numbers
from ndvi_core.storage.parquet import read_table, write_table

if TYPE_CHECKING:
    from arro3.core import Array, Table

_DESCRIPTIONS = {
    "sequence": "Place of the field in the registry",
    "field_id": "The field's id",
    "season": "Name of the season",
    "plant_type": "Crop of the season",
    "plant_date": "Plant date of the season",
    "end_date": "Last day of the season; null is open",
    "first_day": "First day of the season that can have an observation",
    "days": "Days from the first day to the last one that is recorded, or to the end",
}
_LISTS = {
    "days": "days since the first day on which there is a value",
    "means": "mean of the field on each of them",
    "weights": "valid fraction of the field on each of them",
}


def write_season_order(data: SeasonData) -> bytes:
    """Return the file of a part's seasons; the same seasons give the same bytes."""
    from arro3.core import Array, DataType, RecordBatch, Schema, list_array
    from arro3.core import Field as ArrowField

    seasons = data.seasons
    columns: dict[str, Array] = {
        "sequence": Array(seasons.sequence.astype(np.int64)),
        **{
            name: Array(texts, type=DataType.string())
            for name, texts in (
                ("field_id", seasons.field_id),
                ("season", seasons.name),
                ("plant_type", seasons.plant_type),
            )
        },
        "plant_date": _days(seasons.plant_date),
        "end_date": _days(seasons.end_date),
        "first_day": _days(seasons.first_day),
        "days": Array(seasons.days.astype(np.int32)),
    }
    fields = [
        ArrowField(name, array.type, nullable=name == "end_date", metadata={"description": _DESCRIPTIONS[name]})
        for name, array in columns.items()
    ]
    for index, observed in data.observed.items():
        offsets = Array(observed.offsets.astype(np.int32))
        for name, what in _LISTS.items():
            values = Array(np.ascontiguousarray(getattr(observed, name)))
            array = list_array(offsets, values)
            columns[f"{index}_{name}"] = array
            described = {"description": f"{index}: {what}"}
            fields.append(ArrowField(f"{index}_{name}", array.type, nullable=False, metadata=described))
    batch = RecordBatch.from_arrays(list(columns.values()), schema=Schema(fields))
    return write_table(batch, {})


def read_season_order(data: bytes, indices: Sequence[str]) -> SeasonData:
    """Read what `write_season_order` wrote.

    Args:
        data: the file.
        indices: those that it has columns of.

    Raises:
        BadInput: it is no such file.
    """
    table = read_table(data)
    expected = [*_DESCRIPTIONS, *(f"{index}_{name}" for index in indices for name in _LISTS)]
    if missing := [name for name in expected if name not in table.column_names]:
        raise BadInput(f"not an order for seasons: no column {', '.join(missing)}")
    lists: dict[str, list[Any]] = {name: list(table.column(name).to_pylist()) for name in _DESCRIPTIONS}
    seasons = SeasonTable(
        sequence=numbers(table.column("sequence")).astype(np.intp),
        field_id=lists["field_id"],
        name=lists["season"],
        plant_type=lists["plant_type"],
        plant_date=lists["plant_date"],
        end_date=lists["end_date"],
        first_day=lists["first_day"],
        days=numbers(table.column("days")).astype(np.intp),
    )
    return SeasonData(seasons, {index: _observed(table, index) for index in indices})


def _observed(table: "Table", index: str) -> Observed:
    from arro3.core import list_flatten, list_offsets

    offsets = [0]
    flat: dict[str, list[NDArray[np.generic]]] = {name: [] for name in _LISTS}
    for number, chunk in enumerate(table.column(f"{index}_days").chunks):
        bounds = np.asarray(list_offsets(chunk))
        offsets += (bounds[1:] - bounds[0] + offsets[-1]).tolist()
        for name, arrays in flat.items():
            arrays.append(np.asarray(list_flatten(table.column(f"{index}_{name}").chunks[number])))
    joined = {name: np.concatenate(arrays) if arrays else np.zeros(0) for name, arrays in flat.items()}
    return Observed(
        np.array(offsets, np.intp),
        joined["days"].astype(np.int32),
        joined["means"].astype(np.float32),
        joined["weights"].astype(np.float32),
    )


def _days(days: Sequence[date | None]) -> "Array":
    from arro3.core import Array, DataType

    since = [None if day is None else (day - EPOCH).days for day in days]
    return Array(since, DataType.int32()).cast(DataType.date32())

"""Seasons of a part with their observations as Parquet: what their computation is given, a row a season."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import BadInput
from ndvi_core.models.observation import Column
from ndvi_core.models.season_table import EPOCH, Observed, SeasonData, SeasonTable, numbers_of
from ndvi_core.storage.arrow_arrays import numbers
from ndvi_core.storage.parquet import read_table
from ndvi_core.storage.season_files import Data, Lists, Spec, Values, write_columns

if TYPE_CHECKING:
    from arro3.core import Table

_SEASONS: Mapping[str, Spec] = {
    "sequence": Spec("int64", Column("Place of the field in the registry")),
    "field_id": Spec("string", Column("The field's id")),
    "season": Spec("string", Column("Name of the season")),
    "plant_type": Spec("string", Column("Crop of the season")),
    "plant_date": Spec("date32", Column("Plant date of the season")),
    "end_date": Spec("date32", Column("Last day of the season; null is open"), nullable=True),
    "first_day": Spec("date32", Column("First day of the season that can have an observation")),
    "days": Spec("int32", Column("Days from the first day to the last one that is recorded, or to the end")),
}
_LISTS: Mapping[str, Spec] = {
    "days": Spec("list<int32>", Column("Days since the first day on which there is a value of the index")),
    "means": Spec("list<float32>", Column("Mean of the field on each of them")),
    "weights": Spec("list<float32>", Column("Valid fraction of the field on each of them")),
}
"""Of each index, whose name comes before."""


def write_season_order(data: SeasonData) -> bytes:
    """Return the file of a part's seasons; the same seasons give the same bytes."""
    seasons = data.seasons
    is_open = np.array([end is None for end in seasons.end_date], bool)
    ends = [end or EPOCH for end in seasons.end_date]
    columns: dict[str, Data] = {
        "sequence": seasons.sequence,
        "field_id": seasons.field_id,
        "season": seasons.name,
        "plant_type": seasons.plant_type,
        "plant_date": numbers_of(seasons.plant_date),
        "end_date": Values(numbers_of(ends), ~is_open),
        "first_day": seasons.starts,
        "days": seasons.days,
    }
    for index, observed in data.observed.items():
        counts = np.diff(observed.offsets)
        columns |= {f"{index}_{name}": Lists(counts, getattr(observed, name)) for name in _LISTS}
    return write_columns(columns, _specs(data.observed))


def read_season_order(data: bytes, indices: Sequence[str]) -> SeasonData:
    """Read what `write_season_order` wrote.

    Args:
        data: the file.
        indices: those that it has columns of.

    Raises:
        BadInput: it is no such file.
    """
    table = read_table(data)
    if missing := [name for name in _specs(indices) if name not in table.column_names]:
        raise BadInput(f"not an order for seasons: no column {', '.join(missing)}")
    lists: dict[str, list[Any]] = {name: list(table.column(name).to_pylist()) for name in _SEASONS}
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


def _specs(indices: Iterable[str]) -> dict[str, Spec]:
    return {**_SEASONS, **{f"{index}_{name}": spec for index in indices for name, spec in _LISTS.items()}}


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

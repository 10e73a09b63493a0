"""The files of a part: written from the series of its seasons, and read again."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ndvi_core.errors import BadInput
from ndvi_core.models.arrays import Indexes
from ndvi_core.models.season_table import DailySeries, SeasonSeries, SeasonTable, numbers_of
from ndvi_core.season.order import SeasonOrder
from ndvi_core.season.phenology import NONE, REASONS
from ndvi_core.season_run.series import SeasonFigures, history
from ndvi_core.storage.arrow_arrays import floats, numbers
from ndvi_core.storage.parquet import read_table
from ndvi_core.storage.season_files import SERIES, SUMMARIES, Data, Repeated, Values, write_columns

if TYPE_CHECKING:
    from arro3.core import Table


def write_series(found: SeasonSeries) -> bytes:
    """Return the file of the daily series of a part's seasons."""
    table = found.seasons
    indices = list(found.series)
    days = int(table.days.sum())
    of_row = np.tile(np.repeat(np.arange(len(table)), table.days), len(indices))
    since = np.arange(days * len(indices)) % max(days, 1) - table.offsets[of_row]
    columns: dict[str, Data] = {
        "field_id": Repeated(table.field_id, of_row),
        "season": Repeated(table.name, of_row),
        "index": Repeated(indices, np.repeat(np.arange(len(indices)), days)),
        "day": (table.starts[of_row] + since).astype(np.int32),
        "day_of_season": (table.shift[of_row] + since).astype(np.int32),
    }
    for name in ("smoothed", "error", "observed", "weight"):
        values = np.concatenate([getattr(series, name) for series in found.series.values()])
        columns[name] = Values(values, np.isfinite(values))
    for name in ("outlier", "provisional", "gap"):
        columns[name] = np.concatenate([getattr(series, name) for series in found.series.values()])
    return write_columns(columns, SERIES)


def write_summaries(
    found: SeasonSeries, figures: Mapping[str, SeasonFigures], earlier: Sequence[SeasonSeries], order: SeasonOrder
) -> bytes:
    """Return the file of the summaries of a part's seasons.

    Args:
        found: the seasons with their series.
        figures: of each index.
        earlier: seasons of the same fields that were planted in earlier years.
        order: its last day.
    """
    parts = [_summaries(found, earlier, index, figures[index]) for index in found.series]
    table, times = found.seasons, len(parts)
    of_row = np.tile(np.arange(len(table)), times)
    ends = [order.last_day if end is None else end for end in table.end_date]
    is_open = np.array([end is None for end in table.end_date])
    columns: dict[str, Data] = {
        "field_id": Repeated(table.field_id, of_row),
        "sequence": table.sequence[of_row].astype(np.int64),
        "season": Repeated(table.name, of_row),
        "plant_type": Repeated(table.plant_type, of_row),
        "plant_date": numbers_of(table.plant_date)[of_row],
        "end_date": Values(numbers_of(ends)[of_row], ~is_open[of_row]),
        "index": Repeated(list(found.series), np.repeat(np.arange(times), len(table))),
        "first_day": table.starts[of_row],
        "last_day": (table.starts + table.days - 1)[of_row],
    }
    for name in parts[0]:
        some = [part[name] for part in parts]
        columns[name] = _stacked(some)
    return write_columns(columns, SUMMARIES)


def _summaries(
    found: SeasonSeries, earlier: Sequence[SeasonSeries], index: str, figures: SeasonFigures
) -> dict[str, Values | Repeated]:
    starts = found.seasons.starts
    everywhere = np.ones(len(starts), bool)

    def a_day(day: Indexes) -> Values:
        return Values(starts + day, day != NONE)

    pheno = figures.phenology
    of_any, of_crop = history(found, earlier, index, figures.latest_day, figures.latest)
    columns: dict[str, Values | Repeated] = {
        "values": Values(figures.values, everywhere),
        "outliers": Values(figures.outliers, everywhere),
        "latest_day": a_day(figures.latest_day),
        "latest": _known(figures.latest),
    }
    for name in ("start", "peak", "end"):
        columns[name] = a_day(getattr(pheno, name))
        columns[f"{name}_reason"] = Repeated(REASONS, getattr(pheno, f"{name}_reason").astype(np.intp))
    columns |= {name: _known(getattr(pheno, name)) for name in ("peak_value", "amplitude", "integral")}
    columns["length"] = Values(pheno.length, pheno.length != NONE)
    for name, standing in (("history", of_any), ("crop_history", of_crop)):
        columns[f"{name}_count"] = Values(standing.seasons, everywhere)
        columns[f"{name}_percentile"] = _known(standing.percentile)
    return columns


def _known(values: np.ndarray) -> Values:
    return Values(np.round(values, 4), np.isfinite(values))


def _stacked(parts: Sequence[Values | Repeated]) -> Data:
    first = parts[0]
    if isinstance(first, Repeated):
        return Repeated(first.texts, np.concatenate([part.numbers for part in parts if isinstance(part, Repeated)]))
    values = [part for part in parts if isinstance(part, Values)]
    return Values(np.concatenate([part.values for part in values]), np.concatenate([part.known for part in values]))


def read_part(series: bytes, summaries: bytes) -> SeasonSeries:
    """Read the seasons of a part and their series.

    Args:
        series: what `write_series` wrote.
        summaries: what `write_summaries` wrote of the same seasons.

    Raises:
        BadInput: the two files are not of the same seasons.
    """
    table = read_table(summaries)
    indices = list(dict.fromkeys(table.column("index").to_pylist()))
    count = table.num_rows // max(len(indices), 1)
    seasons = _seasons(table, count)
    daily = read_table(series)
    if daily.num_rows != int(seasons.days.sum()) * len(indices):
        raise BadInput(f"a file of series has {daily.num_rows} rows, which are not those of its {count} seasons")
    columns = {name: floats(daily.column(name)) for name in ("smoothed", "error", "observed", "weight")}
    columns |= {name: numbers(daily.column(name)) for name in ("outlier", "provisional", "gap")}
    days = int(seasons.days.sum())

    def of_index(number: int) -> DailySeries:
        return DailySeries(**{name: values[number * days : (number + 1) * days] for name, values in columns.items()})

    return SeasonSeries(seasons, {index: of_index(number) for number, index in enumerate(indices)})


def _seasons(table: "Table", count: int) -> SeasonTable:
    def column(name: str) -> list[Any]:
        return list(table.column(name).slice(0, count).to_pylist())

    first_day, last_day = column("first_day"), column("last_day")
    days: Indexes = numbers_of(last_day) - numbers_of(first_day) + 1
    return SeasonTable(
        sequence=numbers(table.column("sequence"))[:count].astype(np.intp),
        field_id=column("field_id"),
        name=column("season"),
        plant_type=column("plant_type"),
        plant_date=column("plant_date"),
        end_date=column("end_date"),
        first_day=first_day,
        days=days,
    )

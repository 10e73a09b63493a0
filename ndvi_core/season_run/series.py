"""The daily series and summaries of a part, from its observations and the field's earlier seasons."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.models.indices import INDICES
from ndvi_core.models.season_table import DailySeries, SeasonData, SeasonSeries, SeasonTable, days_inside, numbers_of
from ndvi_core.season.history import Standing, standing
from ndvi_core.season.order import SeasonOrder
from ndvi_core.season.outliers import flag
from ndvi_core.season.phenology import NONE, Phenology, phenology
from ndvi_core.season.series import exact, make_series


class SeasonFigures(NamedTuple):
    """What summaries say of an index, (seasons) each."""

    values: Indexes
    outliers: Indexes
    latest_day: Indexes
    """Last day with a smoothed value, since the first day; `NONE` where there is none."""
    latest: Floats
    phenology: Phenology


def make_seasons(data: SeasonData, order: SeasonOrder) -> tuple[SeasonSeries, dict[str, SeasonFigures]]:
    """Return the series of a part's seasons, and figures of each index.

    Args:
        data: the seasons, one or more, and their observations.
        order: its rules, and the last day.
    """
    over = data.seasons.is_over(order.last_day)
    flat: dict[str, list[DailySeries]] = {index: [] for index in order.policy.indices}
    figures: dict[str, list[SeasonFigures]] = {index: [] for index in order.policy.indices}
    for some in data.seasons.chunks():
        inside = days_inside(data.seasons.days[some])
        ndvi = data.observed["ndvi"].dense(some, inside.shape[1])
        flags = flag(*ndvi, order.policy.rules.series)
        for index in order.policy.indices:
            values, weights = ndvi if index == "ndvi" else data.observed[index].dense(some, inside.shape[1])
            made = make_series(values, weights, flags, order.policy.rules.series)
            known = weights > 0
            flat[index].append(
                DailySeries(
                    smoothed=_single(made.smoothed[inside]),
                    error=_single(made.error[inside].round(4)),
                    observed=_single(np.where(known, values, np.nan)[inside].round(4)),
                    weight=_single(np.where(known, weights, np.nan)[inside].round(4)),
                    outlier=(known & ~made.counts)[inside],
                    provisional=(known & made.counts & flags.provisional)[inside],
                    gap=made.gap[inside],
                )
            )
            rules = order.policy.rules.phenology
            low, high = INDICES[index].range
            scaled = rules.model_copy(update={"min_amplitude": rules.min_amplitude * (high - low)})
            found = phenology(made.smoothed, made.gap, over[some], scaled)
            figures[index].append(_figures(made.smoothed, known, made.counts, found))
    series = {index: _joined(parts) for index, parts in flat.items()}
    return SeasonSeries(data.seasons, series), {index: _all(parts) for index, parts in figures.items()}


def _figures(smoothed: Floats, known: NDArray[np.bool_], counts: NDArray[np.bool_], found: Phenology) -> SeasonFigures:
    there = np.isfinite(smoothed)
    latest = np.where(there, np.arange(smoothed.shape[1]), NONE).max(axis=1, initial=NONE)
    value = np.where(latest == NONE, np.nan, smoothed[np.arange(len(smoothed)), latest])
    return SeasonFigures((known & counts).sum(axis=1), (known & ~counts).sum(axis=1), latest, value, found)


def history(
    series: SeasonSeries, earlier: Sequence[SeasonSeries], index: str, latest_day: Indexes, latest: Floats
) -> tuple[Standing, Standing]:
    """Return where the latest values stand among those of the fields' earlier seasons, and of those with the same crop.

    Args:
        series: the seasons.
        earlier: those of the same fields that were planted in earlier years.
        index: name of the index.
        latest_day: of each season, the last day with a value since its first day.
        latest: the value.
    """
    known = [part for part in (*earlier, series) if index in part.series]
    tables = [part.seasons for part in known]
    sequence = np.concatenate([table.sequence for table in tables])
    planted = np.concatenate([numbers_of(table.plant_date) for table in tables])
    crop = np.concatenate([np.array(table.plant_type, object) for table in tables])
    shift = np.concatenate([table.shift for table in tables])
    days = np.concatenate([table.days for table in tables])
    starts = np.cumsum(days) - days
    values = np.concatenate([part.series[index].smoothed for part in known])
    order = np.lexsort((planted, sequence))
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    own = np.arange(len(order) - len(series.seasons), len(order))
    wanted = latest_day + shift[own]
    of_any, of_crop = [], []
    for back in range(1, len(order)):
        before = place[own] - back
        other = order[np.maximum(before, 0)]
        same = (before >= 0) & (sequence[other] == sequence[own])
        if not same.any():
            break
        day = wanted - shift[other]
        inside = same & (latest_day != NONE) & (day >= 0) & (day < days[other])
        found = np.where(inside, values[np.where(inside, starts[other] + day, 0)], np.nan)
        of_any.append(exact(found))
        of_crop.append(np.where(crop[other] == crop[own], of_any[-1], np.nan))
    nothing = np.full((len(own), 0), np.nan)
    any_crop, same_crop = (
        standing(latest, np.stack(columns, axis=1) if columns else nothing) for columns in (of_any, of_crop)
    )
    return any_crop, same_crop


def _single(values: Floats) -> NDArray[np.float32]:
    return values.astype(np.float32)


def _joined(parts: Sequence[DailySeries]) -> DailySeries:
    return DailySeries(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def _all(parts: Sequence[SeasonFigures]) -> SeasonFigures:
    values, outliers, latest_day, latest = map(np.concatenate, zip(*(part[:-1] for part in parts), strict=True))
    found = Phenology._make(map(np.concatenate, zip(*(part.phenology for part in parts), strict=True)))
    return SeasonFigures(values, outliers, latest_day, latest, found)


def seasons_of(table: SeasonTable, crop: str) -> Indexes:
    """Return the numbers of the seasons of a crop."""
    return np.array([number for number, name in enumerate(table.plant_type) if name == crop], np.intp)

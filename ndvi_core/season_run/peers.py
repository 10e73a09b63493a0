"""What is usual among the seasons of a crop and year: counted part by part, and looked up for seasons."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats
from ndvi_core.models.season_table import SeasonSeries, days_inside, spread
from ndvi_core.season.peers import PeerCounts, Usual
from ndvi_core.season.series import exact
from ndvi_core.season_run.series import seasons_of
from ndvi_core.storage.season_files import PEERS, Repeated, write_columns

TOGETHER = 64
"""Days since planting that are counted in one array."""
LOWEST, HIGHEST, OF_OTHERS = -1.0, 1.5, {"cire": 5.5}
"""Values beyond are counted as these: there can be no more than 65,534 multiples of 0.0001 to count."""

Group = tuple[str, str]
"""Crop and index."""
UsualOf = Mapping[Group, Usual]


class Block(NamedTuple):
    """Smoothed values of some seasons of a crop, on `TOGETHER` days."""

    group: Group
    number: int
    """The days since planting, in `TOGETHER`s."""
    values: NDArray[np.float32]
    """(seasons, `TOGETHER`); NaN where there is none."""


def blocks_of(found: SeasonSeries) -> Iterator[Block]:
    """Yield the smoothed values of all seasons of a part."""
    table = found.seasons
    for crop in dict.fromkeys(table.plant_type):
        members = seasons_of(table, crop)
        for shift in np.unique(table.shift[members]).tolist():
            some = members[table.shift[members] == shift]
            inside = days_inside(table.days[some])
            flat = np.concatenate([np.arange(table.offsets[one], table.offsets[one + 1]) for one in some])
            for index in found.series:
                values = spread(exact(found.series[index].smoothed[flat]), inside, np.nan)
                yield from _divided((crop, index), values, shift)


def _divided(group: Group, values: Floats, shift: int) -> Iterator[Block]:
    first, lead = divmod(shift, TOGETHER)
    width = -(-(lead + values.shape[1]) // TOGETHER) * TOGETHER
    padded = np.full((len(values), width), np.nan, np.float32)
    padded[:, lead : lead + values.shape[1]] = values
    for number in range(width // TOGETHER):
        some = padded[:, number * TOGETHER : (number + 1) * TOGETHER]
        there = np.isfinite(some).any(axis=1)
        if there.any():
            yield Block(group, first + number, some[there])


class YearCounts:
    """Counts the values of a year's seasons."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Group, int], PeerCounts] = {}

    def add(self, block: Block) -> None:
        """Count some values."""
        key = (block.group, block.number)
        if key not in self._counts:
            self._counts[key] = PeerCounts(TOGETHER, LOWEST, OF_OTHERS.get(block.group[1], HIGHEST))
        self._counts[key].add(exact(block.values))

    def usual(self) -> dict[Group, Usual]:
        """Return what is usual on each day since planting, of each crop and index in the order of the alphabet."""
        numbers: dict[Group, list[int]] = defaultdict(list)
        for group, number in sorted(self._counts):
            numbers[group].append(number)
        found = {}
        for group, some in numbers.items():
            days = (some[-1] + 1) * TOGETHER
            usual = Usual(np.zeros(days, np.int64), np.full(days, np.nan), np.full(days, np.nan))
            for number in some:
                of_block = self._counts[group, number].usual()
                for column, values in zip(usual, of_block, strict=True):
                    column[number * TOGETHER : (number + 1) * TOGETHER] = values
            found[group] = usual
        return found


def write_peers(usual: UsualOf) -> bytes:
    """Return the file of a year's peers, of one group or more."""
    groups = list(usual)
    days = [np.flatnonzero(of_group.seasons) for of_group in usual.values()]
    of_row = np.repeat(np.arange(len(groups)), [len(some) for some in days])

    def stacked(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(one, name)[some] for one, some in zip(usual.values(), days, strict=True)])

    return write_columns(
        {
            "plant_type": Repeated([crop for crop, _ in groups], of_row),
            "index": Repeated([index for _, index in groups], of_row),
            "day_of_season": np.concatenate(days).astype(np.int32),
            "count": stacked("seasons").astype(np.int32),
            "median": np.round(stacked("median"), 5).astype(np.float32),
            "mad": np.round(stacked("mad"), 5).astype(np.float32),
        },
        PEERS,
    )


def looked_up(usual: UsualOf, index: str, crops: list[str], first: NDArray[np.intp], days: int) -> Usual:
    """Return what is usual on the days of seasons, (seasons, days) each.

    Args:
        usual: of each crop and index.
        index: the index.
        crops: of each season.
        first: of each season, the first day since planting.
        days: columns.
    """
    shape = (len(crops), days)
    found = Usual(np.zeros(shape, np.int64), np.full(shape, np.nan), np.full(shape, np.nan))
    for crop in dict.fromkeys(crops):
        if (of_crop := usual.get((crop, index))) is None:
            continue
        some = np.array([number for number, name in enumerate(crops) if name == crop])
        day = first[some, np.newaxis] + np.arange(days)
        inside = day < len(of_crop.seasons)
        for column, values in zip(found, of_crop, strict=True):
            column[some] = np.where(inside, values[np.minimum(day, len(values) - 1)], column[some])
    return found

"""Where seasons stand among their peers, all at once: of each the latest smoothed value, its robust z, and its rank."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ndvi_core.errors import NotFound
from ndvi_core.models.season_part import SeasonPart
from ndvi_core.season.peers import Usual
from ndvi_core.season_run.of_field import OneSeason, shown_z
from ndvi_core.storage.arrow_arrays import floats, numbers
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.parquet import read_table
from ndvi_core.storage.season_files import keys_of, peers_key

if TYPE_CHECKING:
    from arro3.core import Table

INDEX = "ndvi"
DIGITS = 4


class AmongPeers(NamedTuple):
    """Where a season stands among those of its crop that were planted in the same year."""

    day: date
    """Of the latest smoothed value."""
    peers: int
    """Seasons with a value on that day since planting, itself among them."""
    median: float | None
    """Theirs."""
    z: float | None
    """Robust z; None with too few peers, or if they are all alike."""
    rank: int | None
    """Place by z, 1 is the highest; the same z is the same place."""
    ranked: int
    """How many have a place."""


class _Latest(NamedTuple):
    day: date
    value: float
    peers: int
    median: float
    z: float


def standings(store: Store, prefix: str, seasons: Sequence[OneSeason]) -> list[AmongPeers | None]:
    """Return where each season stands; None of those that are not computed or have no value.

    Args:
        store: the bucket.
        prefix: beginning of the keys of the seasons' files.
        seasons: those that are compared; the medians are of all.
    """
    found: dict[OneSeason, _Latest] = {}
    by_part: dict[SeasonPart, list[OneSeason]] = defaultdict(list)
    for season in seasons:
        by_part[season.part].append(season)
    usual = {year: _usual(_read(store, f"{prefix}{peers_key(year)}")) for year in {part.year for part in by_part}}
    for part, its_seasons in by_part.items():
        table = _read(store, f"{prefix}{keys_of(part)[1]}")
        if table is not None:
            found |= _latest(table, {(one.sequence, one.name): one for one in its_seasons}, usual[part.year])
    places = _places(found)
    return [_among_peers(found.get(season), places[_group(season)]) for season in seasons]


_Usual = Mapping[tuple[str, int], tuple[int, float, float]]
"""Number, median and median absolute deviation, by crop and day since planting."""


def _usual(table: "Table | None") -> _Usual:
    if table is None:
        return {}
    some = [index == INDEX for index in table.column("index").to_pylist()]
    keys = zip(table.column("plant_type").to_pylist(), table.column("day_of_season").to_pylist(), strict=True)
    columns = (
        table.column("count").to_pylist(),
        *(floats(table.column(name)).astype(float).round(5).tolist() for name in ("median", "mad")),
    )
    rows = zip(some, keys, zip(*columns, strict=True), strict=True)
    return {key: row for is_of_index, key, row in rows if is_of_index}


def _latest(table: "Table", wanted: Mapping[tuple[int, str], OneSeason], usual: _Usual) -> dict[OneSeason, _Latest]:
    names = "season", "index", "latest_day"
    columns = zip(
        numbers(table.column("sequence")).tolist(),
        *(table.column(name).to_pylist() for name in names),
        floats(table.column("latest")).astype(float).round(DIGITS).tolist(),
        strict=True,
    )
    rows = [
        (wanted[sequence, name], day, value)
        for sequence, name, index, day, value in columns
        if index == INDEX and day is not None and (sequence, name) in wanted
    ]
    nothing = 0, np.nan, np.nan
    peers = [usual.get((one.plant_type, (day - one.plant_date).days), nothing) for one, day, _ in rows]
    count, median, mad = np.array(peers, float).reshape(-1, 3).T
    z = shown_z(np.array([value for *_, value in rows]), Usual(count.astype(np.int64), median, mad))
    return {
        one: _Latest(day, value, *of_day)
        for (one, day, value), *of_day in zip(
            rows, count.astype(int).tolist(), median.tolist(), z.tolist(), strict=True
        )
    }


def _group(season: OneSeason) -> tuple[str, int]:
    return season.plant_type, season.plant_date.year


def _places(found: Mapping[OneSeason, _Latest]) -> dict[tuple[str, int], list[float]]:
    """Return what places go by: the z of each group, negative and ascending."""
    groups: dict[tuple[str, int], list[float]] = defaultdict(list)
    for season, latest in found.items():
        if not np.isnan(latest.z):
            groups[_group(season)].append(-latest.z)
    return defaultdict(list, {group: sorted(places) for group, places in groups.items()})


def _among_peers(latest: _Latest | None, places: Sequence[float]) -> AmongPeers | None:
    if latest is None:
        return None
    z = None if np.isnan(latest.z) else latest.z
    rank = None if z is None else 1 + bisect_left(places, -z)
    median = None if np.isnan(latest.median) else latest.median
    return AmongPeers(latest.day, latest.peers, median, z, rank, len(places))


def _read(store: Store, key: str) -> "Table | None":
    try:
        return read_table(store.read(key))
    except NotFound:
        return None

"""What the files of seasons say of one field: summaries and daily series, with its standing."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ndvi_core.errors import NotFound
from ndvi_core.models.arrays import Floats
from ndvi_core.models.season_part import PART_BITS, SeasonPart
from ndvi_core.season.history import standing
from ndvi_core.season.peers import Usual, robust_z
from ndvi_core.season.series import exact
from ndvi_core.storage.arrow_arrays import floats, numbers
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.parquet import read_table
from ndvi_core.storage.season_files import SUMMARIES, keys_of, peers_key

if TYPE_CHECKING:
    from arro3.core import Table

Row = dict[str, Any]


class OneSeason(NamedTuple):
    """A season of a field, as the registry has it."""

    sequence: int
    """Of the field."""
    name: str
    plant_type: str
    plant_date: date

    @property
    def part(self) -> SeasonPart:
        """The part that it is in."""
        return SeasonPart(self.plant_date.year, self.sequence >> PART_BITS)


def shown_z(smoothed: Floats, usual: Usual) -> Floats:
    """Return the robust z of values among what is usual on the day of each, to the two decimals that people see."""
    return robust_z(smoothed, *usual).round(2)


class FieldFiles:
    """Reads the files of seasons for a field; each file once."""

    def __init__(self, store: Store, prefix: str) -> None:
        """Read nothing yet.

        Args:
            store: the bucket.
            prefix: beginning of the keys.
        """
        self._store = store
        self._prefix = prefix
        self._tables: dict[str, Table | None] = {}

    def summaries(self, season: OneSeason) -> list[Row]:
        """Return the rows of a season's summaries, one an index, each with its standing among peers on its latest day.

        There is none before the season is computed.
        """
        found = []
        for row in self._rows(season):
            summary = dict(row)
            of_day: Row = {"count": 0, "median": None, "z": None}
            if row["latest_day"] is not None:
                day = (row["latest_day"] - season.plant_date).days
                usual = self._usual(season, row["index"], day, 1)
                z = shown_z(np.array([row["latest"]]), usual)[0]
                of_day = {"count": int(usual.seasons[0]), "median": _none(float(usual.median[0])), "z": _none(float(z))}
            found.append(summary | {f"peers_{name}": value for name, value in of_day.items()})
        return found

    def series(self, season: OneSeason, earlier: Sequence[OneSeason], index: str) -> dict[str, list[Any]]:
        """Return the daily series of a season as columns of equal length.

        Args:
            season: the season.
            earlier: the field's earlier seasons.
            index: name of the index.

        Raises:
            NotFound: The season is not computed yet, or not of this index.
        """
        found = self._daily(season, index)
        if found is None:
            raise NotFound(
                f"season {season.name} has no series of {index} yet: ndvi_season computes it with the next day"
            )
        first, table = found
        days = table.num_rows
        smoothed = exact(floats(table.column("smoothed")))
        usual = self._usual(season, index, first, days)
        before = np.full((days, len(earlier)), np.nan)
        for number, other in enumerate(earlier):
            before[:, number] = self._on_days(other, index, first, days)
        history = standing(smoothed, before)
        columns: dict[str, list[Any]] = {
            **{name: list(table.column(name).to_pylist()) for name in ("day", "day_of_season")},
            "smoothed": _nones(smoothed),
            **{name: _nones(exact(floats(table.column(name)))) for name in ("error", "observed", "weight")},
            **{name: list(table.column(name).to_pylist()) for name in ("outlier", "provisional", "gap")},
            "peers_count": usual.seasons.tolist(),
            "peers_median": _nones(usual.median),
            "peers_mad": _nones(usual.mad),
            "peers_z": _nones(shown_z(smoothed, usual)),
            "history_count": history.seasons.astype(int).tolist(),
            "history_percentile": _nones(history.percentile.round(1)),
        }
        return columns

    def _on_days(self, season: OneSeason, index: str, first: int, days: int) -> Floats:
        """Return the smoothed values of a season on so many days from `first` on, counted since planting."""
        values = np.full(days, np.nan)
        if (found := self._daily(season, index)) is not None:
            start, table = found
            smoothed = exact(floats(table.column("smoothed")))
            low, high = max(start, first), min(start + len(smoothed), first + days)
            if low < high:
                values[low - first : high - first] = smoothed[low - start : high - start]
        return values

    def _daily(self, season: OneSeason, index: str) -> "tuple[int, Table] | None":
        """Return the first day since planting and the rows of a season's series; None if there are none.

        Nor are there any while one of the two files is that of an earlier run.
        """
        rows = [row for row in self._rows(season) if row["index"] == index]
        table = self._table(keys_of(season.part)[0])
        if not rows or table is None:
            return None
        row = rows[0]
        days = (row["last_day"] - row["first_day"]).days + 1
        if row["offset"] + days > table.num_rows:
            return None
        of_season = table.slice(row["offset"], days)
        first, last = (_who_and_when(of_season, place) for place in (0, days - 1))
        if first != (row["field_id"], row["season"], index, row["first_day"]) or last != (*first[:3], row["last_day"]):
            return None
        return (row["first_day"] - season.plant_date).days, of_season

    def _rows(self, season: OneSeason) -> Iterator[Row]:
        """Yield the summaries of a season, each with the place of its days in the file of series."""
        table = self._table(keys_of(season.part)[1])
        if table is None:
            return
        first, last = (numbers(table.column(name)).astype(np.int64) for name in ("first_day", "last_day"))
        offsets = np.cumsum(last - first + 1) - (last - first + 1)
        for place in np.flatnonzero(numbers(table.column("sequence")) == season.sequence).tolist():
            row = {name: table.column(name)[place].as_py() for name in SUMMARIES}
            if row["season"] == season.name:
                rounded = {name: round(value, 4) for name, value in row.items() if isinstance(value, float)}
                yield row | rounded | {"offset": int(offsets[place])}

    def _usual(self, season: OneSeason, index: str, first: int, days: int) -> Usual:
        """Return what is usual among a season's peers on so many days from `first` on, counted since planting."""
        usual = Usual(np.zeros(days, np.int64), np.full(days, np.nan), np.full(days, np.nan))
        table = self._table(peers_key(season.part.year))
        if table is None:
            return usual
        groups = zip(table.column("plant_type").to_pylist(), table.column("index").to_pylist(), strict=True)
        day = numbers(table.column("day_of_season")) - first
        some = np.array([group == (season.plant_type, index) for group in groups], bool) & (day >= 0) & (day < days)
        usual.seasons[day[some]] = numbers(table.column("count"))[some]
        usual.median[day[some]], usual.mad[day[some]] = (
            numbers(table.column(name))[some].astype(np.float64).round(5) for name in ("median", "mad")
        )
        return usual

    def _table(self, name: str) -> "Table | None":
        if name not in self._tables:
            try:
                self._tables[name] = read_table(self._store.read(f"{self._prefix}{name}"))
            except NotFound:
                self._tables[name] = None
        return self._tables[name]


def _who_and_when(series: "Table", place: int) -> tuple[Any, ...]:
    """Return field, season, index and day of a row."""
    return tuple(series.column(name)[place].as_py() for name in ("field_id", "season", "index", "day"))


def _nones(values: Floats) -> list[float | None]:
    return [_none(value) for value in values.tolist()]


def _none(value: float) -> float | None:
    return None if np.isnan(value) else value

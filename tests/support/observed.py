"""The events of seasons whose observations `ndvi_core.observe` has computed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

import numpy as np

from ndvi_core.models.observation import Observation
from ndvi_core.season.event_table import KINDS, OPEN
from ndvi_core.season.events import Watched, find_events
from ndvi_core.season.outliers import flag
from ndvi_core.season.peers import MIN_PEERS, PeerCounts, robust_z
from ndvi_core.season.rules import EventRules, SeriesRules
from ndvi_core.season.series import make_series


@dataclass(frozen=True)
class Grown:
    """A season of a field, and the days that are recorded of it."""

    field_id: str
    plant_type: str
    first: date
    last: date
    ended: bool
    """Whether that is the season's last day."""


@dataclass(frozen=True)
class Event:
    """An event as a person reads it."""

    kind: str
    field_id: str
    first_day: date
    last_day: date
    closed: date | None


def events_in(rows: Iterable[Observation], seasons: Sequence[Grown]) -> list[Event]:
    """Return the events of seasons by the default rules, peers being those of a crop and year."""
    computed = {(row.field_id, row.date): row for row in rows if row.status == "computed"}
    days = max((season.last - season.first).days + 1 for season in seasons)
    values, weights = np.full((len(seasons), days), np.nan), np.zeros((len(seasons), days))
    for number, season in enumerate(seasons):
        for day in range((season.last - season.first).days + 1):
            if row := computed.get((season.field_id, season.first + timedelta(day))):
                values[number, day], weights[number, day] = row.ndvi_mean, row.valid_fraction
    rules = SeriesRules()
    series = make_series(values, weights, flag(values, weights, rules), rules)
    usual, z = np.full(values.shape, np.nan), np.full(values.shape, np.nan)

    def crop(number: int) -> tuple[str, int]:
        return seasons[number].plant_type, seasons[number].first.year

    for _, group in groupby(sorted(range(len(seasons)), key=crop), key=crop):
        peers = list(group)
        counts = PeerCounts(days)
        counts.add(series.smoothed[peers])
        of_day = counts.usual()
        usual[peers] = np.where(of_day.seasons >= MIN_PEERS, of_day.median, np.nan)
        z[peers] = robust_z(series.smoothed[peers], of_day.seasons, of_day.median, of_day.mad)
    last_days = np.array([(season.last - season.first).days for season in seasons])
    ended = np.array([season.ended for season in seasons])
    found = find_events(Watched(values, series.counts, series.smoothed, usual, z, last_days, ended), EventRules())
    return [
        Event(
            KINDS[found.kind[event]],
            seasons[season].field_id,
            *(seasons[season].first + timedelta(int(days[event])) for days in (found.first_day, found.last_day)),
            None if (closed := found.closed_day[event]) == OPEN else seasons[season].first + timedelta(int(closed)),
        )
        for event, season in enumerate(found.season)
    ]

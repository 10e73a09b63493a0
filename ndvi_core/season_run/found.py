"""The events in the seasons of a part, from their series and what is usual among their peers."""

import numpy as np

from ndvi_core.models.season_table import SeasonSeries, days_inside, spread
from ndvi_core.season.event_table import EVIDENCE, KINDS, NO_DAY, OPEN, POLICIES, EventTable, joined
from ndvi_core.season.events import Watched, find_events
from ndvi_core.season.order import SeasonOrder
from ndvi_core.season.peers import MIN_PEERS, robust_z
from ndvi_core.season.series import exact
from ndvi_core.season_run.peers import UsualOf, looked_up
from ndvi_core.storage.season_files import FOUND, Data, Repeated, Values, write_columns


def find(found: SeasonSeries, usual: UsualOf, order: SeasonOrder) -> EventTable:
    """Return the events of a part's seasons; days are those since each season's first day.

    Args:
        found: the seasons with their series.
        usual: what is so among the seasons of their year.
        order: its rules, and the last day.
    """
    table, ndvi = found.seasons, found.series["ndvi"]
    smoothed, over = exact(ndvi.smoothed), table.is_over(order.last_day)
    events = []
    for some in table.chunks():
        days = table.days[some]
        inside = days_inside(days)
        flat = slice(table.offsets[some.start], table.offsets[some.stop])
        of_peers = looked_up(usual, "ndvi", table.plant_type[some], table.shift[some], inside.shape[1])
        series = spread(smoothed[flat], inside, np.nan)
        observed = np.round(spread(ndvi.observed[flat], inside, np.nan), 4)
        watched = Watched(
            values=observed,
            counts=np.isfinite(observed) & ~spread(ndvi.outlier[flat], inside, fill=False),
            smoothed=series,
            usual=np.where(of_peers.seasons >= MIN_PEERS, of_peers.median, np.nan),
            z=robust_z(series, *of_peers),
            last_day=days - 1,
            ended=over[some],
        )
        of_chunk = find_events(watched, order.policy.rules.events)
        events.append(of_chunk._replace(season=of_chunk.season + some.start))
    return joined(events)


def write_found(events: EventTable, found: SeasonSeries) -> bytes:
    """Return the file of the events of a part's seasons."""
    table = found.seasons
    starts = table.starts[events.season]
    columns: dict[str, Data] = {
        "sequence": table.sequence[events.season].astype(np.int64),
        "season": Repeated(table.name, events.season),
        "plant_type": Repeated(table.plant_type, events.season),
        "kind": Repeated(KINDS, events.kind),
        "policy": Repeated(POLICIES, events.kind),
        "first_day": starts + events.first_day,
        "last_day": starts + events.last_day,
        "closed": events.closed_day != OPEN,
    }
    for name in ("value", "before", "change"):
        values = np.round(getattr(events, name), 4)
        columns[name] = Values(values, np.isfinite(values))
    for number in range(EVIDENCE):
        days = events.evidence[:, number]
        columns[f"evidence_{number + 1}"] = Values(starts + days, days != NO_DAY)
    return write_columns(columns, FOUND)

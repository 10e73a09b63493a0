"""Seasons of a part with what the ledger has of them, as arrays: many rows, and few numbers of each."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from ndvi_core.models.arrays import Indexes
from ndvi_core.models.constants import FIRST_IMAGE
from ndvi_core.models.indices import get_indices
from ndvi_core.models.season_part import SeasonPart
from ndvi_core.models.season_table import Observed, SeasonData, SeasonTable, numbers_of
from ndvi_core.registry.stale_seasons import year
from ndvi_core.registry.tables import field, season

_DAY_BITS = 16
"""Of a key, for the day; those before them are the field's."""

_NDVI = """
SELECT array_send(array_agg(((o.sequence - %(first)s)::int4 << 16) | (o.date - %(zero)s))),
       array_send(array_agg(o.ndvi_mean::float4)), array_send(array_agg(o.valid_fraction::float4))
FROM observation o
JOIN season s ON s.sequence = o.sequence AND s.geometry_hash = o.geometry_hash
    AND o.date >= s.plant_date AND o.date <= coalesce(s.end_date, o.date)
WHERE o.sequence BETWEEN %(first)s AND %(last)s AND o.date BETWEEN %(start)s AND %(end)s
    AND o.status = 'computed' AND o.ndvi_mean IS NOT NULL AND o.valid_fraction > 0
    AND extract(year FROM s.plant_date) = %(year)s
"""
_OTHER = """
SELECT array_send(array_agg(((o.sequence - %(first)s)::int4 << 16) | (o.date - %(zero)s))),
       array_send(array_agg(i.mean::float4)),
       array_send(array_agg(least(i.valid_pixel_count * %(pixels)s / o.pixel_count, 1)::float4))
FROM observation o
JOIN season s ON s.sequence = o.sequence AND s.geometry_hash = o.geometry_hash
    AND o.date >= s.plant_date AND o.date <= coalesce(s.end_date, o.date)
JOIN observation_index i ON i.sequence = o.sequence AND i.date = o.date AND i.index = %(index)s
WHERE o.sequence BETWEEN %(first)s AND %(last)s AND o.date BETWEEN %(start)s AND %(end)s
    AND o.status = 'computed' AND i.mean IS NOT NULL AND i.valid_pixel_count > 0 AND o.pixel_count > 0
    AND extract(year FROM s.plant_date) = %(year)s
"""
"""Arrays in PostgreSQL's binary format: a row for each of millions of observations would take ten times as long."""


class _Rows(NamedTuple):
    """Values of an index."""

    keys: NDArray[np.int32]
    """Field and day, see `_keys`."""
    means: NDArray[Any]
    weights: NDArray[Any]


def load_season_data(connection: Connection, of: SeasonPart, indices: Collection[str], last_day: date) -> SeasonData:
    """Load the seasons of a part and the values that were computed in them for their boundary of today.

    Args:
        connection: to a snapshot of the registry, since seasons and values are read one after the other.
        of: the part.
        indices: names.
        last_day: last day that is recorded; seasons that begin later are left out.
    """
    first, last = of.sequences
    rows = connection.execute(
        select(
            season.c.sequence,
            field.c.field_id,
            season.c.name,
            season.c.plant_type,
            season.c.plant_date,
            season.c.end_date,
        )
        .join(field, field.c.sequence == season.c.sequence)
        .where(season.c.sequence.between(first, last), year() == of.year, season.c.plant_date <= last_day)
        .order_by(season.c.sequence, season.c.plant_date)
    ).all()
    found = [row for row in rows if (row.end_date or last_day) >= FIRST_IMAGE]
    firsts = [max(row.plant_date, FIRST_IMAGE) for row in found]
    lasts = [min(row.end_date or last_day, last_day) for row in found]
    sequence = np.array([row.sequence for row in found], np.intp)
    observed = {}
    if found:
        starts = _keys(sequence - first, firsts)
        period = min(firsts), max(lasts)
        for name in indices:
            observed[name] = _sorted_in(_ask(connection, name, of, *period), starts)
    else:
        nothing = (np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32))
        observed = {name: Observed(np.zeros(1, np.intp), *nothing) for name in indices}
    seasons = SeasonTable(
        sequence=sequence,
        field_id=[row.field_id for row in found],
        name=[row.name for row in found],
        plant_type=[row.plant_type for row in found],
        plant_date=[row.plant_date for row in found],
        end_date=[row.end_date for row in found],
        first_day=firsts,
        days=np.array([(last - first).days + 1 for first, last in zip(firsts, lasts, strict=True)], np.intp),
    )
    return SeasonData(seasons, observed)


def _ask(connection: Connection, name: str, of: SeasonPart, start: date, end: date) -> _Rows:
    """Return the values of an index, in no order."""
    first, last = of.sequences
    (index,) = get_indices([name])[-1:]
    values = {"first": first, "last": last, "start": start, "end": end, "zero": FIRST_IMAGE, "year": of.year}
    if name != "ndvi":
        values |= {"index": name, "pixels": (index.resolution / 10) ** 2}
    raw: Any = connection.connection
    with raw.cursor(binary=True) as cursor:
        cursor.execute(_NDVI if name == "ndvi" else _OTHER, values)
        keys, means, weights = cursor.fetchone()
    return _Rows(_array(keys, ">i4").astype(np.int32), *(_array(sent, ">f4") for sent in (means, weights)))


def _array(sent: bytes | None, of: str) -> NDArray[Any]:
    """Return numbers as `array_send` writes an array without nulls: a head, then the length and value of each."""
    if sent is None:
        return np.zeros(0, of)
    return np.frombuffer(sent, np.dtype([("length", ">i4"), ("value", of)]), offset=20)["value"]


def _sorted_in(rows: _Rows, starts: Indexes) -> Observed:
    """Return rows as those of seasons, given the key of each season's first day."""
    order = np.argsort(rows.keys)
    keys = rows.keys[order]
    offsets = np.append(np.searchsorted(keys, starts), len(keys))
    of_season = np.repeat(starts, np.diff(offsets))
    means, weights = (values[order].astype(np.float32) for values in (rows.means, rows.weights))
    return Observed(offsets, (keys - of_season).astype(np.int32), means, weights)


def _keys(fields: Indexes, days: Sequence[date]) -> Indexes:
    return (fields << _DAY_BITS) | (numbers_of(days) - numbers_of([FIRST_IMAGE]))

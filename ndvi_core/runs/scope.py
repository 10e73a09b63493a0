"""The scope of a search: the area and period in which scenes of the selected cells can be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import shapely
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.arrays import Floats
from ndvi_core.models.extent import Extent, clip
from ndvi_core.runs.selection import Selection, Wanted


@dataclass(frozen=True)
class SearchScope:
    """The area and period of a search."""

    fields: int
    area: BaseGeometry | None
    """WGS84, around all fields; None when no part of them is in the extent."""
    period: tuple[date, date] | None
    """First and last selected day; None when none is."""


def scope_of(selection: Selection, extent: Extent) -> SearchScope:
    """Return the area and period of all selected cells, as far as they are within the extent."""
    fields: set[int] = set()
    boxes: list[BaseGeometry] = []
    ends: set[date] = set()
    for part in selection.slices():
        wanted = [(field, days) for field, days in part if days]
        fields.update(field.sequence for field, _ in wanted)
        inside = [
            geometry for geometry in clip([field.geometry for field, _ in wanted], extent) if geometry is not None
        ]
        bounds = shapely.bounds(shapely.get_parts(inside))
        halves = (bounds[bounds[:, 0] < 0], bounds[bounds[:, 0] >= 0])
        boxes += [_around(half) for half in halves if len(half)]
        ends |= first_and_last_days(wanted)
    return SearchScope(
        fields=len(fields),
        area=_area(boxes) if boxes else None,
        period=(min(ends), max(ends)) if ends else None,
    )


def _area(boxes: Sequence[BaseGeometry]) -> BaseGeometry:
    """Return a rectangle around all boxes, or one in the west and one in the east if it would go half round the Earth.

    Fields on both sides of the antimeridian are not searched by way of Greenwich.
    """
    bounds = shapely.bounds(boxes)
    whole = _around(bounds)
    if whole.bounds[2] - whole.bounds[0] <= 180:
        return whole
    return shapely.union_all([_around(half) for half in (bounds[bounds[:, 0] < 0], bounds[bounds[:, 0] >= 0])])


def _around(bounds: Floats) -> BaseGeometry:
    """Return the rectangle around others, (n, 4): west, south, east, north."""
    return shapely.box(*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0))


def first_and_last_days(wanted: Sequence[Wanted]) -> set[date]:
    """Return the first and last selected day of each field."""
    return {day for _, days in wanted for day in (days[0], days[-1])}

"""The scope of a search: the area and period in which scenes of the selected cells can be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import shapely
from shapely.geometry.base import BaseGeometry

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
    fields = 0
    boxes: list[BaseGeometry] = []
    ends: set[date] = set()
    for part in selection.slices():
        wanted = [(field, days) for field, days in part if days]
        fields += len(wanted)
        inside = [
            geometry for geometry in clip([field.geometry for field, _ in wanted], extent) if geometry is not None
        ]
        boxes += [shapely.box(*shapely.total_bounds(inside))] if inside else []
        ends |= first_and_last_days(wanted)
    return SearchScope(
        fields=fields,
        area=shapely.box(*shapely.total_bounds(boxes)) if boxes else None,
        period=(min(ends), max(ends)) if ends else None,
    )


def first_and_last_days(wanted: Sequence[Wanted]) -> set[date]:
    """Return the first and last selected day of each field."""
    return {day for _, days in wanted for day in (days[0], days[-1])}

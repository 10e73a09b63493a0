"""What becomes of a field that an upload states. Pure: an upload is checked by it before, and registered."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from shapely.geometry.base import BaseGeometry

from ndvi_core.models.field import Field, RegisteredField
from ndvi_core.registry.season_rules import Placed, place_season

Boundary = tuple[BaseGeometry, str]
"""A geometry and its hash."""
Boundaries = Mapping[tuple[int, int], Boundary]
"""By the field's sequence and the revision."""


class FieldChange(NamedTuple):
    """What an upload makes of a field."""

    stated: Field
    before: RegisteredField | None
    """The field as it is registered; None: it is new."""
    placed: Placed
    boundary: Boundary | None
    """That of the corrected season so far; None: a season begins."""

    @property
    def is_changed(self) -> bool:
        """Whether anything becomes another."""
        if self.before is None or self.boundary is None:
            return True
        return self.boundary[1] != self.stated.geometry_hash or self.placed.seasons != self.before.seasons


def change_of(stated: Field, before: RegisteredField | None, boundaries: Boundaries, now: datetime) -> FieldChange:
    """Return what becomes of a field that an upload states.

    Args:
        stated: the field.
        before: the registered field of that id; None: there is none.
        boundaries: those of its seasons.
        now: the time, with a zone.
    """
    if before is None:
        return FieldChange(stated, None, place_season((), stated, 0, now), None)
    placed = place_season(before.seasons, stated, before.seasons_given, now)
    corrected = placed.corrected
    boundary = None if corrected is None else boundaries[before.sequence, corrected.revision]
    return FieldChange(stated, before, placed, boundary)

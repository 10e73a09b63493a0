"""A field in one of its seasons, as its neighbours see it."""

from dataclasses import dataclass
from datetime import date

from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What of a field matters to those around it."""

    field_id: str
    geometry: BaseGeometry
    """WGS84."""
    plant_date: date
    end_date: date | None

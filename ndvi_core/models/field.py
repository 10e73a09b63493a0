"""The field: a polygon on which a crop grows."""

from collections.abc import Iterable
from datetime import date, datetime

from pydantic import Field as Attribute
from pydantic import model_validator

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import Geometry
from ndvi_core.models.geometry import geometry_hash as hash_of

FIELD_ID_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$"
"""Ids become part of S3 keys and file names, and labels of what computes them: a label's characters, without dots."""


class Field(Frozen):
    """A polygon on which one crop grows, as its GeoJSON feature states it."""

    field_id: str = Attribute(pattern=FIELD_ID_PATTERN)
    geometry: Geometry
    """Polygon or MultiPolygon, valid, WGS84."""
    plant_type: str
    plant_date: date
    """First day that is processed."""
    end_date: date | None = None
    """Last day that is processed; None is open."""

    geometry_hash: str = Attribute(default_factory=lambda values: hash_of(values["geometry"]))
    """Hash of the geometry's content."""

    def active_days(self, days: Iterable[date]) -> tuple[date, ...]:
        """Return those of some days that lie between the plant date and the end date, both included."""
        last = self.end_date or date.max
        return tuple(day for day in days if self.plant_date <= day <= last)

    @model_validator(mode="after")
    def _dates_in_order(self) -> "Field":
        if self.end_date is not None and self.end_date < self.plant_date:
            raise ValueError(f"end-date {self.end_date} is before plant-date {self.plant_date}")
        return self


class RegisteredField(Field):
    """A field as the registry holds it."""

    sequence: int
    """Position in the registry: given once, never reused; the order in which fields are mapped to tasks."""
    revision: int
    """1 for the first geometry, plus one for each corrected boundary."""
    changed_at: datetime
    """When it was registered or last changed."""
    caught_up: bool
    """Whether the days before its registration, or before its last change, are done."""

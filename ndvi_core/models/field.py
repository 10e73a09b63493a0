"""What a field is."""

from datetime import date, datetime
from functools import cached_property

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Attribute

from ndvi_core.models.geometry import Geometry, geometry_hash

FIELD_ID_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$"
"""Ids become part of S3 keys, file names and pod labels, so they are what Kubernetes takes as a label, without dots."""


class Field(BaseModel):
    """A polygon on which one crop grows, as its GeoJSON feature states it."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    field_id: str = Attribute(pattern=FIELD_ID_PATTERN)
    geometry: Geometry
    """Polygon or MultiPolygon, valid, WGS84."""
    plant_type: str
    plant_date: date
    """First day that is processed."""
    end_date: date | None = None
    """Last day that is processed; None is open."""

    @model_validator(mode="after")
    def _dates_in_order(self) -> "Field":
        if self.end_date is not None and self.end_date < self.plant_date:
            raise ValueError(f"end-date {self.end_date} is before plant-date {self.plant_date}")
        return self

    @cached_property
    def geometry_hash(self) -> str:
        return geometry_hash(self.geometry)


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

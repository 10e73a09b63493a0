"""The field: a polygon on which crops grow, one a season."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import Field as Attribute
from pydantic import model_validator

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import Geometry
from ndvi_core.models.geometry import geometry_hash as hash_of
from ndvi_core.models.season import RegisteredSeason

FIELD_ID_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$"
"""Ids become part of S3 keys and file names, and labels of what computes them: a label's characters, without dots."""


class Field(Frozen):
    """A polygon and the crop of one season, as its GeoJSON feature states them."""

    field_id: str = Attribute(pattern=FIELD_ID_PATTERN)
    geometry: Geometry
    """Polygon or MultiPolygon, valid, WGS84."""
    plant_type: str
    plant_date: date
    """First day that is processed."""
    end_date: date | None = None
    """Last day that is processed; None is open."""

    season: str | None = None
    """Name of the season that these are the crop and dates of; None: that follows from the plant date."""

    geometry_hash: str = Attribute(default_factory=lambda values: hash_of(values["geometry"]))
    """Hash of the geometry's content."""

    @model_validator(mode="after")
    def _dates_in_order(self) -> "Field":
        if self.end_date is not None and self.end_date < self.plant_date:
            raise ValueError(f"end-date {self.end_date} is before plant-date {self.plant_date}")
        return self


class RegisteredField(Frozen):
    """A field as the registry holds it, with the boundary of one of its seasons: that of the last, unless said else."""

    field_id: str
    geometry: Geometry
    geometry_hash: str
    revision: int
    """Of the boundary: 1 for the first, plus one for each other that came."""
    sequence: int
    """Position in the registry: given once, never reused; the order in which fields are mapped to tasks."""
    changed_at: datetime
    """When it was registered or last changed."""
    caught_up: bool
    """Whether the days before its registration, or before its last change, are done."""
    seasons: tuple[RegisteredSeason, ...]
    """In the order of time; no two have a day in common. There is at least one."""
    seasons_given: int = 1
    """Seasons that it was ever given: the number of the newest."""

    def active_days(self, days: Sequence[date]) -> tuple[date, ...]:
        """Return those of some days, which are in order, that lie in a season."""
        if len(self.seasons) == 1:  # as most of a million fields
            return tuple(self.seasons[0].active_days(days))
        return tuple(day for season in self.seasons for day in season.active_days(days))

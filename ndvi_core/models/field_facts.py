"""What files say of a row's field besides the observation: its boundary, crop, season and area."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, NamedTuple

from shapely.geometry.base import BaseGeometry

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import Geometry, area_ha
from ndvi_core.models.observation import Column


class FieldFacts(Frozen):
    """Facts of the field, not of the computation: no part of a fingerprint, and taken when a file is made."""

    geometry: Geometry
    """The boundary that the row is of."""
    plant_type: Annotated[str | None, Column("Crop of the season, as the upload states it; null if it does not")]
    plant_date: Annotated[date | None, Column("First day of the season; null if the field has none")]
    season: Annotated[str | None, Column("Season of the field in which the row's day lies, by name")]
    area_ha: Annotated[float, Column("Geodetic area of the geometry (WGS84)", "hectare")]


class Crop(NamedTuple):
    """What of a season stands in files; None is not known."""

    plant_type: str | None
    plant_date: date | None
    season: str | None


def field_facts(geometries: Sequence[BaseGeometry], crops: Iterable[Crop]) -> list[FieldFacts]:
    """Return the facts of fields.

    Args:
        geometries: of each field, longitude and latitude in degrees.
        crops: of each field.
    """
    areas = area_ha(geometries).tolist()
    return [
        FieldFacts(geometry=geometry, plant_type=crop, plant_date=planted, season=season, area_ha=area)
        for geometry, (crop, planted, season), area in zip(geometries, crops, areas, strict=True)
    ]

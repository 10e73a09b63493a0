"""What files say of a row's field besides the observation: its boundary, crop, season and area."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated

from shapely.geometry.base import BaseGeometry

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import Geometry, area_ha
from ndvi_core.models.observation import Column


class FieldFacts(Frozen):
    """Facts of the field, not of the computation: no part of a fingerprint, and taken when a file is made."""

    geometry: Geometry
    """The boundary that the row is of."""
    plant_type: Annotated[str | None, Column("Crop, as the upload states it; null if it does not")]
    plant_date: Annotated[date | None, Column("First day that is processed; null if the field has none")]
    season: Annotated[str | None, Column("Season of the field that the row belongs to: the year of the plant date")]
    area_ha: Annotated[float, Column("Geodetic area of the geometry (WGS84)", "hectare")]


def field_facts(
    geometries: Sequence[BaseGeometry], crops: Iterable[tuple[str | None, date | None]]
) -> list[FieldFacts]:
    """Return the facts of fields.

    Args:
        geometries: of each field, longitude and latitude in degrees.
        crops: of each field, its plant type and plant date.
    """
    areas = area_ha(geometries).tolist()
    return [
        FieldFacts(
            geometry=geometry, plant_type=plant_type, plant_date=plant_date, season=season_of(plant_date), area_ha=area
        )
        for geometry, (plant_type, plant_date), area in zip(geometries, crops, areas, strict=True)
    ]


def season_of(plant_date: date | None) -> str | None:
    """Return the name of the season that begins on a plant date: its year; None for a field without one."""
    return None if plant_date is None else plant_date.isoformat()[:4]

"""Fields, scenes and observations with a default for every attribute; a test states only what it is about."""

from datetime import UTC, date, datetime, time
from typing import Any

import shapely

from ndvi_core.models.field import Field, RegisteredField
from ndvi_core.models.field_facts import Crop, FieldFacts, field_facts
from ndvi_core.models.observation import Observation
from ndvi_core.models.scene import Offset, Scene
from ndvi_core.models.season import RegisteredSeason

REGISTERED = datetime(2025, 4, 1, tzinfo=UTC)


def square(west: float = 0.0, south: float = 0.0, side: float = 0.01) -> shapely.Polygon:
    return shapely.box(west, south, west + side, south + side)


def a_field(field_id: str = "field_1", geometry: shapely.Geometry | None = None, **changes: Any) -> Field:
    values = {"geometry": geometry or square(), "plant_type": "wheat", "plant_date": date(2025, 4, 1)}
    return Field(field_id=field_id, **{**values, **changes})


def registered(field: Field, sequence: int = 1, **changes: Any) -> RegisteredField:
    """A field as the registry has it after its first upload."""
    season = RegisteredSeason(
        number=1,
        name=field.season or str(field.plant_date.year),
        plant_type=field.plant_type,
        plant_date=field.plant_date,
        end_date=field.end_date,
        stated_end=field.end_date,
        registered_at=REGISTERED,
    )
    values = {"revision": 1, "changed_at": REGISTERED, "caught_up": True, "seasons": (season,)}
    own = {"field_id": field.field_id, "geometry": field.geometry, "geometry_hash": field.geometry_hash}
    return RegisteredField(**{**own, **values, "sequence": sequence, **changes})


def facts_of(
    *geometries: shapely.Geometry, plant_type: str | None = "wheat", plant_date: date | None = date(2025, 4, 1)
) -> list[FieldFacts]:
    season = None if plant_date is None else str(plant_date.year)
    return field_facts(geometries, [Crop(plant_type, plant_date, season)] * len(geometries))


def a_scene(day: date = date(2025, 4, 20), scene_id: str | None = None, **changes: Any) -> Scene:
    name = scene_id or f"S2A_31NAA_{day:%Y%m%d}_0_L2A"
    values = {
        "collection": "sentinel-2-l2a",
        "time": datetime.combine(day, time(10, 30), tzinfo=UTC),
        "tile": "31NAA",
        "datatake": f"R051_{day:%Y%m%d}",
        "baseline": "05.11",
        "updated": datetime.combine(day, time(20), tzinfo=UTC),
        "epsg": 32631,
        "footprint": shapely.box(-1, -1, 1, 1),
        "red": f"https://scenes.example/{name}/B04.tif",
        "nir": f"https://scenes.example/{name}/B08.tif",
        "scl": f"https://scenes.example/{name}/SCL.tif",
        "offset": Offset(rule="none@1"),
    }
    return Scene(id=name, **{**values, **changes})


def an_observation(
    field: Field, day: date = date(2025, 4, 20), status: str = "computed", **changes: Any
) -> Observation:
    values = {
        "ndvi_mean": 0.5 if status == "computed" else None,
        "mask_policy": "scl@1",
        "algorithm_version": "1",
        "geometry_hash": field.geometry_hash,
        "fingerprint": "0" * 16,
    }
    return Observation(field_id=field.field_id, date=day, status=status, **{**values, **changes})

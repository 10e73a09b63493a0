"""The farm of the sample season: where its land lies, its fields, and the GeoJSON files that a farmer would upload."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.affinity import affine_transform, rotate, translate
from shapely.geometry import box, mapping
from shapely.geometry.base import BaseGeometry

from ndvi_core.sample.landscape import SLANT

EPSG = 32630
PIXEL = 10
WEST, NORTH = 649_800, 5_471_220
"""Upper left corner of the land, metres: near 49.34 N 0.84 W."""
CENTRE = (657_160.0, 5_467_200.0)
"""The middle of the overlap of both tiles, metres: the fields lie around it."""
EXTENT = (-0.860, 49.324, -0.822, 49.348)
"""West, south, east, north in degrees."""


@dataclass(frozen=True)
class SampleField:
    """A rectangle in metres along and across the parcels' direction, from `CENTRE`."""

    field_id: str
    plant_type: str
    cover: str
    """Name of the vegetation of the synthetic ground there, see `landscape.COVERS`."""
    after: int
    """Days from the season's start to the plant date."""
    along: tuple[int, int]
    across: tuple[int, int]

    @property
    def polygon(self) -> BaseGeometry:
        """In metres, EPSG:32630."""
        upright = box(self.along[0], self.across[0], self.along[1], self.across[1])
        return translate(rotate(upright, -np.degrees(SLANT), origin=(0, 0)), *CENTRE)

    @property
    def in_pixels(self) -> BaseGeometry:
        """In columns and rows of the land."""
        return affine_transform(self.polygon, [1 / PIXEL, 0, 0, -1 / PIXEL, -WEST / PIXEL, NORTH / PIXEL])


FIELDS = (
    SampleField("field_1", "spring_barley", "spring_barley", 0, (-160, 140), (-110, 130)),  # in both tiles
    SampleField("field_2", "grass_ley", "grassland", 0, (-1150, -760), (-60, 240)),  # in the western tile alone
    SampleField("field_3", "flax", "flax", 4, (-430, 430), (-440, -150)),  # in no single tile
)
LATE_FIELDS = (
    SampleField("field_4", "sugar_beet", "sugar_beet", 2, (700, 1150), (160, 470)),  # partly outside the extent
    SampleField("field_5", "clover", "spring_barley", 6, (-160, 140), (-110, 130)),  # undersown in field_1's barley
)


@dataclass(frozen=True)
class Season:
    """The files of a season, all below one folder."""

    folder: Path

    @property
    def scenes(self) -> Path:
        """Folder to be served at the season's base URL."""
        return self.folder / "scenes"

    @property
    def collection(self) -> Path:
        """STAC collection."""
        return self.folder / "collection.json"

    @property
    def items(self) -> Path:
        """Its STAC items, a FeatureCollection."""
        return self.folder / "items.json"

    @property
    def extent(self) -> Path:
        """The processing extent, GeoJSON."""
        return self.folder / "bbox.geojson"

    @property
    def fields(self) -> Path:
        """The fields that are there from the beginning, GeoJSON."""
        return self.folder / "fields.geojson"

    @property
    def late_fields(self) -> Path:
        """The fields to upload when the others are done, GeoJSON."""
        return self.folder / "late_fields.geojson"


def write_inputs(season: Season, start: date) -> None:
    """Write the extent and both files of fields; plant dates count from `start`."""
    season.folder.mkdir(parents=True, exist_ok=True)
    _write(season.extent, [({"object-type": "extent"}, box(*EXTENT))])
    for file, fields in ((season.fields, FIELDS), (season.late_fields, LATE_FIELDS)):
        _write(file, [(_properties(field, start), wgs84(field.polygon)) for field in fields])


def wgs84(metres: BaseGeometry) -> BaseGeometry:
    """Return a geometry in EPSG:32630 as longitude and latitude in degrees, rounded to 1e-6 (10 cm)."""
    from rasterio.warp import transform

    def project(xy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.round(np.column_stack(transform(f"EPSG:{EPSG}", "OGC:CRS84", xy[:, 0], xy[:, 1])), 6)

    return shapely.transform(metres, project)


def _properties(field: SampleField, start: date) -> dict[str, str]:
    return {
        "object-type": "field",
        "object-id": field.field_id,
        "plant-date": str(start + timedelta(days=field.after)),
        "plant-type": field.plant_type,
    }


def _write(file: Path, features: Sequence[tuple[dict[str, str], BaseGeometry]]) -> None:
    collection = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": properties, "geometry": mapping(shapely.orient_polygons(geometry))}
            for properties, geometry in features
        ],
    }
    file.write_text(json.dumps(collection, indent=2) + "\n")

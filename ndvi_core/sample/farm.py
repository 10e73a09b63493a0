"""The files of the sample season: its scenes' place, and the GeoJSON files that a farmer would upload."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import box, mapping
from shapely.geometry.base import BaseGeometry

from ndvi_core.sample.fields import ALL_FIELDS, EPSG, FIELDS, LATE_FIELDS, NEIGHBOURS, Crop, SampleField

EXTENT = (-0.860, 49.324, -0.822, 49.348)
"""West, south, east, north in degrees."""


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
    def neighbours(self) -> Path:
        """More fields, among them enough of one crop to be compared, GeoJSON."""
        return self.folder / "neighbours.geojson"

    @property
    def next_crops(self) -> Path:
        """The crops that follow on those of the other files by the season's last day, GeoJSON; may be none."""
        return self.folder / "next_crops.geojson"

    @property
    def late_fields(self) -> Path:
        """The fields to upload when the others are done, GeoJSON."""
        return self.folder / "late_fields.geojson"


def write_inputs(season: Season, start: date, end: date) -> None:
    """Write the extent and the files of fields, with what the farmer has sown by the season's last day.

    What was sown before the first day is stated as planted on it, so that no day is due that no scene can show; what
    was over by then is not stated.
    """
    season.folder.mkdir(parents=True, exist_ok=True)
    _write(season.extent, [({"object-type": "extent"}, box(*EXTENT))])
    for file, fields in ((season.fields, FIELDS), (season.neighbours, NEIGHBOURS), (season.late_fields, LATE_FIELDS)):
        _write(file, (_feature(field, crop, start) for field in fields for crop in _crops(field, start)[:1]))
    following = [(field, crop) for field in ALL_FIELDS for crop in _crops(field, start)[1:] if crop.plant_date <= end]
    _write(season.next_crops, (_feature(field, crop, start) for field, crop in following))


def _crops(field: SampleField, start: date) -> list[Crop]:
    return [crop for crop in field.crops if crop.end_date is None or crop.end_date >= start]


def wgs84(metres: BaseGeometry) -> BaseGeometry:
    """Return a geometry in EPSG:32630 as longitude and latitude in degrees, rounded to 1e-6 (10 cm)."""
    from rasterio.warp import transform

    def project(xy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.round(np.column_stack(transform(f"EPSG:{EPSG}", "OGC:CRS84", xy[:, 0], xy[:, 1])), 6)

    return shapely.transform(metres, project)


def _feature(field: SampleField, crop: Crop, start: date) -> tuple[dict[str, str], BaseGeometry]:
    stated = {
        "object-type": "field",
        "object-id": field.field_id,
        "plant-date": str(max(crop.plant_date, start)),
        "plant-type": crop.plant_type,
    }
    if crop.end_date is not None:
        stated["end-date"] = str(crop.end_date)
    return stated, wgs84(field.polygon)


def _write(file: Path, features: Iterable[tuple[dict[str, str], BaseGeometry]]) -> None:
    collection = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": properties, "geometry": mapping(shapely.orient_polygons(geometry))}
            for properties, geometry in features
        ],
    }
    file.write_text(json.dumps(collection, indent=2) + "\n")

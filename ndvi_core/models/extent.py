"""The extent: the rectangle outside which nothing is processed."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import shapely
from pydantic import Field as Attribute
from pydantic import model_validator
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import polygonal


class Extent(Frozen):
    """A rectangle along meridians and parallels, degrees, WGS84; it does not cross the antimeridian."""

    west: float = Attribute(ge=-180, le=180)
    south: float = Attribute(ge=-90, le=90)
    east: float = Attribute(ge=-180, le=180)
    north: float = Attribute(ge=-90, le=90)

    @model_validator(mode="after")
    def _has_an_area(self) -> Self:
        if not (self.west < self.east and self.south < self.north):
            raise ValueError("west has to be less than east, and south less than north")
        return self

    @property
    def polygon(self) -> BaseGeometry:
        """The rectangle as a polygon, WGS84."""
        return shapely.box(self.west, self.south, self.east, self.north)


def clip(geometries: Sequence[BaseGeometry], extent: Extent) -> list[BaseGeometry | None]:
    """Return the part of each valid polygon or multipolygon that lies within the extent.

    A geometry that is wholly inside comes back as the same object; None is one that has no area inside.
    """
    bounds = shapely.bounds(list(geometries)).reshape(-1, 4)
    low, high = (extent.west, extent.south), (extent.east, extent.north)
    inside = np.all((bounds[:, :2] >= low) & (bounds[:, 2:] <= high), axis=1).tolist()
    return [
        geometry if whole else polygonal(shapely.intersection(geometry, extent.polygon))
        for geometry, whole in zip(geometries, inside, strict=True)
    ]

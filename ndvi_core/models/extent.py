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

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the extent of a text as `str` gives it."""
        west, south, east, north = map(float, text.split(","))
        return cls(west=west, south=south, east=east, north=north)

    def __str__(self) -> str:
        """Return `west,south,east,north` in degrees, with all digits."""
        return f"{self.west!r},{self.south!r},{self.east!r},{self.north!r}"

    @property
    def polygon(self) -> BaseGeometry:
        """The rectangle as a polygon, WGS84."""
        return shapely.box(self.west, self.south, self.east, self.north)


WORLD = Extent(west=-180, south=-90, east=180, north=90)


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


NOISE = 1e-9
"""Fraction of its area by which rounded coordinates may make a clip seem to have more ground than another one."""


def is_same_part(then: BaseGeometry | None, now: BaseGeometry | None) -> bool:
    """Return whether two clips of a geometry are the same ground; None is nothing of it."""
    if then is None or now is None:
        return then is now
    return bool(shapely.equals(then, now))


def is_opened(then: BaseGeometry | None, now: BaseGeometry | None) -> bool:
    """Return whether a clip of a geometry has ground that another one had not."""
    if then is None or now is None:
        return now is not None
    return bool(shapely.difference(now, then).area > NOISE * now.area)

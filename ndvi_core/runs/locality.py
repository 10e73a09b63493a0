"""Where fields are, and how large, as one number a field each."""

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

STEPS_PER_DEGREE = 10
"""A step is about one block of a COG (10 km)."""

_BITS = 12
"""Bits that 360 degrees take in steps."""

_PIXELS_PER_DEGREE = 11_132.0
"""Of 10 m, along a meridian or the equator."""


def z_order(geometries: Sequence[BaseGeometry | None]) -> list[int]:
    """Return the place of each geometry's south-western corner on a Z-order curve (Morton 1966), WGS84.

    The bits of longitude and latitude, counted in steps, alternate in the number, so that places whose numbers are
    near each other mostly are near each other. None and empty geometries have the number of the curve's beginning.
    """
    corners = np.nan_to_num(shapely.bounds(np.array(geometries, dtype=object)).reshape(-1, 4)[:, :2])
    column, row = ((corners + np.array((180, 90))) * STEPS_PER_DEGREE).astype(np.int64).T
    numbers = np.zeros(len(geometries), dtype=np.int64)
    for bit in range(_BITS):
        numbers |= (column >> bit & 1) << 2 * bit | (row >> bit & 1) << 2 * bit + 1
    return numbers.tolist()


def window_pixels(geometries: Sequence[BaseGeometry | None]) -> list[int]:
    """Return about how many pixels of 10 m the smallest rectangle around each geometry (WGS84) has; 0 around None."""
    west, south, east, north = shapely.bounds(np.array(geometries, dtype=object)).reshape(-1, 4).T
    width = (east - west) * np.cos(np.radians((south + north) / 2)) * _PIXELS_PER_DEGREE + 2
    height = (north - south) * _PIXELS_PER_DEGREE + 2
    pixels: list[int] = np.nan_to_num(width * height).astype(np.int64).tolist()
    return pixels

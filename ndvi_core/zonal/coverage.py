"""The exact coverage fraction of each pixel: the part of its area that a field covers.

The method is that of font rasterisers (signed-area accumulation, as in FreeType's smooth rasteriser): cut each ring's
edges where they cross pixel edges; a piece with the rise `dy` at the mean distance `m` from its pixel's left edge
covers `dy * (1 - m)` of its pixel and `dy` of all pixels to the right. Summed up along the row, over all rings (holes
run the other way round), this is the covered area. It is exact but for rounding, needs no clipping, and runs over the
edges of many fields at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.raster.grid import Grid, Window
from ndvi_core.raster.projection import densify, to_crs
from ndvi_core.raster.window_table import WindowTable
from ndvi_core.zonal.statistics import areas

NOISE = 1e-9
"""Coverage fractions nearer than this to 0 or 1 are set to 0 or 1.

They are noise of rounding: the last binary digit of a northing of 5,000 km is 1e-9 m.
"""

_BATCH_COORDINATES = 20_000
"""Vertices that are rasterised at once: enough to hide numpy's overhead, few enough to stay within the CPU's cache."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """A field on a grid: the smallest window that holds it, and how much of each pixel it covers."""

    window: Window
    coverage_fraction: Floats
    """(height, width) in [0, 1]: covered area of the pixel over its area."""
    pixels: float
    """Sum of the coverage fractions: the field's area in pixels."""
    pure_pixels: int
    """Number of pixels that the field covers wholly."""


@dataclass(frozen=True, eq=False)
class Coverages:
    """The coverages of fields on a grid as columns, (n) each."""

    windows: WindowTable
    """The smallest that hold the fields; one without pixels is of a field that has no coverage."""
    pixels: Floats
    """Sums of the coverage fractions: the fields' areas in pixels."""
    pure_pixels: Indexes
    """Numbers of pixels that the fields cover wholly."""
    fraction: Floats
    """(pixels of all windows) in [0, 1]."""

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Whether there is a coverage: none is of a field that is empty, or half a world away from the grid's zone."""
        return self.windows.width > 0

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, number: int) -> Coverage | None:
        if number >= len(self):
            raise IndexError(number)
        if not self.windows.width[number]:
            return None
        return Coverage(
            self.windows[number],
            self.windows.own(self.fraction, number),
            float(self.pixels[number]),
            int(self.pure_pixels[number]),
        )

    @staticmethod
    def joined(parts: Sequence["Coverages"]) -> "Coverages":
        """Return the fields of all parts, at least one."""
        return Coverages(
            WindowTable.joined([part.windows for part in parts]),
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("pixels", "pure_pixels", "fraction")
            ),
        )

    def spread(self, numbers: Indexes, count: int) -> "Coverages":
        """Return these fields under other numbers, ascending, among so many; the others have no coverage."""

        def spread(column: NDArray[Any]) -> NDArray[Any]:
            found = np.zeros(count, column.dtype)
            found[numbers] = column
            return found

        windows = WindowTable(**{name: spread(getattr(self.windows, name)) for name in WindowTable.COLUMNS})
        return Coverages(windows, spread(self.pixels), spread(self.pure_pixels), self.fraction)


def _unknown(count: int) -> Coverages:
    """Return so many fields without a coverage."""
    windows = WindowTable(**dict.fromkeys(WindowTable.COLUMNS, np.zeros(count, np.intp)))
    return Coverages(windows, np.zeros(count), np.zeros(count, np.intp), np.zeros(0))


def cover(geometries: Sequence[BaseGeometry], grid: Grid) -> Coverages:
    """Return the coverage of each geometry on `grid`; it does not depend on the other geometries.

    Args:
        geometries: Valid polygons or multipolygons, WGS84.
        grid: In any CRS.

    Returns:
        One coverage for each geometry. There is none of a geometry that is empty, or that cannot be projected into the
        grid's CRS because it is half a world away from its zone.
    """
    fields = np.array(geometries, dtype=object)
    batches = _batches(fields)
    found = Coverages.joined([_unknown(0), *(_cover_batch(fields[batch], grid) for batch in batches)])
    return found.spread(np.concatenate([np.zeros(0, np.intp), *batches]), len(fields))


def _batches(geometries: NDArray[np.object_]) -> list[Indexes]:
    """Return the indexes of the geometries that are not empty, in groups of some `_BATCH_COORDINATES` vertices."""
    sizes = shapely.get_num_coordinates(geometries)
    indexes = np.flatnonzero(sizes)
    batch = np.cumsum(sizes[indexes]) // _BATCH_COORDINATES
    return [group for group in np.split(indexes, np.flatnonzero(np.diff(batch)) + 1) if len(group)]


def _cover_batch(geometries: NDArray[np.object_], grid: Grid) -> Coverages:
    kind, coordinates, offsets = shapely.to_ragged_array(shapely.orient_polygons(geometries), include_z=False)
    dense, ring_start = densify(coordinates, offsets[0])
    projected = to_crs(dense, grid.epsg)
    if projected is not None:
        start = ring_start[offsets[1] if kind == shapely.GeometryType.POLYGON else offsets[1][offsets[2]]]
        return _rasterise(grid.columns(projected[:, 0]), grid.rows(projected[:, 1]), ring_start, start)
    if len(geometries) == 1:
        return _unknown(1)
    return Coverages.joined([_cover_batch(geometries[i : i + 1], grid) for i in range(len(geometries))])


def _rasterise(x: Floats, y: Floats, ring_start: Indexes, start: Indexes) -> Coverages:
    """Return the coverage of each geometry, given the vertices of all in fractional columns and rows.

    Args:
        x: (n) columns of the vertices; each ring is closed, shells are counter-clockwise on a map, holes clockwise.
        y: (n) rows of the vertices.
        ring_start: Index of each ring's first vertex, then n.
        start: Index of each geometry's first vertex, then n.
    """
    left = np.floor(np.minimum.reduceat(x, start[:-1])).astype(np.intp)
    top = np.floor(np.minimum.reduceat(y, start[:-1])).astype(np.intp)
    width = np.maximum(np.ceil(np.maximum.reduceat(x, start[:-1])).astype(np.intp) - left, 1)
    height = np.maximum(np.ceil(np.maximum.reduceat(y, start[:-1])).astype(np.intp) - top, 1)
    owner = np.repeat(np.arange(len(start) - 1), np.diff(start))
    x, y = x - left[owner], y - top[owner]

    edge = np.ones(len(x) - 1, dtype=bool)
    edge[ring_start[1:-1] - 1] = False  # from the end of a ring to the start of the next
    owner, x0, y0, x1, y1 = owner[:-1][edge], x[:-1][edge], y[:-1][edge], x[1:][edge], y[1:][edge]
    by_row, (y0, x0, y1, x1) = _cut(y0, x0, y1, x1)
    by_col, (x0, y0, x1, y1) = _cut(x0, y0, x1, y1)
    owner = owner[by_row][by_col]

    stride = width + 2  # a piece on the right edge, and what it passes on to its right, stay in their row
    size = height * stride
    end = np.cumsum(size)
    rise, middle = y1 - y0, (x0 + x1) / 2
    col = np.clip(np.floor(middle), 0, width[owner]).astype(np.intp)
    row = np.clip(np.floor((y0 + y1) / 2), 0, height[owner] - 1).astype(np.intp)
    pixel = (end - size)[owner] + row * stride[owner] + col
    passed = rise * (middle - col)
    fraction = np.zeros(int(end[-1]))
    fraction += np.bincount(pixel, rise - passed, len(fraction))
    fraction += np.bincount(pixel + 1, passed, len(fraction))

    for first, last, columns in zip((end - size).tolist(), end.tolist(), stride.tolist(), strict=True):
        raster = fraction[first:last].reshape(-1, columns)
        np.cumsum(raster, axis=1, out=raster)
    _remove_noise(fraction)
    row_end = np.cumsum(np.repeat(stride, height))
    within = np.ones(len(fraction), dtype=bool)
    within[row_end - 1] = within[row_end - 2] = False
    windows = WindowTable(col_off=left, row_off=top, width=width, height=height)
    own = fraction[within]
    return Coverages(
        windows,
        areas(own, own > 0, windows.starts),
        np.add.reduceat(own == 1.0, windows.starts, dtype=np.intp),
        own,
    )


def _cut(u0: Floats, v0: Floats, u1: Floats, v1: Floats) -> tuple[Indexes, tuple[Floats, ...]]:
    """Cut segments from (u0, v0) to (u1, v1) wherever `u` is a whole number.

    Returns:
        For each piece the index of its segment, and the pieces' u0, v0, u1, v1. The pieces of a segment follow one
        another, and each ends exactly where the next one begins.
    """
    lowest = np.floor(np.minimum(u0, u1)) + 1  # the lowest whole number that may be crossed
    cuts = np.maximum(np.ceil(np.maximum(u0, u1)) - lowest, 0).astype(np.intp)
    segment = np.repeat(np.arange(len(u0)), cuts + 1)
    ends = np.cumsum(cuts + 1)
    number = np.arange(len(segment)) - (ends - cuts - 1)[segment]
    slope = np.divide(v1 - v0, u1 - u0, out=np.zeros_like(u0), where=u1 != u0)

    line = lowest[segment] + np.where((u1 > u0)[segment], number, cuts[segment] - 1 - number)
    passing = v0[segment] + (line - u0[segment]) * slope[segment]
    passing = np.clip(passing, np.minimum(v0, v1)[segment], np.maximum(v0, v1)[segment])
    line[ends - 1], passing[ends - 1] = u1, v1
    begin_u, begin_v = np.empty_like(line), np.empty_like(passing)
    begin_u[1:], begin_v[1:] = line[:-1], passing[:-1]
    begin_u[ends - cuts - 1], begin_v[ends - cuts - 1] = u0, v0
    return segment, (begin_u, begin_v, line, passing)


def _remove_noise(fraction: Floats) -> None:
    """Bring coverage fractions into [0, 1] and free them of the noise of rounding, in place."""
    np.clip(fraction, 0.0, 1.0, out=fraction)
    fraction[fraction < NOISE] = 0.0
    fraction[fraction > 1.0 - NOISE] = 1.0

"""Zones of a field: parts that are usually greener or paler than others, from the pixels of several days.

The median of the days, pixel by pixel, is divided into classes by its quantiles (after Georgi et al. 2018, Precision
Agriculture 19, 684, https://doi.org/10.1007/s11119-017-9549-y, who take percentiles of images of several dates).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.arrays import Floats
from ndvi_core.models.geometry import area_ha, polygonal
from ndvi_core.raster.projection import project, unproject
from ndvi_core.views.pixels import Cell, placed
from ndvi_core.zonal.statistics import weighted_quantiles

SPECKLE_PIXELS = 10
"""A patch of fewer pixels is no zone that a machine can drive: it joins its largest neighbour."""
LEAST_SHARE = 0.5
"""Of the days on which a pixel has to have a value."""


@dataclass(frozen=True, eq=False)
class ZoneMap:
    """The zones of a field on the grid of its rasters."""

    classes: NDArray[np.uint8]
    """(height, width): 0 outside the field, 1 the lowest zone."""
    median: Floats
    """(height, width): of the days; NaN where too few have a value."""
    edges: tuple[float, ...]
    """Values between the zones, ascending."""
    is_sample: NDArray[np.bool_]
    """(height, width): the pixels that the zones are made of."""


@dataclass(frozen=True, eq=False)
class Zone:
    """A zone as a shape."""

    zone: int
    """1 is the lowest."""
    geometry: BaseGeometry
    """Within the boundary, WGS84."""
    area_ha: float
    """Geodetic area, as that of fields."""
    mean: float
    """Of the median of its whole pixels."""
    pixels: int
    """Whole pixels."""


@dataclass(frozen=True, eq=False)
class ZonesOfDays:
    """The zones that several days of a field make."""

    map: ZoneMap
    zones: tuple[Zone, ...]
    """The lowest first; together they are the geometry of the cells."""
    cell: Cell
    """The latest one, on whose grid they are."""
    days: tuple[date, ...]
    """Those of its grid, in their order."""


def zones_of_days(cells: Mapping[date, Cell], count: int) -> ZonesOfDays | None:
    """Return the zones of a field, None if it is too small for them; days on another grid than the latest do not count.

    Args:
        cells: Of one boundary, at least one.
        count: Of zones.
    """
    cell = cells[max(cells)]
    placed_on = {day: placed(one.raster, cell.raster) for day, one in sorted(cells.items())}
    values = {day: one for day, one in placed_on.items() if one is not None}
    found = find_zones(list(values.values()), cell.raster.coverage_fraction, count)
    return None if found is None else ZonesOfDays(found, tuple(zone_shapes(found, cell)), cell, tuple(values))


def find_zones(days: Sequence[Floats], coverage_fraction: Floats, count: int) -> ZoneMap | None:
    """Return the zones; None if the field has less than `SPECKLE_PIXELS` whole pixels with a value for each of them.

    Pixels on the edge show what is beside the field, too: they decide nothing, and are in the zone of the nearest pixel
    that does, as are those with too few values.

    Args:
        days: (height, width) the values of each, at least one, NaN where there is none.
        coverage_fraction: (height, width), the part of each pixel that the field covers.
        count: Of zones.
    """
    stack = np.stack(days)
    enough = np.isfinite(stack).sum(axis=0) >= max(LEAST_SHARE * len(stack), 1)
    median = np.full(enough.shape, np.nan)
    median[enough] = np.nanmedian(stack[:, enough], axis=0)
    is_sample = enough & (coverage_fraction == 1.0)
    values = median[is_sample]
    if len(values) < count * SPECKLE_PIXELS:
        return None
    shares = [part / count for part in range(1, count)]
    edges = weighted_quantiles(values, np.ones(len(values)), np.zeros(1, np.intp), shares)[:, 0]
    classes = np.zeros(enough.shape, np.uint8)
    classes[is_sample] = 1 + np.searchsorted(edges, values, side="right")
    classes = _without_speckle(classes, is_sample)
    _fill(classes, coverage_fraction > 0, is_sample)
    return ZoneMap(classes, median, tuple(edges.tolist()), is_sample)


def zone_shapes(found: ZoneMap, cell: Cell) -> list[Zone]:
    """Return the zones that there are, the lowest first; together they are the geometry of the cell.

    Args:
        found: On the grid of the cell's raster.
        cell: One of those that the zones are made of.
    """
    from rasterio.features import shapes

    raster = cell.raster
    patches: dict[int, list[BaseGeometry]] = {}
    for patch, number in shapes(found.classes, found.classes > 0, transform=raster.transform):
        patches.setdefault(int(number), []).append(shapely.geometry.shape(patch))
    field = project(cell.geometry, raster.epsg)
    zones = []
    for number, parts in sorted(patches.items()):
        within = polygonal(shapely.intersection(shapely.union_all(parts), field))
        if within is None:
            continue
        geometry = unproject(within, raster.epsg)
        own = found.is_sample & (found.classes == number)
        mean = float(found.median[own].mean()) if own.any() else float("nan")
        zones.append(Zone(number, geometry, float(area_ha([geometry])[0]), mean, int(own.sum())))
    return zones


def _without_speckle(classes: NDArray[np.uint8], where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the classes after patches that are too small have joined others, until none is left that can."""
    from rasterio.features import sieve

    while True:
        joined = np.where(where, sieve(classes, SPECKLE_PIXELS, mask=where, connectivity=4), 0).astype(np.uint8)
        if np.array_equal(joined, classes):
            return joined
        classes = joined


def _fill(classes: NDArray[np.uint8], field: NDArray[np.bool_], known: NDArray[np.bool_]) -> None:
    """Let the field's other pixels have the class of the nearest known one, in place."""
    rows, columns = np.nonzero(field & ~known)
    if not len(rows):
        return
    known_rows, known_columns = np.nonzero(known)
    nearest = shapely.STRtree(shapely.points(known_columns, known_rows)).nearest(shapely.points(columns, rows))
    classes[rows, columns] = classes[known_rows[nearest], known_columns[nearest]]

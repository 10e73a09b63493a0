"""Fields whose pixels come from the same scenes, on their way from measuring to their observations."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.models.field_raster import FieldRaster
from ndvi_core.raster.grid import Grid
from ndvi_core.raster.window_table import WindowTable
from ndvi_core.zonal.classification import Classification
from ndvi_core.zonal.mask import Mask
from ndvi_core.zonal.measure import FieldPixels, ZonalStatistics
from ndvi_core.zonal.mosaic import Mosaic, mosaic_of_one


@dataclass(frozen=True, eq=False)
class FieldGroup:
    """The fields of cells that come from the same scenes, (n) each column."""

    cells: Indexes
    scenes: tuple[int, ...]
    """Numbers of the scenes, the best first."""
    grid: Grid
    windows: WindowTable
    pixels: Floats
    pure_pixels: Indexes
    has_remark: Mask
    """Whether pixels are of older products or another grid."""
    mosaic: Callable[[int], Mosaic]
    """Returns the mosaic of the field of that number."""

    @classmethod
    def of_rows(cls, found: Classification, rows: Indexes) -> "FieldGroup":
        """Return fields whose mosaics are one scene, the same for all."""
        (first,) = found.candidates(rows[:1])
        return cls(
            found.table.cell[rows],
            (first.number,),
            first.grid,
            found.windows.take(rows),
            found.pixels[rows],
            found.pure_pixels[rows],
            found.table.is_older[rows],
            lambda index: mosaic_of_one(found.classified(int(rows[index]))),
        )

    @classmethod
    def of_mosaic(cls, cell: int, mosaic: Mosaic) -> "FieldGroup":
        """Return a field with a mosaic of its own."""
        coverage = mosaic.coverage
        return cls(
            np.array([cell]),
            tuple(candidate.number for candidate in mosaic.candidates),
            mosaic.grid,
            WindowTable.of([coverage.window]),
            np.array([coverage.pixels]),
            np.array([coverage.pure_pixels]),
            np.array([any(one.is_older or not one.is_native for one in mosaic.candidates)]),
            lambda _: mosaic,
        )

    def ids(self, index: int) -> tuple[list[str], list[str]]:
        """Return the ids of the older products of a field, and of its scenes on another grid."""
        candidates = self.mosaic(index).candidates
        older = [one.scene.scene.id for one in candidates if one.is_older]
        return older, [one.scene.scene.id for one in candidates if not one.is_native]

    def raster(self, index: int, pixels: FieldPixels, found: ZonalStatistics) -> FieldRaster:
        """Return the pixels of a field, given those of all."""
        window = self.windows[index]
        return FieldRaster(
            ndvi=self.windows.own(found.ndvi, index).astype(np.float32),
            coverage_fraction=self.windows.own(pixels.coverage_fraction, index),
            transform=self.grid.transform(window),
            epsg=self.grid.epsg,
            bounds=self.grid.bounds(window),
        )

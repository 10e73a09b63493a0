"""A field's pixels on one day, from the computation to its products."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from affine import Affine


@dataclass(frozen=True, eq=False)
class FieldRaster:
    """The pixels of a field on one day, on the red band's grid."""

    ndvi: NDArray[np.float32]
    """(height, width), NaN where a pixel is not valid or the field does not touch it."""
    coverage_fraction: NDArray[np.float64]
    """(height, width), in [0, 1]: the part of each pixel's area that the field covers."""
    transform: "Affine"
    """Affine transform from columns and rows to the CRS."""
    epsg: int
    """Code of the CRS."""
    bounds: tuple[float, float, float, float]
    """Left, bottom, right, top, in units of the CRS."""

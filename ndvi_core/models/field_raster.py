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
    coverage: NDArray[np.float64]
    """(height, width), the share of each pixel that the field covers."""
    transform: "Affine"
    epsg: int
    bounds: tuple[float, float, float, float]
    """Left, bottom, right, top, in units of the CRS."""

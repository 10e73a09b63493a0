"""Days of the twelve real scenes of South Tyrol, June 2022, and fields projected onto them."""

import numpy as np
import shapely
from rasterio.warp import transform
from shapely.geometry.base import BaseGeometry
from support.scenes import EPSG

from ndvi_core.raster.projection import MAX_SEGMENT

DAYS = ("02", "05", "07", "10", "12", "15", "17", "20", "22", "25", "27", "30")
CLOUDED = ("05", "07", "22")


def on_map(field: BaseGeometry, epsg: int = EPSG) -> BaseGeometry:
    """Return a field in the CRS of a raster; its edges are straight in degrees.

    Vertices are as dense as in `cover`: ten times denser ones move some quantiles by 2e-6.
    """

    def project(points: np.ndarray) -> np.ndarray:
        return np.column_stack(transform("EPSG:4326", f"EPSG:{epsg}", points[:, 0], points[:, 1]))

    return shapely.transform(shapely.segmentize(field, MAX_SEGMENT), project)

"""The picture of a cell, drawn from its raster when somebody looks at it: the same as a task would have written."""

from shapely.geometry.base import BaseGeometry

from ndvi_core.models.observation import Observation
from ndvi_core.products.cell import picture
from ndvi_core.views.pixels import read_cell


def draw_picture(cog: bytes, observation: Observation, boundary: BaseGeometry) -> bytes:
    """Return the PNG.

    Args:
        cog: Content of an `ndvi.tif`.
        observation: The cell's.
        boundary: The field's when the cell was computed, as registered: WGS84, not clipped to the extent.

    Raises:
        BadInput: the raster is of another boundary, or its tags make no sense.
        RasterioError: the raster is damaged.
    """
    cell = read_cell(cog, boundary, observation.extent)
    return picture(cell.raster, cell.field, observation)

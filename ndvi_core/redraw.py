"""The picture of a cell, drawn from its raster when somebody looks at it: the same as a task would have written."""

from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import BadInput
from ndvi_core.models.extent import Extent, clip
from ndvi_core.models.field_raster import FieldRaster
from ndvi_core.models.observation import Observation
from ndvi_core.products.cell import picture
from ndvi_core.products.cog import INNER_BUFFER
from ndvi_core.raster.grid import raster_grid
from ndvi_core.raster.projection import shrink
from ndvi_core.zonal.coverage import cover


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
    from rasterio.io import MemoryFile

    geometry = boundary if observation.extent is None else clip([boundary], Extent.parse(observation.extent))[0]
    with MemoryFile(cog) as file, file.open() as dataset:
        grid, window = raster_grid(dataset.transform, dataset.crs.to_epsg(), dataset.height, dataset.width)
        ndvi = dataset.read(1)
        inner = _metres(dataset.tags().get(INNER_BUFFER, "0"))
    coverage = None if geometry is None else cover([shrink(geometry, inner)], grid)[0]
    if geometry is None or coverage is None or coverage.window != window:
        raise BadInput("the raster does not lie where the boundary of its observation does")
    raster = FieldRaster(
        ndvi=ndvi,
        coverage_fraction=coverage.coverage_fraction,
        transform=grid.transform(window),
        epsg=grid.epsg,
        bounds=grid.bounds(window),
    )
    return picture(raster, geometry, observation)


def _metres(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadInput(f"its tag {INNER_BUFFER} is {text!r}, which is no number of metres") from error

"""The picture of a field's NDVI on one day: a PNG for people, with its boundary, a legend and the numbers."""

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.observation import Observation
from ndvi_core.products.captions import FOOTER, HEADER, INK, MARGIN, MIN_WIDTH, PAPER, draw_header, draw_source, legend
from ndvi_core.products.colour_map import colour_of, hatching

if TYPE_CHECKING:
    from PIL.Image import Image

    from ndvi_core.models.field_raster import FieldRaster

LONG_SIDE = 480
"""Length of the field's longer side in the picture, in its pixels."""
SHORT_SIDE = 48
"""A thin field is enlarged until its shorter side is this long, but its longer side at most `LONGEST_SIDE`."""
LONGEST_SIDE = 1200
COMPRESSION = 3
"""Compression level of the PNG: twice as fast as the usual 6, for a fifth more bytes."""
SMOOTHING = 3
"""The outline is drawn this many times larger and scaled down, for smooth edges."""


class _Frame(NamedTuple):
    """Where the raster lies in the picture."""

    left: int
    top: int
    width: int
    height: int


def quicklook(raster: "FieldRaster", geometry: BaseGeometry, observation: Observation) -> bytes:
    """Return a PNG of the field's NDVI between 0 and 1, north up, each pixel as one flat square.

    Valid pixels have the colour of their NDVI (values outside 0..1 have that of the nearer end), pixels masked by
    cloud, shadow or nodata are hatched grey, and the picture is cut at the boundary. The colour scale is always the
    same, so that two days or two fields can be compared by eye.

    Args:
        raster: The field's pixels.
        geometry: The field's polygon or multipolygon in the raster's CRS.
        observation: Field id, date, status and numbers are written around the picture.
    """
    from PIL import Image, ImageDraw

    frame = _frame(raster.ndvi.shape)
    canvas = Image.new("RGB", (max(frame.width + 2 * MARGIN, MIN_WIDTH), HEADER + frame.height + FOOTER), PAPER)
    canvas.paste(legend(), (0, HEADER + frame.height))
    rings = _rings(raster, geometry, frame)
    canvas.paste(_pixels(raster, frame), (frame.left, frame.top), _inside(rings, frame))
    outline = _outline(rings, frame)
    canvas.paste(Image.new("RGB", outline.size, INK), (frame.left - MARGIN, frame.top - MARGIN), outline)
    draw = ImageDraw.Draw(canvas)
    draw_header(draw, canvas.width, observation)
    draw_source(draw, canvas.size, observation)
    file = BytesIO()
    canvas.save(file, "PNG", compress_level=COMPRESSION)
    return file.getvalue()


def _frame(shape: tuple[int, ...]) -> _Frame:
    rows, columns = shape
    scale = min(max(LONG_SIDE / max(shape), SHORT_SIDE / min(shape)), LONGEST_SIDE / max(shape))
    if scale > 1:
        scale = int(scale)  # so that all pixels have one size
    width, height = max(round(columns * scale), 1), max(round(rows * scale), 1)
    return _Frame((max(width + 2 * MARGIN, MIN_WIDTH) - width) // 2, HEADER, width, height)


def _pixels(raster: "FieldRaster", frame: _Frame) -> "Image":
    """Return the raster at the frame's size (nearest neighbour): colours where there is NDVI, else hatching."""
    from PIL import Image

    rows, columns = (
        _centres(pixels, on_screen)
        for pixels, on_screen in zip(raster.ndvi.shape, (frame.height, frame.width), strict=True)
    )
    ndvi = raster.ndvi[np.ix_(rows, columns)]
    size = (frame.width, frame.height)
    picture = Image.fromarray(colour_of(ndvi)).resize(size, Image.Resampling.NEAREST)
    masked = ~np.isfinite(ndvi) & (raster.coverage_fraction[np.ix_(rows, columns)] > 0)
    if masked.any():
        stripes = Image.fromarray(hatching(frame.height, frame.width))
        picture.paste(stripes, mask=Image.fromarray(masked).resize(size, Image.Resampling.NEAREST))
    return picture


def _centres(pixels: int, on_screen: int) -> NDArray[np.intp]:
    """Return the indexes of the pixels that are shown: all of them, or one for each pixel of the picture if fewer."""
    shown = min(pixels, on_screen)
    return ((np.arange(shown) + 0.5) * pixels / shown).astype(np.intp)


def _rings(raster: "FieldRaster", geometry: BaseGeometry, frame: _Frame) -> list[tuple[list[float], int]]:
    """Return each ring's vertices, with 255 for an exterior and 0 for a hole, in the order in which to fill them.

    The vertices are x, y, x, y ... in pixels of the frame with its margins, `SMOOTHING` times larger. The rings of a
    valid geometry do not cross, so that a ring is filled before the smaller rings within it.
    """
    rings = []
    for polygon in shapely.get_parts(geometry):
        rings.append((polygon.exterior, 255))
        rings.extend((hole, 0) for hole in polygon.interiors)
    rings.sort(key=lambda ring: -shapely.Polygon(ring[0]).area)
    return [(_vertices(shapely.get_coordinates(ring), raster, frame), value) for ring, value in rings]


def _vertices(ring: NDArray[np.float64], raster: "FieldRaster", frame: _Frame) -> list[float]:
    rows, columns = raster.ndvi.shape
    to_pixel = ~raster.transform
    column = to_pixel.a * ring[:, 0] + to_pixel.b * ring[:, 1] + to_pixel.c
    row = to_pixel.d * ring[:, 0] + to_pixel.e * ring[:, 1] + to_pixel.f
    vertices = np.column_stack([column * frame.width / columns, row * frame.height / rows])
    return ((vertices + MARGIN) * SMOOTHING).ravel().tolist()


def _inside(rings: list[tuple[list[float], int]], frame: _Frame) -> "Image":
    """Return the field's inside as a mask of the frame's size; its edge is not smooth, since the outline hides it."""
    from PIL import Image, ImageDraw

    size = (frame.width + 2 * MARGIN, frame.height + 2 * MARGIN)
    large = Image.new("1", (size[0] * SMOOTHING, size[1] * SMOOTHING))
    draw = ImageDraw.Draw(large)
    for ring, value in rings:
        draw.polygon(ring, fill=value)
    box = (MARGIN, MARGIN, MARGIN + frame.width, MARGIN + frame.height)
    return large.resize(size, Image.Resampling.NEAREST).crop(box)


def _outline(rings: list[tuple[list[float], int]], frame: _Frame) -> "Image":
    """Return the field's outline as a smooth mask, with `MARGIN` more than the frame on each side."""
    from PIL import Image, ImageDraw

    size = (frame.width + 2 * MARGIN, frame.height + 2 * MARGIN)
    large = Image.new("L", (size[0] * SMOOTHING, size[1] * SMOOTHING))
    draw = ImageDraw.Draw(large)
    for ring, _ in rings:
        draw.line(ring, fill=255, width=2 * SMOOTHING, joint="curve")
    return large.reduce(SMOOTHING)

"""The picture of a field's NDVI on one day: a PNG for people, with its boundary, a legend and the numbers."""

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.observation import Observation
from ndvi_core.products.captions import HEADER, MARGIN, MIN_WIDTH, footer, header
from ndvi_core.products.colour_map import INK_LEVELS, MASKED_INDEX, PAPER_INDEX, hatch, index_of, inked, palette

if TYPE_CHECKING:
    from ndvi_core.models.field_raster import FieldRaster

LONG_SIDE = 480
"""Length of the field's longer side in the picture, in its pixels."""
SHORT_SIDE = 48
"""A thin field is enlarged until its shorter side is this long, but its longer side at most `LONGEST_SIDE`."""
LONGEST_SIDE = 1200
COMPRESSION = 2
"""Compression level of the PNG: more than twice as fast as the usual 6, for a fifth more bytes."""
LINE = 2
"""Width of the outline."""
REACH = 2
"""Pixels on each side of the outline's middle that it may touch."""


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
    from PIL import Image

    frame = _frame(raster.ndvi.shape)
    width = max(frame.width + 2 * MARGIN, MIN_WIDTH)
    paper = np.full((frame.height, width), PAPER_INDEX, np.uint8)
    page = np.concatenate([header(width, observation), paper, footer(width, observation.scene_ids)])
    right, bottom = frame.left + frame.width, frame.top + frame.height
    rings = _rings(raster, geometry, frame)
    field = page[frame.top : bottom, frame.left : right]
    field ^= (_pixels(raster, frame) ^ PAPER_INDEX) & _inside(rings, frame)  # paper outside, pixels inside
    _draw_outline(page[frame.top - MARGIN : bottom + MARGIN, frame.left - MARGIN : right + MARGIN], rings)
    picture = Image.fromarray(page)
    picture.putpalette(palette().tobytes())
    file = BytesIO()
    picture.save(file, "PNG", compress_level=COMPRESSION)
    return file.getvalue()


def _frame(shape: tuple[int, ...]) -> _Frame:
    rows, columns = shape
    scale = min(max(LONG_SIDE / max(shape), SHORT_SIDE / min(shape)), LONGEST_SIDE / max(shape))
    if scale > 1:
        scale = int(scale)  # so that all pixels have one size
    width, height = max(round(columns * scale), 1), max(round(rows * scale), 1)
    return _Frame((max(width + 2 * MARGIN, MIN_WIDTH) - width) // 2, HEADER, width, height)


def _pixels(raster: "FieldRaster", frame: _Frame) -> NDArray[np.uint8]:
    """Return the raster at the frame's size (nearest neighbour): colours where there is NDVI, hatching if masked."""
    index = index_of(raster.ndvi)
    index[(index == MASKED_INDEX) & ~(raster.coverage_fraction > 0)] = PAPER_INDEX
    rows, columns = (
        ((np.arange(on_screen) + 0.5) * pixels / on_screen).astype(np.intp)
        for pixels, on_screen in zip(index.shape, (frame.height, frame.width), strict=True)
    )
    picture: NDArray[np.uint8] = index.take(columns, axis=1).take(rows, axis=0)
    if (index == MASKED_INDEX).any():
        hatch(picture)
    return picture


def _rings(raster: "FieldRaster", geometry: BaseGeometry, frame: _Frame) -> list[tuple[NDArray[np.float64], int]]:
    """Return each ring's vertices, with 255 for an exterior and 0 for a hole, in the order in which to fill them.

    The vertices are (n, 2), columns and rows in pixels of the frame. The rings of a valid geometry do not cross, so
    that a ring is filled before the smaller rings within it.
    """
    rings = []
    for polygon in shapely.get_parts(geometry):
        rings.append((polygon.exterior, 255))
        rings.extend((hole, 0) for hole in polygon.interiors)
    rings.sort(key=lambda ring: -shapely.Polygon(ring[0]).area)
    return [(_vertices(shapely.get_coordinates(ring), raster, frame), value) for ring, value in rings]


def _vertices(ring: NDArray[np.float64], raster: "FieldRaster", frame: _Frame) -> NDArray[np.float64]:
    rows, columns = raster.ndvi.shape
    to_pixel = ~raster.transform
    column = to_pixel.a * ring[:, 0] + to_pixel.b * ring[:, 1] + to_pixel.c
    row = to_pixel.d * ring[:, 0] + to_pixel.e * ring[:, 1] + to_pixel.f
    return np.column_stack([column * frame.width / columns, row * frame.height / rows])


def _inside(rings: list[tuple[NDArray[np.float64], int]], frame: _Frame) -> NDArray[np.uint8]:
    """Return the field's inside as a mask of the frame's size, all bits set within.

    Its edge is not smooth, since the outline hides it.
    """
    from PIL import Image, ImageDraw

    mask = Image.new("L", (frame.width, frame.height))
    draw = ImageDraw.Draw(mask)
    for ring, value in rings:
        draw.polygon((ring - 0.5).ravel().tolist(), fill=value)  # Pillow's integers are the pixels' centres
    return np.asarray(mask)


def _draw_outline(page: NDArray[np.uint8], rings: list[tuple[NDArray[np.float64], int]]) -> None:
    """Draw the field's outline on the part of the page that is the frame with `MARGIN` on each side.

    A pixel is as dark as the line covers it, by the distance of its centre from the edge that is nearest, or from the
    vertex; only pixels along the line are looked at.
    """
    around = np.arange(-REACH, REACH + 1)
    places = []
    for ring, _ in rings:
        ring = ring + MARGIN - 0.5  # so that whole numbers are the centres of pixels
        start, step = ring[:-1], np.diff(ring, axis=0)
        steep = np.abs(step[:, 1]) > np.abs(step[:, 0])
        start, step = (np.where(steep[:, np.newaxis], values[:, ::-1], values) for values in (start, step))
        first, last = np.sort([start[:, 0], start[:, 0] + step[:, 0]], axis=0).round().astype(np.intp)
        edge = np.repeat(np.arange(len(step)), last - first + 1)
        along = np.arange(len(edge)) - np.repeat(np.cumsum(last - first + 1) - last - 1, last - first + 1)
        slope = step[edge, 1] / np.where(step[edge, 0] == 0, 1, step[edge, 0])
        middle = start[edge, 1] + slope * (along - start[edge, 0])
        across = np.rint(middle)[:, np.newaxis] + around
        distance = np.abs(across - middle[:, np.newaxis]) / np.hypot(1, slope)[:, np.newaxis]
        along = np.broadcast_to(along[:, np.newaxis], across.shape)
        swap = steep[edge][:, np.newaxis]
        places.append((np.where(swap, along, across), np.where(swap, across, along), distance))
        column, row = (np.rint(ring[:, axis])[:, np.newaxis, np.newaxis] for axis in (0, 1))
        row, column = np.broadcast_arrays(row + around[:, np.newaxis], column + around)
        places.append((row, column, np.hypot(row - ring[:, 1, None, None], column - ring[:, 0, None, None])))
    rows, columns, distances = (np.concatenate([place[i].ravel() for place in places]) for i in range(3))
    ink = np.rint(np.clip(LINE / 2 + 0.5 - distances, 0, 1) * INK_LEVELS)
    seen = (ink > 0) & (rows >= 0) & (rows < page.shape[0]) & (columns >= 0) & (columns < page.shape[1])
    rows, columns, ink = (values[seen].astype(np.intp) for values in (rows, columns, ink))
    under = page[rows, columns]
    for level in range(1, INK_LEVELS + 1):  # of the edges that touch a pixel the nearest counts
        at = ink == level
        page[rows[at], columns[at]] = inked()[level, under[at]]

"""The picture of a field's NDVI on one day: a PNG for people, with its boundary, a legend and the numbers."""

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.observation import Observation
from ndvi_core.products.colour_map import colour_of

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    from ndvi_core.models.field_raster import FieldRaster


MASKED = (205, 205, 205)
HATCH = (150, 150, 150)
HATCH_STEP = 8
INK = (35, 35, 35)
FAINT = (95, 95, 95)
PAPER = (255, 255, 255)

LONG_SIDE = 480
"""Screen pixels of the field's longer side."""
SHORT_SIDE = 48
"""A thin field is enlarged until its shorter side has so many, but no further than `LONGEST_SIDE`."""
LONGEST_SIDE = 1200
MARGIN = 24
MIN_WIDTH = 480
HEADER = 76
FOOTER = 116
SMALLEST_TEXT = 11
COMPRESSION = 3
"""Of the PNG: twice as fast as the usual 6, for a fifth more bytes."""
SMOOTHING = 3
"""The boundary is drawn so many times larger and scaled down, for smooth edges."""


class _Frame(NamedTuple):
    """Where the raster lies in the picture."""

    left: int
    top: int
    width: int
    height: int


def quicklook(raster: "FieldRaster", boundary: BaseGeometry, observation: Observation) -> bytes:
    """Return a PNG of the field's NDVI between 0 and 1, north up, each pixel as one flat square.

    Valid pixels have the colour of their NDVI (values outside 0..1 that of the nearer end), pixels masked by cloud,
    shadow or nodata are hatched grey, and all is cut at the boundary. The scale is the same in every picture, so that
    two days or two fields can be compared by eye.

    Args:
        raster: The field's pixels.
        boundary: The field's polygon in the raster's CRS.
        observation: Its id, date, status and numbers are written around the picture.
    """
    from PIL import Image, ImageDraw

    frame = _frame(raster.ndvi.shape)
    canvas = Image.new("RGB", (max(frame.width + 2 * MARGIN, MIN_WIDTH), HEADER + frame.height + FOOTER), PAPER)
    canvas.paste(_legend(), (0, HEADER + frame.height))
    rings = _rings(raster, boundary, frame)
    canvas.paste(_pixels(raster, frame), (frame.left, frame.top), _inside(rings, frame))
    outline = _outline(rings, frame)
    canvas.paste(Image.new("RGB", outline.size, INK), (frame.left - MARGIN, frame.top - MARGIN), outline)
    draw = ImageDraw.Draw(canvas)
    _header(canvas, draw, observation)
    _source(canvas, draw, observation)
    file = BytesIO()
    canvas.save(file, "PNG", compress_level=COMPRESSION)
    return file.getvalue()


def _frame(shape: tuple[int, ...]) -> _Frame:
    rows, columns = shape
    scale = min(max(LONG_SIDE / max(shape), SHORT_SIDE / min(shape)), LONGEST_SIDE / max(shape))
    if scale > 1:
        scale = int(scale)  # so that all pixels look alike
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
    masked = ~np.isfinite(ndvi) & (raster.coverage[np.ix_(rows, columns)] > 0)
    if masked.any():
        hatching = Image.fromarray(_hatching(frame.height, frame.width))
        picture.paste(hatching, mask=Image.fromarray(masked).resize(size, Image.Resampling.NEAREST))
    return picture


def _centres(pixels: int, on_screen: int) -> NDArray[np.intp]:
    """Return the indexes of the pixels that are shown: all of them, or where there are more, one for each on screen."""
    shown = min(pixels, on_screen)
    return ((np.arange(shown) + 0.5) * pixels / shown).astype(np.intp)


def _hatching(height: int, width: int) -> NDArray[np.uint8]:
    """Return grey with diagonal stripes, (height, width, 3)."""
    row, column = np.ogrid[:HATCH_STEP, :HATCH_STEP]
    stripe = (row + column) % HATCH_STEP < 2
    tile = np.array([MASKED, HATCH], np.uint8)[stripe.astype(np.intp)]
    return np.tile(tile, (height // HATCH_STEP + 1, width // HATCH_STEP + 1, 1))[:height, :width]


def _rings(raster: "FieldRaster", boundary: BaseGeometry, frame: _Frame) -> list[tuple[list[float], int]]:
    """Return each ring's vertices with 255 for an exterior and 0 for a hole, in the order to fill them.

    The vertices are x, y, x, y ... in the frame with its margins, `SMOOTHING` times larger. The rings of a valid
    geometry lie in or beside one another, so the larger is filled before the smaller one in it.
    """
    rings = []
    for polygon in shapely.get_parts(boundary):
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


def _header(canvas: "Image", draw: "ImageDraw", observation: Observation) -> None:
    width = canvas.width - 2 * MARGIN
    mean = "no value" if observation.ndvi_mean is None else f"mean NDVI {observation.ndvi_mean:.2f}"
    status = observation.status.replace("_", " ")
    facts = f"{observation.date}  ·  {mean}  ·  {observation.valid_fraction:.0%} valid  ·  {status}"
    _text(draw, (MARGIN, 16), observation.field_id, INK, size=20, width=width)
    _text(draw, (MARGIN, 43), facts, FAINT, size=14, width=width)


def _source(canvas: "Image", draw: "ImageDraw", observation: Observation) -> None:
    first, *others = observation.scene_ids or ("no scene",)
    source = f"{first} and {len(others)} more" if others else first
    _text(draw, (MARGIN, canvas.height - 24), source, FAINT, size=11, width=canvas.width - 2 * MARGIN)


def _text(
    draw: "ImageDraw",
    at: tuple[int, int],
    text: str,
    ink: tuple[int, int, int],
    size: int,
    width: int,
    anchor: str = "la",
) -> None:
    """Write a line no wider than `width`: smaller if need be, and at `SMALLEST_TEXT` cut short."""
    while draw.textlength(text, font=_font(size)) > width:
        if size > SMALLEST_TEXT:
            size -= 1
        else:
            text = f"{text[:-2]}…"
    draw.text(at, text, ink, font=_font(size), anchor=anchor)


@cache
def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)


@cache
def _legend() -> "Image":
    """Return the colour bar with its ticks and, beside it, the hatching of masked pixels, for the footer."""
    from PIL import Image, ImageDraw

    canvas = Image.new("RGB", (MIN_WIDTH, FOOTER), PAPER)
    draw = ImageDraw.Draw(canvas)
    width, height, left, top = 252, 14, MARGIN, 36
    _text(draw, (left, top - 20), "NDVI", INK, size=13, width=width)
    bar = np.tile(colour_of(np.linspace(0, 1, width)), (height, 1, 1))
    canvas.paste(Image.fromarray(bar), (left, top))
    draw.rectangle((left - 1, top - 1, left + width, top + height), outline=FAINT)
    for tick in range(0, 11, 2):
        x = left + round(tick / 10 * (width - 1))
        draw.line((x, top + height, x, top + height + 4), fill=FAINT)
        _text(draw, (x, top + height + 6), f"{tick / 10:.1f}".replace(".0", ""), INK, size=12, width=40, anchor="ma")
    left += width + 20
    canvas.paste(Image.fromarray(_hatching(height, 22)), (left, top))
    draw.rectangle((left - 1, top - 1, left + 22, top + height), outline=FAINT)
    _text(draw, (left + 28, top + height // 2), "cloud, shadow, no data", INK, size=12, width=140, anchor="lm")
    return canvas

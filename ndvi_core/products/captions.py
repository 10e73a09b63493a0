"""The page around a field's picture: its margins, what is written on it, and the legend."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ndvi_core.models.observation import Observation
from ndvi_core.products.colour_map import colour_of, hatching

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

INK = (35, 35, 35)
FAINT = (95, 95, 95)
PAPER = (255, 255, 255)
MARGIN = 24
MIN_WIDTH = 480
"""Width of the narrowest page, on which the legend just fits."""
HEADER = 76
"""Height of what is above the field."""
FOOTER = 116
"""Height of what is below the field."""
SMALLEST_TEXT = 11


def draw_header(draw: "ImageDraw", width: int, observation: Observation) -> None:
    """Write field id, date, mean NDVI, valid fraction and status at the top of a picture of that width."""
    width -= 2 * MARGIN
    mean = "no value" if observation.ndvi_mean is None else f"mean NDVI {observation.ndvi_mean:.2f}"
    status = observation.status.replace("_", " ")
    facts = f"{observation.date}  ·  {mean}  ·  {observation.valid_fraction:.0%} valid  ·  {status}"
    _text(draw, (MARGIN, 16), observation.field_id, INK, size=20, width=width)
    _text(draw, (MARGIN, 43), facts, FAINT, size=14, width=width)


def draw_source(draw: "ImageDraw", size: tuple[int, int], observation: Observation) -> None:
    """Write the scenes that the pixels are from at the bottom of a picture of that size (width, height)."""
    width, height = size
    first, *others = observation.scene_ids or ("no scene",)
    source = f"{first} and {len(others)} more" if others else first
    _text(draw, (MARGIN, height - 24), source, FAINT, size=11, width=width - 2 * MARGIN)


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
def legend() -> "Image":
    """Return the footer: the colour bar with its ticks and, beside it, the hatching of masked pixels."""
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
    canvas.paste(Image.fromarray(hatching(height, 22)), (left, top))
    draw.rectangle((left - 1, top - 1, left + 22, top + height), outline=FAINT)
    _text(draw, (left + 28, top + height // 2), "no value", INK, size=12, width=140, anchor="lm")
    return canvas

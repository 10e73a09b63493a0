"""The page around a field's picture: its margins, what is written on it, and the legend."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.observation import Observation
from ndvi_core.products.colour_map import INK, MASKED_INDEX, greys, hatch, index_of

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

FAINT = 95
"""The grey of what is less important than ink."""
MARGIN = 24
MIN_WIDTH = 480
"""Width of the narrowest page, on which the legend just fits."""
HEADER = 76
"""Height of what is above the field."""
FOOTER = 116
"""Height of what is below the field."""
SMALLEST_TEXT = 11

Page = NDArray[np.uint8]
"""A part of a page, (height, width): indexes of the palette."""


def header(width: int, observation: Observation) -> Page:
    """Return the top of a page of that width: field id, date, mean NDVI, valid fraction and status."""
    mean = "no value" if observation.ndvi_mean is None else f"mean NDVI {observation.ndvi_mean:.2f}"
    status = observation.status.replace("_", " ")
    strip, draw = _strip(width, HEADER)
    _text(draw, (MARGIN, 16), observation.field_id, INK[0], size=20, width=width - 2 * MARGIN)
    left = MARGIN
    for words in (f"{observation.date}", mean, f"{observation.valid_fraction:.0%} valid", status):
        fact = _fact(words if left == MARGIN else f"  ·  {words}")
        strip.paste(fact, (left, 43))
        left += fact.width
    return _page(strip)


@lru_cache(maxsize=1024)
def _fact(text: str) -> "Image":
    """Return a part of the line of facts, which hold for many fields: writing is half of a picture's time."""
    strip, draw = _strip(round(_font(14).getlength(text)), HEADER - 43)
    draw.text((0, 0), text, FAINT, font=_font(14))
    return strip


@lru_cache(maxsize=16)
def footer(width: int, scene_ids: tuple[str, ...]) -> Page:
    """Return the bottom of a page of that width: the legend, and the scenes that the pixels are from.

    Most fields of a work order are from the same scenes.
    """
    first, *others = scene_ids or ("no scene",)
    source = f"{first} and {len(others)} more" if others else first
    strip, draw = _strip(width, FOOTER)
    _text(draw, (MARGIN, FOOTER - 24), source, FAINT, size=11, width=width - 2 * MARGIN)
    page = _page(strip)
    rows = FOOTER - 24
    page[:rows, :MIN_WIDTH] = _legend()[:rows]
    page.flags.writeable = False
    return page


def _text(
    draw: "ImageDraw",
    at: tuple[int, int],
    text: str,
    ink: int,
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
def _legend() -> Page:
    """Return the colour bar with its ticks and, beside it, the hatching of masked pixels: (`FOOTER`, `MIN_WIDTH`)."""
    strip, draw = _strip(MIN_WIDTH, FOOTER)
    width, height, left, top = 252, 14, MARGIN, 36
    _text(draw, (left, top - 20), "NDVI", INK[0], size=13, width=width)
    draw.rectangle((left - 1, top - 1, left + width, top + height), outline=FAINT)
    for tick in range(0, 11, 2):
        x = left + round(tick / 10 * (width - 1))
        draw.line((x, top + height, x, top + height + 4), fill=FAINT)
        _text(draw, (x, top + height + 6), f"{tick / 10:.1f}".replace(".0", ""), INK[0], size=12, width=40, anchor="ma")
    masked = left + width + 20
    draw.rectangle((masked - 1, top - 1, masked + 22, top + height), outline=FAINT)
    _text(draw, (masked + 28, top + height // 2), "no value", INK[0], size=12, width=140, anchor="lm")
    page = _page(strip)
    page[top : top + height, left : left + width] = index_of(np.linspace(0, 1, width))
    page[top : top + height, masked : masked + 22] = MASKED_INDEX
    hatch(page[top : top + height, masked : masked + 22])
    return page


def _page(strip: "Image") -> Page:
    page: Page = greys()[np.asarray(strip)]
    return page


def _strip(width: int, height: int) -> tuple["Image", "ImageDraw"]:
    """Return white paper to write on in greys."""
    from PIL import Image, ImageDraw

    strip = Image.new("L", (width, height), 255)
    return strip, ImageDraw.Draw(strip)

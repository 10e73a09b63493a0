"""The colours of pictures: one palette for NDVI, for pixels without a value, and for ink on either of them."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

YLGN = ("#ffffe5", "#f7fcb9", "#d9f0a3", "#addd8e", "#78c679", "#41ab5d", "#238443", "#006837", "#004529")
"""ColorBrewer's sequential scheme YlGn of nine classes (https://colorbrewer2.org, Apache-2.0).

Its lightness falls steadily, so it reads the same to the colour-blind and in grey; bare soil is pale, dense crop dark.
"""

STEPS = 200
"""Steps of the colour scale from 0 to 1: each has a colour of the palette, its index is the step."""

INK = (35, 35, 35)
PAPER = (255, 255, 255)
MASKED = (205, 205, 205)
HATCH = (150, 150, 150)
HATCH_STEP = 8
"""Distance of the stripes, in pixels of the picture."""

PAPER_INDEX, MASKED_INDEX, HATCH_INDEX = range(STEPS + 1, STEPS + 4)
"""Indexes of the palette after those of the scale."""

GREYS = 17
"""Shades between ink and paper, for the edges of letters."""
INK_LEVELS = 4
"""An edge of ink covers a pixel by this many parts at most, see `inked`."""
_INKED_STEP = STEPS // 10
"""Of each so many steps of the scale, the palette has the colours that are partly covered by ink."""


def colour_of(ndvi: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the RGB colour of each value: `YLGN` over 0..1 in `STEPS` steps. Shape (..., 3)."""
    colours: NDArray[np.uint8] = palette()[index_of(ndvi)]
    return colours


def index_of(ndvi: NDArray[Any]) -> NDArray[np.uint8]:
    """Return each value's index in the palette: its step, or that of the nearer end; `MASKED_INDEX` for NaN."""
    step = np.rint(np.clip(np.nan_to_num(ndvi), 0, 1) * STEPS)
    return np.where(np.isfinite(ndvi), step, MASKED_INDEX).astype(np.uint8)


@cache
def palette() -> NDArray[np.uint8]:
    """Return the palette of all pictures as RGB, at most (256, 3)."""
    anchors = np.array([[int(anchor[i : i + 2], 16) for i in (1, 3, 5)] for anchor in YLGN])
    position, at = np.linspace(0, 1, STEPS + 1), np.linspace(0, 1, len(YLGN))
    scale = np.stack([np.interp(position, at, anchors[:, channel]) for channel in range(3)], axis=-1)
    greys = np.repeat(np.linspace(INK[0], PAPER[0], GREYS, endpoint=False)[:, np.newaxis], 3, axis=1)
    covered = [_under_ink(scale[::_INKED_STEP], level) for level in range(1, INK_LEVELS)]
    return np.concatenate([scale, [PAPER, MASKED, HATCH], greys, *covered]).round().astype(np.uint8)


@cache
def inked() -> NDArray[np.uint8]:
    """Return the index of each colour when ink covers it by 0, 1 ... `INK_LEVELS` parts: (parts, colours)."""
    colours = palette().astype(float)
    rows = [nearest(_under_ink(colours, level)) for level in range(1, INK_LEVELS + 1)]
    return np.stack([np.arange(len(colours), dtype=np.uint8), *rows])


@cache
def greys() -> NDArray[np.uint8]:
    """Return the index of the colour that is nearest to each of the 256 greys."""
    return nearest(np.repeat(np.arange(256.0)[:, np.newaxis], 3, axis=1))


def nearest(colours: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the indexes of the palette's colours that are nearest to these, (n, 3)."""
    distance = ((colours[:, np.newaxis] - palette()) ** 2).sum(axis=-1)
    index: NDArray[np.uint8] = distance.argmin(axis=1).astype(np.uint8)
    return index


def _under_ink(colours: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    return colours + (np.array(INK) - colours) * level / INK_LEVELS


def hatch(picture: NDArray[np.uint8]) -> None:
    """Draw diagonal stripes on those pixels of a picture, indexes of the palette, that are `MASKED_INDEX`."""
    height, width = picture.shape
    row, column = np.ogrid[:HATCH_STEP, :HATCH_STEP]
    stripe = (row + column) % HATCH_STEP < 2
    stripes = np.tile(stripe, (height // HATCH_STEP + 1, width // HATCH_STEP + 1))[:height, :width]
    picture[(picture == MASKED_INDEX) & stripes] = HATCH_INDEX

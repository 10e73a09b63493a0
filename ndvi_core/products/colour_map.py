"""The colours of NDVI, and the hatching of pixels without a value."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

YLGN = ("#ffffe5", "#f7fcb9", "#d9f0a3", "#addd8e", "#78c679", "#41ab5d", "#238443", "#006837", "#004529")
"""ColorBrewer's sequential scheme YlGn of nine classes (https://colorbrewer2.org, Apache-2.0).

Its lightness falls steadily, so it reads the same to the colour-blind and in grey; bare soil is pale, dense crop dark.
"""

MASKED = (205, 205, 205)
HATCH = (150, 150, 150)
HATCH_STEP = 8
"""Distance of the stripes, in pixels of the picture."""


def colour_of(ndvi: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the RGB colour of each value: `YLGN` over 0..1, linear between its anchors. Shape (..., 3)."""
    anchors = np.array([[int(anchor[i : i + 2], 16) for i in (1, 3, 5)] for anchor in YLGN])
    position = np.clip(np.nan_to_num(ndvi), 0, 1)
    at = np.linspace(0, 1, len(YLGN))
    channels = [np.interp(position, at, anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def hatching(height: int, width: int) -> NDArray[np.uint8]:
    """Return grey with diagonal stripes as RGB, (height, width, 3), for masked pixels."""
    row, column = np.ogrid[:HATCH_STEP, :HATCH_STEP]
    stripe = (row + column) % HATCH_STEP < 2
    tile = np.array([MASKED, HATCH], np.uint8)[stripe.astype(np.intp)]
    return np.tile(tile, (height // HATCH_STEP + 1, width // HATCH_STEP + 1, 1))[:height, :width]

"""Mask policies: which pixels the Sentinel-2 scene classification (SCL) hides, and what hides them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import BadInput
from ndvi_core.raster.window_table import WindowTable

Mask = NDArray[np.bool_]
Causes = NDArray[np.uint8]

NO_DATA_CLASS = 0
"""Sentinel-2 Level-2A scene classification, as Sen2Cor writes it (Sentinel-2 Products Specification Document): 0 no
data, 1 saturated or defective, 2 dark area, 3 cloud shadow, 4 vegetation, 5 not vegetated, 6 water, 7 unclassified,
8 and 9 cloud of medium and high probability, 10 thin cirrus, 11 snow or ice."""

VALID, CLOUD, SHADOW, SNOW, DEFECTIVE, UNCLASSIFIED, NO_REFLECTANCE, NO_DATA = range(8)
"""What becomes of a pixel: it is valid, or the cause for which it is not."""

CAUSES = {
    CLOUD: "cloud",
    SHADOW: "cloud shadow",
    SNOW: "snow",
    DEFECTIVE: "defective",
    UNCLASSIFIED: "unclassified",
    NO_REFLECTANCE: "no reflectance",
    NO_DATA: "no data",
}
"""What messages call each cause."""

_CAUSE_OF_CLASS = {
    0: NO_DATA,
    1: DEFECTIVE,
    2: SHADOW,
    3: SHADOW,
    7: UNCLASSIFIED,
    8: CLOUD,
    9: CLOUD,
    10: CLOUD,
    11: SNOW,
}
_CLASSES = range(12)


class Masked(NamedTuple):
    """What a policy makes of the pixels of windows, (n) each."""

    causes: Causes
    """What becomes of each pixel."""
    reached: Causes | None
    """`CLOUD` or `SHADOW` where these reach when grown, also where there is no data, else `VALID`; None if nowhere."""


@dataclass(frozen=True)
class MaskPolicy:
    """Which classes hide the ground, and how far cloud and shadow reach beyond their pixels.

    A changed policy takes a new version, so that a name always means the same.
    """

    name: str
    masked: frozenset[int]
    """The SCL classes whose pixels are not valid; values that are no class are not either."""
    growth: float = 0.0
    """Metres by which cloud and cloud shadow are grown: a pixel is hidden when its centre is no farther from that of
    a masked one."""
    opening: float = 0.0
    """Metres by which cloud and cloud shadow are eroded and grown again before: specks thinner than that vanish."""

    @cached_property
    def causes(self) -> Causes:
        """(256) what becomes of a pixel of each class."""
        table = np.full(256, DEFECTIVE, dtype=np.uint8)
        for number in _CLASSES:
            table[number] = _CAUSE_OF_CLASS.get(number, VALID) if number in self.masked else VALID
        table.flags.writeable = False
        return table

    def margin(self, pixel_size: float) -> int:
        """Return how many pixels around a window decide on its own ones, given the size of a pixel in metres."""
        return ceil(self.growth / pixel_size) + 2 * ceil(self.opening / pixel_size)

    def apply(self, classes: NDArray[np.integer], windows: WindowTable, pixel_size: float) -> Masked:
        """Return what becomes of the pixels of each window; only within the margin is it final.

        Args:
            classes: (n) of all windows, one after the other.
            windows: Each with a margin of `margin(pixel_size)` pixels all around.
            pixel_size: Metres.
        """
        causes = self.causes[classes]
        if not self.growth and not self.opening:
            return Masked(causes, None)
        some = np.add.reduceat((causes == CLOUD) | (causes == SHADOW), windows.starts, dtype=np.intp) > 0
        clouded = np.flatnonzero(some)
        if not len(clouded):
            return Masked(causes, None)
        reached = np.full_like(causes, VALID)
        canvas, places = _stack([windows.own(causes, number) for number in clouded.tolist()])
        reached_there = self._grow(canvas, pixel_size)
        for number, place in zip(clouded.tolist(), places, strict=True):
            windows.own(causes, number)[...] = canvas[place]
            windows.own(reached, number)[...] = reached_there[place]
        return Masked(causes, reached)

    def _grow(self, causes: Causes, pixel_size: float) -> Causes:
        """Open and grow cloud and shadow, in place, and return where they reach; what else is hidden stays as it is."""
        reached = np.full_like(causes, VALID)
        for cause in (CLOUD, SHADOW):  # what both reach counts as cloud
            seen = causes == cause
            kept = seen
            if self.opening:
                radius = self.opening / pixel_size
                kept = dilate(~dilate(~seen, radius), radius)
                causes[seen & ~kept] = VALID
            reached[dilate(kept, self.growth / pixel_size) & (reached == VALID)] = cause
            hide(causes, reached)
        return reached


def hide(causes: Causes, reached: Causes) -> None:
    """Hide valid pixels that cloud or shadow reaches, in place."""
    hidden = (causes == VALID) & (reached != VALID)
    causes[hidden] = reached[hidden]


def dilate(mask: Mask, radius: float) -> Mask:
    """Return all pixels whose centre is at most `radius` pixels from that of a pixel of the mask, (height, width)."""
    reach = floor(radius)
    if not reach:
        return mask
    height, width = mask.shape
    sums = np.zeros((height, width + 1), np.int32)
    np.cumsum(mask, axis=1, out=sums[:, 1:])
    columns = np.arange(width)
    grown = np.zeros_like(mask)
    for down in range(-reach, reach + 1):
        half = floor(sqrt(radius**2 - down**2))
        first, last = np.maximum(columns - half, 0), np.minimum(columns + half + 1, width)
        target, source = slice(max(down, 0), height + min(down, 0)), slice(max(-down, 0), height + min(-down, 0))
        grown[target] |= sums[source, :][:, last] > sums[source, :][:, first]
    return grown


def _stack(windows: Sequence[Causes]) -> tuple[Causes, list[tuple[slice, slice]]]:
    """Return the windows one below the other in one array, and where each is.

    What is done to all at once reaches from one window into the next no farther than into its margin.
    """
    canvas = np.full((sum(len(w) for w in windows), max(w.shape[1] for w in windows)), NO_DATA, dtype=np.uint8)
    places = []
    top = 0
    for window in windows:
        height, width = window.shape
        places.append((slice(top, top + height), slice(0, width)))
        canvas[places[-1]] = window
        top += height
    return canvas, places


def get_policy(name: str) -> MaskPolicy:
    """Return the policy of that name and version, e.g. `scl@1`.

    Raises:
        BadInput: There is no such policy; the message names the known ones.
    """
    try:
        return POLICIES[name]
    except KeyError:
        raise BadInput(f"no mask policy {name!r}: the known ones are {', '.join(sorted(POLICIES))}") from None


_HIDDEN = frozenset({0, 1, 3, 8, 9, 10, 11})
POLICIES = {
    policy.name: policy
    for policy in (
        MaskPolicy("scl@1", _HIDDEN),
        MaskPolicy("scl-dilated@1", _HIDDEN, growth=40.0, opening=20.0),
        MaskPolicy("scl-no-dark@1", _HIDDEN | {2}),  # dark areas are often shadows of terrain or of clouds
        MaskPolicy("scl-no-unclassified@1", _HIDDEN | {7}),  # unclassified is often the rim of a cloud
        MaskPolicy("scl-strict@1", _HIDDEN | {2, 7}),
    )
}

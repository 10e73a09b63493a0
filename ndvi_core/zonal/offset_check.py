"""A check of pixels that a catalogue says to be harmonised, since some catalogues have said so wrongly.

Harmonised pixels are free of the offset of processing baseline 04.00. Element84/earth-search issues 66 and 71: in
`sentinel-2-l2a` the items' flag and the pixels disagree. If the offset of 1000 is still in the pixels, hardly any is
darker than 1000 in red, while vegetation reflects 2 to 8 % there.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.scene import BOA_ADD_OFFSET, Scene

PERCENTILE = 0.01
"""At least this fraction of a scene's valid pixels is expected to be darker in red than the offset."""


class HarmonisedCheck:
    """Counts, for each harmonised scene, how many of the fields' valid pixels are dark in red."""

    def __init__(self) -> None:
        self._pixels: dict[str, int] = defaultdict(int)
        self._dark: dict[str, int] = defaultdict(int)

    def add(self, scene: Scene, red: NDArray[np.integer]) -> None:
        """Count the digital numbers of valid pixels if the scene is harmonised."""
        if scene.offset.harmonised:
            self._pixels[scene.id] += red.size
            self._dark[scene.id] += int(np.count_nonzero(red < -BOA_ADD_OFFSET))

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each scene whose 1st percentile of red is not below the offset."""
        for scene_id, pixels in self._pixels.items():
            dark = self._dark[scene_id]
            if dark < PERCENTILE * pixels:
                yield (
                    f"scene {scene_id}: {dark} of {pixels} valid red pixels are below {-BOA_ADD_OFFSET}: either the "
                    "ground is bright, or the pixels still have the offset that the catalogue's rule takes for "
                    "removed, and their NDVI is too low; compare with another catalogue"
                )

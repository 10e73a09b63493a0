"""A second witness for the offset of a scene's digital numbers, since catalogues have been wrong about it.

Element84/earth-search issues 66 and 71: in `sentinel-2-l2a` what items say and what the pixels are disagree. A wrong
offset moves every NDVI of the scene. So the file is asked, whose tags may state a scale and an offset, and the pixels:
where the offset of 1000 is still in them hardly any vegetation or soil is darker than that in red, while vegetation
reflects 2 to 8 %, which is 200 to 800 without the offset.

The pixels that are looked at do not depend on the other fields of a work order: they are the field's own and, if these
leave room for doubt, those of an overview of the whole scene.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ndvi_core.errors import SceneUnreachable, SceneUnreadable
from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.models.scene import BOA_ADD_OFFSET, Scene
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.raster.overview import read_overview
from ndvi_core.zonal.mask import Mask

SOME = 0.01
"""Where the offset is removed, at least this share of vegetation and soil is darker than it. Where it is in the pixels,
no more of a field is, or the whole scene is looked at."""
MOST_DARK = 0.1
"""Where the offset is in the pixels, at most this share of a scene's vegetation and soil is as dark: such pixels have
no positive reflectance."""

GROUND = (4, 5)
"""Classes of the pixels of a scene that are looked at: vegetated, and not vegetated."""

log = logging.getLogger(__name__)


class OffsetCheck:
    """Checks scenes, the overview of each one time. Threads may not share it."""

    def __init__(self) -> None:
        self._dark_shares: dict[OpenScene, float | None] = {}
        self._reported: set[str] = set()

    def doubts(
        self, cells: Indexes, dark_share: Floats, scenes: Sequence[OpenScene]
    ) -> tuple[dict[int, list[str]], dict[int, str]]:
        """Return why the offsets of scenes are doubtful for cells, and why that cannot be told for now, by cell.

        Args:
            cells: Numbers of cells that have a value.
            dark_share: (cells) of the pixels that are valid by their class, the share that is as dark in red as the
                offset, or darker.
            scenes: That they come from; the bands are open.
        """
        doubts: dict[int, list[str]] = defaultdict(list)
        unreachable: dict[int, str] = {}
        for scene in scenes:
            suspected = cells[_suspected(scene, dark_share)].tolist()
            if not suspected:
                continue
            try:
                doubt = self._doubt(scene)
            except SceneUnreachable as error:
                unreachable |= dict.fromkeys(suspected, str(error))
            else:
                for cell in suspected if doubt else ():
                    doubts[cell].append(str(doubt))
        return doubts, unreachable

    def _doubt(self, scene: OpenScene) -> str | None:
        """Return why the offset of a scene is doubtful where there is reason to ask, None if it is not.

        Raises:
            SceneUnreachable: The overview cannot be read for now.
        """
        doubt = _contradiction(scene) or self._doubt_of_ground(scene)
        if doubt and doubt not in self._reported:
            self._reported.add(doubt)
            log.warning("%s", doubt)
        return doubt

    def _doubt_of_ground(self, scene: OpenScene) -> str | None:
        if scene not in self._dark_shares:
            self._dark_shares[scene] = _dark_share(scene.scene)
        of_scene, offset = self._dark_shares[scene], scene.scene.offset
        if of_scene is None or _is_plausible(scene.scene, np.array([of_scene]), most=MOST_DARK).all():
            return None
        return (
            f"scene {scene.scene.id}: {of_scene:.1%} of its vegetation and soil is no brighter than {-BOA_ADD_OFFSET} "
            f"in red, which the offset {offset.red} of {offset.rule} does not explain: compare with another catalogue"
        )


def _suspected(scene: OpenScene, dark_share: Floats) -> Mask:
    """Return for which fields there is reason to ask for a doubt."""
    if _contradiction(scene):
        return np.ones(len(dark_share), bool)
    return ~_is_plausible(scene.scene, dark_share, most=SOME)


def _contradiction(scene: OpenScene) -> str | None:
    """Return how the tags of the files contradict the catalogue, None if they do not."""
    offset = scene.scene.offset
    for band, ours in ((scene.band("red"), offset.red), (scene.band("nir"), offset.nir)):
        if band.declared_offset is not None and band.declared_offset != ours:
            return f"{band.name}: the file states the offset {band.declared_offset}, but {offset.rule} has {ours}"
    return None


def _is_plausible(scene: Scene, dark_share: Floats, most: float) -> Mask:
    if not scene.is_shifted:
        return np.ones(len(dark_share), bool)
    return dark_share >= SOME if scene.offset.red == 0 else dark_share <= most


def _dark_share(scene: Scene) -> float | None:
    """Return the share of dark pixels in the scene's vegetation and soil; None if it has none, or no overview."""
    try:
        red = read_overview(scene, "red")
        classes = None if red is None else read_overview(scene, "scl", red.shape)
    except SceneUnreachable:
        raise
    except SceneUnreadable as error:
        log.debug("%s", error)
        return None
    if red is None or classes is None:
        return None
    ground: NDArray[np.integer] = red[np.isin(classes, GROUND) & (red > 0)]
    return float((ground <= -BOA_ADD_OFFSET).mean()) if ground.size else None

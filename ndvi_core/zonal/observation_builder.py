"""From the measurements of cells to their observations: status, reason, numbers, doubts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np

from ndvi_core.models.arrays import Floats, Indexes
from ndvi_core.models.observation import Doubt, Status
from ndvi_core.models.work_order import SceneSet, WorkOrder
from ndvi_core.zonal.coverage import NOISE
from ndvi_core.zonal.mask import (
    CAUSES,
    CLOUD,
    DEFECTIVE,
    NO_DATA,
    NO_REFLECTANCE,
    SHADOW,
    SNOW,
    UNCLASSIFIED,
    VALID,
)
from ndvi_core.zonal.mosaic import Candidate
from ndvi_core.zonal.observation_table import ObservationTable

_STATUS_OF_CAUSE: dict[int, Status] = {
    CLOUD: "cloudy",
    SHADOW: "shadow",
    SNOW: "snow",
    NO_DATA: "no_data",
    DEFECTIVE: "undefined",
    UNCLASSIFIED: "undefined",
    NO_REFLECTANCE: "undefined",
}


@dataclass(frozen=True)
class Remark:
    """What there is to say of a cell that took another way than most."""

    offset_doubt: str = ""
    older: Sequence[str] = ()
    """Ids of older products that pixels are from."""
    resampled: Sequence[str] = ()
    """Ids of scenes on another grid that pixels are from."""
    unreadable: Sequence[str] = ()
    """Why scenes and items cannot be read."""
    unreadable_items: Sequence[str] = ()
    """Of these, the items of the catalogue: they may be anything."""
    missing: Sequence[str] = ()
    """Why indices besides NDVI have no numbers."""


NO_REMARK = Remark()


@dataclass(frozen=True, eq=False)
class Findings:
    """What the observations of cells with the same scenes are made of, (n) each column."""

    cells: Indexes
    """Their numbers in the order."""
    scenes: tuple[int, ...]
    """Numbers of the scenes in the order, the best first."""
    pixels: Floats
    """The fields' areas in pixels."""
    pure_pixels: Indexes
    areas: Floats
    """(n, causes) area in pixels by cause, `VALID` included."""
    statistics: Mapping[str, Floats]
    """By their names in `Statistics`; NaN is unknown."""
    doubts: Mapping[Doubt, Indexes]
    """Numbers of the cells that a doubt without a note is about."""
    remarks: Mapping[int, Remark]
    """By the cells' numbers; most have none."""


class ObservationBuilder:
    """States the observations of one work order."""

    def __init__(self, order: WorkOrder, table: ObservationTable) -> None:
        self._order = order
        self._table = table
        self._inner = order.policy.inner_buffer_m

    def is_large_enough(self, pixels: Floats) -> "np.ndarray":
        """Return which fields are, given their areas in pixels of the largest of their scenes."""
        enough: np.ndarray = (pixels > 0) & (pixels >= self._order.policy.min_pixels)
        return enough

    def without_pixels(
        self, cell: int, scene_set: SceneSet, candidates: Sequence[Candidate], unreadable: Sequence[str]
    ) -> bool:
        """State the outcome of a cell that is settled without reading pixels, and return whether it is.

        Args:
            cell: Its number.
            scene_set: Its scenes.
            candidates: The readable ones that contain some of the field.
            unreadable: Why others cannot be read.
        """
        if not candidates and unreadable:
            self.failed(cell, scene_set, unreadable)
            return True
        if not candidates:
            ids = ", ".join(self._order.scenes[number].id for number in scene_set.scenes)
            self._table.settle(cell, "no_scene", scene_set.scenes, f"the field is outside the raster of {ids}")
            return True
        largest = max(candidates, key=lambda candidate: candidate.coverage.pixels)
        if self.is_large_enough(np.array([largest.coverage.pixels])).all():
            return False
        within = f", without the {self._inner:g} m along its edge," if self._inner else ""
        reason = (
            f"the field{within} covers {largest.coverage.pixels:.2f} pixels of {largest.grid.size_x:g} m, "
            f"at least {self._order.policy.min_pixels:g} are needed"
        )
        self._too_small(cell, scene_set, reason, largest.coverage.pixels, largest.coverage.pure_pixels)
        return True

    def without_inside(self, cell: int, scene_set: SceneSet) -> None:
        """State the outcome of a cell whose field is nothing but edge."""
        self._too_small(
            cell, scene_set, f"nothing is left of the field without the {self._inner:g} m along its edge", 0.0, 0
        )

    def _too_small(self, cell: int, scene_set: SceneSet, reason: str, pixels: float, pure_pixels: int) -> None:
        self._table.settle(cell, "too_small", scene_set.scenes, reason)
        self._table.statistics["pixel_count"][cell] = pixels
        self._table.statistics["pure_pixel_count"][cell] = pure_pixels

    def failed(self, cell: int, scene_set: SceneSet, reasons: Sequence[str], *, is_passing: bool = False) -> None:
        """State that a cell cannot be computed."""
        self._table.settle(cell, "failed", scene_set.scenes)
        self._table.fail(cell, "; ".join(reasons))
        self._table.is_passing[cell] = is_passing

    def measured(self, found: Findings) -> None:
        """State the outcome of cells whose pixels were read."""
        table, cells = self._table, found.cells
        fractions = found.areas / found.pixels[:, np.newaxis]
        valid, needed = fractions[:, VALID], self._order.policy.min_valid_fraction
        table.settle(cells, "computed", found.scenes)
        for index in np.flatnonzero(~((valid > 0) & (valid > needed - NOISE))).tolist():
            cell = int(cells[index])
            status, reason = self._hidden(fractions[index].tolist())
            said = "; ".join([reason, *found.remarks.get(cell, NO_REMARK).unreadable])
            table.settle(cell, status, found.scenes, said)
        for name, column in {
            **found.statistics,
            "pixel_count": found.pixels,
            "pure_pixel_count": found.pure_pixels,
            "ndvi_valid_pixel_count": found.areas[:, VALID],
            "valid_fraction": valid,
            "cloud_fraction": fractions[:, CLOUD] + fractions[:, SHADOW],
            "shadow_fraction": fractions[:, SHADOW],
            "snow_fraction": fractions[:, SNOW],
            "nodata_fraction": fractions[:, NO_DATA],
        }.items():
            table.statistics[name][cells] = column
        for doubt, about in found.doubts.items():
            table.doubt(about, doubt)
        table.doubt(cells[found.pure_pixels == 0], "no_pure_pixel")
        if found.remarks:
            lacks_pixels = dict(zip(cells.tolist(), (found.areas[:, NO_DATA] > 0).tolist(), strict=True))
            for cell, remark in found.remarks.items():
                self._remark(cell, remark, lacks_pixels[cell])

    def _hidden(self, fractions: Sequence[float]) -> tuple[Status, str]:
        """Return the status of a field without enough valid pixels and its reason, given its fractions by cause."""
        hidden = {cause: fractions[cause] for cause in CAUSES if fractions[cause] > 0}
        if hidden.get(NO_DATA, 0.0) > 1 - NOISE:
            return "no_data", "the scene has no data within the field"
        most = max(hidden, key=lambda cause: hidden[cause], default=NO_DATA)
        said = ", ".join(f"{fraction:.1%} {CAUSES[cause]}" for cause, fraction in hidden.items())
        valid, needed = _rounded_down(fractions[VALID]), _exactly(self._order.policy.min_valid_fraction)
        return _STATUS_OF_CAUSE[most], f"{valid} of the field is valid, {needed} is needed: {said}"

    def _remark(self, cell: int, remark: Remark, lacks_pixels: bool) -> None:
        """State the doubts about a cell that have a note."""
        # Where there is data for the whole field, a neighbouring tile that cannot be read would show no more of it. An
        # item that cannot be read may be anything.
        unreadable = remark.unreadable if remark.older or lacks_pixels else remark.unreadable_items
        older, resampled = ", ".join(remark.older), ", ".join(remark.resampled)
        said: dict[Doubt, str] = {
            "index_missing": "; ".join(remark.missing),
            "offset_doubtful": remark.offset_doubt,
            "older_product": older and f"pixels that newer products lack are from {older}",
            "resampled": resampled and f"pixels of another grid are from {resampled}",
            "scene_unreadable": "; ".join(unreadable),
        }
        notes = {doubt: note for doubt, note in said.items() if note}
        for doubt in notes:
            self._table.doubt(cell, doubt)
        self._table.note[cell] = "; ".join(dict.fromkeys(notes.values())) or None


def _rounded_down(fraction: float) -> str:
    """Return a percentage that is never more than it is, so that what falls short of a threshold looks so."""
    return f"{floor(fraction * 1000 + NOISE) / 10:.1f}%"


def _exactly(fraction: float) -> str:
    """Return a percentage with as many digits as it has, one after the point at least."""
    percent = round(fraction * 100, 10)
    return f"{percent}%"

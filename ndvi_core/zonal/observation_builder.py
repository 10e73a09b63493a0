"""From the measurements of a cell to its observation: status, reason, numbers and provenance."""

from collections.abc import Iterable, Sequence
from typing import Any

from ndvi_core.models.observation import Observation, Status
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import Cell, WorkOrder, make_observation
from ndvi_core.zonal.coverage import NOISE
from ndvi_core.zonal.measure import ZonalStatistics
from ndvi_core.zonal.mosaic import Candidate, Mosaic


class ObservationBuilder:
    """Makes the observations of one work order."""

    def __init__(self, order: WorkOrder) -> None:
        self._order = order

    def without_pixels(
        self, cell: Cell, candidates: Sequence[Candidate], unreadable: Sequence[str]
    ) -> Observation | None:
        """Return the observation of a cell that is settled without reading pixels, None if pixels have to be read.

        Args:
            cell: The cell.
            candidates: The readable scenes that contain some of the field.
            unreadable: Why other scenes cannot be read.
        """
        considered = [self._order.scenes[number] for number in cell.scenes]
        if not candidates and unreadable:
            return self._observation(cell, "failed", "; ".join(unreadable), considered)
        if not candidates:
            ids = ", ".join(scene.id for scene in considered)
            return self._observation(cell, "no_scene", f"the field is outside the raster of {ids}", considered)
        largest = max(candidates, key=lambda candidate: candidate.coverage.pixels)
        pixels, least = largest.coverage.pixels, self._order.policy.min_pixels
        if pixels > 0 and pixels >= least:
            return None
        reason = f"the field covers {pixels:.2f} pixels of {largest.grid.size_x:g} m, at least {least:g} are needed"
        return self._observation(cell, "too_small", reason, considered, pixel_count=pixels)

    def measured(self, cell: Cell, mosaic: Mosaic, found: ZonalStatistics, unreadable: Sequence[str]) -> Observation:
        """Return the observation of a cell whose pixels were read.

        Args:
            cell: The cell.
            mosaic: The scenes that the numbers are from.
            found: The numbers.
            unreadable: Why other scenes cannot be read.
        """
        pixels = mosaic.coverage.pixels
        fraction = found.valid_pixels / pixels
        status, reason = self._status(fraction, mosaic.cloud_pixels / pixels, found.data_pixels / pixels)
        return self._observation(
            cell,
            status,
            "; ".join([reason, *unreadable]) if reason else None,
            [scene.scene for scene in mosaic.scenes],
            pixel_count=pixels,
            ndvi_valid_pixel_count=found.valid_pixels,
            valid_fraction=fraction,
            cloud_fraction=mosaic.cloud_pixels / pixels,
            **found.statistics,
        )

    def _status(self, valid: float, cloud: float, data: float) -> tuple[Status, str | None]:
        """Return the status and its reason; the arguments are fractions of the field's area."""
        needed = self._order.policy.min_valid_fraction
        if data == 0:
            return "no_data", "the scene has no data within the field"
        if valid > 0 and valid > needed - NOISE:
            return "computed", None
        return "cloudy", (
            f"{valid:.1%} of the field is valid, {needed:.1%} is needed: "
            f"{cloud:.1%} is cloud or cloud shadow, {max(1 - data, 0):.1%} has no data"
        )

    def _observation(
        self, cell: Cell, status: Status, reason: str | None, scenes: Sequence[Scene], **numbers: Any
    ) -> Observation:
        return make_observation(
            self._order.fields[cell.field],
            cell.date,
            self._order.policy,
            cell.fingerprint,
            status,
            reason,
            scenes,
            baseline=_joined(scene.baseline for scene in scenes),
            offset_rule=_joined(scene.offset.rule for scene in scenes),
            **numbers,
        )


def _joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))

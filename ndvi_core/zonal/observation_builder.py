"""What is said of a cell in the end: status, reason and numbers, as its observation."""

from collections.abc import Iterable, Sequence
from typing import Any

from ndvi_core.models.observation import Observation, Status
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import Cell, WorkOrder
from ndvi_core.zonal.coverage import NOISE
from ndvi_core.zonal.measure import Measurement
from ndvi_core.zonal.mosaic import Candidate, Mosaic


class ObservationBuilder:
    """Makes the observations of one work order."""

    def __init__(self, order: WorkOrder) -> None:
        self._order = order

    def without_pixels(
        self, cell: Cell, candidates: Sequence[Candidate], unreadable: Sequence[str]
    ) -> Observation | None:
        """Return the observation of a cell whose scenes' pixels need not be looked at, None if they need to be.

        Args:
            cell: the cell.
            candidates: the scenes left that hold some of the field.
            unreadable: why other scenes were left out.
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

    def measured(self, cell: Cell, choice: Mosaic, found: Measurement, unreadable: Sequence[str]) -> Observation:
        """Return the observation of a cell whose pixels were looked at.

        Args:
            cell: the cell.
            choice: the scenes that the numbers are from.
            found: the numbers.
            unreadable: why other scenes were left out.
        """
        pixels = choice.coverage.pixels
        fraction = found.valid_pixels / pixels
        status, reason = self._status(fraction, choice.cloud_pixels / pixels, found.data_pixels / pixels)
        return self._observation(
            cell,
            status,
            "; ".join([reason, *unreadable]) if reason else None,
            [scene.scene for scene in choice.scenes],
            pixel_count=pixels,
            ndvi_valid_pixel_count=found.valid_pixels,
            valid_fraction=fraction,
            cloud_fraction=choice.cloud_pixels / pixels,
            **found.statistics,
        )

    def _status(self, valid: float, cloud: float, data: float) -> tuple[Status, str | None]:
        """Return the status and its reason; the arguments are shares of the field's area."""
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
        field, policy = self._order.fields[cell.field], self._order.policy
        return Observation(
            field_id=field.field_id,
            date=cell.date,
            status=status,
            reason=reason,
            scene_ids=tuple(scene.id for scene in scenes),
            baseline=_joined(scene.baseline for scene in scenes),
            offset_rule=_joined(scene.offset.rule for scene in scenes),
            mask_policy=policy.mask,
            algorithm_version=policy.algorithm_version,
            geometry_hash=field.geometry_hash,
            fingerprint=cell.fingerprint,
            **numbers,
        )


def _joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))

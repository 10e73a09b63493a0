"""From the measurements of a cell to its observation: status, reason, numbers, doubts and provenance."""

from collections.abc import Iterable, Mapping, Sequence
from math import floor
from typing import Any, NamedTuple

from ndvi_core.models.observation import Doubt, Observation, Status
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import Cell, WorkOrder, make_observation
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
from ndvi_core.zonal.measure import ZonalStatistics
from ndvi_core.zonal.mosaic import Candidate, Mosaic

_STATUS_OF_CAUSE: dict[int, Status] = {
    CLOUD: "cloudy",
    SHADOW: "shadow",
    SNOW: "snow",
    NO_DATA: "no_data",
    DEFECTIVE: "undefined",
    UNCLASSIFIED: "undefined",
    NO_REFLECTANCE: "undefined",
}


class Findings(NamedTuple):
    """What a cell's observation is made of."""

    mosaic: Mosaic
    numbers: ZonalStatistics
    unreadable: Sequence[str]
    """Why other scenes cannot be read."""
    offset_doubts: Sequence[str]


class ObservationBuilder:
    """Makes the observations of one work order."""

    def __init__(self, order: WorkOrder) -> None:
        self._order = order
        self._inner = order.policy.inner_buffer_m

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
            return self.failed(cell, unreadable)
        if not candidates:
            ids = ", ".join(scene.id for scene in considered)
            return self._observation(cell, "no_scene", f"the field is outside the raster of {ids}", considered)
        largest = max(candidates, key=lambda candidate: candidate.coverage.pixels)
        pixels, least = largest.coverage.pixels, self._order.policy.min_pixels
        if pixels > 0 and pixels >= least:
            return None
        within = f", without the {self._inner:g} m along its edge," if self._inner else ""
        reason = (
            f"the field{within} covers {pixels:.2f} pixels of {largest.grid.size_x:g} m, at least {least:g} are needed"
        )
        return self._observation(
            cell, "too_small", reason, considered, pixel_count=pixels, pure_pixel_count=largest.coverage.pure_pixels
        )

    def without_inside(self, cell: Cell) -> Observation:
        """Return the observation of a cell whose field is nothing but edge."""
        considered = [self._order.scenes[number] for number in cell.scenes]
        reason = f"nothing is left of the field without the {self._inner:g} m along its edge"
        return self._observation(cell, "too_small", reason, considered, pixel_count=0.0, pure_pixel_count=0)

    def failed(self, cell: Cell, reasons: Sequence[str]) -> Observation:
        """Return the observation of a cell that cannot be computed."""
        considered = [self._order.scenes[number] for number in cell.scenes]
        return self._observation(cell, "failed", "; ".join(reasons), considered)

    def measured(self, cell: Cell, found: Findings) -> Observation:
        """Return the observation of a cell whose pixels were read."""
        mosaic, numbers = found.mosaic, found.numbers
        pixels = mosaic.coverage.pixels
        fractions = {cause: area / pixels for cause, area in numbers.areas.items()}
        status, reason = self._status(fractions)
        doubts = _doubts(cell, found)
        return self._observation(
            cell,
            status,
            "; ".join([reason, *found.unreadable]) if reason else None,
            [scene.scene for scene in mosaic.scenes],
            pixel_count=pixels,
            pure_pixel_count=mosaic.coverage.pure_pixels,
            ndvi_valid_pixel_count=numbers.areas.get(VALID, 0.0),
            valid_fraction=fractions.get(VALID, 0.0),
            cloud_fraction=fractions.get(CLOUD, 0.0) + fractions.get(SHADOW, 0.0),
            shadow_fraction=fractions.get(SHADOW, 0.0),
            snow_fraction=fractions.get(SNOW, 0.0),
            nodata_fraction=fractions.get(NO_DATA, 0.0),
            quality=tuple(sorted(doubts)),
            note="; ".join(dict.fromkeys(note for note in doubts.values() if note)) or None,
            **numbers.statistics,
        )

    def _status(self, fractions: Mapping[int, float]) -> tuple[Status, str | None]:
        """Return the status and its reason, given the fractions of the field's area by cause."""
        valid, needed = fractions.get(VALID, 0.0), self._order.policy.min_valid_fraction
        if valid > 0 and valid > needed - NOISE:
            return "computed", None
        hidden = {cause: fractions[cause] for cause in CAUSES if fractions.get(cause, 0.0) > 0}
        if hidden.get(NO_DATA, 0.0) > 1 - NOISE:
            return "no_data", "the scene has no data within the field"
        most = max(hidden, key=lambda cause: hidden[cause], default=NO_DATA)
        said = ", ".join(f"{fraction:.1%} {CAUSES[cause]}" for cause, fraction in hidden.items())
        return _STATUS_OF_CAUSE[
            most
        ], f"{_rounded_down(valid)} of the field is valid, {_exactly(needed)} is needed: {said}"

    def _observation(
        self, cell: Cell, status: Status, reason: str | None, scenes: Sequence[Scene], **numbers: Any
    ) -> Observation:
        first = min(scenes, key=lambda scene: (scene.time, scene.id), default=None)
        return make_observation(
            self._order.fields[cell.field],
            cell.date,
            self._order.policy,
            cell.fingerprint,
            status,
            reason,
            scenes,
            acquired_at=first and first.time,
            platform=first and first.platform,
            relative_orbit=first and first.relative_orbit,
            sun_zenith=first and first.sun_zenith,
            view_zenith=first and first.view_zenith,
            baseline=_joined(scene.baseline for scene in scenes),
            offset_rule=_joined(scene.offset.rule for scene in scenes),
            extent=self._order.extent,
            **numbers,
        )


def _doubts(cell: Cell, found: Findings) -> dict[Doubt, str]:
    """Return the doubts about a cell's numbers, each with what it is about; empty where the name says all."""
    mosaic, numbers = found.mosaic, found.numbers
    older = [c.scene.scene.id for c in mosaic.candidates if c.is_older]
    resampled = [c.scene.scene.id for c in mosaic.candidates if not c.is_native]
    # Where there is data for the whole field, a neighbouring tile that cannot be read would show no more of it. An item
    # that cannot be read may be anything.
    lacks_pixels = numbers.areas.get(NO_DATA, 0.0) > 0
    unreadable = "; ".join(found.unreadable) if older or lacks_pixels else "; ".join(cell.unreadable)
    said: dict[Doubt, str | None] = {
        "dark_pixels_dropped": "" if numbers.has_dropped_dark else None,
        "saturated_pixels_dropped": "" if numbers.has_dropped_saturated else None,
        "no_pure_pixel": None if mosaic.coverage.pure_pixels else "",
        "offset_doubtful": "; ".join(found.offset_doubts) or None,
        "older_product": f"pixels that newer products lack are from {', '.join(older)}" if older else None,
        "resampled": f"pixels of another grid are from {', '.join(resampled)}" if resampled else None,
        "scene_unreadable": unreadable or None,
    }
    return {doubt: note for doubt, note in said.items() if note is not None}


def _rounded_down(fraction: float) -> str:
    """Return a percentage that is never more than it is, so that what falls short of a threshold looks so."""
    return f"{floor(fraction * 1000 + NOISE) / 10:.1f}%"


def _exactly(fraction: float) -> str:
    """Return a percentage with as many digits as it has, one after the point at least."""
    percent = round(fraction * 100, 10)
    return f"{percent}%"


def _joined(names: Iterable[str]) -> str | None:
    return ", ".join(sorted(set(names))) or None

"""The planner: the one place that decides what is computed. Pure functions of what they are given."""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.entry import Entry
from ndvi_core.models.extent import Extent, clip, is_same_part
from ndvi_core.models.field import RegisteredField
from ndvi_core.models.geometry import geometry_hash
from ndvi_core.models.observation import Observation, Status
from ndvi_core.models.scene import Scene, UnreadableItem
from ndvi_core.models.work_order import Cell, OrderField, Policy, SceneSet, make_observation
from ndvi_core.runs.locality import window_pixels, z_order
from ndvi_core.runs.selection import Selection

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DueField:
    """A field until its order is written; its geometry is in the registry, under its revision."""

    sequence: int
    revision: int
    field_id: str
    locality: int
    """Z-order number: fields with near numbers are near each other."""
    pixels: int = 0
    """About how many pixels of 10 m its window has, within the extent."""


@dataclass(frozen=True, slots=True)
class DueCell:
    """A cell that has scenes, or items that may be some, and no answer with today's fingerprint."""

    field: DueField
    date: date
    scenes: tuple[Scene, ...]
    fingerprint: str
    older: tuple[Scene, ...] = ()
    """Older products of the same acquisitions."""
    unreadable: tuple[str, ...] = ()
    """Why items that may be further scenes cannot be read."""


@dataclass(frozen=True)
class Plan:
    """The cells to compute, and the answers that are found without computing."""

    due: tuple[DueCell, ...]
    """To be computed, in the order of the registry, then of the days."""
    settled: tuple[Observation, ...]
    """New answers that need no pixel."""


def fingerprint(
    clipped_hash: str | None, scenes: Sequence[Scene], policy: Policy, unreadable: Sequence[UnreadableItem] = ()
) -> str:
    """Return 16 hex digits over everything that decides an observation.

    Args:
        clipped_hash: hash of the geometry within the extent; None when nothing of it is.
        scenes: the newest products of the day that may hold the field, in any order. Older ones are no part of it:
            a catalogue may drop them at any time, which is no reason to compute anew.
        policy: the mask and the thresholds, with the algorithm's version.
        unreadable: items that may be further scenes.
    """
    return _fingerprint(clipped_hash, _decisive(scenes, policy, unreadable))


def _decisive(scenes: Iterable[Scene], policy: Policy, unreadable: Iterable[UnreadableItem]) -> str:
    """Return as JSON what of scenes and policy decides an observation; cells of the same scenes share it."""
    decisive = {"policy": policy.decisive, "scenes": sorted(map(_identity, scenes))}
    reasons = sorted(item.reason for item in unreadable)
    return _encode({**decisive, "unreadable": reasons} if reasons else decisive)


def _identity(scene: Scene) -> list[Any]:
    updated = scene.updated.isoformat() if scene.updated else None
    offset = scene.offset
    identity = [scene.id, scene.baseline, updated, offset.rule, offset.red, offset.nir, scene.nodata]
    return [*identity, sorted(offset.others.items())] if offset.others else identity


def _fingerprint(clipped_hash: str | None, decisive: str) -> str:
    # One object, in the order of its keys: that of the geometry comes before those of `decisive`.
    whole = f'{{"geometry": {_encode(clipped_hash)}, {decisive[1:]}'
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


_encode = json.JSONEncoder(sort_keys=True).encode


class Skip(NamedTuple):
    """A cell is left as it is."""

    scenes_are_gone: bool = False
    """Whether the catalogue offers no scene any more for a cell that has an answer."""
    extent_changed: bool = False
    """Whether the answer is for the part of the field that lay within an earlier extent."""


class Settle(NamedTuple):
    """A cell has an answer that needs no pixel."""

    status: Status
    reason: str


class Due(NamedTuple):
    """A cell has to be computed."""


_WITHOUT_SCENE = ("no_scene", "outside_extent", "failed")
"""Statuses of rows that are made of no scene. The others stay when the catalogue has their scenes no more."""
NOT_INSIDE = Settle("outside_extent", "no part of the field is in the extent")
NO_SCENE = Settle("no_scene", "the catalogue has no scene of this day here")


def decide(
    entry: Entry | None,
    mark: str,
    *,
    is_inside: bool,
    has_scenes: bool,
    retries: bool = True,
    force: bool = False,
    is_other_part: bool = False,
) -> Skip | Settle | Due:
    """Decide on a cell.

    Args:
        entry: what the ledger has of it; None is nothing.
        mark: today's fingerprint.
        is_inside: whether some of the field is in the extent.
        has_scenes: whether the catalogue has scenes of the day there.
        retries: whether an attempt that failed is made again although nothing has changed.
        force: whether it is computed even if there is an answer; not if its scenes are gone.
        is_other_part: whether the entry is for the same boundary, but for another part of it, since the extent has
            changed meanwhile. An answer then stays, unless it is to be computed in any case and there is something to
            compute.
    """
    if entry is not None and is_other_part and entry.status != "failed":
        late_scene = entry.status == "no_scene" and has_scenes
        if not (is_inside and (force or late_scene)):
            return Skip(extent_changed=True)
    if entry is not None and not force:
        if entry.status != "failed" and entry.fingerprint == mark:
            return Skip()
        if not retries and mark in (entry.fingerprint, entry.failed_fingerprint):
            return Skip()
    if entry is not None and is_inside and not has_scenes and entry.status not in _WITHOUT_SCENE:
        return Skip(scenes_are_gone=True)
    if not is_inside:
        return NOT_INSIDE
    return Due() if has_scenes else NO_SCENE


def make_plan(
    selection: Selection,
    scenes: Sequence[Scene],
    known: Mapping[tuple[int, date], Entry],
    extent: Extent,
    policy: Policy,
    unreadable: Sequence[UnreadableItem] = (),
    older: Sequence[Scene] = (),
) -> Plan:
    """Compare the selected cells with what is known of them.

    A cell is due when it has no entry, an entry with another fingerprint, a failed one that is to be retried, or when
    the selection forces it. Cells that nothing can be computed for (no scene, outside the extent) are settled here.

    Args:
        selection: the cells to look at.
        scenes: de-duplicated scenes that cover the area and the days of the selection.
        known: ledger entries by (sequence, day).
        extent: nothing outside it is computed.
        policy: of all cells.
        unreadable: items that may be further scenes: a cell without any other fails, and is never `no_scene`.
        older: older products of the scenes' acquisitions.
    """
    wanted = list(selection.wanted)
    clipped = clip([field.geometry for field, _ in wanted], extent)
    candidates = _scenes_by_field_and_day(clipped, scenes)
    spare = _scenes_by_field_and_day(clipped, older)
    localities, pixels = z_order(clipped), window_pixels(clipped)
    suspects = _unreadable_by_field(clipped, unreadable)

    @cache
    def of_cell(numbers: tuple[int, ...], suspected: tuple[int, ...]) -> tuple[tuple[Scene, ...], tuple[str, ...], str]:
        found = tuple(scenes[number] for number in numbers)
        items = [unreadable[number] for number in suspected]
        return found, tuple(item.reason for item in items), _decisive(found, policy, items)

    @cache
    def is_other_part(index: int, extent_then: str) -> bool:
        (then,) = clip([wanted[index][0].geometry], Extent.parse(extent_then))
        return not is_same_part(then, clipped[index])

    due: list[DueCell] = []
    settled: list[Observation] = []
    kept = 0
    for index, (field, days) in enumerate(wanted):
        inside = clipped[index]
        inside_hash = None if inside is None else _clipped_hash(field, inside)
        due_field = DueField(field.sequence, field.revision, field.field_id, localities[index], pixels[index])
        for day in days:
            suspected = tuple(number for number in suspects[index] if unreadable[number].day in (None, day))
            cell_scenes, cell_unreadable, decisive = of_cell(candidates.get((index, day), ()), suspected)
            mark = _fingerprint(inside_hash, decisive)
            entry = known.get((field.sequence, day))
            decision = decide(
                entry,
                mark,
                is_inside=inside is not None,
                has_scenes=bool(cell_scenes or cell_unreadable),
                retries=selection.retries(day),
                force=selection.force,
                is_other_part=entry is not None
                and entry.other_extent is not None
                and entry.geometry_hash == field.geometry_hash
                and is_other_part(index, entry.other_extent),
            )
            match decision:
                case Due():
                    cell_older = tuple(older[number] for number in spare.get((index, day), ()))
                    due.append(DueCell(due_field, day, cell_scenes, mark, cell_older, cell_unreadable))
                case Settle(status, reason):
                    settled.append(make_observation(field, day, policy, mark, status, reason, extent=str(extent)))
                case Skip(extent_changed=True):
                    kept += 1
                case Skip(scenes_are_gone=True):
                    log.warning("%s %s: the catalogue has its scenes no more; what is known stays", field.field_id, day)
    if kept:
        log.info("%d cells stay as they were computed for the extent before", kept)
    return Plan(due=tuple(due), settled=tuple(settled))


def order_parts(
    cells: Sequence[DueCell], boundaries: Mapping[tuple[int, int], tuple[BaseGeometry, str]], extent: Extent
) -> tuple[tuple[OrderField, ...], tuple[Scene, ...], tuple[Cell, ...]]:
    """Return a work order's fields, scenes and cells, each scene once, and each field once for each of its boundaries.

    Args:
        cells: of the order.
        boundaries: the geometry and its hash of each field at the revision that is due, by (sequence, revision).
        extent: to which the geometries are clipped.
    """
    fields = {_revision(cell): cell.field for cell in cells}
    scenes = {scene.id: scene for cell in cells for scene in (*cell.scenes, *cell.older)}
    field_index = {revision: index for index, revision in enumerate(fields)}
    scene_index = {scene_id: index for index, scene_id in enumerate(scenes)}
    clipped = clip([boundaries[revision][0] for revision in fields], extent)
    return (
        tuple(
            OrderField(field_id=field.field_id, geometry=geometry, geometry_hash=boundaries[revision][1])
            for (revision, field), geometry in zip(fields.items(), clipped, strict=True)
        ),
        tuple(scenes.values()),
        tuple(
            Cell(
                field=field_index[_revision(cell)],
                date=cell.date,
                scene_set=SceneSet(
                    scenes=tuple(scene_index[scene.id] for scene in cell.scenes),
                    older=tuple(scene_index[scene.id] for scene in cell.older),
                    unreadable=cell.unreadable,
                ),
                fingerprint=cell.fingerprint,
            )
            for cell in cells
        ),
    )


def _revision(cell: DueCell) -> tuple[int, int]:
    return cell.field.sequence, cell.field.revision


def _clipped_hash(chosen: RegisteredField, inside: BaseGeometry) -> str:
    return chosen.geometry_hash if inside is chosen.geometry else geometry_hash(inside)


def _unreadable_by_field(
    geometries: Sequence[BaseGeometry | None], unreadable: Sequence[UnreadableItem]
) -> list[tuple[int, ...]]:
    """Return, for each geometry, the numbers of the items that may show a part of it; of None there is none."""
    found: list[list[int]] = [[] for _ in geometries]
    if not unreadable:
        return [()] * len(geometries)
    shapes = np.array(geometries, dtype=object)
    for number, item in enumerate(unreadable):
        may_show = ~shapely.is_missing(shapes)
        if item.footprint is not None:
            may_show &= shapely.intersects(shapes, item.footprint)
        for index in np.flatnonzero(may_show).tolist():
            found[index].append(number)
    return [tuple(numbers) for numbers in found]


def _scenes_by_field_and_day(
    geometries: Sequence[BaseGeometry | None], scenes: Sequence[Scene]
) -> Mapping[tuple[int, date], tuple[int, ...]]:
    """Return the numbers of the scenes whose footprint meets a geometry, by its number and the day, in their order."""
    found: dict[tuple[int, date], tuple[int, ...]] = defaultdict(tuple)
    shapes = np.array(geometries, dtype=object)
    longitudes = _longitudes(shapes) if any(len(scene.days) > 1 for scene in scenes) else None
    days = [scene.day for scene in scenes]
    tree = shapely.STRtree([scene.footprint for scene in scenes])
    pairs = tree.query(shapes, predicate="intersects")
    for geometry, scene in pairs.T[np.lexsort(pairs[::-1])].tolist():
        day = days[scene] if longitudes is None else scenes[scene].day_at(longitudes[geometry])
        found[geometry, day] += (scene,)
    return found


def _longitudes(geometries: NDArray[np.object_]) -> list[float]:
    """Return the longitude of each geometry, that of its largest part if the antimeridian cuts it."""
    bounds = shapely.bounds(geometries)
    middle = (bounds[:, 0] + bounds[:, 2]) / 2
    for index in np.flatnonzero(bounds[:, 2] - bounds[:, 0] > 180).tolist():
        largest = max(shapely.get_parts(geometries[index]), key=shapely.area)
        middle[index] = shapely.centroid(largest).x
    longitudes: list[float] = middle.tolist()
    return longitudes

"""What a person should know before fields are registered: what looks wrong, what would change, which days become due.

Nothing here refuses a field. Warnings stand beside the defects that `features` finds; a field that would make very many
days due waits until somebody confirms it.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.intake.changes import EFFECTS, MUCH, Change, Surroundings, Warned, outcome_of
from ndvi_core.intake.features import Origin, ParsedFields, Problem
from ndvi_core.models.constants import FIRST_IMAGE, METRES_PER_DEGREE
from ndvi_core.models.extent import Extent, clip
from ndvi_core.models.field import Field
from ndvi_core.models.neighbour import Neighbour

NEAR_NAMES = 0.7
"""Similarity of two ids (0 to 1, Ratcliff and Obershelp's) from which one may be meant for the other."""
LONG_BEFORE = timedelta(days=730)
"""A plant date that is more than this before the first daily day is asked about."""
MAX_COMPARED = 20
"""Other fields with which one is compared, of those on which it may lie."""
MAX_PAIRS = 5_000_000
"""Pairs of fields of a file whose bounds are compared: ten times as many as fields that lie side by side have."""

_FIELDS_AT_ONCE = 16
"""Fields whose neighbours are in memory at a time: each may be that of all others."""

_NUMBER = re.compile("[0-9]+")
_PIXEL_METRES = 10.0


class Reviewed(NamedTuple):
    """The fields of a file, and everything that is to be said about it."""

    ready: tuple[Field, ...]
    """To be registered; in the order of the file, as are the others."""
    waiting: tuple[Field, ...]
    """To be registered once somebody has confirmed them."""
    changes: tuple[Change, ...]
    """Of each field, ready or waiting."""
    problems: tuple[Problem, ...]
    """Defects, and warnings (`registered`)."""

    @property
    def summary(self) -> str:
        """A line for a person: how many fields are new or change, and which days become due."""
        counts = {effect: sum(one.effect == effect for one in self.changes) for effect in EFFECTS}
        said = ", ".join(f"{count} {effect}" for effect, count in counts.items() if count) or "no field"
        return f"{said}; {self.days_due}"

    @property
    def days_due(self) -> str:
        """Which days become due, for a person."""
        first = min((one.first_day for one in self.changes if one.first_day), default=None)
        last = max((one.last_day for one in self.changes if one.last_day), default=None)
        if first is None or last is None:
            return "no day becomes due"
        return f"{sum(one.days for one in self.changes):,} field-days become due, {first} to {last}"


def review(parsed: ParsedFields, around: Surroundings, confirm_from_days: int, min_pixels: float) -> Reviewed:
    """Compare the fields of a file with what is known, and say what a person should know.

    Args:
        parsed: the file.
        around: what is known.
        confirm_from_days: due days from which on a field waits unless it is confirmed.
        min_pixels: fields with fewer pixels of 10 m have no value.
    """
    outcomes = [outcome_of(field, around) for field in parsed.fields]
    warnings = _place_warnings(parsed.fields, around)
    sizes = _size_warnings(parsed.fields, min_pixels)
    ready: list[Field] = []
    waiting: list[Field] = []
    said = list(parsed.problems)
    changes: list[Change] = []
    of_each = zip(parsed.fields, parsed.origins, outcomes, warnings, sizes, strict=True)
    for field, origin, (change, about_season), about_place, about_size in of_each:
        waits = change.days >= confirm_from_days and not origin.is_confirmed
        (waiting if waits else ready).append(field)
        changes.append(change.model_copy(update={"waits": True}) if waits else change)
        if change.effect == "unchanged":
            continue
        about_it = [
            *about_place,
            *about_size,
            *_date_warnings(field, change, around),
            *about_season,
            *([_confirmation(change, confirm_from_days)] if waits else []),
        ]
        said += [_problem(warning, field, origin) for warning in about_it]
    said.sort(key=lambda problem: -1 if problem.feature is None else problem.feature)
    return Reviewed(tuple(ready), tuple(waiting), tuple(changes), tuple(said))


def _problem(warning: Warned, field: Field, origin: Origin) -> Problem:
    return Problem(
        feature=origin.number,
        id=field.field_id,
        where=f"{origin.where}{warning.member}",
        reason=warning.reason,
        message=warning.message,
        registered=warning.registered,
    )


# What looks wrong


def _date_warnings(field: Field, change: Change, around: Surroundings) -> Iterator[Warned]:
    place = "/properties/plant-date"
    if field.plant_date > around.now.date():
        yield Warned("future_plant_date", f"planted on {field.plant_date}, which is still to come", place)
    elif field.plant_date < FIRST_IMAGE or field.plant_date < around.first_daily_day - LONG_BEFORE:
        years = (around.first_daily_day - field.plant_date).days / 365.25
        since = f"; days are computed from {FIRST_IMAGE} on, that of Sentinel-2's first image"
        yield Warned(
            "early_plant_date",
            f"planted on {field.plant_date}, {years:,.0f} years before the first daily day, {around.first_daily_day}"
            f"{since if field.plant_date < FIRST_IMAGE else ''}: {change.days:,} days become due",
            place,
        )


def _confirmation(change: Change, limit: int) -> Warned:
    return Warned(
        "needs_confirmation",
        f"{change.days:,} days since {change.first_day} would become due; from {limit:,} on somebody has to confirm: "
        'add "confirm": true to the properties, or to the file, and upload it again',
        "/properties",
        registered=False,
    )


def _size_warnings(fields: Sequence[Field], min_pixels: float) -> list[list[Warned]]:
    """Return, for each field, what is to be said of its size."""
    local = _in_metres([field.geometry for field in fields])
    areas = shapely.area(local)
    # A circle of area / perimeter fits into any polygon; where none of 5 m does, no square of 10 m fits either.
    narrow = areas < _PIXEL_METRES / 2 * shapely.length(local)
    narrow[narrow] = shapely.is_empty(shapely.buffer(local[narrow], -_PIXEL_METRES / 2))
    said: list[list[Warned]] = [[] for _ in fields]
    for number in np.flatnonzero(narrow | (areas < min_pixels * _PIXEL_METRES**2)).tolist():
        pixels = areas[number] / _PIXEL_METRES**2
        message = "no pixel of 10 m fits into it, so that its numbers are mixed with what is beside it"
        if pixels < min_pixels:
            message = f"it covers {pixels:.2g} pixels of 10 m; with less than {min_pixels:g} no day gets a value"
        said[number].append(Warned("no_pure_pixel", message, "/geometry"))
    return said


def _place_warnings(fields: Sequence[Field], around: Surroundings) -> list[list[Warned]]:
    """Return, for each field, what is to be said of where it is."""
    outside = _extent_warnings(fields, around.extent) if around.extent else [[] for _ in fields]
    overlaps = _overlap_warnings(fields, around.neighbours)
    return [[*one, *other] for one, other in zip(outside, overlaps, strict=True)]


def _extent_warnings(fields: Sequence[Field], extent: Extent) -> list[list[Warned]]:
    geometries = [field.geometry for field in fields]
    return [list(_of_extent(*pair, extent)) for pair in zip(geometries, clip(geometries, extent), strict=True)]


def _of_extent(geometry: BaseGeometry, inside: BaseGeometry | None, extent: Extent) -> Iterator[Warned]:
    share = 1.0 if inside is None else 1 - inside.area / geometry.area
    if share <= MUCH:
        return
    swapped = shapely.transform(geometry, lambda lonlat: lonlat[:, ::-1])
    if shapely.intersection(swapped, extent.polygon).area > MUCH * swapped.area:
        message = "longitude and latitude look swapped: the other way round the field would lie within the extent"
        yield Warned("swapped_coordinates", f"{message}. Longitude comes first in GeoJSON", "/geometry")
    elif inside is None:
        west, south, _, _ = geometry.bounds
        message = f"it lies at {west:.5g}, {south:.5g}, outside the extent {extent}, and none of its days is computed"
        yield Warned("outside_extent", f"{message}: check its coordinates, or the extent", "/geometry")
    else:
        message = f"{share:.0%} of the field is outside the extent {extent}, and is not computed"
        yield Warned("beyond_extent", message, "/geometry")


def _overlap_warnings(fields: Sequence[Field], neighbours: Sequence[Neighbour]) -> list[list[Warned]]:
    """Return, for each field, a warning for the field of the registry or of the file that it overlaps most."""
    own = [Neighbour(field.field_id, field.geometry, field.plant_date, field.end_date) for field in fields]
    others = [*neighbours, *own]
    most: dict[int, tuple[float, Neighbour]] = {}
    for number, other_number, share in _overlaps(others, len(neighbours)):
        if share > most.get(number, (0.0, None))[0]:
            most[number] = (share, others[other_number])
    return [
        [_overlap(field, *most[number])] if number in most else []
        for number, field in enumerate(fields, start=len(neighbours))
    ]


def _overlaps(fields: Sequence[Neighbour], first: int) -> Iterator[tuple[int, int, float]]:
    """Yield numbers of fields that overlap at the same time by more than `MUCH` of the smaller one, with that share.

    Fields that lie on very many others are compared with some of these, and where very many fields of a file lie on
    each other, the first of them: it takes no longer than where they lie side by side.

    Args:
        fields: those of a file after those beside them.
        first: number of the file's first field; each pair that is found begins with one of the file.
    """
    geometries = np.array([field.geometry for field in fields], dtype=object)
    planted = np.array([field.plant_date.toordinal() for field in fields])
    ended = np.array([(field.end_date or date.max).toordinal() for field in fields])
    areas, bounds = shapely.area(geometries), shapely.bounds(geometries)
    tree = shapely.STRtree(geometries)
    pairs = 0
    for start in range(first, len(fields), _FIELDS_AT_ONCE):
        ones, others = tree.query(geometries[start : start + _FIELDS_AT_ONCE])
        ones += start
        pairs += len(ones)
        # Most pairs are fields that touch: their bounds tell that without an intersection.
        sides = np.minimum(bounds[ones, 2:], bounds[others, 2:]) - np.maximum(bounds[ones, :2], bounds[others, :2])
        may = (ones != others) & (sides.prod(axis=1) > MUCH * np.minimum(areas[ones], areas[others]))
        may &= (planted[ones] <= ended[others]) & (planted[others] <= ended[ones])
        ones, others = ones[may], others[may]
        few = np.arange(len(ones)) - np.searchsorted(ones, ones) < MAX_COMPARED
        ones, others = ones[few], others[few]
        common = shapely.area(shapely.intersection(geometries[ones], geometries[others]))
        shares = common / np.minimum(areas[ones], areas[others])
        found = shares > MUCH
        yield from zip(ones[found].tolist(), others[found].tolist(), shares[found].tolist(), strict=True)
        if pairs > MAX_PAIRS:
            return


def _overlap(field: Field, share: float, other: Neighbour) -> Warned:
    smaller = field.field_id if field.geometry.area <= other.geometry.area else other.field_id
    message = f"it overlaps {other.field_id}, by {share:.0%} of {smaller}"
    if _is_near(field.field_id.lower(), other.field_id.lower()):
        message += f". The names are near: is it {other.field_id}? Upload it under that id to correct that field"
    return Warned("overlap", message, "/geometry")


def _is_near(name: str, other: str) -> bool:
    """Return whether one id may be meant for the other. Those with other numbers are mostly two of a series."""
    same_numbers = _NUMBER.findall(name) == _NUMBER.findall(other)
    return same_numbers and SequenceMatcher(None, name, other).ratio() >= NEAR_NAMES


def _in_metres(geometries: Sequence[BaseGeometry]) -> NDArray[np.object_]:
    """Return small geometries in metres; degrees of longitude are as long as they are in the middle of each."""
    shapes = np.array(geometries, dtype=object)
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    shrink = np.cos(np.radians((bounds[:, 1] + bounds[:, 3]) / 2))
    lonlat, of = shapely.get_coordinates(shapes, return_index=True)
    metres = lonlat * METRES_PER_DEGREE
    metres[:, 0] *= shrink[of]
    moved: NDArray[np.object_] = shapely.set_coordinates(shapes.copy(), metres)
    return moved

"""What registering a field would change: its seasons, its boundary, the days that become due."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, get_args

import shapely

from ndvi_core.intake.document import Reason
from ndvi_core.models.constants import FIRST_IMAGE
from ndvi_core.models.extent import Extent
from ndvi_core.models.field import Field, RegisteredField
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.neighbour import Neighbour
from ndvi_core.models.season import RegisteredSeason
from ndvi_core.registry.field_changes import Boundaries, FieldChange, change_of

Effect = Literal["new", "changed", "unchanged"]
EFFECTS: tuple[Effect, ...] = get_args(Effect)

MUCH = 0.5
"""Fraction of an area beyond which something is said about it."""
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Surroundings:
    """What fields are compared with. What is not known is left out, and nothing is said about it."""

    now: datetime
    """With a zone."""
    first_daily_day: date
    last_owed_day: date
    """Last day that a late field is owed, see `due_days.last_owed_day`."""
    extent: Extent | None = None
    registered: Mapping[str, RegisteredField] = field(default_factory=dict)
    """The registered fields of the same ids, by id."""
    boundaries: Boundaries = field(default_factory=dict)
    """Those of all their seasons."""
    neighbours: Sequence[Neighbour] = ()
    """Seasons of registered fields of other ids whose bounds meet theirs."""


class Change(Frozen):
    """What registering a field would do."""

    field_id: str
    effect: Effect
    season: str
    """Name of the season that it states."""
    changes: tuple[str, ...] = ()
    """For a person: each thing that would become another, e.g. `boundary by 60%`."""
    days: int = 0
    """Days that would become due."""
    first_day: date | None = None
    last_day: date | None = None
    waits: bool = False
    """Whether it waits for a confirmation."""


class Warned(NamedTuple):
    """What a person should know of a field."""

    reason: Reason
    message: str
    member: str
    """JSON pointer within the feature."""
    registered: bool = True


class Outcome(NamedTuple):
    """What registering a field would do, and what a person should know of it."""

    change: Change
    warnings: tuple[Warned, ...] = ()


def outcome_of(stated: Field, around: Surroundings) -> Outcome:
    """Return what registering a field would do."""
    change = change_of(stated, around.registered.get(stated.field_id), around.boundaries, around.now)
    found = Change(field_id=stated.field_id, effect="unchanged", season=change.placed.season.name)
    if not change.is_changed:
        return Outcome(found)
    boundary_change = _boundary_change(change)
    changes = (*_boundary_said(boundary_change), *_seasons_said(change))
    found = found.model_copy(update={"effect": "new" if change.before is None else "changed", "changes": changes})
    warnings = (*_boundary_warnings(change, boundary_change), *_season_warnings(change))
    return Outcome(_with_days(found, _newly_due(change, around)), warnings)


Period = tuple[date, date]
"""First and last day."""


def _with_days(change: Change, periods: Iterable[Period]) -> Change:
    """Return a change with the days of periods."""
    due = sorted(periods)
    if not due:
        return change
    days = sum((last - first).days + 1 for first, last in due)
    return change.model_copy(update={"days": days, "first_day": due[0][0], "last_day": due[-1][1]})


def _newly_due(change: FieldChange, around: Surroundings) -> Iterator[Period]:
    """Yield the periods that are due, and were not due with the same boundary before."""
    answered: list[tuple[Period, str]] = []
    if change.before is not None:
        hashes = _hashes(change.before, around)
        answered = [(_due(season, around), hashes[season.number]) for season in change.before.seasons]
    for season in change.placed.seasons:
        is_stated = change.before is None or season.number == change.placed.season.number
        geometry_hash = change.stated.geometry_hash if is_stated else hashes[season.number]
        yield from _without(_due(season, around), sorted(due for due, its in answered if its == geometry_hash))


def _hashes(field: RegisteredField, around: Surroundings) -> dict[int, str]:
    """Return the hash of the boundary of each season, by the season's number."""
    return {season.number: around.boundaries[field.sequence, season.revision][1] for season in field.seasons}


def _due(season: RegisteredSeason, around: Surroundings) -> Period:
    """Return the first and the last day that a season is owed; the last may be before the first."""
    return max(season.plant_date, FIRST_IMAGE), min(season.end_date or date.max, around.last_owed_day)


def _without(period: Period, others: Iterable[Period]) -> Iterator[Period]:
    """Yield what of a period lies in no other one; these are in order, and have no day in common."""
    start, last = period
    for first, end in others:
        if first <= end and start <= end and first <= last:
            if start < first:
                yield start, first - ONE_DAY
            start = end + ONE_DAY
    if start <= last:
        yield start, last


# For a person


def _boundary_said(share: float) -> Iterator[str]:
    if share:
        yield f"boundary by {share:.0%}"


def _boundary_warnings(change: FieldChange, share: float) -> Iterator[Warned]:
    if share > MUCH:
        anew = "" if change.boundary is None else " All days of the season are computed anew"
        message = f"the boundary changes by {share:.0%}: is it still the same field?{anew}"
        yield Warned("boundary_changed", message, "/geometry")


def _boundary_change(change: FieldChange) -> float:
    """Return the area that only one of the boundaries covers, before and after, as a fraction of what both cover."""
    if change.before is None:
        return 0.0
    geometry, geometry_hash = change.boundary or (change.before.geometry, change.before.geometry_hash)
    after = change.stated.geometry
    if geometry_hash == change.stated.geometry_hash:
        return 0.0
    return float(shapely.symmetric_difference(geometry, after).area / shapely.union(geometry, after).area)


def _seasons_said(change: FieldChange) -> Iterator[str]:
    if change.before is None:
        return
    season, old = change.placed.season, change.placed.corrected
    for gone in change.placed.gone:
        yield f"season {gone.name} ({gone.plant_type}, planted on {gone.plant_date}) is taken back"
    ended = _ended(change)
    if old is None:
        begins = f"{season.plant_type} begins {season.plant_date}"
        before = _season_before(change)
        if before is not None and before.number in ended:
            del ended[before.number]
            begins = f"{before.plant_type} ends on {before.end_date}, {begins}"
        yield begins
    else:
        about = f"season {old.name}: " if len(change.before.seasons) > 1 else ""
        stated: tuple[tuple[str, object, object], ...] = (
            ("season", old.name, season.name),
            ("crop", old.plant_type, season.plant_type),
            ("plant date", old.plant_date, season.plant_date),
            ("end date", old.stated_end or "none", season.stated_end or "none"),
        )
        for what, was, becomes in stated:
            if was != becomes:
                yield f"{about}{what} {becomes} (was {was})"
    for end, other in ended.values():
        yield f"{other.plant_type} ends on {other.end_date or 'no day yet'} (was {end or 'no day yet'})"


def _ended(change: FieldChange) -> dict[int, tuple[date | None, RegisteredSeason]]:
    """Return the other seasons that get another end, by their numbers, each with the end before."""
    before = change.before.seasons if change.before else ()
    ends = {season.number: season.end_date for season in before}
    others = (season for season in change.placed.seasons if season.number != change.placed.season.number)
    return {other.number: (ends[other.number], other) for other in others if other.end_date != ends[other.number]}


def _season_before(change: FieldChange) -> RegisteredSeason | None:
    place = change.placed.seasons.index(change.placed.season)
    return change.placed.seasons[place - 1] if place > 0 else None


def _season_warnings(change: FieldChange) -> Iterator[Warned]:
    place = "/properties/plant-date"
    season, old = change.placed.season, change.placed.corrected
    if change.before is None:
        return
    for gone in change.placed.gone:
        yield Warned("season_taken_back", _taken_back(gone, season), place)
    before = _season_before(change)
    if old is None:
        if before is not None and before.number in _ended(change):
            yield Warned("next_season", _next_season(before, season), place)
        return
    if change.stated.season is None and old.plant_date != season.plant_date and old.plant_type != season.plant_type:
        message = (
            f"this corrects season {old.name}, {old.plant_type} from {old.plant_date} on: if {season.plant_type} is a "
            f'season of its own, name it: add "season" with a name that the field does not have yet'
        )
        yield Warned("season_corrected", message, place)
    if old.plant_date < season.plant_date and not any(
        one.active_days([old.plant_date]) for one in change.placed.seasons
    ):
        message = f"planted on {season.plant_date} (was {old.plant_date}): the days before are kept and not published"
        yield Warned("days_left_out", message, place)


def _next_season(before: RegisteredSeason, season: RegisteredSeason) -> str:
    return (
        f"{before.plant_type} ends on {before.end_date}, {season.plant_type} begins {season.plant_date}: a new season, "
        f'{season.name}. If the {before.plant_type} was planted then, add "season": "{before.name}", which corrects it'
    )


def _taken_back(gone: RegisteredSeason, season: RegisteredSeason) -> str:
    what = f"season {gone.name} ({gone.plant_type}, planted on {gone.plant_date}) is taken back"
    if gone.plant_date == season.plant_date:
        return f"{what}, since {season.name} has its plant date now"
    return (
        f"{what}: an upload of {gone.registered_at:%Y-%m-%d} began it, by a slip of the pen as it seems. If it is a "
        'season all the same, upload it with a name of its own in "season"'
    )

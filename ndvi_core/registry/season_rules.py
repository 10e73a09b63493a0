"""What an upload makes of the seasons of its field: which one it corrects, or that a new one begins.

Pure functions, by which an upload is checked before, and registered. docs/data.md has the rules.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import zip_longest
from operator import ne
from typing import NamedTuple

from ndvi_core.models.field import Field
from ndvi_core.models.season import RegisteredSeason, Season, name_by_year

NEXT_SEASON = timedelta(days=120)
"""A plant date that is so much later than that of a season, or more, is that of another season."""
MENDED_WITHIN = timedelta(days=7)
"""For so long after it was begun, a season is taken back by an upload that shows its plant date to be a slip."""
ONE_DAY = timedelta(days=1)


class Placed(NamedTuple):
    """The seasons of a field with what an upload states."""

    seasons: tuple[RegisteredSeason, ...]
    """All, in the order of time."""
    season: RegisteredSeason
    """The one that the upload states."""
    corrected: RegisteredSeason | None
    """What that was before; None: it is a new one."""
    gone: tuple[RegisteredSeason, ...]
    """Seasons that are none any more: begun by a slip, or replaced by one of the same plant date."""


def place_season(before: Sequence[RegisteredSeason], stated: Field, seasons_given: int, now: datetime) -> Placed:
    """Return the seasons of a field after an upload.

    Args:
        before: the seasons, in the order of time; none for a field that is new.
        stated: the field as the upload states it.
        seasons_given: numbers that seasons of the field were given so far.
        now: the time, with a zone.
    """
    corrected = _corrected(before, stated)
    slip = _slip(before, stated, corrected, now)
    kept = before if slip is None else before[:-1]
    is_mended = corrected is None and slip is not None
    old = slip if is_mended else corrected
    others = [season for season in kept if season is not corrected]
    season = RegisteredSeason(
        name=_name(stated, old, others),
        plant_type=stated.plant_type,
        plant_date=stated.plant_date,
        end_date=stated.end_date,
        number=seasons_given + 1 if old is None else old.number,
        stated_end=stated.end_date,
        revision=0 if old is None else old.revision,
        registered_at=now if old is None else old.registered_at,
    )
    replaced = [other for other in others if other.plant_date == season.plant_date]
    seasons = tuple(_in_order([season, *(other for other in others if other not in replaced)]))
    (season,) = (one for one in seasons if one.number == season.number)
    gone = (*replaced, *([slip] if slip is not None and not is_mended else []))
    return Placed(seasons, season, old, gone)


def end_season(before: Sequence[RegisteredSeason], ending: RegisteredSeason, on: date) -> tuple[RegisteredSeason, ...]:
    """Return the seasons of a field of which one ends on a day, which is not before its plant date."""
    others = (season for season in before if season is not ending)
    return tuple(_in_order([*others, ending.model_copy(update={"stated_end": on})]))


def changed_periods(before: Sequence[Season], after: Sequence[Season]) -> Iterator[tuple[date, date]]:
    """Yield the periods, by first and last day, on which files would say something else of the season of a field."""
    edges = {day for season in (*before, *after) for day in (season.plant_date, _day_after(season))} - {date.max}
    starts = sorted(edges)
    for start, following in zip(starts, [*starts[1:], date.max], strict=True):
        if _facts_on(before, start) != _facts_on(after, start):
            yield start, following if following == date.max else following - ONE_DAY


def _corrected(seasons: Sequence[RegisteredSeason], stated: Field) -> RegisteredSeason | None:
    """Return the season that an upload is about; None: it begins one."""
    planted = stated.plant_date
    if stated.season is not None:
        named = next((season for season in seasons if season.name == stated.season), None)
        return named or next((season for season in seasons if season.plant_date == planted), None)
    started = [season for season in seasons if season.plant_date <= planted][-1:]
    coming = [season for season in seasons if season.plant_date > planted][:1]
    may_be = [season for season in started if _goes_on(season, planted)]
    may_be += [season for season in coming if _begins_earlier(season, stated, is_first=not started)]
    by_likeness = sorted(
        may_be,
        key=lambda season: (
            season.plant_date != planted,
            season.plant_type != stated.plant_type,
            abs(season.plant_date - planted),
        ),
    )
    return by_likeness[0] if by_likeness else None


def _goes_on(season: RegisteredSeason, planted: date) -> bool:
    """Return whether a plant date, of the same day or later, is no other season's."""
    return planted <= (season.end_date or date.max) and planted - season.plant_date < NEXT_SEASON


def _begins_earlier(season: RegisteredSeason, stated: Field, *, is_first: bool) -> bool:
    """Return whether a crop with an earlier plant date is that season, perhaps the first one, and not one before it."""
    if stated.end_date is not None and stated.end_date < season.plant_date:
        return False
    is_same_crop = is_first and season.plant_type == stated.plant_type
    return is_same_crop or season.plant_date - stated.plant_date < NEXT_SEASON


def _slip(
    seasons: Sequence[RegisteredSeason], stated: Field, corrected: RegisteredSeason | None, now: datetime
) -> RegisteredSeason | None:
    """Return the last season if it was begun by a slip of the pen, which an upload of these days mends.

    Without it, the upload has to be about what is last then: the season that it ended, of the same crop, or a season
    after all others. Otherwise the upload is about a season of its own, and says nothing of the last one.
    """
    if not seasons or corrected is seasons[-1]:
        return None
    *others, last = seasons
    before = others[-1] if others else None
    if corrected is None:
        is_about_the_last = before is None or before.plant_date < stated.plant_date
    else:
        goes_on = (corrected.stated_end or date.max) >= last.plant_date
        is_about_the_last = corrected is before and corrected.plant_type == stated.plant_type and goes_on
    return last if is_about_the_last and _is_misspelled(last, stated, now) else None


def _is_misspelled(last: RegisteredSeason, stated: Field, now: datetime) -> bool:
    """Return whether an upload states the season that was begun last, but for a slip in its dates."""
    return (
        stated.season is None
        and stated.plant_type == last.plant_type
        and stated.plant_date < last.plant_date
        and _is_of_year(last)
        and now - last.registered_at < MENDED_WITHIN
        and _is_near(last.plant_date, stated.plant_date)
        and _is_near(last.stated_end, stated.end_date)
    )


def _is_near(day: date | None, meant: date | None) -> bool:
    """Return whether two days are the same, or one digit is another, or digits were exchanged."""
    if day is None or meant is None:
        return day is meant
    digits, others = day.isoformat(), meant.isoformat()
    return sum(map(ne, digits, others)) <= 1 or sorted(digits) == sorted(others)


def _name(stated: Field, old: RegisteredSeason | None, others: Iterable[RegisteredSeason]) -> str:
    """Return the season's name: as it is stated, or as it was, unless it is the year of another plant date."""
    if stated.season is not None:
        return stated.season
    year = name_by_year(stated.plant_date)
    if old is not None and (not _is_of_year(old) or old.plant_date.year == stated.plant_date.year):
        return old.name
    taken = {season.name for season in others}
    number = 1
    while (name := year if number == 1 else f"{year}-{number}") in taken:
        number += 1
    return name


def _is_of_year(season: Season) -> bool:
    """Return whether a season's name is the year of its plant date, as that of one that nobody has named."""
    return re.fullmatch(rf"{name_by_year(season.plant_date)}(-[0-9]+)?", season.name) is not None


def _in_order(seasons: Iterable[RegisteredSeason]) -> Iterator[RegisteredSeason]:
    """Yield seasons in the order of time, each ending where it is stated, or on the eve of the next one."""
    ordered = sorted(seasons, key=lambda season: season.plant_date)
    for season, following in zip_longest(ordered, ordered[1:]):
        end = season.stated_end
        if following is not None:
            end = min(end or date.max, following.plant_date - ONE_DAY)
        yield season if end == season.end_date else season.model_copy(update={"end_date": end})


def _day_after(season: Season) -> date:
    return date.max if season.end_date in (None, date.max) else season.end_date + ONE_DAY


def _facts_on(seasons: Sequence[Season], day: date) -> tuple[str, str, date] | None:
    """Return what files say of the season in which a day lies; None if it lies in none."""
    for season in seasons:
        if season.plant_date <= day <= (season.end_date or date.max):
            return season.name, season.plant_type, season.plant_date
    return None

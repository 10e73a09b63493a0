"""The season of a field: one crop on it, from its plant date to its end date."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, datetime

from ndvi_core.models.frozen import Frozen


class Season(Frozen):
    """A crop that grows on a field."""

    name: str
    """Of no other season of the field: the year of the plant date, unless the upload names it; `2025-2` for a second
    one of that year."""
    plant_type: str
    """The crop."""
    plant_date: date
    """First day that is processed."""
    end_date: date | None = None
    """Last day that is processed, the eve of the next season at the latest; None is open."""

    def active_days(self, days: Sequence[date]) -> Sequence[date]:
        """Return those of some days, which are in order, that lie in the season."""
        last = len(days) if self.end_date is None else bisect_right(days, self.end_date)
        return days[bisect_left(days, self.plant_date) : last]


class RegisteredSeason(Season):
    """A season as the registry holds it."""

    number: int
    """Of the field's seasons: given once, never reused, and no order."""
    stated_end: date | None = None
    """The end date that was stated for it; `end_date` may be earlier, since the next season begins."""
    revision: int = 1
    """That of the boundary which its days are computed for."""
    registered_at: datetime
    """When an upload began it."""


def name_by_year(plant_date: date) -> str:
    """Return the name of a season that has none stated: the year of its plant date."""
    return plant_date.isoformat()[:4]

"""The selection of a run: its fields and days, before scenes and known answers are looked up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TypeVar

from ndvi_core.models.field import RegisteredField

Item = TypeVar("Item")

Wanted = tuple[RegisteredField, tuple[date, ...]]
"""A field and its selected days, in order; there may be none. They are computed for the boundary that it has here: a
field whose seasons have other boundaries is there once for each."""

_SLICE = 20_000
"""Fields that are planned at a time, so that what is known of the others takes no memory meanwhile."""


@dataclass(frozen=True)
class Selection:
    """Fields in the order of their sequence, each with its selected days."""

    wanted: Iterable[Wanted]
    """Read from the registry while it is iterated over, which can be done once."""
    retried: frozenset[date] | None = None
    """Days on which a cell that failed is tried again although nothing changed; None is all of them."""
    force: bool = False
    """Compute the cells even if the ledger has an answer with the same fingerprint."""
    day: date | None = None
    """The day that counts as recorded afterwards."""
    catches_up: bool = False
    """Whether the fields may have all they are owed once these days are recorded."""

    claims: bool = True
    """Whether no cell of it is computed while another run that claims its cells is computing it."""

    def slices(self) -> Iterator[list[Wanted]]:
        """Yield the selection in parts of so few fields that all about them fits into memory."""
        return in_slices(self.wanted)

    def retries(self, day: date) -> bool:
        """Return whether a cell of this day that failed is tried again although nothing changed."""
        return self.retried is None or day in self.retried


def in_slices(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items in lists of as many as are planned at a time."""
    coming = iter(items)
    while part := list(islice(coming, _SLICE)):
        yield part

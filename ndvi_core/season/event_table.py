"""What is found in seasons, as columns."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ndvi_core.models.arrays import Floats, Indexes

KINDS = ("drop", "green_up", "harvest_candidate", "below_peers", "no_value")
POLICIES = tuple(f"{kind}@1" for kind in KINDS)
"""Name and version of the rule of each kind: a changed rule takes a new version."""
OPEN = -1
"""Instead of the day on which an event closed."""


class EventTable(NamedTuple):
    """Events, (n) each, by season and first day; days are those since planting."""

    season: Indexes
    """Row of the season."""
    kind: NDArray[np.int8]
    """Index into `KINDS`."""
    first_day: NDArray[np.int32]
    """First day of the evidence."""
    last_day: NDArray[np.int32]
    """Last day of the evidence."""
    value: Floats
    """The value that it ended with; NaN for `no_value`."""
    before: Floats
    """What that is compared with: the value before, or the peers' median; NaN for `no_value`."""
    change: Floats
    """`value - before`; for `no_value` the number of days without a value."""
    evidence: NDArray[np.int32]
    """(n, 4) days with the observations that it rests on, in order, then -1."""
    closed_day: NDArray[np.int32]
    """Day on which it was over, or `OPEN`."""

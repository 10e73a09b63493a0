"""What goes wrong in a run of the work, drawn from a seed: it can be printed, and repeated."""

from collections.abc import Mapping
from random import Random
from typing import Literal

from ndvi_core.models.frozen import Frozen

Server = Literal["s3", "stac", "scenes", "database"]
Kind = Literal[
    "killed_before",
    "killed_after",
    "error_500",
    "error_503",
    "slow",
    "truncated",
    "cut",
    "answer_lost",
    "storage_full",
    "stale_listing",
    "database_restarts",
    "empty",
    "half",
    "wrong",
    "connections_end",
    "commit_unanswered",
    "disk_full",
    "deadlock",
    "held",
    "waits",
]
OFTEN = 8
"""Requests in a row that fail: more than any client repeats."""
KILLED: tuple[Kind, ...] = ("killed_before", "killed_after")
ANSWERED_BADLY: tuple[Kind, ...] = ("error_503", "slow", "truncated", "cut")
KINDS: Mapping[Server, tuple[Kind, ...]] = {
    "s3": (*KILLED, "error_500", *ANSWERED_BADLY, "answer_lost", "storage_full", "database_restarts"),
    "stac": (*KILLED, *ANSWERED_BADLY, "empty", "half", "wrong"),
    "scenes": (*KILLED, "error_500", *ANSWERED_BADLY),
    "database": ("killed_before", "connections_end", "commit_unanswered", "disk_full", "deadlock"),
}
RACES: tuple[Kind, Kind] = ("held", "waits")
"""Of two steps at once: one is held at a request until the other has ended, the other waits until it is held."""
LIES: tuple[Kind, ...] = ("empty", "half")
"""Answers of a catalogue that nobody can tell from right ones."""
FAILING: tuple[Kind, ...] = ("error_500", "error_503", "cut", "truncated", "answer_lost", "storage_full")
"""What may happen to many requests in a row."""

CLOCKS = ("-10m", "+10m", "+20m", "+1d")
"""How far the clock of a step's machine may be off; from a quarter of an hour on S3 refuses its signatures."""

Points = Mapping[str, Mapping[Server, int]]
"""How often each step of the work turns to each server when nothing goes wrong."""


class Fault(Frozen):
    """One thing that goes wrong, once."""

    step: str
    server: Server
    kind: Kind
    at: int
    """It happens at this request of a try of the step, the first is 1; at a database these are statements."""
    times: int = 1
    """Requests in a row."""

    def __str__(self) -> str:
        often = f", {self.times} times" if self.times > 1 else ""
        return f"{self.step}: {self.kind} at request {self.at} to {self.server}{often}"


class Uploads(Frozen):
    """How the files of fields arrive."""

    two_names: bool = False
    """Each file comes under two names at once."""
    again: bool = False
    """Each file comes again when it has been taken in."""
    corrections_first: bool = False
    """Corrections of the first fields come before the late fields, not after them."""


class Schedule(Frozen):
    """All that goes wrong in a run of the work."""

    seed: int | None = None
    """From which it was drawn."""
    faults: tuple[Fault, ...] = ()
    twice: tuple[str, ...] = ()
    """Steps that two processes work on at once, as when an orchestrator has lost sight of the first."""
    clocks: Mapping[str, str] = {}
    """Steps whose first try is on a machine whose clock is off, with by how much."""
    uploads: Uploads = Uploads()

    def __str__(self) -> str:
        lines = [f"seed {self.seed}", *map(str, self.faults), *(f"{step}: twice at once" for step in self.twice)]
        lines += [f"{step}: clock {off}" for step, off in self.clocks.items()]
        return "\n  ".join([*lines, f"uploads: {self.uploads}"])


def draw(
    seed: int, points: Points, unrepaired: frozenset[str], listing: frozenset[str], together: tuple[str, str]
) -> Schedule:
    """Draw a schedule: the same seed and work always give the same one.

    Args:
        seed: of the random numbers.
        points: of the work.
        unrepaired: steps after which no search would find what a catalogue has kept back.
        listing: steps that list a folder of the bucket, first of all.
        together: two steps that are done at once.
    """
    chance = Random(seed)
    faults: list[Fault] = []
    for step, servers in points.items():
        for _ in range(chance.choice((0, 1, 1, 2))):
            server = chance.choice([one for one, number in servers.items() if number])
            kinds = [kind for kind in KINDS[server] if not (kind in LIES and step in unrepaired)]
            kind = chance.choice(kinds)
            times = chance.choice((1, 1, OFTEN)) if kind in FAILING else 1
            at = _request(chance, servers[server])
            faults.append(Fault(step=step, server=server, kind=kind, at=at, times=times))
        if step in listing and chance.random() < 0.3:
            faults.append(Fault(step=step, server="s3", kind="stale_listing", at=1))
    if chance.random() < 0.5:
        held, waiting = chance.sample(together, 2)
        at = _request(chance, points[held]["s3"])
        faults = [fault for fault in faults if fault.step not in together]
        faults += race(held, waiting, at)
    return Schedule(
        seed=seed,
        faults=tuple(faults),
        twice=tuple(step for step in points if step not in together and chance.random() < 0.1),
        clocks={step: chance.choice(CLOCKS) for step in points if chance.random() < 0.1},
        uploads=Uploads(
            two_names=chance.random() < 0.3,
            again=chance.random() < 0.3,
            corrections_first=chance.random() < 0.3,
        ),
    )


def _request(chance: Random, number: int) -> int:
    """Return one of so many requests. One request more or less does not change what is drawn after it."""
    return 1 + int(chance.random() * number)


def race(held: str, waiting: str, at: int) -> list[Fault]:
    """Let one of two steps be held at a request while the other goes all its way, as far as it can."""
    return [
        Fault(step=held, server="s3", kind="held", at=at),
        Fault(step=waiting, server="s3", kind="waits", at=1),
    ]

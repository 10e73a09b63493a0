"""What came of a round of intake: for the log, for the errors files."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from ndvi_core.intake.changes import Change
from ndvi_core.intake.features import Problem
from ndvi_core.intake.keys import ERRORS_SUFFIX
from ndvi_core.models.frozen import Frozen
from ndvi_core.storage.object_store import shown_key

SHOWN = 5
"""Problems and changes of a file in the report, at most; the errors file has all problems."""

Outcome = Literal["registered", "partly_registered", "waiting", "rejected", "unreadable"]


class ErrorsFile(Frozen):
    """The content of `<name>.errors.json`."""

    file: str
    """Key that it was uploaded to."""
    moved_to: str | None
    """None: the server refuses to move it, so it still lies in pending/."""
    waiting: str | None = None
    """Key of a file with the fields that wait for a confirmation: moved to pending/ it is one. None: none waits."""
    registered: int
    """Number of its fields that are in the registry now."""
    problems: tuple[Problem, ...]


class FileReport(Frozen):
    """The outcome of one file."""

    key: str
    """Below the pending prefix."""
    outcome: Outcome
    destination: str | None
    """Key that it was moved to; None if it could not be read or moved and still lies in pending/."""
    added: tuple[str, ...] = ()
    """Ids that the registry did not know."""
    changed: tuple[str, ...] = ()
    """Ids that the registry knew with other values."""
    unchanged: tuple[str, ...] = ()
    waiting: str | None = None
    """As in the errors file."""
    days_due: str = ""
    """Which days become due, for a person."""
    first_changes: tuple[Change, ...] = ()
    """What becomes another of fields that the registry knew; at most `SHOWN`."""
    problems: int = 0
    """Number of problems, those of features that are registered all the same included."""
    first_problems: tuple[Problem, ...] = ()
    """At most `SHOWN`; all are in `<destination>.errors.json`."""

    @property
    def field_ids(self) -> tuple[str, ...]:
        """Ids that the file registered, changed or not."""
        return self.added + self.changed + self.unchanged


class IntakeReport(Frozen):
    """The outcome of one round of intake."""

    files: tuple[FileReport, ...]
    """In the order in which they were taken in, that of their keys."""

    def repeated_ids(self) -> dict[str, tuple[str, ...]]:
        """Return the ids that several files registered, each with their keys, of which the last one counts."""
        keys: dict[str, list[str]] = defaultdict(list)
        for file in self.files:
            for field_id in file.field_ids:
                keys[field_id].append(file.key)
        return {field_id: tuple(found) for field_id, found in keys.items() if len(found) > 1}

    def summary(self) -> list[str]:
        """Return lines for people."""
        lines = [line for file in self.files for line in _lines(file)]
        for field_id, keys in self.repeated_ids().items():
            lines.append(f"{field_id} is in {len(keys)} files, of which the last counts: {', '.join(keys)}")
        return lines or ["no file is pending"]


def check_lines(name: str, problems: Iterable[Problem]) -> list[str]:
    """Return a line for each problem and warning of a file of that name that somebody checks."""
    lines = []
    for problem in problems:
        outcome = "taken, but" if problem.registered else "rejected"
        if problem.reason == "needs_confirmation":
            outcome = "waits"
        about = f" {problem.id}" if problem.id else ""
        place = f" ({problem.where})" if problem.where else ""
        lines.append(f"{name}: {outcome}{about}{place}: {problem.message}")
    return lines


def _lines(file: FileReport) -> list[str]:
    counts = f"{len(file.added)} added, {len(file.changed)} changed, {len(file.unchanged)} unchanged"
    place = f"moved to {file.destination}" if file.destination else "left where it is"
    lines = [f"{shown_key(file.key)}: {file.outcome.replace('_', ' ')} ({counts}), {file.problems} problems, {place}"]
    if file.days_due:
        lines[0] += f"; {file.days_due}"
    lines += [f"  {change.field_id}: {', '.join(change.changes)}" for change in file.first_changes]
    if file.waiting:
        lines.append(f"  fields that wait to be confirmed are in {file.waiting}: to confirm them move it to pending/")
    for problem in file.first_problems:
        name = " ".join(filter(None, [problem.id, problem.where])) or "the file"
        lines.append(f"  {name}: {problem.message} [{problem.reason}]")
    if file.problems > len(file.first_problems):
        lines.append(f"  and {file.problems - len(file.first_problems)} more in {file.destination}{ERRORS_SUFFIX}")
    return lines

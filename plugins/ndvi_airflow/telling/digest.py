"""The words in which people are told: one digest for all that is new to a receiver."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import quote

from ndvi_airflow.defaults import DAILY
from ndvi_core.models.event import Event, EventKind
from ndvi_core.registry.telling import COUNTED, FailedRun, Untold


@dataclass(frozen=True)
class Line:
    """A line of a digest, and where it leads."""

    words: str
    url: str
    event_id: str = ""


@dataclass(frozen=True)
class Digest:
    """What a receiver is told at one time, in the forms that receivers take."""

    subject: str
    sections: Sequence[tuple[str, Sequence[Line]]]
    more: int
    """Events that are not named."""
    page: str
    events: Sequence[Event]
    """Those that are named, in the order of the digest."""
    statuses: Mapping[str, str]
    """What is said of each event, by its id, of each late day, and of each failed run."""

    @property
    def digest_id(self) -> str:
        """The same for the same content: a receiver can tell by it that a digest is sent again."""
        return sha256("\n".join(f"{key} {value}" for key, value in sorted(self.statuses.items())).encode()).hexdigest()

    @property
    def text(self) -> str:
        """Plain text."""
        blocks = [self.subject]
        for title, lines in self.sections:
            blocks.append("\n".join([title, *(f"- {_marked(line)}\n  {line.url}" for line in lines)]))
        if self.more:
            blocks.append(f"And {self.more:,} more: {self.page}")
        return "\n\n".join(blocks) + "\n"

    @property
    def html(self) -> str:
        """The same for a mail."""
        blocks = [f"<p>{escape(self.subject)}</p>"]
        for title, lines in self.sections:
            items = "".join(
                f'<li>{escape(_marked(line))}<br><a href="{escape(line.url)}">Look</a></li>' for line in lines
            )
            blocks.append(f"<h3>{escape(title)}</h3>\n<ul>{items}</ul>")
        if self.more:
            blocks.append(f'<p>And {self.more:,} more: <a href="{escape(self.page)}">all fields</a></p>')
        return "\n".join(blocks) + "\n"

    @property
    def json(self) -> dict[str, Any]:
        """The same for programs, with the events as they are."""
        return {
            "digest_id": self.digest_id,
            "subject": self.subject,
            "text": self.text,
            "events": [event.model_dump(mode="json", exclude={"evidence"}) for event in self.events],
            "more": self.more,
        }


@dataclass(frozen=True)
class _Kind:
    """How a kind of event is told."""

    title: str
    one: str
    many: str
    says: Callable[[Event], str]


_KINDS: Mapping[EventKind, _Kind] = {
    "drop": _Kind("Drops", "drop", "drops", lambda e: f"NDVI fell {_from_to(e)}"),
    "below_peers": _Kind(
        "Below other fields of the crop",
        "field below its peers",
        "fields below their peers",
        lambda e: (
            f"NDVI {_number(e.value)}, where half of the {e.plant_type} has {_number(e.before)} or more, {_since(e)}"
        ),
    ),
    "no_value": _Kind(
        "Without a value",
        "field without a value",
        "fields without a value",
        lambda e: f"nothing seen {_since(e)}, for {_days(e)} days and more",
    ),
    "harvest_candidate": _Kind(
        "Possible harvests",
        "possible harvest",
        "possible harvests",
        lambda e: f"NDVI fell {_from_to(e)}: harvested or mown?",
    ),
    "green_up": _Kind(
        "Green again", "field is green again", "fields are green again", lambda e: f"NDVI rose {_from_to(e)}"
    ),
}
"""The most important kind first: in this order digests name them, and so do messages for people."""

_ENDINGS = {"closed": "Ended", "withdrawn": "Withdrawn: not so by the data of today"}


def make_digest(untold: Untold, base_url: str, max_lines: int) -> Digest | None:
    """Return the digest of what a receiver is to be told; None if that is nothing.

    Args:
        untold: of the receiver.
        base_url: of Airflow, without a slash at its end.
        max_lines: events, and failed runs, to name; the others are counted.
    """
    events = sorted(untold.events, key=_importance)
    if not (events or untold.late_days or untold.made_up or untold.failed_runs):
        return None
    named, counted = events[:max_lines], events[max_lines:]
    statuses = {event.event_id: str(event.status) for event in named}
    statuses |= {event.event_id: COUNTED for event in counted}
    statuses |= {str(day): "open" for day in untold.late_days} | {str(day): "closed" for day in untold.made_up}
    statuses |= {run.subject: "failed" for run in untold.failed_runs}
    return Digest(
        subject=_subject(untold, events),
        sections=[
            *_failed_runs(untold.failed_runs, max_lines, base_url),
            *_late_days(untold, base_url),
            *_sections(named, base_url),
        ],
        more=len(counted),
        page=f"{base_url}/ndvi/",
        events=named,
        statuses=statuses,
    )


def _importance(event: Event) -> tuple[Any, ...]:
    """Sort key: what is open before what has ended, kinds in their order, then the largest change."""
    kind = list(_KINDS).index(event.kind)
    return (event.status != "open", kind, -_size(event), -event.last_day.toordinal(), event.field_id)


def _size(event: Event) -> float:
    """How large a change is, or how long nothing was seen: what events of one kind are compared by."""
    return _days(event) if event.value is None or event.before is None else abs(event.value - event.before)


def _days(event: Event) -> int:
    return (event.last_day - event.first_day).days + 1


def _failed_runs(runs: Sequence[FailedRun], max_lines: int, base_url: str) -> list[tuple[str, list[Line]]]:
    lines = [
        Line(
            f"{run.pipeline}, run {run.run_id}: {run.what} failed",
            f"{base_url}/dags/{run.pipeline}/runs/{quote(run.run_id, safe='')}",
        )
        for run in runs[:max_lines]
    ]
    if len(runs) > max_lines:
        lines.append(Line(f"and {len(runs) - max_lines:,} more", f"{base_url}/dag_runs?state=failed"))
    return [("Failed runs", lines)] if lines else []


def _late_days(untold: Untold, base_url: str) -> list[tuple[str, list[Line]]]:
    url = f"{base_url}/dags/{DAILY}"
    titles = {"Not published in time": untold.late_days, "Published since": untold.made_up}
    return [(title, [Line(str(day), url) for day in days]) for title, days in titles.items() if days]


def _sections(events: Sequence[Event], base_url: str) -> list[tuple[str, list[Line]]]:
    found: dict[str, list[Line]] = {}
    for event in events:
        title = _KINDS[event.kind].title if event.status == "open" else _ENDINGS[event.status]
        url = f"{base_url}/ndvi/#field={event.field_id}&date={event.last_day}"
        words = f"{event.field_id} ({event.plant_type} {event.season}): {_KINDS[event.kind].says(event)}"
        found.setdefault(title, []).append(Line(words, url, event.event_id))
    return list(found.items())


def _subject(untold: Untold, events: Sequence[Event]) -> str:
    opened = [event.kind for event in events if event.status == "open"]
    parts = [
        _count(len(untold.failed_runs), "run failed", "runs failed"),
        _count(len(untold.late_days), "day is late", "days are late"),
        *(_count(opened.count(kind), words.one, words.many) for kind, words in _KINDS.items()),
        _count(sum(event.status == "closed" for event in events), "ended", "ended"),
        _count(sum(event.status == "withdrawn" for event in events), "withdrawn", "withdrawn"),
        _count(len(untold.made_up), "late day is published", "late days are published"),
    ]
    return f"NDVI: {', '.join(filter(None, parts))}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}" if number else ""


def _marked(line: Line) -> str:
    return f"{line.words} [{line.event_id}]" if line.event_id else line.words


def _from_to(event: Event) -> str:
    return f"from {_number(event.before)} to {_number(event.value)} between {event.first_day} and {event.last_day}"


def _since(event: Event) -> str:
    return f"since {event.first_day}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"

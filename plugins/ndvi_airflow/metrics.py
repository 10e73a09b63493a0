"""What tasks count, through Airflow's own metrics: to statsd, Datadog or OpenTelemetry, whichever is on.

All numbers are those that a task has come to anyway; none is computed for the metrics. What a number is about is in
the metric's name, as in Airflow's own, since plain statsd has no labels. Of alternatives all are counted, the others by
0: a series that begins with its first failure would show no increase. Commands count nothing; the state of the registry
is what `airflow ndvi status --prometheus` prints.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow.providers.common.compat.sdk import Stats

from ndvi_airflow.defaults import midnight

if TYPE_CHECKING:
    from ndvi_core.intake.report import IntakeReport
    from ndvi_core.models.work_order import Usage

End = Literal["succeeded", "try_again", "killed", "out_of_memory", "not_started", "lost", "bad_input", "defect"]
"""How the process or the pod of an order ended: done; a service was away; killed from outside; for lack of memory; a
pod that found no node, image or configuration; one that went with its node; an order that cannot be computed; a defect.
"""

_stats: Any = Stats


def metric_names() -> dict[str, str]:
    """Return the names of all metrics, with what kind of metric each is."""
    from ndvi_core.intake.report import Outcome
    from ndvi_core.models.observation import Status

    counters = (
        *(f"ndvi.cells.{status}" for status in get_args(Status)),
        *(f"ndvi.orders.{end}" for end in get_args(End)),
        *(f"ndvi.uploads.{outcome}" for outcome in get_args(Outcome)),
        "ndvi.order.blocks",
        "ndvi.order.bytes",
        "ndvi.search_failures",
        "ndvi.events_told",
        "ndvi.tell_failures",
        "ndvi.runs_failed",
    )
    return dict.fromkeys(counters, "counter") | {"ndvi.order.duration": "timer", "ndvi.recorded_until": "gauge"}


def count_cells(counts: Mapping[str, int]) -> None:
    """Count the cells that a run has recorded, by status."""
    from ndvi_core.models.observation import Status

    for status in get_args(Status):
        _count(f"ndvi.cells.{status}", counts.get(status, 0))


def state_recorded_until(day: date) -> None:
    """State the end of the last recorded day, as seconds since 1970: what has stopped shows too, by the time since."""
    _stats.gauge("ndvi.recorded_until", int(midnight(day + timedelta(days=1)).timestamp()))


def count_end(end: End) -> None:
    """Count how the process or pod of an order ended."""
    for one in get_args(End):
        _count(f"ndvi.orders.{one}", int(one == end))


def state_duration(seconds: float) -> None:
    """State for how long the process or pod of an order ran, which ended well."""
    _stats.timing("ndvi.order.duration", timedelta(seconds=seconds))


def count_usage(usage: "Usage") -> None:
    """Count what the computation of an order read."""
    _count("ndvi.order.blocks", usage.blocks)
    _count("ndvi.order.bytes", usage.bytes)


def count_uploads(report: "IntakeReport") -> None:
    """Count the files of a round of intake, by what became of each; one that is unreadable stays in pending/."""
    from ndvi_core.intake.report import Outcome

    for outcome in get_args(Outcome):
        _count(f"ndvi.uploads.{outcome}", sum(file.outcome == outcome for file in report.files))


@contextmanager
def counting_failures(of: Literal["search", "tell"]) -> Iterator[None]:
    """Count whether a search of the catalogue, or telling a receiver, fails."""
    try:
        yield
    except Exception:
        _count(f"ndvi.{of}_failures", 1)
        raise
    _count(f"ndvi.{of}_failures", 0)


def count_told(events: int) -> None:
    """Count the events that a receiver was told of."""
    _count("ndvi.events_told", events)


def count_failed_run() -> None:
    """Count a run that has failed."""
    _count("ndvi.runs_failed", 1)


def _count(name: str, number: int) -> None:
    _stats.incr(name, number)

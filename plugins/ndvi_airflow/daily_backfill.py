"""What a backfill of `ndvi_daily` is asked for, checked before anything is created; what would become of each day."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from ndvi_airflow.preconditions import check_params, require_fields
from ndvi_core.errors import BadInput

if TYPE_CHECKING:
    from airflow.serialization.definitions.dag import SerializedDAG

SUCCEEDED = "it succeeded (--reset-dagruns runs it again)"
ONE_DAY = timedelta(days=1)


class Due(NamedTuple):
    """The days that `ndvi_daily` may run for now, both included."""

    first: date
    last: date
    last_is_final: bool
    """Whether `last` is NDVI_END_DATE; else it is the last day that has ended."""

    @property
    def why_not_before(self) -> str:
        """Why no day before the first is due."""
        return f"before NDVI_START_DATE, {self.first}"

    @property
    def why_not_after(self) -> str:
        """Why no day after the last is due."""
        if self.last_is_final:
            return f"after NDVI_END_DATE, {self.last}"
        return f"not ended yet: the last day that has is {self.last} (UTC)"


def due_days(dag: "SerializedDAG", now: datetime) -> Due:
    """Return the days that may run: those of the DAG's period that have ended.

    Args:
        dag: `ndvi_daily`; its first and last date are NDVI_START_DATE and NDVI_END_DATE.
        now: the time, UTC.
    """
    yesterday = now.astimezone(UTC).date() - ONE_DAY
    end = dag.end_date.date() if dag.end_date else date.max
    first = dag.start_date.date() if dag.start_date else date.min
    return Due(first, min(end, yesterday), end <= yesterday)


def period_in_days(start: datetime, end: datetime) -> tuple[date, date]:
    """Return the first and the last day that begin within a period.

    Raises:
        BadInput: none does.
    """
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    first = start.date() if start.time() == datetime.min.time() else start.date() + ONE_DAY
    if end.date() < first:
        raise BadInput(f"no day begins (00:00 UTC) between {start:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M}")
    return first, end.date()


def check_conf(conf: Mapping[str, Any], dag: "SerializedDAG") -> None:
    """Check the params of the runs.

    Raises:
        BadInput: an unknown param, a value that it does not take, or a field that is not registered.
    """
    check_params(conf, dag.params)
    if field_ids := conf.get("field_ids"):
        from ndvi_airflow.connections import registry_engine

        with registry_engine().connect() as connection:
            require_fields(connection, field_ids)


def check_days(first: date, last: date, due: Due) -> None:
    """Refuse a period that reaches beyond the due days.

    Raises:
        BadInput: naming the due days.
    """
    if due.first <= first and last <= due.last:
        return
    why = due.why_not_before if first < due.first else due.why_not_after
    wrong = first if first < due.first else last
    if due.last < due.first:
        raise BadInput(f"{wrong} is {why}; no day of ndvi_daily is due yet")
    raise BadInput(f"{wrong} is {why}; the days of ndvi_daily are {due.first} to {due.last}")


def outlook(first: date, last: date, due: Due, states: Mapping[date, str], reset: bool) -> Iterator[str]:
    """Yield a line a day: what a backfill would do. Days that are not due are a line together.

    Args:
        first: day of the period.
        last: day of the period, included.
        due: the days that may run.
        states: of the runs that there are, by day.
        reset: whether finished runs are run again.
    """
    if first < due.first:
        yield f"{_span(first, min(last, due.first - ONE_DAY))}  not due: {due.why_not_before}"
    day = max(first, due.first)
    while day <= min(last, due.last):
        yield f"{day}  {_fate(states.get(day), reset)}"
        day += ONE_DAY
    if last > due.last:
        yield f"{_span(max(first, due.last + ONE_DAY, due.first), last)}  not due: {due.why_not_after}"


def _span(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _fate(state: str | None, reset: bool) -> str:
    if state is None:
        return "would run"
    if state == "failed":
        return "would run again: it failed"
    if state == "success":
        return "would run again: it succeeded" if reset else f"left as it is: {SUCCEEDED}"
    return f"left as it is: it is {state}"

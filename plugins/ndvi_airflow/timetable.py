"""When `ndvi_daily` runs: after each day, with that day in the id of its run."""

from typing import TYPE_CHECKING, Any

from airflow.timetables.interval import CronDataIntervalTimetable

if TYPE_CHECKING:
    from airflow.timetables.base import DataInterval
    from pendulum import DateTime

    from ndvi_airflow.airflow_compat import DagRunType

MIDNIGHT = "0 0 * * *"


class DayTimetable(CronDataIntervalTimetable):
    """One run a day, from midnight to midnight UTC.

    Airflow names a run after the end of its interval, which is the day after the one that it is about. Of a backfill
    it does so without asking the timetable (Airflow 3.3).
    """

    def __init__(self, cron: str = MIDNIGHT, timezone: Any = "UTC") -> None:
        super().__init__(cron, timezone)

    def generate_run_id(
        self, *, run_type: "DagRunType", run_after: "DateTime", data_interval: "DataInterval | None", **extra: Any
    ) -> str:
        """Return the id of a run that is scheduled: its type and its day, as `scheduled__2025-06-25`.

        A run by hand is about no day, and has its moment in its id as ever.
        """
        if run_type == "scheduled" and data_interval is not None:
            return run_type.generate_run_id(suffix=data_interval.start.date().isoformat())
        named: str = super().generate_run_id(
            run_type=run_type, run_after=run_after, data_interval=data_interval, **extra
        )
        return named

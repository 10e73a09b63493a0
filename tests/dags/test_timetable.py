"""The runs of `ndvi_daily` are named after the day that they are about, also once Airflow has stored the timetable."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import DataInterval, TimeRestriction
from pendulum import instance

from ndvi_airflow import airflow_compat
from ndvi_airflow.timetable import DayTimetable

DAY, NEXT = (instance(datetime(2025, 6, number, tzinfo=UTC)) for number in (25, 26))
TYPES = airflow_compat.DagRunType


@pytest.fixture(params=["as it is written", "as it is stored"])
def timetable(request: pytest.FixtureRequest) -> Any:
    made = DayTimetable()
    return made if request.param == "as it is written" else decode_timetable(encode_timetable(made))


def test_the_run_of_a_day_has_the_day_in_its_id(timetable: Any) -> None:
    info = timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(earliest=DAY, latest=None, catchup=True)
    )
    assert info.data_interval == DataInterval(DAY, NEXT)
    assert info.run_after == NEXT, "the day has ended then"
    run_id = timetable.generate_run_id(
        run_type=TYPES.SCHEDULED, run_after=info.run_after, data_interval=info.data_interval
    )
    assert run_id == "scheduled__2025-06-25"


def test_two_runs_by_hand_have_two_ids(timetable: Any) -> None:
    ids = {
        timetable.generate_run_id(run_type=TYPES.MANUAL, run_after=moment, data_interval=DataInterval(DAY, NEXT))
        for moment in (NEXT, NEXT.add(seconds=1))
    }
    assert len(ids) == 2


def test_the_start_of_a_day_is_utc(timetable: Any) -> None:
    info = timetable.next_dagrun_info(
        last_automated_data_interval=DataInterval(DAY, NEXT),
        restriction=TimeRestriction(earliest=DAY, latest=None, catchup=True),
    )
    assert info.data_interval.start == NEXT
    assert info.data_interval.start.date() == date(2025, 6, 26)

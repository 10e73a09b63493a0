"""Which days a backfill of ndvi_daily may run, by the calendar."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from ndvi_airflow.daily_backfill import check_days, due_days, outlook, period_in_days
from ndvi_airflow.defaults import midnight
from ndvi_core.errors import BadInput

OPEN = SimpleNamespace(start_date=midnight(date(2025, 4, 16)), end_date=None)
NOON = datetime(2025, 4, 18, 12, tzinfo=UTC)


def test_a_day_that_has_not_ended_is_not_due() -> None:
    due = due_days(OPEN, NOON)
    check_days(date(2025, 4, 16), date(2025, 4, 17), due)
    with pytest.raises(BadInput, match=r"2025-04-18 is not ended yet: the last day that has is 2025-04-17 \(UTC\)"):
        check_days(date(2025, 4, 16), date(2025, 4, 18), due)
    assert list(outlook(date(2025, 4, 17), date(9999, 12, 31), due, {date(2025, 4, 17): "running"}, reset=True)) == [
        "2025-04-17  left as it is: it is running",
        "2025-04-18 to 9999-12-31  not due: not ended yet: the last day that has is 2025-04-17 (UTC)",
    ]


def test_before_the_first_day_has_ended_no_day_is_due() -> None:
    due = due_days(OPEN, datetime(2025, 4, 16, 12, tzinfo=UTC))
    with pytest.raises(BadInput, match="no day of ndvi_daily is due yet"):
        check_days(date(2025, 4, 16), date(2025, 4, 16), due)
    assert list(outlook(date(2025, 4, 14), date(2025, 4, 16), due, {}, reset=False)) == [
        "2025-04-14 to 2025-04-15  not due: before NDVI_START_DATE, 2025-04-16",
        "2025-04-16  not due: not ended yet: the last day that has is 2025-04-15 (UTC)",
    ]


def test_a_period_of_hours_is_that_of_the_days_that_begin_in_it() -> None:
    evening, morning = datetime(2025, 4, 17, 20, tzinfo=UTC), datetime(2025, 4, 18, 6, tzinfo=UTC)
    assert period_in_days(evening, morning) == (date(2025, 4, 18), date(2025, 4, 18))
    with pytest.raises(BadInput, match="no day begins"):
        period_in_days(morning, NOON)

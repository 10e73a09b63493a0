"""What tasks count, as a backend of Airflow's metrics gets it."""

from datetime import date, timedelta

import pytest
from support.counts import Counted

from ndvi_airflow import metrics
from ndvi_core.errors import TryAgain
from ndvi_core.intake.report import FileReport, IntakeReport
from ndvi_core.models.work_order import Usage


def count_all() -> None:
    metrics.count_cells({"computed": 3, "failed": 1})
    metrics.state_recorded_until(date(2025, 4, 30))
    metrics.count_end("lost")
    metrics.count_usage(Usage(blocks=12, bytes=3_000_000))
    metrics.state_duration(1.5)
    files = (
        FileReport(key="a", outcome="registered", destination="b"),
        FileReport(key="c", outcome="rejected", destination="d"),
        FileReport(key="e", outcome="rejected", destination="f"),
        FileReport(key="g", outcome="unreadable", destination=None),
    )
    metrics.count_uploads(IntakeReport(files=files))
    with pytest.raises(TryAgain), metrics.counting_failures("search"):
        raise TryAgain("the catalogue is away")
    metrics.count_told(7)
    metrics.count_failed_run()
    with pytest.raises(TryAgain), metrics.counting_failures("tell"):
        raise TryAgain("the server is away")


def test_numbers_are_counted_under_names_that_say_what_they_are(counted: Counted) -> None:
    count_all()
    assert counted.happened == {
        "ndvi.cells.computed": 3,
        "ndvi.cells.failed": 1,
        "ndvi.orders.lost": 1,
        "ndvi.order.blocks": 12,
        "ndvi.order.bytes": 3_000_000,
        "ndvi.uploads.registered": 1,
        "ndvi.uploads.rejected": 2,
        "ndvi.uploads.unreadable": 1,
        "ndvi.search_failures": 1,
        "ndvi.events_told": 7,
        "ndvi.runs_failed": 1,
        "ndvi.tell_failures": 1,
    }
    assert counted.gauges == {"ndvi.recorded_until": 1746057600}  # date -u -d 2025-05-01 +%s
    assert counted.timings == {"ndvi.order.duration": [timedelta(seconds=1.5)]}


def test_every_metric_is_listed_and_those_of_alternatives_begin_with_zero(counted: Counted) -> None:
    count_all()
    seen = dict.fromkeys(counted.counts, "counter")
    seen |= dict.fromkeys(counted.gauges, "gauge") | dict.fromkeys(counted.timings, "timer")
    assert seen == metrics.metric_names()

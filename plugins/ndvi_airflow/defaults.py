"""What all our tasks and DAGs have in common, and what the commands call them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

REGISTRATION = "field_registration"
DAILY = "ndvi_daily"
CATCH_UP = "ndvi_catch_up"
RECOMPUTE = "ndvi_recompute"
SEASON = "ndvi_season"
DAYS = "ndvi_days"
ALERTS = "ndvi_alerts"

COMPUTING = (DAILY, CATCH_UP, RECOMPUTE)
"""DAGs that compute cells: they write rows, and their compute tasks have pictures."""

WATCHER = "watcher"
"""The task that fails a run; what failed are others."""

RUN_TIMEOUT = timedelta(hours=12)
"""How long a run may take, its waiting for an extent included."""

TASK_DEFAULTS: dict[str, Any] = {
    "owner": "ndvi",
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=15),
    "execution_timeout": timedelta(minutes=30),
    "weight_rule": "absolute",
}

ASKED_FOR, OF_THE_DAY, LATE = 3, 2, 1
"""Priorities of tasks: neither what a person waits for nor the day queues behind thousands of late cells."""

TAGS = ["ndvi", "sentinel-2"]


def midnight(day: date) -> datetime:
    """Return the first moment of a day, UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)

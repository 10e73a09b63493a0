"""The commands that compute an order, and what their end means for the task, wherever they run."""

import json
import signal
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from ndvi_airflow import metrics
from ndvi_airflow.connections import open_bucket
from ndvi_core.errors import EXIT_BAD_INPUT, EXIT_TRY_AGAIN

if TYPE_CHECKING:
    from ndvi_core.models.work_order import Manifest
    from ndvi_core.runs.folder import PlannedOrder

Command = Literal["compute", "season"]
"""What `ndvi` is told to do with an order: that for cells, or that for seasons."""

MEMORY_GOES_BY = {"compute": "NDVI_MEMORY_MB and the fields' pixels", "season": "the seasons' days and NDVI_INDICES"}
"""What decides how much memory an order is expected to take."""

MAX_NAMED_CELLS = 5
"""Failed cells that a task's error names."""

_OF_SIGNALS = tuple(128 + number for number in (signal.SIGINT, signal.SIGKILL, signal.SIGTERM))


def read_order(order: dict[str, Any]) -> "PlannedOrder":
    """Return a task's order, which has come by XCom; skip the task if a later plan has left it nothing to compute."""
    from ndvi_core.runs.folder import PlannedOrder

    planned = PlannedOrder.model_validate(order)
    if not planned.cells:
        raise AirflowSkipException("nothing is due any more; `airflow ndvi recompute` does what has an answer")
    return planned


def compute_arguments(command: Command, order_uri: str) -> list[str]:
    """Return the arguments of `ndvi` for an order."""
    return [command, "--order", order_uri]


def last_words(log: str | None) -> str:
    """Return what the last line of a command's log says, which may be JSON (`NDVI_LOG_FORMAT`)."""
    lines = (log or "").strip().splitlines()
    if not lines:
        return "it left no word"
    try:
        return str(json.loads(lines[-1])["message"])
    except (ValueError, KeyError, TypeError):
        return lines[-1]


def failure(order: "PlannedOrder", exit_code: int, what: str, *, lacked_memory: bool = False) -> AirflowException:
    """Return the error of a command that did not end with 0, and count it.

    It is an `AirflowFailException` where a retry cannot help.

    Args:
        order: the work order.
        exit_code: of the command; negative for the number of the signal that killed it.
        what: how the command ended, for a person.
        lacked_memory: whether it was killed since it took too much.
    """
    end: metrics.End = "defect"
    if exit_code == EXIT_TRY_AGAIN:
        end = "try_again"
    elif exit_code < 0 or exit_code in _OF_SIGNALS:
        end = "out_of_memory" if lacked_memory else "killed"
    elif exit_code == EXIT_BAD_INPUT:
        end = "bad_input"
    metrics.count_end(end)
    is_final = end in ("bad_input", "defect")
    return (AirflowFailException if is_final else AirflowException)(f"{order.label}: {what}")


def read_manifest(order: "PlannedOrder") -> "Manifest":
    """Return what the command wrote of an order."""
    from ndvi_airflow.settings import load_settings
    from ndvi_core.models.work_order import Manifest

    bucket = open_bucket(load_settings().bucket_url)
    return Manifest.model_validate_json(bucket.read(bucket.key(order.manifest)))


def fail_for_failed_cells(manifest: "Manifest") -> None:
    """Fail the task of an order some of whose cells failed, so that it shows where a person looks for it.

    The command ended well: the other cells are computed, and all of them have a row. A retry would find the same.
    """
    failed = [f"{cell.field_id} {cell.date}: {cell.reason}" for cell in manifest.cells if cell.status == "failed"]
    if failed:
        more = f"; and {len(failed) - MAX_NAMED_CELLS} more" if len(failed) > MAX_NAMED_CELLS else ""
        raise AirflowFailException(
            f"{len(failed)} of {len(manifest.cells)} cells failed: {'; '.join(failed[:MAX_NAMED_CELLS])}{more}"
        )

"""The commands that compute an order, and what their end means for the task, wherever they run."""

import signal
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from ndvi_airflow.connections import open_bucket
from ndvi_core.errors import EXIT_TRY_AGAIN

if TYPE_CHECKING:
    from ndvi_core.runs.folder import PlannedOrder

Command = Literal["compute", "season"]
"""What `ndvi` is told to do with an order: that for cells, or that for seasons."""

MEMORY_GOES_BY = {"compute": "NDVI_MEMORY_MB and the fields' pixels", "season": "the seasons' days and NDVI_INDICES"}
"""What decides how much memory an order is expected to take."""

MAX_NAMED_CELLS = 5
"""Failed cells that a task's error names."""

_WORTH_A_RETRY = (EXIT_TRY_AGAIN, *(128 + number for number in (signal.SIGINT, signal.SIGKILL, signal.SIGTERM)))


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


def failure(order: "PlannedOrder", exit_code: int, what: str) -> AirflowException:
    """Return the error of a command that did not end with 0; `AirflowFailException` where a retry cannot help.

    Args:
        order: the work order.
        exit_code: of the command; negative for the number of the signal that killed it.
        what: how the command ended, for a person.
    """
    may_pass = exit_code in _WORTH_A_RETRY or exit_code < 0
    return (AirflowException if may_pass else AirflowFailException)(f"{order.label}: {what}")


def fail_for_failed_cells(order: "PlannedOrder") -> None:
    """Fail the task of an order some of whose cells failed, so that it shows where a person looks for it.

    The command ended well: the other cells are computed, and all of them have a row. A retry would find the same.
    """
    from ndvi_airflow.settings import load_settings
    from ndvi_core.models.work_order import Manifest

    bucket = open_bucket(load_settings().bucket_url)
    manifest = Manifest.model_validate_json(bucket.read(bucket.key(order.manifest)))
    failed = [f"{cell.field_id} {cell.date}: {cell.reason}" for cell in manifest.cells if cell.status == "failed"]
    if failed:
        more = f"; and {len(failed) - MAX_NAMED_CELLS} more" if len(failed) > MAX_NAMED_CELLS else ""
        raise AirflowFailException(
            f"{len(failed)} of {len(manifest.cells)} cells failed: {'; '.join(failed[:MAX_NAMED_CELLS])}{more}"
        )

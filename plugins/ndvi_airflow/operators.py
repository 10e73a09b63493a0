"""The compute task: `ndvi compute --order URI`, the same command line wherever it runs."""

import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import conf
from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from ndvi_airflow.connections import compute_environment, open_bucket
from ndvi_core.errors import EXIT_TRY_AGAIN

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from ndvi_airflow.pods import OrderPod
    from ndvi_core.settings import Settings


_WORTH_A_RETRY = (EXIT_TRY_AGAIN, *(128 + number for number in (signal.SIGINT, signal.SIGKILL, signal.SIGTERM)))
COMPUTE_TIMEOUT = timedelta(hours=2)
_NAMED = 5  # failed cells that the task's error names


class PicturesLink(BaseOperatorLink):
    """Opens the pictures of the fields and days that a compute task was about."""

    name = "NDVI pictures"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:  # noqa: ARG002
        base = conf.get("api", "base_url", fallback="").rstrip("/")
        return f"{base}/ndvi/orders/{ti_key.dag_id}/{quote(ti_key.run_id, safe='')}/{ti_key.map_index}"


class ComputeProcessOperator(BaseOperator):
    """Run a work order in a process beside the task, with the environment that a pod would have.

    Exit code 75 and death by a signal fail the try; any other than 0 fails the task at once, since nothing would be
    different the next time.
    """

    template_fields: Sequence[str] = ("order",)
    operator_extra_links = (PicturesLink(),)

    def __init__(self, *, order: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order = order

    @cached_property
    def hook(self) -> SubprocessHook:
        return SubprocessHook()

    def execute(self, context: Any) -> None:  # noqa: ARG002
        skip_without_cells(self.order)
        command = [sys.executable, "-m", "ndvi_core", *compute_arguments(self.order["uri"])]
        result = self.hook.run_command(command, env=compute_environment())
        if result.exit_code != 0:
            raise failure(self.order, result.exit_code, f"exit code {result.exit_code}: {result.output}")
        fail_for_failed_cells(self.order)

    def on_kill(self) -> None:
        self.hook.send_sigterm()  # type: ignore[no-untyped-call]


class ComputePodOperator(BaseOperator):
    """Run a work order in a pod and tell of its end as `ComputeProcessOperator` tells of a process.

    A pod that did not start, was deleted, evicted or killed, and exit code 75, fail the try; any other exit code than
    0 fails the task at once. After an out-of-memory kill the next try gets twice the memory. A try after the death of
    a worker finds the pod again by what Airflow has noted of it, and one triggerer takes over from another.
    """

    template_fields: Sequence[str] = ("order",)
    operator_extra_links = (PicturesLink(),)

    def __init__(self, *, order: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order = order

    @cached_property
    def pod(self) -> "OrderPod":
        from ndvi_airflow.pods import OrderPod
        from ndvi_core.settings import load_settings

        return OrderPod(task_id=self.task_id, order=self.order, settings=load_settings(), timeout=COMPUTE_TIMEOUT)

    def execute(self, context: Any) -> None:
        skip_without_cells(self.order)
        self.pod.run(context)  # does not return if the triggerer is to wait
        fail_for_failed_cells(self.order)

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> None:
        """Go on where the triggerer has seen the pod end; the trigger asks for a method of this name."""
        self.pod.trigger_reentry(context, event)
        fail_for_failed_cells(self.order)

    def on_kill(self) -> None:
        self.pod.on_kill()


def skip_without_cells(order: dict[str, Any]) -> None:
    """Skip the task of an order that has lost its cells to a later plan."""
    if not order["cells"]:
        raise AirflowSkipException("nothing is due any more; `airflow ndvi recompute` does what has an answer")


def failure(order: dict[str, Any], exit_code: int, what: str) -> AirflowException:
    """Return the error, to be retried or not, of a command that ended with this code; a negative one is a signal's."""
    may_pass = exit_code in _WORTH_A_RETRY or exit_code < 0
    return (AirflowException if may_pass else AirflowFailException)(f"{order['label']}: {what}")


def fail_for_failed_cells(order: dict[str, Any]) -> None:
    """Fail the task of an order some of whose cells failed, so that it shows where a person looks for it.

    The command ended well: the other cells are computed, and all of them have a row. A retry would find the same.
    """
    from ndvi_core.models.work_order import Manifest
    from ndvi_core.settings import load_settings

    bucket = open_bucket(load_settings().bucket_url)
    manifest = Manifest.model_validate_json(bucket.read(bucket.key(order["manifest"])))
    failed = [f"{cell.field_id} {cell.date}: {cell.reason}" for cell in manifest.cells if cell.status == "failed"]
    if failed:
        more = f"; and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        raise AirflowFailException(
            f"{len(failed)} of {len(manifest.cells)} cells failed: {'; '.join(failed[:_NAMED])}{more}"
        )


def compute_arguments(order_uri: str) -> list[str]:
    """Return the arguments of the `ndvi` command for a work order."""
    return ["compute", "--order", order_uri]


def compute_task(settings: "Settings", **kwargs: Any) -> "OperatorPartial":
    """Return the compute task to `expand(order=...)` over what the plan task returns.

    Args:
        settings: where it runs and in which pool.
        kwargs: further arguments of the operator.
    """
    operator = ComputePodOperator if settings.execution == "kubernetes" else ComputeProcessOperator
    return operator.partial(
        task_id="compute",
        pool=settings.compute_pool,
        map_index_template="{{ task.order['label'] }}",
        retries=3,
        retry_delay=timedelta(seconds=30),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(minutes=15),
        execution_timeout=COMPUTE_TIMEOUT,
        **kwargs,
    )


def watcher_task() -> EmptyOperator:
    """Return the leaf that the run's state hangs on: failed if any task before it failed.

    Without it `record`, which runs whatever became of the compute tasks, would make every run a success.
    """
    return EmptyOperator(task_id="watcher", trigger_rule="none_failed")

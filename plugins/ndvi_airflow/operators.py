"""The compute task: `ndvi compute --order URI`, the same command line wherever it runs."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from ndvi_airflow.connections import compute_environment
from ndvi_core.errors import EXIT_TRY_AGAIN

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from ndvi_core.settings import Settings


class ComputeProcessOperator(BaseOperator):
    """Run a work order in a process beside the task, with the environment that a pod would have.

    Exit code 75 and death by a signal fail the try; any other than 0 fails the task at once, since nothing would be
    different the next time.
    """

    template_fields: Sequence[str] = ("order",)

    def __init__(self, *, order: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order = order

    @cached_property
    def hook(self) -> SubprocessHook:
        return SubprocessHook()

    def execute(self, context: Any) -> None:  # noqa: ARG002
        command = [sys.executable, "-m", "ndvi_core", *compute_arguments(self.order["uri"])]
        result = self.hook.run_command(command, env=compute_environment())
        if result.exit_code == 0:
            return
        message = f"{self.order['label']}: exit code {result.exit_code}: {result.output}"
        if result.exit_code == EXIT_TRY_AGAIN or result.exit_code < 0:
            raise AirflowException(message)
        raise AirflowFailException(message)

    def on_kill(self) -> None:
        self.hook.send_sigterm()  # type: ignore[no-untyped-call]


def compute_arguments(order_uri: str) -> list[str]:
    """Return the arguments of the `ndvi` command for a work order."""
    return ["compute", "--order", order_uri]


def compute_task(settings: "Settings", **kwargs: Any) -> "OperatorPartial":
    """Return the compute task to `expand(order=...)` over what the plan task returns.

    Args:
        settings: where it runs and in which pool.
        kwargs: further arguments of the operator.
    """
    return ComputeProcessOperator.partial(
        task_id="compute",
        pool=settings.compute_pool,
        map_index_template="{{ task.order['label'] }}",
        retries=3,
        retry_delay=timedelta(seconds=30),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(minutes=15),
        execution_timeout=timedelta(hours=2),
        **kwargs,
    )

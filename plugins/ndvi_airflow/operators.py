"""The tasks that compute: `ndvi compute --order URI` or `ndvi season --order URI`, as a process and in a pod."""

import logging
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, BaseOperatorLink

from ndvi_airflow import metrics
from ndvi_airflow.addresses import base_url
from ndvi_airflow.compute_command import (
    Command,
    compute_arguments,
    fail_for_failed_cells,
    failure,
    last_words,
    read_manifest,
    read_order,
)
from ndvi_airflow.connections import compute_environment

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from ndvi_airflow.pods import OrderPod
    from ndvi_airflow.settings import AirflowSettings
    from ndvi_core.runs.folder import PlannedOrder

log = logging.getLogger(__name__)

COMPUTE_TIMEOUT = timedelta(hours=2)


class PicturesLink(BaseOperatorLink):
    """Opens the pictures of the fields and days of a compute task."""

    name = "NDVI pictures"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:  # noqa: ARG002
        """Return the address of the page with the pictures."""
        return _pictures(ti_key)


def _pictures(task: Any) -> str:
    """Return the address of the pictures of a task instance, or of the key of one."""
    return f"{base_url()}/ndvi/orders/{task.dag_id}/{quote(task.run_id, safe='')}/{task.map_index}"


class OrderOperator(BaseOperator):
    """What the operators that run an order have in common.

    Args:
        order: a `PlannedOrder` as JSON.
        kwargs: of every operator.
    """

    command: ClassVar[Command] = "compute"
    template_fields: Sequence[str] = ("order",)
    operator_extra_links: Sequence[BaseOperatorLink] = (PicturesLink(),)

    def __init__(self, *, order: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order = order

    def end_well(self, order: "PlannedOrder", context: Any, seconds: float) -> None:
        """Count that the command has ended well, after so many seconds, and look at its results."""
        metrics.count_end("succeeded")
        metrics.state_duration(seconds)
        self.look_at_results(order, context)

    def look_at_results(self, order: "PlannedOrder", context: Any) -> None:
        """Say in the log, which people see first of a task, where its pictures are; count what was read of scenes.

        Raises:
            AirflowFailException: cells failed.
        """
        log.info("pictures of these cells: %s", _pictures(context["ti"]))
        manifest = read_manifest(order)
        metrics.count_usage(manifest.usage)
        fail_for_failed_cells(manifest)


class ComputeProcessOperator(OrderOperator):
    """Run a work order in a process beside the task, with the environment that a pod would have.

    Exit code 75 and death by a signal fail the try; any other than 0 fails the task at once, since nothing would be
    different the next time.
    """

    @cached_property
    def hook(self) -> SubprocessHook:
        """The running process."""
        return SubprocessHook()

    def execute(self, context: Any) -> None:
        """Run the command to its end."""
        order = read_order(self.order)
        command = [sys.executable, "-m", "ndvi_core", *compute_arguments(self.command, order.uri)]
        began = monotonic()
        result = self.hook.run_command(command, env=compute_environment())
        if result.exit_code != 0:
            raise failure(order, result.exit_code, f"exit code {result.exit_code}: {last_words(result.output)}")
        self.end_well(order, context, monotonic() - began)

    def on_kill(self) -> None:
        """End the process with the task."""
        self.hook.send_sigterm()  # type: ignore[no-untyped-call]


class ComputePodOperator(OrderOperator):
    """Run a work order in a pod; its end means for the task what that of a process means.

    A pod that did not start, was deleted, evicted or killed, and exit code 75, fail the try; any other exit code than
    0 fails the task at once. After an out-of-memory kill the next try gets twice the memory. A try after the death of
    a worker finds the pod again by what Airflow has noted of it, and one triggerer takes over from another.
    """

    @cached_property
    def pod(self) -> "OrderPod":
        """The pod, described."""
        from ndvi_airflow.pods import OrderPod
        from ndvi_airflow.settings import load_settings

        order = read_order(self.order)
        return OrderPod(
            task_id=self.task_id, command=self.command, order=order, settings=load_settings(), timeout=COMPUTE_TIMEOUT
        )

    def execute(self, context: Any) -> None:
        """Make the pod and wait for its end, here or in the triggerer."""
        self.pod.run(context)  # does not return if the triggerer is to wait
        self.end_well(self.pod.order, context, self.pod.seconds)

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> None:
        """Go on where the triggerer has seen the pod end; the trigger asks for a method of this name."""
        self.pod.trigger_reentry(context, event)
        self.end_well(self.pod.order, context, self.pod.seconds)

    def on_kill(self) -> None:
        """Remove the pod with the task."""
        self.pod.on_kill()


class _OfSeasons(OrderOperator):
    """Seasons have neither pictures nor cells that fail."""

    command = "season"
    operator_extra_links = ()

    def look_at_results(self, order: "PlannedOrder", context: Any) -> None:
        """Do nothing."""


class SeasonProcessOperator(_OfSeasons, ComputeProcessOperator):
    """Run an order for seasons likewise."""


class SeasonPodOperator(_OfSeasons, ComputePodOperator):
    """Run an order for seasons likewise."""


def compute_task(settings: "AirflowSettings", **kwargs: Any) -> "OperatorPartial":
    """Return the compute task to `expand(order=...)` over what the plan task returns.

    Args:
        settings: where it runs and in which pool.
        kwargs: further arguments of the operator.
    """
    operator = ComputePodOperator if settings.execution == "kubernetes" else ComputeProcessOperator
    return operator.partial(map_index_template="{{ task.order['label'] }}", **_common(settings), **kwargs)


def season_task(settings: "AirflowSettings", order: Any) -> BaseOperator:
    """Return the task that computes what the plan task of `ndvi_season` returns.

    Args:
        settings: where it runs and in which pool.
        order: what that task returns.
    """
    operator = SeasonPodOperator if settings.execution == "kubernetes" else SeasonProcessOperator
    return operator(order=order, **_common(settings))


def _common(settings: "AirflowSettings") -> dict[str, Any]:
    return {
        "task_id": "compute",
        "pool": settings.compute_pool,
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=15),
        "execution_timeout": COMPUTE_TIMEOUT,
    }

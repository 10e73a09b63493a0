"""The pod of an order, on the cluster that Airflow has access to.

Pods are made from a template file, which operators may replace; what depends on the work order is added here. The
Kubernetes client takes seconds to import, so only the tasks that run a pod import this module, and no DAG file does.
"""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import V1ContainerStatus, V1Pod, V1ResourceRequirements
from kubernetes.client.exceptions import ApiException

from ndvi_airflow import metrics
from ndvi_airflow.compute_command import MEMORY_GOES_BY, compute_arguments, failure, last_words

if TYPE_CHECKING:
    from ndvi_airflow.compute_command import Command
    from ndvi_airflow.settings import AirflowSettings
    from ndvi_core.runs.folder import PlannedOrder

POD_TEMPLATE = Path(__file__).with_name("pod_template.yaml")
CPU_REQUEST = "500m"
"""A computation waits for the network half of its time; without a limit it takes what nobody else wants."""

_MEMORY_FACTOR = "memory_factor"
_MB = 1_000_000


class OrderPod(KubernetesPodOperator):
    """The pod of one order, followed to its end on behalf of the task `task_id`."""

    def __init__(
        self,
        *,
        command: "Command",
        order: "PlannedOrder",
        settings: "AirflowSettings",
        timeout: timedelta,
        **kwargs: Any,
    ) -> None:
        """Describe the pod without making it.

        Args:
            command: what is to be done with the order.
            order: the order, which has something to compute.
            settings: the image, the template and how long the pod may take to start.
            timeout: after which Kubernetes ends the pod, whether or not anything watches it.
            kwargs: further arguments of the operator.
        """
        super().__init__(
            execution_timeout=timeout,
            image=settings.image,
            name="ndvi-compute",
            arguments=compute_arguments(command, order.uri),
            labels={
                "field": make_safe_label_value(order.label),
                "day": "_".join(sorted({day.isoformat() for day in order.days or ()})),
            },
            pod_template_file=settings.pod_template or str(POD_TEMPLATE),
            deferrable=settings.pod_deferrable,
            startup_timeout_seconds=settings.pod_startup_seconds,
            active_deadline_seconds=round(timeout.total_seconds()),
            poll_interval=5,  # seconds; each of hundreds of pods is asked for on its own
            do_xcom_push=False,  # results are on S3; a sidecar would lose them now and then
            on_finish_action="delete_pod",  # log, exit code and events are in the task's log by then
            termination_message_policy="FallbackToLogsOnError",  # the log's end is in the pod's status, too
            log_events_on_startup=False,  # each look at them reads those of the whole namespace
            log_events_on_failure=True,
            log_pod_spec_on_failure=False,
            **kwargs,
        )
        self.command = command
        self.order = order
        self.memory_mb = order.memory // _MB
        self.seconds = 0.0
        """For how long its container ran, once it has ended."""

    def run(self, context: Any) -> None:
        """Make the pod, or find the one that an interrupted try has left, and wait for its end."""
        memory = f"{self.memory_mb * _memory_factor(context)}M"
        self.container_resources = V1ResourceRequirements(
            requests={"cpu": CPU_REQUEST, "memory": memory}, limits={"memory": memory}
        )
        if self.deferrable:
            self.execute_async(context)
        else:
            self.execute_sync(context)

    def cleanup(
        self, pod: V1Pod, remote_pod: V1Pod | None, xcom_result: dict[str, Any] | None = None, context: Any = None
    ) -> None:
        """Remove the pod, and raise the error of its end, if it did not end well."""
        if remote_pod:
            remote_pod = self._latest(remote_pod)
            self.seconds = self._seconds(remote_pod)
        try:
            super().cleanup(pod, remote_pod, xcom_result, context)
        except AirflowException:
            raise self._failure(remote_pod, context) from None

    def _latest(self, pod: V1Pod) -> V1Pod:
        """Return the pod as it is now, or as it was last seen."""
        try:
            return self.hook.get_pod(pod.metadata.name, pod.metadata.namespace)
        except ApiException:
            return pod

    def _status(self, pod: V1Pod) -> V1ContainerStatus | None:
        statuses = {one.name: one for one in pod.status.container_statuses or ()}
        return statuses.get(self.base_container_name)

    def _seconds(self, pod: V1Pod) -> float:
        status = self._status(pod)
        ended = status and status.state.terminated
        if not (ended and ended.started_at and ended.finished_at):
            return 0.0
        seconds: float = (ended.finished_at - ended.started_at).total_seconds()
        return seconds

    def _failure(self, pod: V1Pod, context: Any) -> AirflowException:
        status = self._status(pod)
        ended = status and status.state.terminated
        if ended is None:
            end, why = _why_not_ended(pod, status)
            metrics.count_end(end)
            return AirflowException(f"{self.order.label}: pod {pod.metadata.name} {why}")
        what = f"exit code {ended.exit_code} ({ended.reason}): {last_words(ended.message)}"
        lacked_memory = ended.reason == "OOMKilled"
        if lacked_memory:
            factor = _memory_factor(context)
            context["task_state_store"].set(_MEMORY_FACTOR, 2 * factor)
            too_little = self.memory_mb * factor
            by = MEMORY_GOES_BY[self.command]
            what = f"{what}; {too_little} MB (by {by}) were too little, the next try gets {2 * too_little}"
        return failure(self.order, ended.exit_code, what, lacked_memory=lacked_memory)


def _memory_factor(context: Any) -> int:
    """Return how much more memory than others this task's pods get, after what earlier ones of it died of."""
    factor: int = context["task_state_store"].get(_MEMORY_FACTOR, 1)
    return factor


def _why_not_ended(pod: V1Pod, status: V1ContainerStatus | None) -> tuple[metrics.End, str]:
    """Return what became of a pod whose container has not run to an end, and what Kubernetes says of it."""
    waiting = status and status.state.waiting
    if waiting:
        return "not_started", f"did not start: {waiting.reason}: {waiting.message or 'no more is known'}"
    unscheduled = next((one for one in pod.status.conditions or () if one.status == "False" and one.message), None)
    if pod.status.phase == "Pending" and unscheduled:
        return "not_started", f"did not start: {unscheduled.reason}: {unscheduled.message}"
    said = f"was lost: {pod.status.phase}: {pod.status.reason or ''} {pod.status.message or ''}"
    return "lost", said.rstrip(" :")

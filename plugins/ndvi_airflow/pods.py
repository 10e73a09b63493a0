"""The compute task as a pod of the image, on the cluster that Airflow has access to.

The pod is made after a template file, which is the operators' to change; what depends on the work order is added here.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import V1ContainerStatus, V1Pod, V1ResourceRequirements
from kubernetes.client.exceptions import ApiException

from ndvi_airflow.operators import (
    PicturesLink,
    compute_arguments,
    fail_for_failed_cells,
    failure,
    skip_without_cells,
)

if TYPE_CHECKING:
    from ndvi_core.settings import Settings

POD_TEMPLATE = Path(__file__).with_name("pod_template.yaml")
CPU_REQUEST = "500m"
"""A computation waits for the network half of its time; without a limit it takes what nobody else wants."""

_MEMORY_FACTOR = "memory_factor"
_MIB = 2**20


def pod_options(settings: "Settings", timeout: timedelta) -> dict[str, Any]:
    """Return the arguments of `ComputePodOperator` that are the same for all work orders.

    Args:
        settings: the image, the template and the patience.
        timeout: after which Kubernetes ends a pod, whether or not anybody watches over it.
    """
    return {
        "memory_mb": settings.pod_memory_mb,
        "image": settings.image,
        "name": "ndvi-compute",
        "pod_template_file": settings.pod_template or str(POD_TEMPLATE),
        "deferrable": settings.pod_deferrable,
        "startup_timeout_seconds": settings.pod_startup_seconds,
        "active_deadline_seconds": round(timeout.total_seconds()),
        "poll_interval": 5,  # seconds; of hundreds of pods, each a request
        "do_xcom_push": False,  # results are on S3; a sidecar would lose them now and then
        "on_finish_action": "delete_pod",  # log, exit code and events are in the task's log by then
        "termination_message_policy": "FallbackToLogsOnError",  # the log's end outlives the pod, in its status
        "log_events_on_startup": False,  # each look at them reads those of the whole namespace
        "log_events_on_failure": True,
        "log_pod_spec_on_failure": False,
    }


class ComputePodOperator(KubernetesPodOperator):
    """Run a work order in a pod and tell of its end as `ComputeProcessOperator` tells of a process.

    A pod that did not start, was deleted, evicted or killed, and exit code 75, fail the try; any other exit code than
    0 fails the task at once. After an out-of-memory kill the next try gets twice the memory. A try after the death of
    a worker finds the pod again by what Airflow has noted of it, and a triggerer takes over from another.
    """

    template_fields: Sequence[str] = ("order", *KubernetesPodOperator.template_fields)
    operator_extra_links = (PicturesLink(),)

    def __init__(self, *, order: dict[str, Any], memory_mb: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order = order
        self.memory_mb = memory_mb

    def execute(self, context: Any) -> None:
        skip_without_cells(self.order)
        self.arguments = compute_arguments(self.order["uri"])
        self.labels = {
            "field": make_safe_label_value(self.order["label"]),
            "day": "_".join(sorted(set(self.order["days"]))),
        }
        memory = f"{self._memory(context)}Mi"
        self.container_resources = V1ResourceRequirements(
            requests={"cpu": CPU_REQUEST, "memory": memory}, limits={"memory": memory}
        )
        super().execute(context)

    def execute_sync(self, context: Any) -> None:
        super().execute_sync(context)
        fail_for_failed_cells(self.order)

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> None:
        super().trigger_reentry(context, event)
        fail_for_failed_cells(self.order)

    def cleanup(
        self, pod: V1Pod, remote_pod: V1Pod | None, xcom_result: dict[str, Any] | None = None, context: Any = None
    ) -> None:
        """Remove the pod; raise what its end means for the task."""
        if remote_pod:
            remote_pod = self._latest(remote_pod)
        try:
            super().cleanup(pod, remote_pod, xcom_result, context)
        except AirflowException:
            raise self._failure(remote_pod, context) from None

    def _memory(self, context: Any) -> int:
        """Return the MiB that the pod may take."""
        factor: int = context["task_state_store"].get(_MEMORY_FACTOR, 1)
        pixels: int = self.order["memory"] // _MIB
        return (self.memory_mb + pixels) * factor

    def _latest(self, pod: V1Pod) -> V1Pod:
        """Return the pod as it is now, or as it was last seen."""
        try:
            return self.hook.get_pod(pod.metadata.name, pod.metadata.namespace)
        except ApiException:
            return pod

    def _failure(self, pod: V1Pod, context: Any) -> AirflowException:
        status = next(
            (one for one in pod.status.container_statuses or () if one.name == self.base_container_name), None
        )
        ended = status and status.state.terminated
        if ended is None:
            return AirflowException(f"{self.order['label']}: pod {pod.metadata.name} {_why_not_started(pod, status)}")
        what = f"exit code {ended.exit_code} ({ended.reason}): {_last_line(ended.message)}"
        if ended.reason == "OOMKilled":
            memory, store = self._memory(context), context["task_state_store"]
            store.set(_MEMORY_FACTOR, 2 * int(store.get(_MEMORY_FACTOR, 1)))
            what = (
                f"{what}; {memory} MiB were not enough, the next try gets {2 * memory} (NDVI_POD_MEMORY_MB is the base)"
            )
        return failure(self.order, ended.exit_code, what)


def _why_not_started(pod: V1Pod, status: V1ContainerStatus | None) -> str:
    """Return what Kubernetes says of a pod whose container has not run to an end."""
    waiting = status and status.state.waiting
    if waiting:
        return f"did not start: {waiting.reason}: {waiting.message or 'no more is known'}"
    unscheduled = next((one for one in pod.status.conditions or () if one.status == "False" and one.message), None)
    if pod.status.phase == "Pending" and unscheduled:
        return f"did not start: {unscheduled.reason}: {unscheduled.message}"
    return f"was lost: {pod.status.phase}: {pod.status.reason or ''} {pod.status.message or ''}".rstrip(" :")


def _last_line(log: str | None) -> str:
    lines = (log or "").strip().splitlines()
    return lines[-1] if lines else "it left no word"

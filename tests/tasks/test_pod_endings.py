"""What the end of a pod, as Kubernetes states it, means for its task; no cluster is needed to tell."""

from datetime import date, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from kubernetes.client import (
    V1ContainerState,
    V1ContainerStateTerminated,
    V1ContainerStateWaiting,
    V1ContainerStatus,
    V1ObjectMeta,
    V1Pod,
    V1PodCondition,
    V1PodStatus,
)
from support.counts import Counted

from ndvi_airflow.compute_command import Command
from ndvi_airflow.pods import OrderPod
from ndvi_airflow.settings import AirflowSettings
from ndvi_core.runs.folder import PlannedOrder

ORDER = PlannedOrder(
    uri="s3://ndvi/runs/ndvi_daily/r/orders/0.parquet",
    manifest="s3://ndvi/runs/ndvi_daily/r/manifests/0.json",
    label="field_1",
    sha256="0" * 64,
    cells=1,
    days=(date(2025, 4, 19), date(2025, 4, 19)),
    memory=400_000_000,
)


class Kept(dict[str, Any]):
    """What Airflow keeps for a task from try to try."""

    set = dict.__setitem__


@pytest.fixture(scope="module")
def order_pod() -> OrderPod:
    settings = AirflowSettings(image="ndvi:1")
    return OrderPod(task_id="compute", command="compute", order=ORDER, settings=settings, timeout=timedelta(hours=2))


def ended(code: int, reason: str = "Error", log: str = "first\nlast\n") -> V1PodStatus:
    state = V1ContainerState(terminated=V1ContainerStateTerminated(exit_code=code, reason=reason, message=log))
    return V1PodStatus(phase="Failed", container_statuses=[container(state)])


def waiting(reason: str, message: str | None) -> V1PodStatus:
    state = V1ContainerState(waiting=V1ContainerStateWaiting(reason=reason, message=message))
    return V1PodStatus(phase="Pending", container_statuses=[container(state)])


def container(state: V1ContainerState) -> V1ContainerStatus:
    return V1ContainerStatus(name="base", state=state, image="ndvi:1", image_id="", ready=False, restart_count=0)


UNSCHEDULED = V1PodCondition(type="PodScheduled", status="False", reason="Unschedulable", message="0/3 nodes fit")

ENDINGS = {
    "try again": (ended(75), True, "field_1: exit code 75 (Error): last"),
    "terminated": (ended(143), True, "field_1: exit code 143 (Error): last"),
    "bad input": (ended(2), False, "field_1: exit code 2 (Error): last"),
    "defect": (ended(1), False, "field_1: exit code 1 (Error): last"),
    "no such command": (ended(128, "StartError", ""), False, "field_1: exit code 128 (StartError): it left no word"),
    "image": (waiting("ErrImagePull", "not found"), True, "field_1: pod p did not start: ErrImagePull: not found"),
    "config": (waiting("CreateContainerConfigError", None), True, "CreateContainerConfigError: no more is known"),
    "node": (V1PodStatus(phase="Pending", conditions=[UNSCHEDULED]), True, "did not start: Unschedulable: 0/3 nodes"),
    "evicted": (
        V1PodStatus(phase="Failed", reason="Evicted", message="low on memory"),
        True,
        "field_1: pod p was lost: Failed: Evicted low on memory",
    ),
    "json": (ended(75, log='{"level": "ERROR", "message": "S3 is away"}\n'), True, "exit code 75 (Error): S3 is away"),
}


COUNTED_AS = {
    "try again": "try_again",
    "terminated": "killed",
    "bad input": "bad_input",
    "defect": "defect",
    "no such command": "defect",
    "image": "not_started",
    "config": "not_started",
    "node": "not_started",
    "evicted": "lost",
    "json": "try_again",
}


@pytest.mark.parametrize("name", list(ENDINGS))
def test_an_ending_is_named_and_counted_and_is_tried_again_or_not(
    order_pod: OrderPod, counted: Counted, name: str
) -> None:
    status, again, said = ENDINGS[name]
    pod = V1Pod(metadata=V1ObjectMeta(name="p"), status=status)
    error = order_pod._failure(pod, {"task_state_store": Kept()})
    assert said in str(error)
    assert counted.happened == {f"ndvi.orders.{COUNTED_AS[name]}": 1}
    assert isinstance(error, AirflowException)
    assert isinstance(error, AirflowFailException) != again


@pytest.mark.parametrize(
    ("command", "by"),
    [("compute", "NDVI_MEMORY_MB and the fields' pixels"), ("season", "the seasons' days and NDVI_INDICES")],
)
def test_each_lack_of_memory_doubles_what_the_next_try_gets(command: Command, by: str, counted: Counted) -> None:
    settings, timeout = AirflowSettings(image="ndvi:1"), timedelta(hours=2)
    order_pod = OrderPod(task_id="compute", command=command, order=ORDER, settings=settings, timeout=timeout)
    context = {"task_state_store": Kept()}
    pod = V1Pod(metadata=V1ObjectMeta(name="p"), status=ended(137, "OOMKilled"))
    for had in (400, 800, 1600):
        error = order_pod._failure(pod, context)
        assert not isinstance(error, AirflowFailException)
        assert f"{had} MB (by {by}) were too little" in str(error)
        assert f"next try gets {2 * had}" in str(error)
    assert counted.happened == {"ndvi.orders.out_of_memory": 3}


def test_a_pod_says_what_it_is_about(order_pod: OrderPod) -> None:
    pod = order_pod.build_pod_request_obj(dry_run=True)
    assert (pod.metadata.labels["field"], pod.metadata.labels["day"]) == ("field_1", "2025-04-19")
    assert pod.spec.containers[0].args == ["compute", "--order", ORDER.uri]
    assert pod.spec.active_deadline_seconds == 7200


def test_a_pod_for_seasons_is_like_the_others_but_for_the_command() -> None:
    settings = AirflowSettings(image="ndvi:1")
    order = ORDER.model_copy(update={"uri": "s3://ndvi/runs/ndvi_season/r/order.json", "label": "9 seasons in 2 parts"})
    pod = OrderPod(task_id="compute", command="season", order=order, settings=settings, timeout=timedelta(hours=2))
    assert pod.arguments == ["season", "--order", order.uri]
    assert pod.memory_mb == 400

"""A week on a farm with its computations in pods: the same results, and what becomes of a task when its pod fails.

Airflow is outside the cluster, with no other rights there than those of `helm-values/rbac.yaml`. Each test goes on
where the last one ended; pods fail by a changed pod template, and their retries use the old one.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from support.cluster import Cluster
from support.person import CATCH_UP, DAILY, REGISTRATION, SEASON, Person, Task
from support.story import DAYS, END, PASSES, START, Story, a_story, active_on

from ndvi_airflow.local import stack as local
from ndvi_airflow.local.services import Running, load
from ndvi_airflow.pods import POD_TEMPLATE

EARLY, LATE = ("field_1", "field_2", "field_4"), ("field_3", "field_5")
FIRST, SECOND, THIRD = PASSES

Change = Callable[[dict[str, Any], dict[str, Any]], None]
"""Change of a pod template's `spec` and of its container."""


def no_node_fits(spec: dict[str, Any], container: dict[str, Any]) -> None:
    spec["nodeSelector"] = {"ndvi-test": "nowhere"}


def no_image(spec: dict[str, Any], container: dict[str, Any]) -> None:
    container["imagePullPolicy"] = "Always"  # of an image that no registry has


def too_much_memory(spec: dict[str, Any], container: dict[str, Any]) -> None:
    container["command"] = ["python", "-c", "print('growing', flush=True); b'1' * 2**33"]


def a_defect(spec: dict[str, Any], container: dict[str, Any]) -> None:
    container["command"] = ["python", "-c", "raise RuntimeError('not as planned')"]


@pytest.fixture(scope="module")
def overrides(cluster: Cluster) -> dict[str, str]:
    connection = {"conn_type": "kubernetes", "extra": {"namespace": cluster.namespace}}
    return {
        "KUBECONFIG": str(cluster.kubeconfig),
        "NDVI_EXECUTION": "kubernetes",
        "NDVI_POD_TEMPLATE": str(cluster.kubeconfig.with_name("pod.yaml")),
        "NDVI_POD_STARTUP_SECONDS": "20",
        "NDVI_START_DATE": str(START),
        "NDVI_END_DATE": str(END),
        "AIRFLOW_CONN_KUBERNETES_DEFAULT": json.dumps(connection),
    }


@pytest.fixture(scope="module")
def story(cluster: Cluster, overrides: dict[str, str]) -> Iterator[Story]:
    Path(overrides["NDVI_POD_TEMPLATE"]).write_text(POD_TEMPLATE.read_text())
    with a_story(**overrides) as told:
        cluster.configure(told.stack.s3)
        yield told


@pytest.fixture
def person(story: Story) -> Person:
    return story.person


@pytest.fixture
def template(overrides: dict[str, str]) -> Callable[[Change], Any]:
    """Pods are made after a changed template for a while."""
    file = Path(overrides["NDVI_POD_TEMPLATE"])

    @contextmanager
    def changed(change: Change) -> Iterator[None]:
        pod = yaml.safe_load(POD_TEMPLATE.read_text())
        change(pod["spec"], pod["spec"]["containers"][0])
        file.write_text(yaml.safe_dump(pod))
        yield
        file.write_text(POD_TEMPLATE.read_text())

    return changed


class Cell:
    """The compute task of a field on a day of `ndvi_daily`."""

    def __init__(self, person: Person, day: Any, field_id: str) -> None:
        self.person, self.day, self.field_id = person, day, field_id
        self.run_id = person.daily_run(day)["dag_run_id"]
        self.index = EARLY.index(field_id)

    def task(self) -> Task:
        (found,) = (
            task
            for task in self.person.tasks(DAILY, self.run_id)
            if (task["task_id"], task["map_index"]) == ("compute", self.index)
        )
        return found

    def clear(self) -> int:
        """Clear it, and return the number of the try that follows."""
        number = self.task()["try_number"] + 1
        self.person.clear(DAILY, [["compute", self.index]], dag_run_id=self.run_id)
        return number

    def until(self, state: str, number: int, said: str = "") -> None:
        """Wait until that try has come to a state and its log says something; the log's end comes a little later."""

        def reached() -> bool:
            task = self.task()
            there = (task["state"], task["try_number"]) == (state, number)
            return there and re.search(said, self.person.log(DAILY, self.run_id, task)) is not None

        self.person.until(reached, f"{self.field_id} {self.day}: {state}, try {number}: {said}")


@contextmanager
def slow_scenes(story: Story) -> Iterator[None]:
    """Let the server of the scenes answer nobody for a while."""
    pid = story.stack.files.daemon.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_airflows_account_may_do_nothing_else(cluster: Cluster) -> None:
    core = client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))
    assert core.list_namespaced_pod(cluster.namespace).items == []
    for forbidden in (
        lambda: core.list_namespaced_pod("default"),
        lambda: core.list_namespaced_secret(cluster.namespace),
        lambda: core.list_namespaced_config_map(cluster.namespace),
        lambda: core.connect_get_namespaced_pod_exec("any", cluster.namespace, command="id"),
    ):
        with pytest.raises(ApiException, match="Forbidden"):
            forbidden()


def test_each_field_of_each_day_is_computed_in_a_pod_of_its_own(story: Story, person: Person, cluster: Cluster) -> None:
    person.upload("staticdata/config/bbox.geojson", story.stack.season.extent.read_bytes())
    person.upload("staticdata/fields/pending/first.geojson", story.file_of(*EARLY))
    for dag_id in (REGISTRATION, CATCH_UP):
        person.unpause(dag_id)
    person.until(lambda: story.registered() == list(EARLY), "the early fields")
    person.until_quiet(CATCH_UP)
    person.unpause(DAILY)
    assert {run["state"] for run in person.until_quiet(DAILY, len(DAYS))} == {"success"}

    expected = {day: active_on(day, *EARLY) for day in PASSES}
    assert {day: set(tasks) for day, tasks in person.computed_daily().items()} == expected
    labels = sorted((pod.metadata.labels["field"], pod.metadata.labels["day"]) for pod in cluster.seen.values())
    assert labels == sorted((name, str(day)) for day in PASSES for name in expected[day])


def test_a_late_field_is_caught_up_in_one_pod(story: Story, person: Person, cluster: Cluster) -> None:
    before = set(cluster.seen)
    person.upload("staticdata/fields/pending/late.geojson", story.file_of(*LATE))
    person.until(lambda: story.registered() == [*EARLY, *LATE], "the late fields")
    person.until(lambda: story.registered(caught_up=False) == [], "the late fields' days")
    person.until_quiet(CATCH_UP)
    labels = [cluster.seen[name].metadata.labels for name in set(cluster.seen) - before]
    found = {(one["field"], one["day"]) for one in labels}
    assert found == {("field_3", f"{FIRST}_{THIRD}"), ("field_5", f"{SECOND}_{THIRD}")}
    assert len(labels) == len(found)


def test_pods_publish_the_very_bytes_that_a_process_does(story: Story, person: Person, tmp_path: Path) -> None:
    assert person.published() == story.without_airflow(tmp_path)


def test_seasons_are_computed_in_a_pod_to_the_bytes_that_a_process_gives(
    story: Story, person: Person, cluster: Cluster
) -> None:
    before = set(cluster.seen)
    person.unpause(SEASON)
    person.trigger(SEASON)
    assert {run["state"] for run in person.until_quiet(SEASON)} == {"success"}
    person.pause(SEASON)  # the days of later tests would start further runs
    (name,) = set(cluster.seen) - before
    (container,) = cluster.seen[name].spec.containers
    command, _, uri = container.args
    assert command == "season"

    files = {key: person.read(key) for key in person.keys(f"runs/{SEASON}/", "seasons/")}
    assert any(key.startswith("seasons/series/") for key in files)
    subprocess.run(
        [sys.executable, "-m", "ndvi_core", "season", "--order", uri],
        env={**os.environ, **story.stack.s3.environment},
        check=True,
    )
    assert {key: person.read(key) for key in person.keys(f"runs/{SEASON}/", "seasons/")} == files


def test_a_pod_has_no_rights_no_secrets_in_sight_and_a_bound(story: Story, cluster: Cluster) -> None:
    for pod in cluster.seen.values():
        (container,) = pod.spec.containers
        assert container.args[0] in ("compute", "season")
        assert story.stack.s3.secret_key not in str(pod)
        assert pod.spec.security_context.run_as_non_root
        assert container.security_context.read_only_root_filesystem
        assert container.security_context.capabilities.drop == ["ALL"]
        assert not pod.spec.automount_service_account_token
        assert container.resources.limits["memory"] == container.resources.requests["memory"]
        assert pod.spec.active_deadline_seconds == 7200


@pytest.mark.parametrize(
    ("change", "field_id", "day", "said"),
    [
        (no_node_fits, "field_1", FIRST, r"pod ndvi-compute-\w+ did not start: Unschedulable: 0/\d+ nodes"),
        (no_image, "field_2", FIRST, r"pod ndvi-compute-\w+ did not start: (ErrImagePull|ImagePullBackOff): .*ndvi:"),
        (too_much_memory, "field_1", SECOND, r"exit code 137 \(OOMKilled\): growing; (\d+) MB .* gets (\d+)"),
    ],
)
def test_a_failed_try_says_why(
    person: Person, template: Callable[[Change], Any], change: Change, field_id: str, day: Any, said: str
) -> None:
    cell = Cell(person, day, field_id)
    with template(change):
        cell.until("up_for_retry", cell.clear(), f"{field_id}: {said}")


def test_a_defect_is_not_tried_again(person: Person, template: Callable[[Change], Any]) -> None:
    cell = Cell(person, SECOND, "field_2")
    with template(a_defect):
        cell.until("failed", cell.clear(), r"field_2: exit code 1 \(Error\): RuntimeError: not as planned")
    cell.clear()


def test_a_pod_that_is_killed_half_way_is_tried_again(story: Story, person: Person, cluster: Cluster) -> None:
    cell = Cell(person, SECOND, "field_4")
    with slow_scenes(story):
        number = cell.clear()
        cluster.kill(person.until(lambda: cluster.running("field_4", str(SECOND)), "a pod", poll=0.2))
        cell.until("up_for_retry", number, "ndvi-compute")


def test_another_triggerer_takes_over(
    story: Story, person: Person, cluster: Cluster, overrides: dict[str, str]
) -> None:
    cell = Cell(person, THIRD, "field_1")
    with slow_scenes(story):
        number = cell.clear()
        person.until(lambda: cluster.running("field_1", str(THIRD)), "a pod", poll=0.2)
        cell.until("deferred", number)
        load(Running, story.stack.settings.home / "run" / "triggerer.json").daemon.stop(signal.SIGKILL)
    local.up(story.stack.settings, print, overrides)
    cell.until("success", number)


def test_an_outage_of_s3_is_waited_out(story: Story, person: Person, overrides: dict[str, str]) -> None:
    cell = Cell(person, THIRD, "field_2")
    story.stack.s3.stop()
    try:
        said = r"field_2: exit code 75 \(Error\): .* ERROR cannot read s3://ndvi/runs/.*orders/\d+.parquet"
        cell.until("up_for_retry", cell.clear(), said)
    finally:
        local.up(story.stack.settings, print, overrides)


def test_all_of_them_are_healed_and_nothing_has_changed(
    story: Story, person: Person, cluster: Cluster, tmp_path: Path
) -> None:
    assert {run["state"] for run in person.until_quiet(DAILY)} == {"success"}
    assert person.published() == story.without_airflow(tmp_path)
    grown = [
        int(pod.spec.containers[0].resources.limits["memory"].removesuffix("M"))
        for pod in cluster.seen.values()
        if (pod.metadata.labels["field"], pod.metadata.labels["day"]) == ("field_1", str(SECOND))
    ]
    assert max(grown) == 2 * min(grown)
    assert cluster.core.list_namespaced_pod(cluster.namespace).items == []

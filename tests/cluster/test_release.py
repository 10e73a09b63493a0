"""The official chart with the local values on a real cluster: it comes up, and an uploaded field gets its day."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client
from support.chart import Release, archive, install
from support.cluster import Cluster
from support.person import CATCH_UP, DAILY, REGISTRATION, Person
from support.release import a_release
from support.story import PASSES, Story

DAGS = Path(__file__).parents[2] / "dags"
DAY = PASSES[0]


@pytest.fixture(scope="module")
def image() -> dict[str, str]:
    """The values that name the image."""
    if "NDVI_AIRFLOW_IMAGE" not in os.environ:
        pytest.skip("needs a cluster that has our Airflow: make test-cluster NDVI_CHART=airflow-1.22.0.tgz")
    repository, _, tag = os.environ["NDVI_AIRFLOW_IMAGE"].rpartition(":")
    return {"defaultAirflowRepository": repository, "defaultAirflowTag": tag}


@pytest.fixture(scope="module")
def chart(image: dict[str, str]) -> bytes:
    return archive()


@pytest.fixture(scope="module")
def release(chart: bytes, image: dict[str, str], cluster: Cluster) -> Release:
    return install(chart, "common", "local", image, namespace=cluster.namespace)


@pytest.fixture(scope="module")
def story(release: Release, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    settings = {"NDVI_EXECUTION": "kubernetes", "NDVI_START_DATE": str(DAY), "NDVI_END_DATE": str(DAY)}
    with a_release(release, cluster, tmp_path_factory.mktemp("release"), **settings) as told:
        yield told


@pytest.fixture
def person(story: Story) -> Person:
    return story.person


def test_all_that_the_chart_makes_of_the_values_is_ready(release: Release, story: Story, cluster: Cluster) -> None:
    deployments = client.AppsV1Api().list_namespaced_deployment(cluster.namespace).items
    jobs = client.BatchV1Api().list_namespaced_job(cluster.namespace).items
    assert {one.metadata.name for one in (*deployments, *jobs)} == dict(release.pods()).keys()
    assert [one.metadata.name for one in deployments if one.status.ready_replicas != one.spec.replicas] == []
    assert [one.metadata.name for one in jobs if one.status.succeeded != 1] == []


def test_airflow_is_healthy_and_has_all_of_our_dags(person: Person) -> None:
    expected = {path.name for path in DAGS.glob("*.py")}
    person.until(lambda: expected <= person.parsed_files().keys(), "the DAGs")
    assert person.import_errors() == []
    assert person.healthy(since=0)


def test_a_field_that_is_uploaded_gets_its_day_from_a_pod(
    story: Story, person: Person, cluster: Cluster, tmp_path: Path
) -> None:
    person.upload("staticdata/config/bbox.geojson", story.stack.season.extent.read_bytes())
    person.upload("staticdata/fields/pending/first.geojson", story.file_of("field_1"))
    for dag_id in (REGISTRATION, CATCH_UP):
        person.unpause(dag_id)
    person.until(lambda: story.registered() == ["field_1"], "the field")
    person.until_quiet(CATCH_UP)
    person.unpause(DAILY)
    (run,) = person.until_quiet(DAILY)
    assert run["state"] == "success"

    (task,) = person.computed(DAILY, run["dag_run_id"]).values()
    (pod,) = (one for one in cluster.seen.values() if "field" in one.metadata.labels)
    assert (pod.metadata.labels["field"], pod.metadata.labels["day"]) == ("field_1", str(DAY))
    assert pod.metadata.name in person.log(DAILY, run["dag_run_id"], task)  # read from the bucket
    assert person.published() == story.without_airflow(tmp_path, [DAY])


def test_no_container_had_to_be_started_again(story: Story, cluster: Cluster) -> None:
    """None needed more memory than the values give it, and no probe was too impatient."""
    pods = cluster.core.list_namespaced_pod(cluster.namespace).items
    counts = {
        f"{pod.metadata.name}/{one.name}": one.restart_count for pod in pods for one in pod.status.container_statuses
    }
    assert {name: count for name, count in counts.items() if count} == {}

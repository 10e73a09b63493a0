"""The official chart with our local values, installed in a namespace; its servers are on this machine."""

import asyncio
import json
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from kubernetes import client, utils
from kubernetes.client import V1ObjectMeta
from kubernetes.client.exceptions import ApiException
from support.chart import WORKLOADS, Release
from support.cluster import Cluster
from support.laptop import a_stack_without_airflow
from support.person import POLL_SECONDS, Person
from support.story import Story

from ndvi_airflow.local.processes import listening, spawn, wait_until
from ndvi_airflow.local.stack import Stack

API_SERVER = "airflow-api-server"
API_PORT = 8080
HEADLESS = "None"
"""What Kubernetes has as the address of a Service without one."""
READY_WITHIN_SECONDS = 480
LOG_LINES = 15


@contextmanager
def a_release(release: Release, cluster: Cluster, folder: Path, **overrides: str) -> Iterator[Story]:
    """Yield the story of an Airflow that the chart has brought up, with these settings of the pipeline.

    Args:
        release: rendered for the cluster's namespace.
        cluster: the namespace, which has no release yet.
        folder: for a log.
        overrides: settings besides those of the sample season.
    """
    if shutil.which("kubectl") is None:
        pytest.skip("needs kubectl, whose port-forward leads to the API server")
    with a_stack_without_airflow("sample", **overrides) as stack, _reachable(stack) as address:
        _configure(cluster, stack, *address)
        _create(release, cluster)
        _wait_until_ready(cluster)
        with _port_forward(cluster, stack.settings.airflow_port, folder / "port-forward.log"):
            engine = stack.engine()
            yield Story(stack, Person(stack), engine)
            engine.dispose()


def _configure(cluster: Cluster, stack: Stack, host: str, port: int) -> None:
    """Make the objects that `helm-values/README.md` lists, with PostgreSQL at that address."""
    for database in ("airflow", "ndvi"):
        stack.postgres.url(database)  # makes it
    registry = {"conn_type": "postgres", "host": host, "port": port, "login": "postgres", "schema": "ndvi"}
    options = stack.variables
    connections = {
        "AIRFLOW_CONN_NDVI_REGISTRY": json.dumps(registry),
        "AIRFLOW_CONN_NDVI_S3": options["AIRFLOW_CONN_NDVI_S3"],
    }
    airflow = {
        "connection": f"postgresql+psycopg2://postgres@{host}:{port}/airflow",
        "fernet-key": options["AIRFLOW__CORE__FERNET_KEY"],
        "api-secret-key": options["AIRFLOW__API__SECRET_KEY"],
        "jwt-secret": options["AIRFLOW__API_AUTH__JWT_SECRET"],
    }
    settings = {name: value for name, value in options.items() if name.startswith(("NDVI_", "STAC_"))}
    cluster.configure(stack.s3)
    cluster.core.create_namespaced_config_map(
        cluster.namespace, client.V1ConfigMap(metadata=V1ObjectMeta(name="ndvi"), data=settings)
    )
    for name, data in (("ndvi-connections", connections), ("airflow", airflow)):
        secret = client.V1Secret(metadata=V1ObjectMeta(name=name), string_data=data)
        cluster.core.create_namespaced_secret(cluster.namespace, secret)


def _create(release: Release, cluster: Cluster) -> None:
    """Create what the chart has made, the pods last, as Helm does.

    Not by Helm itself: its library installs by server-side apply only, which old API servers (1.20) refuse for ports
    that name no protocol.
    """
    api = client.ApiClient()
    workloads = [one for one in release.manifests if one["kind"] in WORKLOADS]
    for manifest in release.manifests:
        if manifest not in workloads:
            utils.create_from_dict(api, manifest, namespace=cluster.namespace)
    aliases = _aliases(cluster)
    for _, pod in release.pods():
        pod["hostAliases"] = aliases
    for manifest in workloads:
        utils.create_from_dict(api, manifest, namespace=cluster.namespace)


def _aliases(cluster: Cluster) -> list[dict[str, Any]]:
    """Return the names and addresses of the Services, for pods of a cluster that has no name server."""
    if cluster.core.list_namespaced_service("kube-system", label_selector="k8s-app=kube-dns").items:
        return []
    services = cluster.core.list_namespaced_service(cluster.namespace).items
    return [
        {"ip": one.spec.cluster_ip, "hostnames": [one.metadata.name]}
        for one in services
        if one.spec.cluster_ip != HEADLESS
    ]


def _wait_until_ready(cluster: Cluster) -> None:
    """Wait until each Deployment has all of its pods ready and each Job is done, or fail with what the others say."""
    apps, batch, end = client.AppsV1Api(), client.BatchV1Api(), time.monotonic() + READY_WITHIN_SECONDS
    while True:
        deployments = apps.list_namespaced_deployment(cluster.namespace).items
        jobs = batch.list_namespaced_job(cluster.namespace).items
        unready = [one.metadata.name for one in deployments if one.status.ready_replicas != one.spec.replicas]
        unready += [one.metadata.name for one in jobs if not one.status.succeeded]
        if not unready:
            return
        if time.monotonic() > end:
            said = "\n".join(_last_words(cluster))
            pytest.fail(f"not ready within {READY_WITHIN_SECONDS} s: {', '.join(unready)}\n{said}")
        time.sleep(POLL_SECONDS)


def _last_words(cluster: Cluster) -> Iterator[str]:
    """Yield the state of each container that is not ready, and the end of its log."""
    for pod in cluster.core.list_namespaced_pod(cluster.namespace).items:
        for one in (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ())):
            if not one.ready:
                yield f"{pod.metadata.name}/{one.name}: {one.state}"
                with suppress(ApiException):  # it has not begun
                    yield cluster.core.read_namespaced_pod_log(
                        pod.metadata.name, cluster.namespace, container=one.name, tail_lines=LOG_LINES
                    )


@contextmanager
def _port_forward(cluster: Cluster, port: int, log: Path) -> Iterator[None]:
    """Let the API server be at that port of this machine for a while."""
    command = ["kubectl", "--namespace", cluster.namespace, "port-forward", f"service/{API_SERVER}"]
    daemon = spawn([*command, f"{port}:{API_PORT}"], log)
    try:
        wait_until(lambda: listening(port), "kubectl port-forward", daemon, log)
        yield
    finally:
        daemon.stop()


@contextmanager
def _reachable(stack: Stack) -> Iterator[tuple[str, int]]:
    """Yield an address of PostgreSQL that pods reach: itself it listens on a socket in a folder only."""
    (folder_socket,) = stack.postgres.sockets.glob(".s.PGSQL.*[0-9]")
    listener, done = socket.create_server((stack.settings.host, 0)), Event()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_unix_connection(folder_socket)
        await asyncio.gather(_carry(reader, questions), _carry(answers, writer))

    async def serve() -> None:
        server = await asyncio.start_server(connect, sock=listener)
        await asyncio.to_thread(done.wait)
        server.close()

    thread = Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        done.set()
        thread.join()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on all that comes until either side has ended."""
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()

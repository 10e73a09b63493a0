"""A namespace in the cluster of the kubeconfig, with the rights from the repository, and its pods."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from uuid import uuid4

from kubernetes import client, config, utils, watch
from kubernetes.client import CoreV1Api, V1ObjectMeta, V1Pod

from ndvi_airflow.local.services import S3

RBAC = Path(__file__).parents[2] / "helm-values" / "rbac.yaml"
AIRFLOW, COMPUTE = "ndvi-airflow", "ndvi-compute"
TOKEN_SECONDS = 7200


@dataclass(frozen=True)
class Cluster:
    """A namespace, as its administrator sees it."""

    core: CoreV1Api
    namespace: str
    kubeconfig: Path
    """File with the credentials of the account that Airflow gets."""
    seen: dict[str, V1Pod] = field(default_factory=dict)
    """All pods so far, in their last known state, by name."""

    def configure(self, s3: S3) -> None:
        """Give the compute pods their environment."""
        public = {"AWS_ENDPOINT_URL": s3.url, "AWS_REGION": s3.environment["AWS_REGION"], "NDVI_LOG_LEVEL": "INFO"}
        secret = {"AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key}
        metadata = V1ObjectMeta(name=COMPUTE)
        self.core.create_namespaced_config_map(self.namespace, client.V1ConfigMap(metadata=metadata, data=public))
        self.core.create_namespaced_secret(self.namespace, client.V1Secret(metadata=metadata, string_data=secret))

    def running(self, name: str, day: str) -> V1Pod | None:
        """Return the pod that computes a field's day, once its container runs."""
        selector = f"field={name},day={day}"
        for pod in self.core.list_namespaced_pod(self.namespace, label_selector=selector).items:
            if pod.metadata.deletion_timestamp is None and pod.status.phase == "Running":
                return pod
        return None

    def kill(self, pod: V1Pod) -> None:
        """Remove a pod as if its node had died."""
        self.core.delete_namespaced_pod(pod.metadata.name, self.namespace, grace_period_seconds=0)

    def follow(self) -> None:
        """Keep `seen` up to date until the namespace is deleted."""
        for event in watch.Watch().stream(self.core.list_namespaced_pod, self.namespace):
            self.seen[event["object"].metadata.name] = event["object"]


@contextmanager
def a_namespace(folder: Path) -> Iterator[Cluster]:
    """Yield a new namespace with the accounts and the Role of `helm-values/rbac.yaml`, and delete it afterwards."""
    config.load_kube_config()
    core, name = CoreV1Api(), f"ndvi-test-{uuid4().hex[:8]}"
    core.create_namespace(client.V1Namespace(metadata=V1ObjectMeta(name=name)))
    try:
        utils.create_from_yaml(client.ApiClient(), str(RBAC), namespace=name)
        kubeconfig = folder / "kubeconfig.json"
        kubeconfig.write_text(json.dumps(_kubeconfig(core, name)))
        cluster = Cluster(core, name, kubeconfig)
        Thread(target=cluster.follow, daemon=True).start()
        yield cluster
    finally:
        core.delete_namespace(name)


def _kubeconfig(core: CoreV1Api, namespace: str) -> dict[str, object]:
    """Return a kubeconfig with a token of Airflow's account, and no other right."""
    wanted = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=TOKEN_SECONDS)
    )
    token = core.create_namespaced_service_account_token(AIRFLOW, namespace, wanted).status.token
    known = client.Configuration.get_default_copy()
    authority = b64encode(Path(known.ssl_ca_cert).read_bytes()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": known.host, "certificate-authority-data": authority}}],
        "users": [{"name": AIRFLOW, "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": AIRFLOW, "namespace": namespace}}],
    }

"""What the official chart makes of our values; needs its archive and Helm's library (`make test-chart`)."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.chart import HELM_VALUES, Release, archive, install

ROOT = HELM_VALUES.parent
KUBERNETES = ("1.30", "1.35")
"""The oldest version that the chart takes, and a later one."""


BOOTSTRAP = {
    "dags": {"persistence": {"enabled": True, "existingClaim": "airflow-dags", "accessMode": "ReadWriteMany"}},
    "createUserJob": {"useHelmHooks": False, "applyCustomEnv": False},
    "migrateDatabaseJob": {"useHelmHooks": False, "applyCustomEnv": False},
}
"""What Hydrosat's bootstrap sets of the chart."""


@pytest.fixture(scope="module")
def chart() -> bytes:
    return archive()


@pytest.fixture(scope="module", params=["local", "production"])
def release(request: pytest.FixtureRequest, chart: bytes) -> Release:
    return install(chart, "common", request.param)


@pytest.fixture(scope="module")
def production(chart: bytes) -> Release:
    return install(chart, "common", "production")


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_manifest(release: Release, version: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    ours = [
        manifest
        for name in ("rbac", "network-policy", "bootstrap-s3")
        for manifest in yaml.safe_load_all((HELM_VALUES / f"{name}.yaml").read_text())
    ]
    for manifest in (*release.manifests, *ours):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_no_value_is_deprecated(release: Release) -> None:
    warned = release.notes.split("DEPRECATION WARNING:")[1:]
    assert [text for text in warned if "gitSync" not in text] == []  # of a default, which we do not use


def test_pods_are_as_the_restricted_level_asks(release: Release) -> None:
    for name, pod in release.pods():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
    for name, container in release.containers():
        assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name


def test_each_container_says_what_it_takes(release: Release) -> None:
    for name, container in release.containers():
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
        assert "memory" in container["resources"]["limits"], name


def test_only_who_starts_compute_pods_has_a_token(release: Release) -> None:
    accounts = {
        one["metadata"]["name"]: one.get("automountServiceAccountToken", True)
        for one in release.manifests
        if one["kind"] == "ServiceAccount"
    }
    accounts["ndvi-airflow"] = True
    with_token = {
        name
        for name, pod in release.pods()
        if pod.get("automountServiceAccountToken", accounts[pod["serviceAccountName"]])
    }
    runs_tasks = "airflow-worker" if "airflow-worker" in dict(release.pods()) else "airflow-scheduler"
    assert with_token == {runs_tasks, "airflow-triggerer"}
    assert {dict(release.pods())[name]["serviceAccountName"] for name in with_token} == {"ndvi-airflow"}
    assert [one for one in release.manifests if one["kind"] in ("Role", "RoleBinding")] == []


def secret_arguments(release: Release) -> Iterator[str]:
    """Yield the containers that get a variable, which comes from a Secret, in their command line."""
    for name, container in release.containers():
        secret = {one["name"] for one in container.get("env", ()) if "secretKeyRef" in one.get("valueFrom", {})}
        words = " ".join((*(container.get("command") or ()), *(container.get("args") or ())))
        if secret & set(re.findall(r"\$\(?\{?(\w+)", words)):
            yield name


def test_no_secret_is_an_argument_but_that_of_redis(release: Release) -> None:
    assert set(secret_arguments(release)) <= {"airflow-redis/redis"}  # docs/deployment.md says so


def test_logs_of_running_tasks_are_asked_for_by_address(release: Release) -> None:
    config = release.one("ConfigMap", "airflow-config")["data"]["airflow.cfg"]
    assert "hostname_callable = airflow.utils.net.get_host_ip_address" in config.splitlines()


def test_the_migration_job_outlives_the_wait_of_a_release_and_is_removed_by_its_name(release: Release) -> None:
    (job,) = (one for one in release.manifests if one["kind"] == "Job")
    assert job["spec"]["ttlSecondsAfterFinished"] > 15 * 60
    removal = f"delete job {job['metadata']['name']} --ignore-not-found"
    assert removal in (ROOT / "docs/deployment.md").read_text()
    assert removal in (ROOT / "terraform/modules/ndvi_platform/main.tf").read_text()


def test_slow_nodes_have_five_minutes_to_start(release: Release) -> None:
    for name in ("api-server", "scheduler"):
        (container,) = dict(release.pods())[f"airflow-{name}"]["containers"][:1]
        probe = container["startupProbe"]
        assert probe["failureThreshold"] * probe["periodSeconds"] == 300
        assert probe["timeoutSeconds"] == 60


def test_who_reads_metrics_reaches_them(production: Release) -> None:
    (rule,) = production.one("NetworkPolicy", "airflow-statsd-policy")["spec"]["ingress"]
    assert {"namespaceSelector": {"matchLabels": {"ndvi/metrics": "true"}}} in rule["from"]
    assert {"protocol": "TCP", "port": 9102} in rule["ports"]


@pytest.mark.skipif(shutil.which("terraform") is None, reason="the terraform command is not on this machine")
def test_whoever_talks_to_the_database_verifies_it(chart: bytes, tmp_path: Path) -> None:
    """The values that Terraform adds on AWS, evaluated by Terraform itself, reach every pod."""
    module = ROOT / "terraform/modules/ndvi_platform"
    source = (module / "main.tf").read_text().replace("${path.module}/../../../helm-values", str(HELM_VALUES))
    own = source[source.index("locals {") : source.index('resource "kubernetes_namespace_v1"')]
    values = source[source.index("  values = concat(") : source.index("  depends_on = [")]
    (tmp_path / "main.tf").write_text(f"{own}\nlocals {{\n{values}}}\n")
    (tmp_path / "variables.tf").write_text((module / "variables.tf").read_text())
    given = {
        "airflow_image": {"repository": "example/ndvi-airflow", "tag": "1.0.0"},
        "compute_image": "example/ndvi:1.0.0",
        "values": [(HELM_VALUES / "production.yaml").read_text()],
        "log_folder": "s3://example/logs",
        "kubectl_context": "example",
        "database_ca": "-----BEGIN CERTIFICATE-----",
    }
    (tmp_path / "terraform.tfvars.json").write_text(json.dumps(given))
    command = ["terraform", f"-chdir={tmp_path}", "console"]
    done = subprocess.run(command, input="jsonencode(local.values)\n", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    release = install(chart, *(yaml.safe_load(one) for one in json.loads(json.loads(done.stdout))))

    verify = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/opt/ndvi/database-ca/ca.pem"}
    talks = {
        name: one
        for name, one in release.containers()
        if "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" in {variable["name"] for variable in one.get("env", ())}
    }
    assert {name.partition("/")[0] for name in talks} == dict(release.pods()).keys() - {
        "airflow-redis",
        "airflow-statsd",
    }
    for name, one in talks.items():
        assert verify.items() <= {variable["name"]: variable.get("value") for variable in one["env"]}.items(), name
        assert "/opt/ndvi/database-ca" in {mount["mountPath"] for mount in one["volumeMounts"]}, name


def test_the_bootstrap_gets_our_airflow_and_keeps_its_dags_and_its_user(chart: bytes) -> None:
    release = install(chart, BOOTSTRAP, "bootstrap")
    pods = dict(release.pods())
    assert pods.keys() == {
        f"airflow-{name}"
        for name in (
            *("api-server", "dag-processor", "scheduler", "triggerer"),
            *("postgresql", "run-airflow-migrations", "create-user"),
        )
    }
    images = {one["image"] for name, one in release.containers() if "postgresql" not in name}
    assert images == {"ndvi-airflow:bootstrap"}
    for name in ("airflow-scheduler", "airflow-triggerer"):
        assert pods[name]["serviceAccountName"] == "ndvi-airflow"
    for name in ("airflow-scheduler", "airflow-dag-processor"):
        assert {"name": "dags", "persistentVolumeClaim": {"claimName": "airflow-dags"}} in pods[name]["volumes"]
    (migrate,) = pods["airflow-run-airflow-migrations"]["containers"]
    assert migrate["args"][-1].endswith("airflow ndvi migrate")
    assert "AIRFLOW_CONN_NDVI_REGISTRY" in {one["name"] for one in migrate["env"]}


def test_the_list_of_keys_is_the_charts(chart: bytes) -> None:
    from helm_python import Chart

    listed: dict[str, Any] = yaml.safe_load((ROOT / "tests/data/airflow_chart_1.22.0_keys.yaml").read_text())
    with Chart.load_archive(chart) as loaded:
        published = loaded.values
    assert listed.keys() <= published.keys()

"""The official Airflow chart with values of `helm-values/`, rendered by Helm's own library."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from os import environ
from pathlib import Path
from typing import Any

import pytest
import yaml

HELM_VALUES = Path(__file__).parents[2] / "helm-values"
WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")


@dataclass(frozen=True)
class Release:
    """What Helm would install."""

    manifests: list[dict[str, Any]]
    notes: str
    """What Helm tells whoever installs it."""

    def pods(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the name of each workload and its pods' spec."""
        for one in self.manifests:
            if one["kind"] in WORKLOADS:
                spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
                yield one["metadata"]["name"], spec["template"]["spec"]

    def containers(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, pod in self.pods():
            for container in (*pod.get("initContainers", ()), *pod["containers"]):
                yield f"{name}/{container['name']}", container

    def one(self, kind: str, name: str) -> dict[str, Any]:
        (found,) = (one for one in self.manifests if (one["kind"], one["metadata"]["name"]) == (kind, name))
        return found


def archive() -> bytes:
    """Return the chart's archive, whose digest is in the documents, or skip."""
    pytest.importorskip("helm_python", reason="needs Helm's library: make test-chart NDVI_CHART=airflow-1.22.0.tgz")
    if "NDVI_CHART" not in environ:
        pytest.skip("needs the chart's archive: make test-chart NDVI_CHART=airflow-1.22.0.tgz")
    data = Path(environ["NDVI_CHART"]).read_bytes()
    assert sha256(data).hexdigest() in (HELM_VALUES / "README.md").read_text(), "not the chart that README.md names"
    return data


def install(archive: bytes, *values: str | dict[str, Any], namespace: str = "ndvi") -> Release:
    """Return what the chart makes of values, of which the later ones count; Helm refuses those that its schema does.

    Args:
        archive: the chart.
        values: names of files in `helm-values/`, or values themselves.
        namespace: that of the release.
    """
    from helm_python import Chart

    merged: dict[str, Any] = {}
    for one in values:
        _merge(merged, yaml.safe_load((HELM_VALUES / f"{one}.yaml").read_text()) if isinstance(one, str) else one)
    with Chart.load_archive(archive) as chart:
        chart.validate_schema(merged)
        files = chart.render(merged, name="airflow", namespace=namespace)
    manifests = [
        manifest
        for name, text in files.items()
        if name.endswith(".yaml")
        for manifest in yaml.safe_load_all(text)
        if isinstance(manifest, dict)
    ]
    (notes,) = (text for name, text in files.items() if name == "airflow/templates/NOTES.txt")
    return Release(manifests, notes)


def _merge(values: dict[str, Any], later: dict[str, Any]) -> None:
    for key, value in later.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = value

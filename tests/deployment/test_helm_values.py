"""Our values for the official Airflow chart against the keys that the chart and Airflow publish."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.providers.celery.get_provider_info import get_provider_info as celery_provider

ROOT = Path(__file__).parents[2]
CHART = yaml.safe_load((ROOT / "tests/data/airflow_chart_1.22.0_keys.yaml").read_text())
AHEAD = {"scheduler": {"batch_asset_events"}}
"""Options of Airflow 3.4 that 3.3 does not document."""
FILES = ("common", "local", "production", "bootstrap")
"""Files of values; the other files in the folder are manifests."""


def load(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / f"helm-values/{name}.yaml").read_text())


def manifests(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / f"helm-values/{name}.yaml").read_text()))


def unknown(values: dict[str, Any], published: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the paths that are in the values, but not among the published keys."""
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        if key not in published:
            yield here
        elif isinstance(published[key], dict) and isinstance(value, dict):
            yield from unknown(value, published[key], here)


def paths(values: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        yield from paths(value, here) if isinstance(value, dict) else [here]


@pytest.fixture(scope="module")
def airflow_options() -> dict[str, Any]:
    """The sections and options that the installed Airflow documents, with those of the executor of production."""
    (package,) = find_spec("airflow").submodule_search_locations
    file = Path(package) / "config_templates" / "config.yml"
    sections = yaml.safe_load(file.read_text()) | celery_provider()["config"]
    return {name: section["options"] for name, section in sections.items()}


@pytest.mark.parametrize("name", FILES)
def test_the_chart_publishes_every_key(name: str, airflow_options: dict[str, Any]) -> None:
    values = load(name)
    config = values.pop("config", {})
    options = {
        section: dict.fromkeys(
            {*airflow_options.get(section, ()), *CHART["config"].get(section, ()), *AHEAD.get(section, ())}
        )
        for section in {*airflow_options, *CHART["config"]}
    }
    assert list(unknown(values, CHART)) == []
    assert list(unknown(config, options)) == []


def test_uploads_that_wait_are_one_run_in_airflow_3_4_too() -> None:
    assert load("common")["config"]["scheduler"]["batch_asset_events"] == "True"


@pytest.mark.parametrize("misspelt", [{"schedular": {}}, {"scheduler": {"replica": 2}}, {"redis": {"pass": "x"}}])
def test_a_key_that_the_chart_does_not_publish_is_found(misspelt: dict[str, Any]) -> None:
    assert list(unknown(misspelt, CHART)) != []


@pytest.mark.parametrize("name", ["local", "production"])
def test_an_environment_says_only_what_differs_from_what_is_common(name: str) -> None:
    common, values = load("common"), load(name)
    for path in set(paths(common)) & set(paths(values)):
        assert at(common, path) != at(values, path), path


def test_the_overlay_for_the_bootstrap_says_what_is_common() -> None:
    common, overlay = load("common"), load("bootstrap")
    theirs = {"defaultAirflowTag"}
    for path in set(paths(common)) & set(paths(overlay)) - theirs:
        assert at(common, path) == at(overlay, path), path


def at(values: dict[str, Any], path: str) -> Any:
    for key in path.split("."):
        values = values[key]
    return values


def test_the_chart_deploys_the_airflow_that_the_tests_ran_with() -> None:
    assert load("common")["airflowVersion"] == version("apache-airflow")


def test_components_that_run_tasks_have_the_account_that_may_start_pods() -> None:
    accounts = {one["metadata"]["name"] for one in manifests("rbac") if one["kind"] == "ServiceAccount"}
    (binding,) = [one for one in manifests("rbac") if one["kind"] == "RoleBinding"]
    (launcher,) = binding["subjects"]
    assert launcher["name"] in accounts
    common = load("common")
    named = {
        "worker": common["workers"]["celery"]["serviceAccount"],
        "triggerer": common["triggerer"]["serviceAccount"],
        "scheduler of the LocalExecutor": load("local")["scheduler"]["serviceAccount"],
    }
    assert {who: (account["create"], account["name"]) for who, account in named.items()} == dict.fromkeys(
        named, (False, launcher["name"])
    )
    # With the CeleryExecutor it runs no task.
    assert load("production")["scheduler"]["serviceAccount"] == {"automountServiceAccountToken": False}


def test_components_are_found_by_their_address() -> None:
    """A Deployment's pods have no name that leads to them, and Airflow asks where a task runs for its log."""
    callable_ = load("common")["config"]["core"]["hostname_callable"]
    module, _, name = callable_.rpartition(".")
    ip_address(getattr(import_module(module), name)())


def reachable(address: str, port: int) -> bool:
    """Whether the policy lets compute pods talk to an address."""
    (policy,) = manifests("network-policy")
    for rule in policy["spec"]["egress"]:
        blocks = [one["ipBlock"] for one in rule.get("to", ())]
        inside = not blocks or any(
            ip_address(address) in ip_network(block["cidr"])
            and not any(ip_address(address) in ip_network(one) for one in block.get("except", ()))
            for block in blocks
        )
        if inside and port in {one["port"] for one in rule["ports"]}:
            return True
    return False


@pytest.mark.parametrize(
    ("address", "port", "expected"),
    [
        ("52.92.0.1", 443, True),  # S3
        ("10.100.0.10", 53, True),  # the cluster's name server
        ("169.254.170.23", 80, True),  # the agent of EKS Pod Identity: keys of the pod's own role
        ("169.254.169.254", 80, False),  # the metadata service: keys of the node's role
        ("169.254.169.254", 443, False),
        ("10.0.0.7", 5432, False),  # the database
    ],
)
def test_compute_pods_reach_what_they_need_and_nothing_else(address: str, port: int, expected: bool) -> None:
    assert reachable(address, port) == expected


def test_the_values_hold_no_secret() -> None:
    words = ("password", "pass", "secretkey", "fernetkey", "jwtsecret", "brokerurl", "connection")
    for name in FILES:
        assert [path for path in paths(load(name)) if path.rpartition(".")[2].lower() in words] == []

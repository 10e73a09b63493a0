"""The alert rules and the dashboard against what the code counts and exposes, and against the documents."""

import json
import re
import subprocess
from datetime import date
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml

from ndvi_airflow.exposition import State, families
from ndvi_airflow.metrics import metric_names

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "helm-values" / "monitoring"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
NAME = re.compile(r"\b(?:airflow_ndvi|ndvi_status)_\w+")
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())


@pytest.fixture(scope="module")
def known() -> set[str]:
    """What Prometheus has: of Airflow's metrics under the names that the statsd exporter makes of them."""
    suffixes = {"counter": ("",), "gauge": ("",), "timer": ("", "_sum", "_count")}
    counted = {
        f"airflow_{name.replace('.', '_')}{suffix}"
        for name, kind in metric_names().items()
        for suffix in suffixes[kind]
    }
    state = State((), date(2025, 4, 30), {}, {})
    return counted | {family.name for family in families(state)}


def test_each_metric_of_a_rule_and_of_a_panel_is_there(known: set[str]) -> None:
    expressions = [rule["expr"] for rule in RULES]
    expressions += [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    named = [set(NAME.findall(expression)) for expression in expressions]
    assert all(named), "each expression is about a metric of ours"
    assert set.union(*named) - known == set()


def test_the_dashboard_shows_all_that_is_known(known: set[str]) -> None:
    shown = set(NAME.findall(json.dumps(DASHBOARD)))
    totals = {"airflow_ndvi_order_duration", "ndvi_status_recorded_until_seconds"}
    assert known - shown - totals == set()
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_leads_to_its_paragraph(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
    (paragraph,) = re.findall(rf"^### {name}\n\n(.+?)$", OPERATIONS, re.MULTILINE)
    assert len(paragraph) > 60, "it says what to do"


def test_no_paragraph_is_of_an_alert_that_is_gone() -> None:
    assert set(re.findall(r"^### (Ndvi\w+)$", OPERATIONS, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def test_each_metric_is_documented(known: set[str]) -> None:
    named = set(re.findall(r"`(?:airflow\.)?(ndvi[._][\w.{},]+?)`", OPERATIONS))
    spelt = {one for name in named for one in _alternatives(name)}
    exposed = {name for name in known if name.startswith("ndvi_status_")}
    assert {*metric_names(), *exposed} - spelt == set()


def _alternatives(name: str) -> list[str]:
    """Return what `a.{b,c}` stands for."""
    begin, brace, rest = name.partition("{")
    return [f"{begin}{one}" for one in rest.rstrip("}").split(",")] if brace else [name]


def test_the_rules_fire_when_they_are_to() -> None:
    promtool = which("promtool")
    if promtool is None:
        pytest.skip("promtool is not there: it is in Debian's package prometheus")
    for command in (("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml")):
        done = subprocess.run([promtool, *command], cwd=FOLDER, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

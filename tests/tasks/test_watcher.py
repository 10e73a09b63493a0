"""What is said to have failed, of the states that Airflow's task SDK reports."""

import pytest

from ndvi_airflow.watcher import failed_tasks


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"plan": "success", "compute": "skipped", "record": "success"}, ""),
        ({"find_scenes": "failed", "plan": "upstream_failed", "record": "skipped"}, "find_scenes"),
        (
            {"compute_0": "failed", "compute_1": "success", "compute_10": "failed", "record": "success"},
            "2 of 3 compute",
        ),
        ({"compute_0": "failed", "record": "failed"}, "compute, record"),
    ],
    ids=["none", "one", "mapped", "two"],
)
def test_tasks_that_failed_are_named_and_those_that_could_not_run_are_not(states: dict[str, str], said: str) -> None:
    assert failed_tasks(states) == said

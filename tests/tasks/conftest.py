from collections.abc import Iterator

import pytest
from airflow.providers.common.compat.sdk import Stats
from support.counts import Counted


@pytest.fixture
def counted() -> Iterator[Counted]:
    """What is counted through Airflow's metrics while the test runs."""
    backend = Counted()
    Stats.initialize(factory=lambda: backend, export_legacy_names=False)
    yield backend
    Stats.initialize(factory=Counted, export_legacy_names=False)

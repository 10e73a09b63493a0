"""Which indices a deployment has: what the files of all its days are made with."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from support.models import a_field, an_observation

from ndvi_core.errors import BadInput
from ndvi_core.models.indices import INDICES
from ndvi_core.registry import fields as registry
from ndvi_core.registry import index_sets, ledger, stale_days

FIRST = date(2025, 4, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(3)]


@pytest.fixture
def rows(engine: Engine) -> Engine:
    """A registry with a field that has rows of three days."""
    with engine.begin() as connection:
        registry.upsert_fields(connection, [a_field(plant_date=FIRST)], "file")
        found = [an_observation(a_field(), day) for day in DAYS]
        ledger.upsert_observations(connection, found, datetime(2025, 6, 1, tzinfo=UTC))
    return engine


def register(engine: Engine, *names: str) -> tuple[bool, list[date]]:
    """Return whether the set is new, and the days that it makes stale."""
    with engine.begin() as connection:
        for day in DAYS:
            stale_days.mark_published(connection, day)
        is_new = index_sets.register_indices(connection, names)
        return is_new, stale_days.stale_days(connection)


def test_a_new_set_makes_all_days_stale_and_the_same_set_none(rows: Engine) -> None:
    assert register(rows, "ndvi") == (False, []), "NDVI alone is what there was"
    assert register(rows, "ndmi", "evi2") == (True, DAYS)
    assert register(rows, "evi2", "ndvi", "ndmi") == (False, []), "a set has one order"
    assert register(rows, "evi2") == (True, DAYS)
    with rows.connect() as connection:
        assert index_sets.current_indices(connection) == ("ndvi", "evi2")


@pytest.fixture
def without_cire() -> Iterator[None]:
    """Let the registry of indices be one without CIre, and have its order again afterwards."""
    whole = dict(INDICES)
    del INDICES["cire"]
    yield
    INDICES.clear()
    INDICES.update(whole)


@pytest.fixture
def with_cire(rows: Engine) -> None:
    register(rows, "evi2", "cire")


@pytest.mark.usefixtures("with_cire", "without_cire")
def test_an_index_that_this_version_does_not_know_has_no_columns(rows: Engine) -> None:
    with rows.connect() as connection:
        assert index_sets.current_indices(connection) == ("ndvi", "evi2")


def test_an_unknown_index_is_refused(rows: Engine) -> None:
    with pytest.raises(BadInput, match="unknown index lai"):
        register(rows, "lai")

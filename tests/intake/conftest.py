"""A farm of one field for the tests of its seasons."""

import pytest
from sqlalchemy import Engine
from support.one_field_farm import BARLEY, MAIZE, OneFieldFarm

from ndvi_core.storage.object_store import Store


@pytest.fixture
def farm(store: Store, engine: Engine) -> OneFieldFarm:
    return OneFieldFarm(store, engine)


@pytest.fixture
def rotated(farm: OneFieldFarm) -> OneFieldFarm:
    """Barley, and after it maize; all days have an answer."""
    farm.take_in(**BARLEY)
    farm.compute()
    farm.take_in(**MAIZE)
    return farm

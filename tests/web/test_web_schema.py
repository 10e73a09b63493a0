"""The API answers as its own description says: schemathesis asks every route, with what makes sense and what does not."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)
from support.chance import examples
from support.features import collection, feature
from support.models import a_field, an_observation
from support.web import Server, SignIn

from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger

FIRST = date(2025, 4, 1)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    positive_data_acceptance,
]


@pytest.fixture(scope="module")
def api(server: Server) -> Iterator[schemathesis.BaseSchema]:
    """The description that the running server gives, and a field with rows."""
    wheat = a_field("wheat", plant_date=FIRST)
    with server.engine.begin() as connection:
        registry.upsert_fields(connection, [wheat], "file")
        ledger.upsert_observations(connection, [an_observation(wheat, FIRST)], datetime(2025, 6, 1, tzinfo=UTC))
    yield schemathesis.openapi.from_url(f"{server.url}/ndvi/openapi.json")
    server.empty()


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@examples(20)
def test_answers_are_as_described(case: schemathesis.Case, sign_in: SignIn) -> None:
    headers = {"Authorization": sign_in("admin").headers["Authorization"]}
    case.call_and_validate(headers=headers, checks=CHECKS)


def make_sense(case: schemathesis.Case) -> None:
    """Bring in order what a description cannot say of several values together."""

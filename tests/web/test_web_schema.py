"""The API answers as its own description says: schemathesis asks every route, with sense and without."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode
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


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_answers_are_as_described(api: schemathesis.BaseSchema, sign_in: SignIn, mode: GenerationMode) -> None:
    headers = {"Authorization": sign_in("admin").headers["Authorization"]}
    asked = 0
    for found in api.get_all_operations():
        operation = found.ok()

        @examples(20)
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            make_sense(case)
            case.call_and_validate(headers=headers, checks=CHECKS)

        ask()
        asked += 1
    assert asked >= 17


def make_sense(case: schemathesis.Case) -> None:
    """Bring in order what a description cannot say: of several values together, and of what is a boundary."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    query = case.query or {}
    if case.path == "/api/grid":  # whose cells are limited
        query.update(start="2025-04-01", end="2025-04-09")
    if "start" in query and "end" in query:
        query["start"], query["end"] = sorted((query["start"], query["end"]))
    if "bbox" in query:
        query["bbox"] = "-1,-1,1,1"
    if case.method == "POST":
        case.body = json.loads(collection(feature()))

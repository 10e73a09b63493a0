"""Whatever is sent to the API, by whomever: an answer that says what is wrong, and never an error of the server."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chance import examples
from support.events import an_event, note_events
from support.features import feature
from support.models import a_field, an_observation
from support.spoiled import DAYS, DIGITS, TEXTS, encoded, spoiled, written
from support.web import Server, SignIn

from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger

FIRST = date(2025, 4, 1)
WELL_KNOWN = ("wheat", "2025-04-01", "2025-04-30", "ndvi", "json", "csv", "tif", "0", "1", "true", "a.geojson", "x")
ROLES = (None, "viewer", "admin")
UPLOAD = {
    "type": "FeatureCollection",
    "features": [feature(object_id="a", end_date="2025-09-30"), feature(object_id="b")],
}


class Route(NamedTuple):
    """A documented way to ask."""

    method: str
    path: str
    in_path: tuple[str, ...]
    in_query: tuple[str, ...]


VALUES = (
    st.sampled_from(WELL_KNOWN)
    | st.sampled_from([str(one) for one in (*TEXTS, *DAYS, *DIGITS) if len(str(one)) < 3000])
    | st.text(max_size=10)
)


@pytest.fixture(scope="module")
def routes(server: Server, sign_in: SignIn) -> Iterator[list[Route]]:
    """All routes of the running server's description, and a field with rows."""
    wheat = a_field("wheat", plant_date=FIRST)
    with server.engine.begin() as connection:
        registry.upsert_fields(connection, [wheat], "file")
        ledger.upsert_observations(connection, [an_observation(wheat, FIRST)], datetime(2025, 6, 1, tzinfo=UTC))
    note_events(server.engine, an_event("1", field_id="wheat"))
    described = sign_in(None).get("openapi.json").json()["paths"]
    yield [
        Route(method.upper(), path, _names(operation, "path"), _names(operation, "query"))
        for path, methods in described.items()
        for method, operation in methods.items()
    ]
    server.empty()


def _names(operation: dict[str, Any], place: str) -> tuple[str, ...]:
    return tuple(one["name"] for one in operation.get("parameters", ()) if one["in"] == place)


@pytest.fixture(scope="module")
def clients(sign_in: SignIn) -> dict[str | None, httpx.Client]:
    return {role: sign_in(role) for role in ROLES}


def check(answer: httpx.Response, role: str | None) -> None:
    assert answer.status_code < 500, answer.text
    if role is None:
        assert answer.status_code in (400, 401, 404, 405, 307), answer.text
    elif answer.status_code >= 400 and answer.headers["content-type"] == "application/json":
        said = answer.json()
        assert said.get("detail") or said.get("problems"), said


def escaped(value: str) -> str:
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


@given(data=st.data())
@examples(250)
def test_no_path_and_no_query_is_too_much(
    routes: list[Route], clients: dict[str | None, httpx.Client], data: st.DataObject
) -> None:
    route = data.draw(st.sampled_from(routes))
    path = route.path.lstrip("/").format(**{name: escaped(data.draw(VALUES)) for name in route.in_path})
    names = data.draw(st.lists(st.sampled_from([*route.in_query, "unknown"]), max_size=4))
    query = "&".join(f"{name}={escaped(data.draw(VALUES))}" for name in names)
    role = data.draw(st.sampled_from(ROLES))
    check(clients[role].request(route.method, f"{path}?{query}"), role)


@given(data=st.data())
@examples(100)
def test_no_body_is_too_much(routes: list[Route], clients: dict[str | None, httpx.Client], data: st.DataObject) -> None:
    written_to = [route for route in routes if route.method != "GET"]
    route = data.draw(st.sampled_from(written_to))
    document = UPLOAD if "uploads" in route.path else {"dismissed": True, "note": "seen"}
    body = data.draw(encoded(written(data.draw(spoiled(document)))) | st.binary(max_size=50))
    kind = data.draw(st.sampled_from(["application/geo+json", "application/json", "text/plain", ""]))
    path = route.path.lstrip("/").format(**dict.fromkeys(route.in_path, "1"))
    role = data.draw(st.sampled_from(ROLES))
    answer = clients[role].request(
        route.method, f"{path}?name=a.geojson", content=body, headers={"Content-Type": kind} if kind else {}
    )
    check(answer, role)


@given(
    data=st.data(),
    header=st.sampled_from(["If-None-Match", "Authorization", "Cookie", "Accept", "Origin", "Range"]),
)
@examples(40)
def test_no_header_is_too_much(clients: dict[str | None, httpx.Client], data: st.DataObject, header: str) -> None:
    texts = st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=30)
    value = data.draw(texts | st.sampled_from(["_token=x.y.z", "Bearer x.y.z", 'W/"', "*", "bytes=9-1", "null"]))
    path = data.draw(st.sampled_from(["api/fields", "api/columns/fields", "api/session", "", "map.js", "api/passes"]))
    role = data.draw(st.sampled_from(ROLES))
    answer = clients[role].get(path, headers={header: value.encode("latin-1")})
    assert answer.status_code < 500, answer.text

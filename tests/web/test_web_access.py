"""Who may do what: every route by every role, requests from other sites, and what the headers allow a browser."""

import json

import httpx
import pytest
from support.features import collection, feature
from support.web import Server, SignIn

READS = [
    "api/session",
    "api/extent",
    "api/fields",
    "api/fields/wheat",
    "api/fields/a.b",
    "api/grid",
    "api/indices",
    "api/fields/wheat/observations",
    "api/observations?field_ids=wheat",
    "api/standings",
    "api/events",
    "api/fields/wheat/overlays/2025-04-01.png",
    "api/fields/wheat/overlays/2025-04-01.json",
    "api/fields/wheat/pixels/2025-04-01",
    "api/fields/wheat/rasters",
    "api/fields/wheat/zones",
    "pictures/wheat/2025-04-01.png",
    "orders/ndvi_daily/x/0",
    "api/passes",
    "api/revisions",
    "api/columns/fields",
    "api/columns/grid?start=2025-04-01&end=2025-04-02",
]
WRITES = ["api/uploads/check", "api/uploads?name=a.geojson"]
GEOJSON = {"Content-Type": "application/geo+json"}


def documented(server: Server, sign_in: SignIn) -> dict[str, set[str]]:
    """Return the methods of every documented path."""
    return {path: set(methods) for path, methods in sign_in(None).get("openapi.json").json()["paths"].items()}


def test_every_documented_route_refuses_nobody_in_particular(server: Server, sign_in: SignIn) -> None:
    nobody = sign_in(None)
    values = {
        "field_id": "wheat",
        "day": "2025-04-01",
        "dag_id": "ndvi_daily",
        "run_id": "x",
        "map_index": "0",
        "event_id": "0",
        "scene_id": "x",
    }
    routes = documented(server, sign_in)
    assert len(routes) >= 12
    for path, methods in routes.items():
        for method in methods:
            answer = nobody.request(method, path.lstrip("/").format(**values), content=b"{}", headers=GEOJSON)
            assert answer.status_code == 401, (method, path)


@pytest.mark.parametrize("path", READS + WRITES)
def test_a_made_up_token_is_refused(sign_in: SignIn, path: str) -> None:
    client = sign_in(None)
    client.headers["Authorization"] = "Bearer x.y.z"
    answer = client.request("POST" if path in WRITES else "GET", path, content=b"{}", headers=GEOJSON)
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize("cookie", [False, True], ids=["header", "cookie"])
@pytest.mark.parametrize(("role", "writes"), [("viewer", False), ("user", True), ("op", True), ("admin", True)])
def test_every_role_may_read_and_a_viewer_may_not_upload(
    sign_in: SignIn, role: str, writes: bool, cookie: bool
) -> None:
    client = sign_in(role, cookie=cookie)
    assert all(client.get(path).status_code not in (401, 403) for path in READS)
    session = client.get("api/session").json()
    assert (session["user"], session["may_upload"], session["may_recompute"]) == (role, writes, writes)
    for path in WRITES:
        answer = client.post(path, content=b"{}", headers=GEOJSON)
        assert (answer.status_code == 403) is not writes
        assert writes or "the right to trigger the DAG field_registration" in answer.json()["detail"]


def test_without_a_role_nothing_may_be_read_and_it_is_said_why(sign_in: SignIn) -> None:
    for path in READS:
        answer = sign_in("guest").get(path)
        assert answer.status_code == 403
        assert "the right to read the DAG ndvi_daily" in answer.json()["detail"]


def test_the_rights_of_the_session_are_those_that_airflow_grants(server: Server, sign_in: SignIn) -> None:
    for role in ("viewer", "user"):
        client = sign_in(role)
        run = client.post(f"{server.url}/api/v2/dags/ndvi_recompute/dagRuns", json={"logical_date": None})
        assert (run.status_code != 403) is client.get("api/session").json()["may_recompute"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://localhost"]
)
def test_another_sites_page_cannot_upload_with_the_users_cookie(sign_in: SignIn, server: Server, origin: str) -> None:
    client = sign_in("user", cookie=True)
    for path in WRITES:
        answer = client.post(path, content=collection(feature()), headers={**GEOJSON, "Origin": origin})
        assert answer.status_code == 403
    assert list(server.bucket.list("staticdata/fields/pending/")) == []


def test_our_own_page_can(sign_in: SignIn, server: Server) -> None:
    client = sign_in("user", cookie=True)
    answer = client.post(WRITES[0], content=collection(feature()), headers={**GEOJSON, "Origin": server.url})
    assert answer.status_code == 200


def test_another_sites_page_is_not_let_in_by_the_server(sign_in: SignIn) -> None:
    answer = sign_in("user").options(
        WRITES[0], headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert "access-control-allow-origin" not in answer.headers


def test_the_page_asks_for_a_login_and_comes_back(sign_in: SignIn, server: Server) -> None:
    answer = sign_in(None).get("?view=days")
    assert answer.status_code == 307
    login = answer.next_request.url
    assert (login.path, dict(login.params)) == ("/api/v2/auth/login", {"next": "/ndvi/?view=days"})
    led = httpx.get(login, trust_env=False)
    assert led.status_code == 307
    assert "next=%2Fndvi%2F%3Fview%3Ddays" in led.headers["Location"]


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def test_a_browser_may_load_nothing_from_elsewhere_but_the_tiles(sign_in: SignIn) -> None:
    for role, path in (("viewer", ""), ("viewer", "api/session"), (None, "api/session"), ("viewer", "icon.svg")):
        answer = sign_in(role).get(path)
        allowed = policy(answer)
        assert allowed["default-src"] == ["'none'"]
        assert allowed["frame-ancestors"] == ["'self'"]
        assert allowed["script-src"] == allowed["style-src"] == allowed["connect-src"] == ["'self'"]
        assert allowed["img-src"] == ["'self'", "data:", "blob:", "https://tiles.example"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-cache" in answer.headers["Cache-Control"]


def test_the_page_and_its_files_are_served_and_revalidated(sign_in: SignIn) -> None:
    viewer = sign_in("viewer")
    page = viewer.get("")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for path, kind in (("", "text/html"), ("main.js", "javascript"), ("page.css", "text/css"), ("icon.svg", "svg")):
        answer = viewer.get(path)
        assert answer.status_code == 200
        assert kind in answer.headers["Content-Type"]
        again = viewer.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["../ndvi_plugin.py", "%2e%2e/app.py", "..%2fapp.py", "%2fetc/passwd", "static/app.py"]
)
def test_no_file_but_those_of_the_page_is_served(sign_in: SignIn, path: str) -> None:
    answer = sign_in("admin").get(httpx.URL(f"{sign_in(None).base_url}{path}"))
    assert "ndvi_airflow" not in answer.text
    assert "root:" not in answer.text


def test_the_page_is_in_airflows_navigation(sign_in: SignIn, server: Server) -> None:
    plugins = sign_in("admin").get(f"{server.url}/api/v2/plugins").json()["plugins"]
    (view,) = (view for plugin in plugins if plugin["name"] == "ndvi" for view in plugin["external_views"])
    assert (view["name"], view["destination"], view["url_route"]) == ("NDVI fields", "nav", "ndvi-fields")
    for path in (view["href"], view["icon"], view["icon_dark_mode"]):
        assert sign_in("viewer").get(f"{server.url}/{path}").status_code == 200


def test_answers_are_documented_with_their_models(sign_in: SignIn) -> None:
    described = sign_in("viewer").get("openapi.json").json()
    json.dumps(described)
    fields = described["paths"]["/api/fields"]["get"]["responses"]["200"]["content"]["application/geo+json"]["schema"]
    assert fields["$ref"].endswith("/FieldCollection")
    assert {"Observation", "FieldStatus", "Problem", "DayGrid", "Session"} <= set(described["components"]["schemas"])


def test_errors_have_one_shape(sign_in: SignIn) -> None:
    ask = sign_in("viewer").get
    for path in ("api/grid?start=0", "api/fields?limit=0&offset=-1", "api/fields/a.b", "api/fields/nobody"):
        assert set(ask(path).json()) == {"detail"}
        assert isinstance(ask(path).json()["detail"], str)
    assert ask("api/grid?start=0").json()["detail"] == "query.start: Value error, a day is written YYYY-MM-DD"

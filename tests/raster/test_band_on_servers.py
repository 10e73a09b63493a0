"""Bands on servers: what may pass and what may not, signatures, and S3."""

import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from support.scenes import red_only, whole, write_raster

from ndvi_airflow.local.services import S3
from ndvi_core.errors import NdviError, SceneUnreachable, SceneUnreadable
from ndvi_core.models.scene import Scene
from ndvi_core.raster import signing
from ndvi_core.raster.band import open_band
from ndvi_core.storage.object_store import Store

PIXELS = np.random.default_rng(7).integers(1, 10_000, (83, 61), dtype=np.uint16)


class Misbehaving(BaseHTTPRequestHandler):
    """Serves a file below `/<behaviour>/`; what is asked for with a Range beyond the header may go wrong."""

    protocol_version = "HTTP/1.1"
    path_served: Path

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        behaviour, query = self.path.split("/")[1], self.path.partition("?")[2]
        whole = self.path_served.read_bytes()
        if behaviour == "half":
            whole = whole[: len(whole) // 2]
        wanted = self.headers.get("Range")
        first, last = (int(part) for part in wanted.removeprefix("bytes=").split("-")) if wanted else (0, len(whole))
        body, header_is_read = whole[first : last + 1], first > 0
        status = 206 if wanted else 200
        if behaviour.isdigit():
            status, body = int(behaviour), b""
        if behaviour == "late-503" and header_is_read:
            status, body = 503, b""
        if behaviour == "signed" and query != "sig=secret":
            status, body = 403, b""
        if behaviour == "drop" or (behaviour == "late-drop" and header_is_read):
            self.close_connection = True
            return
        if behaviour == "late-garbage" and header_is_read:
            body = bytes(len(body))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{first + len(body) - 1}/{len(whole)}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of one raster, far longer than what is read of it at first."""
    pixels = np.random.default_rng(1).integers(1, 60_000, (512, 512), dtype=np.uint16)
    path = tmp_path_factory.mktemp("served") / "B04.tif"
    handler = type(
        "Handler", (Misbehaving,), {"path_served": write_raster(path, pixels, blockxsize=256, blockysize=256)}
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")


@pytest.mark.usefixtures("no_retries")
@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ("404", SceneUnreadable),
        ("403", SceneUnreadable),
        ("410", SceneUnreadable),
        ("429", SceneUnreachable),
        ("500", SceneUnreachable),
        ("502", SceneUnreachable),
        ("503", SceneUnreachable),
        ("504", SceneUnreachable),
        ("drop", SceneUnreachable),
        ("late-503", SceneUnreachable),
        ("late-drop", SceneUnreachable),
        ("late-garbage", SceneUnreadable),
    ],
)
def test_what_can_pass_is_told_from_what_is_wrong(url: str, behaviour: str, error: type[NdviError]) -> None:
    with pytest.raises(SceneUnreadable) as raised:
        whole(open_band(red_only(f"{url}/{behaviour}/B04.tif?sig=secret"), "red"))
    assert type(raised.value) is error
    assert str(raised.value).startswith(f"scene S2A: red {url}/{behaviour}/B04.tif: ")
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None, "GDAL's own message, with the token, would be in the task's log"


@pytest.mark.usefixtures("no_retries")
@pytest.mark.parametrize("host", ["127.0.0.1:1", "user:secret@127.0.0.1:1"])
def test_a_server_that_is_not_there_may_be_later(host: str) -> None:
    with pytest.raises(SceneUnreachable, match=r"127\.0\.0\.1") as raised:
        open_band(red_only(f"http://{host}/B04.tif"), "red")
    assert "secret" not in str(raised.value)


@pytest.mark.usefixtures("no_retries")
@pytest.mark.parametrize(
    "href", ["http://no-such-host.invalid/B04.tif", "http://[::1/B04.tif", "http://127.0.0.1:x/B04.tif"]
)
def test_an_address_that_leads_nowhere_leads_nowhere_later(href: str) -> None:
    with pytest.raises(SceneUnreadable) as raised:
        open_band(red_only(href), "red")
    assert not isinstance(raised.value, SceneUnreachable)


@pytest.mark.usefixtures("no_retries")
def test_a_space_in_an_address_does_not_pass(url: str) -> None:
    with pytest.raises(SceneUnreadable) as raised:
        whole(open_band(red_only(f"{url}/404/a folder/B04.tif"), "red"))
    assert not isinstance(raised.value, SceneUnreachable)


@pytest.mark.usefixtures("no_retries")
def test_a_file_that_ends_too_soon_will_not_grow(url: str) -> None:
    """The server has but the file's first half, which looks to GDAL as a connection that broke."""
    with closing(open_band(red_only(f"{url}/half/B04.tif"), "red")) as band:
        with pytest.raises(SceneUnreadable) as raised:
            whole(band)
        assert not isinstance(raised.value, SceneUnreachable)


@pytest.mark.usefixtures("no_retries")
def test_a_server_that_is_away_is_asked_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    usual = Misbehaving.do_GET

    def count(self: Misbehaving) -> None:
        asked.append(self.path)
        usual(self)

    monkeypatch.setattr(Misbehaving, "do_GET", count)
    with closing(open_band(red_only(f"{url}/late-503/B04.tif"), "red")) as band:
        with pytest.raises(SceneUnreachable):
            band.read((0, 0))
        before = len(asked)
        with pytest.raises(SceneUnreachable):
            band.read((1, 1))
    assert len(asked) == before


def test_a_passing_failure_is_tried_again_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.01")
    answers = iter([503, 503])
    usual = Misbehaving.send_response

    def fail_twice(self: Misbehaving, status: int, message: str | None = None) -> None:
        usual(self, next(answers, status), message)

    monkeypatch.setattr(Misbehaving, "send_response", fail_twice)
    with closing(open_band(red_only(f"{url}/flaky/B04.tif"), "red")) as band:
        assert band.read((1, 1)).shape == (256, 256)


def test_hrefs_are_signed_before_they_are_read(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = red_only(f"{url}/signed/B04.tif")
    with pytest.raises(SceneUnreadable, match="403"):
        open_band(scene, "red")
    monkeypatch.setattr(signing, "sign", lambda href: f"{href}?sig=secret")
    with closing(open_band(scene.model_copy(update={"signing": "planetary-computer"}), "red")) as band:
        assert "secret" not in band.name
        byte_range = band.byte_range((1, 0))
        assert byte_range is not None, "it is read by ranges"
        found = band.fetch(byte_range, [(1, 0)])
        assert found is not None
        np.testing.assert_array_equal(found[0], band.read((1, 0)))


def test_a_refused_signature_names_the_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(href: str) -> str:
        raise SceneUnreadable("no token for the container")

    monkeypatch.setattr(signing, "sign", refuse)
    scene = red_only("https://a.example/B04.tif").model_copy(update={"signing": "planetary-computer"})
    with pytest.raises(SceneUnreadable, match=r"^scene S2A: red https://a\.example/B04\.tif: no token"):
        open_band(scene, "red")


def _on_s3(store: Store, tmp_path: Path) -> Scene:
    store.write("scenes/B04.tif", write_raster(tmp_path / "B04.tif", PIXELS).read_bytes())
    return red_only(store.uri("scenes/B04.tif"))


def test_s3_is_read_with_the_usual_variables(s3_store: Store, tmp_path: Path) -> None:
    with closing(open_band(_on_s3(s3_store, tmp_path), "red")) as band:
        np.testing.assert_array_equal(whole(band), PIXELS)


def test_scenes_may_be_on_another_s3_than_the_products(
    s3_store: Store, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = _on_s3(s3_store, tmp_path)
    for name, value in s3.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(f"NDVI_SCENE_{name}", value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the products")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the products")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of the products")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:1")
    with closing(open_band(scene, "red")) as band:
        np.testing.assert_array_equal(whole(band), PIXELS)


@pytest.mark.usefixtures("no_retries")
def test_s3_failures_are_told_apart(s3_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = _on_s3(s3_store, tmp_path)
    with pytest.raises(SceneUnreadable, match=r"scene S2A: red s3://ndvi/.*/none\.tif"):
        open_band(red_only(s3_store.uri("scenes/none.tif")), "red")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(SceneUnreachable):
        open_band(scene.model_copy(update={"red": s3_store.uri("scenes/other.tif")}), "red")

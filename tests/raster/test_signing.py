"""Hrefs of the Planetary Computer get a token of their container, asked for once and renewed before it expires."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from support.replay import Answer, Asked, replay

from ndvi_core.errors import SceneUnreadable, TryAgain
from ndvi_core.raster.signing import Signer
from ndvi_core.support import json_api as api

HREF = "https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/52/C/DV/T52CDV_B04_10m.tif"
OTHER_HREF = "https://other.blob.core.windows.net/tiles/B04.tif"


def token(request: Asked, minutes: float = 45) -> Answer:
    expiry = datetime.now(UTC) + timedelta(minutes=minutes)
    name = request.path.strip("/").replace("/", "-")
    return Answer({"msft:expiry": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"), "token": f"se=soon&sig={name}"})


def test_a_token_is_asked_for_once_for_each_container() -> None:
    with replay(token) as server:
        signer = Signer(server.url)
        assert signer.sign(HREF) == f"{HREF}?se=soon&sig=sentinel2l2a01-sentinel2-l2"
        assert signer.sign(HREF.replace("B04", "B08")).endswith("B08_10m.tif?se=soon&sig=sentinel2l2a01-sentinel2-l2")
        assert signer.sign(OTHER_HREF) == f"{OTHER_HREF}?se=soon&sig=other-tiles"
    assert [request.path for request in server.asked] == ["/sentinel2l2a01/sentinel2-l2", "/other/tiles"]


def test_threads_share_one_token() -> None:
    with replay(token) as server, ThreadPoolExecutor(8) as threads:
        signer = Signer(server.url)
        signed = set(threads.map(signer.sign, [HREF] * 32))
    assert len(signed) == len(server.asked) == 1


def test_a_token_is_renewed_before_it_expires() -> None:
    with replay(lambda request: token(request, minutes=4)) as server:
        signer = Signer(server.url)
        signer.sign(HREF)
        signer.sign(HREF)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "href",
    [
        f"{HREF}?se=2026&sig=abc",
        "https://sentinel-cogs.s3.us-west-2.amazonaws.com/B04.tif",
        "s3://eodata/Sentinel-2/B04.jp2",
        "/scenes/B04.tif",
    ],
)
def test_what_needs_no_token_stays_as_it_is(href: str) -> None:
    assert Signer("http://127.0.0.1:1/nobody-is-asked").sign(href) == href


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer({"detail": "no such container"}, 404), "sentinel2-l2: .* answers 404"),
        (Answer({"detail": "odd"}), "cannot sign hrefs in sentinel2l2a01/sentinel2-l2"),
        (Answer("<html>"), "does not answer in JSON"),
    ],
)
def test_a_refused_token_makes_the_scene_unreadable(answer: Answer, problem: str) -> None:
    with replay(lambda request: answer) as server, pytest.raises(SceneUnreadable, match=problem):
        Signer(server.url).sign(HREF)


def test_a_token_api_that_is_busy_is_tried_again_and_then_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BACKOFF_SECONDS", 0)
    with replay(lambda request: Answer("busy", 429)) as server, pytest.raises(TryAgain, match=r"answers 429: busy"):
        Signer(server.url).sign(HREF)
    assert len(server.asked) == 1 + api.RETRIES

"""The pictures of passes that the map lies on: which there are, where they lie, and that they are sent once."""

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.orders import make_order, put_order
from support.scenes import make_scene, pixel_box, write_raster
from support.web import Ask, Server, SignIn

from ndvi_core.compute import run_order
from ndvi_core.models.work_order import Passes

DAYS = (date(2025, 3, 31), date(2025, 4, 2), date(2025, 5, 5))
NAME = "S2A_32TPS_{:%Y%m%d}_0_L2A"
FIRST = f"api/passes/{DAYS[0]}/{NAME.format(DAYS[0])}"


@pytest.fixture(scope="module", autouse=True)
def _passes(server: Server, s3_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Pictures of three days as a compute task draws them, and an object that is none of ours."""
    folder: Path = tmp_path_factory.mktemp("scenes")
    image = write_raster(folder / "TCI.tif", np.full((3, 40, 40), 90, np.uint8))
    scenes = [make_scene(folder, day=day).model_copy(update={"visual": str(image)}) for day in DAYS]
    order = make_order({"wheat": pixel_box(5, 5, 20, 20)}, scenes, store=server.bucket)
    passes = Passes(uri=server.bucket.uri("passes"), scenes=(0, 1, 2))
    run_order(put_order(server.bucket, order.model_copy(update={"passes": passes})))
    server.bucket.write("passes/2025-04/notes.json", b"{}")
    yield
    server.empty()


@pytest.fixture(scope="module")
def ask(sign_in: SignIn) -> Ask:
    """Ask for something as a viewer."""
    client = sign_in("viewer")
    return lambda path, **headers: client.get(path, headers=headers)


def test_the_pictures_of_a_period_are_listed(ask: Ask) -> None:
    found = ask("api/passes?start=2025-03-31&end=2025-05-04").json()
    assert found == [{"day": str(day), "scene_id": NAME.format(day)} for day in DAYS[:2]]
    assert ask("api/passes?start=2025-04-01&end=2025-05-05").json()[-1]["day"] == str(DAYS[2])
    assert len(ask("api/passes?start=2000-01-01&end=2025-12-31").json()) == len(DAYS)


def test_a_picture_is_sent_once(ask: Ask) -> None:
    answer = ask(f"{FIRST}.webp")
    assert answer.headers["Content-Type"] == "image/webp"
    assert np.asarray(Image.open(io.BytesIO(answer.content)))[20, 20, :3].tolist() == pytest.approx([90] * 3, abs=3)
    again = ask(f"{FIRST}.webp", **{"If-None-Match": f'W/"other", W/{answer.headers["ETag"]}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    assert ask(f"{FIRST}.webp", **{"If-None-Match": '"other"'}).status_code == 200


def test_a_picture_says_where_it_lies(ask: Ask) -> None:
    about = ask(f"{FIRST}.json").json()
    (west, north), (east, south) = about["corners"]["top_left"], about["corners"]["bottom_right"]
    assert (about["tile"], about["scene_id"]) == ("32TPS", NAME.format(DAYS[0]))
    assert (west, south) == pytest.approx((10.29, 46.04), abs=0.01)
    assert east - west == pytest.approx(400 / (111_320 * np.cos(np.radians(46.04))), rel=0.03)
    assert north - south == pytest.approx(400 / 111_150, rel=0.03)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"api/passes/{DAYS[1]}/{NAME.format(DAYS[0])}.webp", 404, "no picture of S2A_32TPS_20250331"),
        (f"api/passes/{DAYS[1]}/nothing.json", 404, "no picture of nothing"),
        ("api/passes?start=2025-04-02&end=2025-04-01", 422, "before the start"),
    ],
)
def test_what_is_not_there_is_said(ask: Ask, path: str, status: int, said: str) -> None:
    answer = ask(path)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_a_statement_that_is_damaged_is_said(ask: Ask, server: Server) -> None:
    server.bucket.write("passes/2025-05/2025-05-06/broken.json", b"{")
    answer = ask("api/passes/2025-05-06/broken.json")
    assert answer.status_code == 502
    assert "remove it" in answer.json()["detail"]


def test_who_may_not_see_the_days_sees_no_pictures(sign_in: SignIn) -> None:
    assert sign_in(None).get("api/passes").status_code == 401
    assert sign_in(None).get(f"{FIRST}.webp").status_code == 401

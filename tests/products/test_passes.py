"""The true-colour pictures of passes: where their pixels lie, what is left out, and that no number needs them."""

import io
import logging
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pyproj import Transformer
from support.orders import MANIFEST_KEY, make_order, put_order
from support.scenes import EPSG, LEFT, SIZE, TOP, make_scene, pixel_box, write_raster

from ndvi_core.compute import run_order
from ndvi_core.errors import SceneUnreadable
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import Manifest, Passes, WorkOrder
from ndvi_core.products.pass_picture import MOST_PIXELS, PassPicture, draw_pass
from ndvi_core.storage.object_store import Store

RADIUS = 6_378_137.0
"""Of the sphere of Web Mercator, metres (EPSG:3857)."""
LARGE = 2400
GREY, RED = 90, (250, 20, 20)
NAME = "S2A_32TPS_20220610_0_L2A"
FOLDER = "passes/2022-06/2022-06-10"


def image(folder: Path, size: int, patch: tuple[slice, slice], **profile: object) -> str:
    """Write a grey true-colour image with a red patch, and nothing in the uppermost tenth."""
    pixels = np.full((3, size, size), GREY, np.uint8)
    pixels[(slice(None), *patch)] = np.array(RED).reshape(3, 1, 1)
    pixels[:, : size // 10] = 0
    return str(write_raster(folder / "TCI.tif", pixels, **profile))


def drawn(scene: Scene, extent: str | None = None) -> tuple[NDArray[np.uint8], PassPicture]:
    result = draw_pass(scene, extent)
    assert result is not None
    return np.asarray(Image.open(io.BytesIO(result[0])).convert("RGBA")), result[1]


def middle_of_red(pixels: NDArray[np.uint8], about: PassPicture) -> tuple[float, float]:
    """Return where the red patch lies on the map, longitude and latitude, by the formula of the Mercator projection."""
    rows, columns = np.nonzero((pixels[..., 0] > 170) & (pixels[..., 1] < 60))
    (west, north), (east, south) = about.corners.top_left, about.corners.bottom_right
    height, width = pixels.shape[:2]
    upper, lower = (math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2)) for latitude in (north, south))
    y = upper + (rows.mean() + 0.5) / height * (lower - upper)
    return west + (columns.mean() + 0.5) / width * (east - west), math.degrees(2 * math.atan(math.exp(y)) - math.pi / 2)


@pytest.mark.parametrize("has_extent", [False, True], ids=["of the whole, coarser", "within an extent, at 10 m"])
def test_a_known_point_lies_where_it_should(tmp_path: Path, has_extent: bool) -> None:
    row, column, side = 1501, 804, 48
    patch = (slice(row, row + side), slice(column, column + side))
    href = image(tmp_path, LARGE, patch, driver="COG", blocksize=512, tiled=None, blockxsize=None, blockysize=None)
    scene = make_scene(tmp_path).model_copy(update={"visual": href})
    to_degrees = Transformer.from_crs(EPSG, 4326, always_xy=True).transform
    there = to_degrees(LEFT + 10 * (column + side / 2), TOP - 10 * (row + side / 2))
    around = (there[0] - 0.02, there[1] - 0.015, there[0] + 0.025, there[1] + 0.02)
    extent = ",".join(map(repr, around)) if has_extent else None
    pixels, about = drawn(scene, extent)
    pixel = 10 if has_extent else 40
    assert pixels.shape[0] * pixels.shape[1] < 1.2 * MOST_PIXELS
    (west, north), (east, south) = about.corners.top_left, about.corners.bottom_right
    degree = math.radians(1) * RADIUS
    width_metres = (east - west) * degree * math.cos(math.radians(there[1]))
    assert width_metres / pixels.shape[1] == pytest.approx(pixel, rel=0.05)
    longitude, latitude = middle_of_red(pixels, about)
    metres = (longitude - there[0]) * degree * math.cos(math.radians(there[1])), (latitude - there[1]) * degree
    assert math.hypot(*metres) < pixel / 2
    if extent:
        assert [west, south, east, north] == pytest.approx(list(around), abs=1e-9)
    else:
        corners = [to_degrees(LEFT + 10 * x, TOP - 10 * y) for x in (0, LARGE) for y in (0, LARGE)]
        assert west == pytest.approx(min(x for x, _ in corners), abs=1e-4)
        assert south == pytest.approx(min(y for _, y in corners), abs=1e-3)


def test_an_extent_of_nearly_the_whole_world_takes_nothing_from_a_scene(tmp_path: Path) -> None:
    scene = make_scene(tmp_path).model_copy(update={"visual": image(tmp_path, 100, (slice(50, 60), slice(50, 60)))})
    whole, of_whole = drawn(scene)
    pixels, about = drawn(scene, "-179.0,-89.0,179.0,89.0")
    assert about.corners == of_whole.corners
    assert np.array_equal(pixels, whole)


def test_where_there_is_no_data_the_picture_is_transparent(tmp_path: Path) -> None:
    scene = make_scene(tmp_path).model_copy(update={"visual": image(tmp_path, 100, (slice(50, 60), slice(50, 60)))})
    pixels, _ = drawn(scene)
    height, width = pixels.shape[:2]
    assert pixels[height // 20, width // 2, 3] == 0
    assert pixels[height // 2, width // 4].tolist() == pytest.approx([GREY, GREY, GREY, 255], abs=4)


def test_of_a_scene_elsewhere_there_is_no_picture(tmp_path: Path) -> None:
    scene = make_scene(tmp_path).model_copy(update={"visual": image(tmp_path, 40, (slice(0, 1), slice(0, 1)))})
    assert draw_pass(scene, "20.0,40.0,21.0,41.0") is None


@pytest.mark.parametrize("what", ["none", "one band"])
def test_what_is_no_true_colour_image_is_refused(tmp_path: Path, what: str) -> None:
    scene = make_scene(tmp_path)
    if what == "one band":
        scene = scene.model_copy(update={"visual": scene.scl})
    with pytest.raises(SceneUnreadable, match="true-colour image" if what == "none" else "three bands"):
        draw_pass(scene, None)


@pytest.fixture
def order(tmp_path: Path, store: Store) -> WorkOrder:
    """One field in one scene with a picture."""
    patch = (slice(20, 30), slice(20, 30))
    scene = make_scene(tmp_path, name=NAME).model_copy(update={"visual": image(tmp_path, SIZE, patch)})
    order = make_order({"wheat": pixel_box(10, 10, 10, 10)}, [scene], store=store)
    return order.model_copy(update={"passes": Passes(uri=store.uri("passes"), scenes=(0,))})


def test_a_task_draws_the_passes_of_its_order_once(store: Store, order: WorkOrder) -> None:
    run_order(put_order(store, order))
    assert [info.key for info in store.list("passes")] == [f"{FOLDER}/{NAME}.json", f"{FOLDER}/{NAME}.webp"]
    about = PassPicture.model_validate_json(store.read(f"{FOLDER}/{NAME}.json"))
    assert (about.scene_id, about.tile) == (NAME, "32TPS")
    store.write(f"{FOLDER}/{NAME}.webp", b"as it was")
    run_order(put_order(store, order))
    assert store.read(f"{FOLDER}/{NAME}.webp") == b"as it was"
    again = order.scenes[0].model_copy(update={"updated": datetime(2022, 7, 1, tzinfo=UTC)})
    run_order(put_order(store, order.model_copy(update={"scenes": (again,)})))
    assert store.read(f"{FOLDER}/{NAME}.webp").startswith(b"RIFF"), "the catalogue has changed the scene"


@pytest.mark.parametrize("fault", ["is gone", "is broken"])
def test_numbers_do_not_need_the_picture(
    store: Store, order: WorkOrder, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    href = Path(order.scenes[0].visual or "")
    if fault == "is gone":
        href.unlink()
    else:
        href.write_bytes(b"II*\0 and no more")
    with caplog.at_level(logging.WARNING):
        run_order(put_order(store, order))
    manifest = Manifest.model_validate_json(store.read(MANIFEST_KEY))
    assert [cell.status for cell in manifest.cells] == ["computed"]
    assert [message for message in caplog.messages if NAME in message and "no picture of the pass" in message]
    assert list(store.list("passes")) == []

"""The pictures of cells: those that tasks wrote, and those that are drawn when somebody looks at them."""

import html
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from support.orders import make_order, put_order
from support.scenes import DAY, SIZE, lonlat, make_scene, pixel_box
from support.web import Ask, Server

from ndvi_core.compute import run_order
from ndvi_core.models.extent import Extent
from ndvi_core.models.field import Field
from ndvi_core.models.geometry import geometry_hash
from ndvi_core.models.work_order import OrderField
from ndvi_core.registry.fields import upsert_fields
from ndvi_core.storage.object_store import Store

PICTURE = f"pictures/clover/{DAY}.png"
FOLDER = f"fields/clover/{DAY}/"
BOUNDARY = lonlat(pixel_box(3.3, 4.6, 21.2, 12.7).difference(pixel_box(8, 8, 3, 3)))


@pytest.fixture(autouse=True)
def _empty(server: Server) -> Iterator[None]:
    yield
    server.empty()


@pytest.fixture
def computed(tmp_path: Path) -> Store:
    return compute(tmp_path)


def compute(tmp_path: Path, inner_buffer_m: float = 0.0) -> Store:
    """Return what a task wrote of a field with a hole, some of it under cloud, the east of it outside the extent."""
    random = np.random.default_rng(7)
    scl = np.full((SIZE // 2, SIZE // 2), 4, np.uint8)
    scl[2:4, 3:6] = 9
    scene = make_scene(tmp_path, red=random.integers(300, 2000, (SIZE, SIZE)), nir=4000, scl=scl)
    west, south, east, north = BOUNDARY.bounds
    extent = Extent(west=west - 1, south=south - 1, east=west + 0.7 * (east - west), north=north + 1)
    field = OrderField("clover", shapely.intersection(BOUNDARY, extent.polygon), geometry_hash(BOUNDARY))
    store = Store(tmp_path.as_uri())
    order = make_order({"clover": BOUNDARY}, [scene], None, store, inner_buffer_m=inner_buffer_m)
    run_order(put_order(store, order.model_copy(update={"fields": (field,), "extent": str(extent)})))
    return store


def register(server: Server, boundary: BaseGeometry) -> None:
    field = Field(field_id="clover", geometry=boundary, plant_type="clover", plant_date=date(2022, 4, 1))
    with server.engine.begin() as connection:
        upsert_fields(connection, [field], "test")


def put(server: Server, computed: Store, *names: str) -> None:
    for name in names:
        server.bucket.write(f"{FOLDER}{name}", computed.read(f"{FOLDER}{name}"))


def test_a_picture_that_a_task_wrote_is_shown_as_it_is(server: Server, ask: Ask, computed: Store) -> None:
    put(server, computed, "ndvi.png")
    assert ask(PICTURE).content == computed.read(f"{FOLDER}ndvi.png")


def test_a_picture_that_no_task_wrote_is_drawn_as_the_task_would_have(
    server: Server, ask: Ask, computed: Store
) -> None:
    register(server, BOUNDARY)
    put(server, computed, "ndvi.tif", "observation.json")
    answer = ask(PICTURE)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content == computed.read(f"{FOLDER}ndvi.png")


def test_it_is_drawn_without_the_edge_that_the_day_was_computed_without(
    server: Server, ask: Ask, tmp_path: Path
) -> None:
    computed = compute(tmp_path, inner_buffer_m=10)
    register(server, BOUNDARY)
    put(server, computed, "ndvi.tif", "observation.json")
    assert ask(PICTURE).content == computed.read(f"{FOLDER}ndvi.png")


def test_it_is_drawn_with_the_boundary_that_the_day_was_computed_for(server: Server, ask: Ask, computed: Store) -> None:
    register(server, BOUNDARY)
    register(server, lonlat(pixel_box(1, 1, 5, 5)))
    put(server, computed, "ndvi.tif", "observation.json")
    assert ask(PICTURE).content == computed.read(f"{FOLDER}ndvi.png")


def test_the_page_of_a_task_leads_back_to_it_and_on_to_each_field(server: Server, ask: Ask, computed: Store) -> None:
    for key in ("orders/0.parquet", "manifests/0.json"):
        server.bucket.write(f"runs/ndvi_daily/scheduled__{DAY}/{key}", computed.read(f"runs/test/{key}"))
    answer = ask(f"orders/ndvi_daily/scheduled__{DAY}/0")
    links = {answer.url.join(html.unescape(link)) for link in re.findall(r'(?:href|src)="([^"]+)"', answer.text)}
    assert {str(link).removeprefix(server.url) for link in links} == {
        f"/dags/ndvi_daily/runs/scheduled__{DAY}/tasks/compute/mapped/0",
        "/dags/ndvi_daily",
        "/ndvi/",
        f"/ndvi/#field=clover&date={DAY}",
        f"/ndvi/pictures/clover/{DAY}.png",
    }


def test_what_it_cannot_be_drawn_from_is_named(server: Server, ask: Ask, computed: Store) -> None:
    put(server, computed, "ndvi.tif")
    assert ask(PICTURE).status_code == 404
    put(server, computed, "observation.json")
    answer = ask(PICTURE)
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        f"the registry does not have the boundary that clover had on {DAY}",
    )
    server.bucket.write(f"{FOLDER}observation.json", b"{")
    answer = ask(PICTURE)
    assert answer.status_code == 502
    assert "observation.json is not the JSON of an observation" in answer.json()["detail"]

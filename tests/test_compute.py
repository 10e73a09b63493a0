"""Work orders, run over small scenes on disk: what is written, in which order, and what is refused."""

import hashlib
import io
import json
import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import rasterio.mask
from PIL import Image
from rasterio.io import MemoryFile
from support.models import a_scene
from support.orders import MANIFEST_KEY, ORDER_KEY, RESULTS_KEY, make_order, put_order
from support.scenes import EPSG, make_scene, pixel_box

from ndvi_core.compute import run_order
from ndvi_core.errors import BadInput, NotFound, TryAgain
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import Manifest, Products, SceneSet, WorkOrder
from ndvi_core.products.quicklook import quicklook
from ndvi_core.storage.geoparquet import read_observations
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.work_orders import HEADER, write_order

SIZE = 64
"""Rows and columns of the scenes' red bands."""
CLEAR, CLOUDED, BROKEN = date(2025, 6, 1), date(2025, 6, 3), date(2025, 6, 6)
FIELDS = {
    "north": pixel_box(5, 5, 10, 20),
    "south": pixel_box(40.5, 30.5, 20, 20),
    "outside": pixel_box(1000, 1000, 10, 10),
}
NAMES = {"ndvi.tif", "ndvi.png", "observation.json"}


@pytest.fixture
def scenes(tmp_path: Path) -> list[Scene]:
    """A clear scene whose NDVI varies, one with cloud but in the south-east, one whose near infrared is lost."""
    nir = np.random.default_rng(5).integers(1500, 6000, (SIZE, SIZE))
    clear = make_scene(tmp_path, nir=nir, day=CLEAR, size=SIZE)
    classes = np.full((SIZE // 2, SIZE // 2), 9)
    classes[:, 23:] = 4
    clouded = make_scene(tmp_path, scl=classes, day=CLOUDED, size=SIZE)
    broken = make_scene(tmp_path, day=BROKEN, size=SIZE)
    Path(broken.nir).unlink()
    return [clear, clouded, broken]


@pytest.fixture
def order(store: Store, scenes: list[Scene]) -> WorkOrder:
    return make_order(FIELDS, scenes, store=store)


def _run(store: Store, order: WorkOrder) -> Manifest:
    return run_order(put_order(store, order))


def _objects(store: Store) -> dict[str, bytes]:
    return {entry.key: store.read(entry.key) for entry in store.list("")}


def test_every_cell_has_a_row_in_the_orders_order(store: Store, order: WorkOrder) -> None:
    manifest = _run(store, order)
    rows = pq.read_table(io.BytesIO(store.read(RESULTS_KEY))).to_pylist()
    assert [(row["field_id"], row["date"], row["status"]) for row in rows] == [
        ("north", CLEAR, "computed"),
        ("north", CLOUDED, "cloudy"),
        ("north", BROKEN, "failed"),
        ("south", CLEAR, "computed"),
        ("south", CLOUDED, "cloudy"),
        ("south", BROKEN, "failed"),
        ("outside", CLEAR, "no_scene"),
        ("outside", CLOUDED, "no_scene"),
        ("outside", BROKEN, "no_scene"),
    ]
    assert [(cell.field_id, cell.date, cell.status) for cell in manifest.cells] == [
        (row["field_id"], row["date"], row["status"]) for row in rows
    ]
    assert all(row["reason"] for row in rows if row["status"] != "computed")
    assert [row["fingerprint"] for row in rows] == [cell.fingerprint for cell in order.cells]


def test_the_manifest_tells_how_much_was_read(store: Store, scenes: list[Scene]) -> None:
    """The field's 10 x 20 pixels from (5, 5) on are in two blocks of red, two of near infrared, and one of SCL."""
    (clear, *_) = scenes
    usage = _run(store, make_order({"north": FIELDS["north"]}, [clear], store=store)).usage
    size = 0
    for href, blocks in {clear.red: ("0_0", "0_1"), clear.nir: ("0_0", "0_1"), clear.scl: ("0_0",)}.items():
        with rasterio.open(href) as band:
            size += sum(int(band.get_tag_item(f"BLOCK_SIZE_{block}", "TIFF", bidx=1)) for block in blocks)
    assert usage.blocks == 5
    assert size <= usage.bytes < size + 16


def test_manifest_tells_what_is_there(store: Store, order: WorkOrder) -> None:
    manifest = _run(store, order)
    assert Manifest.model_validate_json(store.read(MANIFEST_KEY)) == manifest
    assert manifest.order_sha256 == hashlib.sha256(store.read(ORDER_KEY)).hexdigest()
    written = [manifest.results, *(one for cell in manifest.cells for one in cell.objects)]
    for one in written:
        data = store.read(store.key(one.uri))
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (one.sha256, one.size)
    assert {store.key(one.uri) for one in written} == set(_objects(store)) - {ORDER_KEY, MANIFEST_KEY}


def test_each_cell_has_its_folder(store: Store, order: WorkOrder) -> None:
    manifest = _run(store, order)
    folders = {
        (cell.field_id, cell.date): {store.key(one.uri).rpartition("/")[2] for one in cell.objects}
        for cell in manifest.cells
    }
    assert folders["north", CLEAR] == folders["south", CLEAR] == folders["south", CLOUDED] == NAMES
    assert folders["north", CLOUDED] == folders["outside", CLEAR] == {"observation.json"}
    assert folders["north", BROKEN] == set()
    for row in read_observations(store.read(RESULTS_KEY)):
        if row.status == "failed":
            continue
        content = json.loads(store.read(f"fields/{row.field_id}/{row.date}/observation.json"))
        assert content["ndvi_mean"] == row.ndvi_mean
        assert content["status"] == row.status
        assert [scene["id"] for scene in content["scenes"]] == list(row.scene_ids)
    assert Image.open(io.BytesIO(store.read(f"fields/north/{CLEAR}/ndvi.png"))).format == "PNG"


def test_raster_holds_the_scenes_own_pixels(store: Store, order: WorkOrder, scenes: list[Scene]) -> None:
    """Cut from the bands by rasterio under the same polygon, pixel for pixel."""
    _run(store, order)
    for name in ("north", "south"):
        bands = []
        for href in (scenes[0].red, scenes[0].nir):
            with rasterio.open(href) as dataset:
                cut, transform = rasterio.mask.mask(dataset, [FIELDS[name]], crop=True, all_touched=True, filled=False)
                bands.append(cut[0].astype(float))
        expected = (bands[1] - bands[0]) / (bands[1] + bands[0])
        with MemoryFile(store.read(f"fields/{name}/{CLEAR}/ndvi.tif")) as file, file.open() as dataset:
            assert dataset.crs.to_epsg() == EPSG
            window = dataset.window(*rasterio.transform.array_bounds(*expected.shape, transform))
            found = dataset.read(1, window=window, boundless=True, fill_value=np.nan)
        solid = ~np.ma.getmaskarray(expected) & np.isfinite(found)
        np.testing.assert_allclose(found[solid], expected.data[solid], rtol=1e-6)
        inner = slice(1, -1), slice(1, -1)
        assert solid[inner].all()


def test_a_second_run_writes_the_same_bytes(store: Store, order: WorkOrder) -> None:
    _run(store, order)
    first = _objects(store)
    _run(store, order)
    assert _objects(store) == first


def test_without_products_there_are_only_results(store: Store, order: WorkOrder) -> None:
    manifest = _run(store, order.model_copy(update={"products": None}))
    assert set(_objects(store)) == {ORDER_KEY, RESULTS_KEY, MANIFEST_KEY}
    assert all(cell.objects == () for cell in manifest.cells)
    assert len(read_observations(store.read(RESULTS_KEY))) == len(order.cells)


def test_without_pictures_the_data_are_the_same_and_pictures_of_an_earlier_order_are_removed(
    store: Store, order: WorkOrder
) -> None:
    _run(store, order)
    whole = _objects(store)
    assert order.products
    manifest = _run(store, order.model_copy(update={"products": Products(uri=order.products.uri, pictures=False)}))
    data = {key: content for key, content in whole.items() if key.startswith("fields/") and not key.endswith(".png")}
    assert {key: content for key, content in _objects(store).items() if key.startswith("fields/")} == data
    assert {store.key(written.uri) for cell in manifest.cells for written in cell.objects} == set(data)


def test_an_order_without_cells_has_results_without_rows(store: Store) -> None:
    manifest = _run(store, make_order({}, [], store=store))
    assert manifest.cells == ()
    assert read_observations(store.read(RESULTS_KEY)) == []


def test_pictures_of_a_cell_that_has_no_pixels_any_more_are_removed(
    store: Store, order: WorkOrder, scenes: list[Scene]
) -> None:
    _run(store, order)
    with rasterio.open(scenes[0].scl, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as scl:
        scl.write(np.full(scl.shape, 9, np.uint8), 1)
    _run(store, order)
    assert [key for key in _objects(store) if key.startswith(f"fields/north/{CLEAR}/")] == [
        f"fields/north/{CLEAR}/observation.json"
    ]


def test_a_cell_that_fails_the_second_time_keeps_what_it_had(
    store: Store, order: WorkOrder, scenes: list[Scene]
) -> None:
    _run(store, order)
    before = {key: data for key, data in _objects(store).items() if key.startswith(f"fields/north/{CLEAR}/")}
    Path(scenes[0].red).unlink()
    _run(store, order)
    assert len(before) == 3
    assert before.items() <= _objects(store).items()


def test_a_cell_that_cannot_be_drawn_fails_alone(
    store: Store, order: WorkOrder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def defective(*arguments: Any) -> bytes:
        observation = arguments[-1]
        if observation.field_id == "north" and observation.date == CLEAR:
            raise ZeroDivisionError("of all things")
        return quicklook(*arguments)

    monkeypatch.setattr("ndvi_core.products.cell.quicklook", defective)
    _run(store, order)
    rows = {(row.field_id, row.date): row for row in read_observations(store.read(RESULTS_KEY))}
    assert rows["north", CLEAR].status == "failed"
    assert rows["north", CLEAR].ndvi_mean is None
    assert "ZeroDivisionError: of all things" in str(rows["north", CLEAR].reason)
    assert rows["south", CLEAR].status == "computed"
    assert any(record.exc_info for record in caplog.records)


def test_the_last_line_names_the_failed_cells(store: Store, order: WorkOrder, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ndvi_core"):
        _run(store, order)
    last = caplog.records[-1]
    assert last.levelno == logging.ERROR
    assert f"2 of 9 cells failed: north {BROKEN}, south {BROKEN}: " in last.getMessage()
    assert "_B08.tif" in last.getMessage()


def test_a_server_of_scenes_that_is_away_costs_no_other_cell(store: Store, scenes: list[Scene]) -> None:
    gone = a_scene(CLOUDED, "gone", red="http://127.0.0.1:9/red.tif")
    with pytest.raises(TryAgain, match=r"cells could not be computed for now, .*gone"):
        _run(store, make_order({"north": FIELDS["north"]}, [scenes[0], gone], store=store))
    manifest = Manifest.model_validate_json(store.read(MANIFEST_KEY))
    assert [cell.status for cell in manifest.cells] == ["computed", "failed"]


@pytest.mark.parametrize("place", ["results", "products"])
def test_the_manifest_comes_after_all_else(store: Store, order: WorkOrder, place: str) -> None:
    """What cannot be written, here because its folder's name is a file's, leaves no manifest behind."""
    below_a_file = store.uri(f"{ORDER_KEY}/there/{place}")
    with pytest.raises(BadInput, match=r"cannot make the folder .*/0\.parquet/there"):
        _run(
            store, order.model_copy(update={place: Products(uri=below_a_file) if place == "products" else below_a_file})
        )
    assert not store.exists(MANIFEST_KEY)


def test_a_missing_order_is_named(store: Store) -> None:
    with pytest.raises(NotFound, match=r"nothing\.json does not exist"):
        run_order(store.uri("nothing.json"))


def _with_header(order: WorkOrder, **changes: Any) -> bytes:
    """Return the file of an order with other values in its metadata."""
    table = pq.read_table(pa.BufferReader(write_order(order)))
    metadata = {**table.schema.metadata}
    header = json.loads(metadata[HEADER.encode()])
    metadata[HEADER.encode()] = json.dumps(header | changes).encode()
    return _file(table.replace_schema_metadata(metadata))


def _with_column(order: WorkOrder, name: str, values: pa.Array | None) -> bytes:
    """Return the file of an order with another column, or without it."""
    table = pq.read_table(pa.BufferReader(write_order(order)))
    position = table.schema.get_field_index(name)
    rest = table.remove_column(position)
    return _file(rest if values is None else rest.add_column(position, name, values))


def _with_cell(order: WorkOrder, number: int, **changes: Any) -> bytes:
    cells = list(order.cells)
    cells[number] = cells[number]._replace(**changes)
    return write_order(order.model_copy(update={"cells": tuple(cells)}))


def _with_field(order: WorkOrder, number: int, **changes: Any) -> bytes:
    fields = list(order.fields)
    fields[number] = fields[number]._replace(**changes)
    return write_order(order.model_copy(update={"fields": tuple(fields)}))


def _file(table: pa.Table) -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(table, out)
    return bytes(out.getvalue())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda o: _with_cell(o, 1, date=o.cells[0].date), r"cells\.1: the second of north on 2025-06-01"),
        (lambda o: _with_cell(o, 2, scene_set=SceneSet((9,))), r"cells\.2\.scenes: there is no scene 9 among 3"),
        (lambda o: _with_cell(o, 2, scene_set=SceneSet(())), r"cells\.2\.scenes: none"),
        (
            lambda o: _with_cell(o, 2, scene_set=SceneSet((1,), (0, 1))),
            r"cells\.2\.scenes: the same scene twice among 3",
        ),
        (lambda o: _with_header(o, scene_sets=[]), r"cells\.0\.scene_set: there is no set 0 among 0"),
        (lambda o: _with_header(o, scene_sets="none"), "scene_sets: "),
        (
            lambda o: _with_field(o, 1, field_id="north", geometry_hash=o.fields[0].geometry_hash),
            "fields: the same id with the same boundary twice",
        ),
        (lambda o: _with_field(o, 1, field_id="north"), r"cells\.\d: the second of north on"),
        (lambda o: _with_column(o, "geometry", pa.array([b"no WKB"] * 3)), r"fields\.0\.geometry: not WKB"),
        (lambda o: _with_column(o, "geometry", None), "no column geometry"),
        (lambda o: _with_column(o, "dates", pa.array([["soon"]] * 3)), "dates: the column is "),
        (lambda o: _with_header(o, policy={"mask": "scl@99"}), "no mask policy 'scl@99'"),
        (
            lambda o: _with_header(o, policy={"algorithm_version": "99"}),
            "planned for version 99, but this program computes version 2",
        ),
        (lambda o: _with_header(o, colour="blue"), "colour: "),
        (lambda o: _with_header(o, results="/tmp/results.parquet"), "results: .* is not an s3:// or file:// URI"),
        (lambda o: _with_header(o, manifest="gs://b/manifest.json"), "manifest: .* is not an s3:// or file:// URI"),
        (
            lambda o: _with_header(o, products={"uri": "fields"}),
            "products.uri: 'fields' is not an s3://",
        ),
    ],
    ids=[
        "day twice",
        "unknown scene",
        "no scene",
        "scene twice",
        "no set",
        "sets",
        "id twice",
        "cell twice",
        "WKB",
        "no geometry",
        "days",
        "mask",
        "version",
        "attribute",
        "results",
        "manifest",
        "products",
    ],
)
def test_defects_of_an_order_are_named(
    store: Store, order: WorkOrder, spoil: Callable[[WorkOrder], bytes], message: str
) -> None:
    store.write(ORDER_KEY, spoil(order))
    with pytest.raises(BadInput, match=message):
        run_order(store.uri(ORDER_KEY))
    assert not store.exists(MANIFEST_KEY)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b"PAR1"], ids=repr)
def test_files_that_are_no_order_are_refused(store: Store, data: bytes) -> None:
    store.write(ORDER_KEY, data)
    with pytest.raises(BadInput, match=r"orders/0\.parquet is no work order that can be run: "):
        run_order(store.uri(ORDER_KEY))


def test_a_cell_below_the_smallest_size_is_too_small(store: Store, scenes: list[Scene]) -> None:
    tiny = {"tiny": pixel_box(10.2, 10.2, 0.5, 0.5)}
    _run(store, make_order(tiny, scenes[:1], store=store, min_pixels=1))
    (row,) = read_observations(store.read(RESULTS_KEY))
    assert row.status == "too_small"


@pytest.mark.parametrize("written", ["old new", "new old"])
@pytest.mark.parametrize("sequence", ["old new old", "new old", "old new old new", "new new"])
def test_the_products_of_the_order_that_was_planned_last_stay(
    s3_store: Store, scenes: list[Scene], sequence: str, written: str
) -> None:
    """Whoever is run last, and whose order was written last: an old run may be cleared, two may be under way."""
    made = {
        "old": (scenes[0], "2025-06-10T11:59:59.900000+00:00"),
        "new": (scenes[0].model_copy(update={"baseline": "09.99"}), "2025-06-10T12:00:00+00:00"),
    }
    uris = {}
    for name in written.split():
        scene, planned_at = made[name]
        order = make_order({"north": FIELDS["north"]}, [scene], store=s3_store)
        key = f"runs/{name}/orders/0.parquet"
        s3_store.write(key, write_order(order), metadata={"planned-at": planned_at})
        uris[name] = s3_store.uri(key)
    for name in sequence.split():
        run_order(uris[name])
    assert json.loads(s3_store.read(f"fields/north/{CLEAR}/observation.json"))["baseline"] == "09.99"

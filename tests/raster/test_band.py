"""Reading of bands: rasterio's whole read as the oracle, and what becomes of everything that can be wrong."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from support.models import a_scene
from support.scenes import LEFT, TOP, corner, make_scene, write_raster

from ndvi_airflow.local.services import S3
from ndvi_core.errors import NdviError, SceneUnreachable, SceneUnreadable
from ndvi_core.models.scene import Scene
from ndvi_core.raster import signing
from ndvi_core.raster.band import Band, open_band
from ndvi_core.raster.block_reader import BlockRequest, read_blocks
from ndvi_core.raster.open_scene import OpenScene
from ndvi_core.storage.object_store import Store

PIXELS = np.random.default_rng(7).integers(1, 10_000, (83, 61), dtype=np.uint16)
CLASSES = np.full((42, 31), 4, dtype=np.uint8)


def whole(band: Band) -> np.ndarray:
    """Read all blocks of a band, each once."""
    window = band.layout.window
    pixels = np.zeros(window.shape, band.dtype)
    for row, col in band.layout.blocks(window):
        pixels[band.layout.block_window(row, col).slices_in(window)] = band.read((row, col))
    return pixels


def red_only(href: object) -> Scene:
    return a_scene(scene_id="S2A", red=str(href), nir="/none", scl="/none")


LOSSLESS_JP2 = {"driver": "JP2OpenJPEG", "quality": 100, "reversible": "yes", "compress": None, "tiled": None}

LAYOUTS: dict[str, tuple[dict[str, Any], int]] = {
    "tiles of 16": ({}, 6 * 4),
    "tiles of 32 x 48": ({"blockxsize": 48, "blockysize": 32}, 3 * 2),
    "one tile": ({"blockxsize": 128, "blockysize": 128}, 1),
    "stripes of a row": ({"tiled": False, "blockxsize": None, "blockysize": 1}, 1),
    "stripes of 7 rows": ({"tiled": False, "blockxsize": None, "blockysize": 7}, 1),
    "uncompressed": ({"compress": None}, 6 * 4),
    "LZW": ({"compress": "lzw"}, 6 * 4),
    "ZSTD with predictor": ({"compress": "zstd", "predictor": 2}, 6 * 4),
    "big-endian": ({"endianness": "big"}, 6 * 4),
    "BigTIFF": ({"bigtiff": "yes"}, 6 * 4),
    "no nodata": ({"nodata": None}, 6 * 4),
    "JPEG 2000": (LOSSLESS_JP2 | {"blockxsize": 32, "blockysize": 32}, 3 * 2),
}


@pytest.mark.parametrize(("profile", "blocks"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_all_blocks_together_are_the_raster(tmp_path: Path, profile: dict[str, Any], blocks: int) -> None:
    path = write_raster(tmp_path / ("raster.jp2" if "driver" in profile else "raster.tif"), PIXELS, **profile)
    with rasterio.open(path) as file, closing(open_band(red_only(path), "red")) as band:
        np.testing.assert_array_equal(whole(band), file.read(1))
        assert band.blocks_read == blocks
        assert band.layout.grid.bounds(band.layout.window) == file.bounds


def test_the_compressed_size_of_the_blocks_read_is_counted(tmp_path: Path) -> None:
    plain = write_raster(tmp_path / "plain.tif", PIXELS, compress=None)
    packed = write_raster(tmp_path / "packed.tif", PIXELS // 5000, blockxsize=32, blockysize=32)
    with closing(open_band(red_only(plain), "red")) as band:
        band.read((0, 0))
        band.read((5, 3))
        assert band.bytes_read == 2 * 16 * 16 * 2
    with rasterio.open(packed) as file, closing(open_band(red_only(packed), "red")) as band:
        band.read((1, 1))
        assert band.bytes_read == int(file.get_tag_item("BLOCK_SIZE_1_1", "TIFF", bidx=1)) < 32 * 32 * 2


def test_stripes_are_counted_together(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "stripes.tif", PIXELS, compress=None, tiled=False, blockxsize=None, blockysize=5)
    with closing(open_band(red_only(path), "red")) as band:
        band.read((0, 0))
        assert band.bytes_read == PIXELS.nbytes


def test_missing_blocks_are_nodata_and_cost_nothing(tmp_path: Path) -> None:
    pixels = PIXELS.copy()
    pixels[16:32, :] = 0
    path = write_raster(tmp_path / "sparse.tif", pixels, SPARSE_OK="TRUE")
    with closing(open_band(red_only(path), "red")) as band:
        assert not band.read((1, 2)).any()
        assert band.bytes_read == 0


@pytest.mark.parametrize(
    ("stated", "dtype", "nodata"),
    [(0, "uint16", 0), (None, "uint16", 0), (65535, "uint16", 65535), (-9999, "int16", -9999)],
)
def test_nodata_is_the_files_or_0(tmp_path: Path, stated: int | None, dtype: str, nodata: int) -> None:
    path = write_raster(tmp_path / "raster.tif", PIXELS.astype(dtype), nodata=stated)
    with closing(open_band(red_only(path), "red")) as band:
        assert band.nodata == nodata


UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "three bands": ({"pixels": np.stack([PIXELS] * 3)}, "3 bands, expected 1"),
    "fractions": ({"pixels": PIXELS / 10_000}, "float64, expected whole"),
    "no CRS": ({"crs": None}, "CRS is missing"),
    "a CRS without a code": ({"crs": "+proj=tmerc +lon_0=9.5 +ellps=intl"}, "with an EPSG code"),
    "south-up": ({"transform": Affine(10, 0, LEFT, 0, 10, TOP)}, "not north-up"),
    "turned": ({"transform": Affine(10, 1, LEFT, 1, -10, TOP)}, "not north-up"),
}


@pytest.mark.parametrize(("changes", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unexpected_raster_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write_raster(tmp_path / "B04.tif", **{"pixels": PIXELS} | changes)
    with pytest.raises(SceneUnreadable, match=rf"^scene S2A: red {path}: .*{message}"):
        open_band(red_only(path), "red")


def _shifted(**changes: Any) -> Callable[[Path, Scene], None]:
    def write(path: Path, _: Scene) -> None:
        write_raster(path, **{"pixels": PIXELS} | changes)

    return write


MISMATCHES: dict[str, tuple[str, Callable[[Path, Scene], None], str]] = {
    "NIR is smaller": ("nir", _shifted(pixels=PIXELS[:-1]), "61 x 82 of 10 .* against 61 x 83 of 10"),
    "NIR is elsewhere": ("nir", _shifted(transform=corner(LEFT + 10, TOP)), "not the red band's"),
    "NIR is half a pixel off": ("nir", _shifted(transform=corner(LEFT + 5, TOP)), "not the red band's"),
    "NIR is in another zone": ("nir", _shifted(crs="EPSG:32633"), "EPSG:32633 against .* EPSG:32632"),
    "SCL is in another zone": ("scl", _shifted(pixels=CLASSES, crs="EPSG:32633"), "EPSG:32633, but the red band in"),
    "SCL is no class": ("scl", _shifted(pixels=CLASSES.astype(np.uint16)), "uint16, but classes are uint8"),
}


@pytest.mark.parametrize(("asset", "write", "message"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_bands_that_do_not_belong_together_are_refused(
    tmp_path: Path, asset: str, write: Callable[[Path, Scene], None], message: str
) -> None:
    scene = make_scene(tmp_path, PIXELS, PIXELS, CLASSES)
    path = Path(getattr(scene, asset))
    write(path, scene)
    with OpenScene(scene) as opened, pytest.raises(SceneUnreadable, match=rf"{asset} {path}: .*{message}"):
        opened.band(asset)


def test_a_band_that_does_not_open_is_not_tried_again(tmp_path: Path) -> None:
    scene = make_scene(tmp_path, PIXELS, PIXELS, CLASSES)
    kept = Path(scene.nir).read_bytes()
    Path(scene.nir).unlink()
    with OpenScene(scene) as opened:
        with pytest.raises(SceneUnreadable, match="No such file"):
            opened.band("nir")
        Path(scene.nir).write_bytes(kept)
        with pytest.raises(SceneUnreadable, match="No such file"):
            opened.band("nir")
        assert set(opened.opened()) == set()
        assert opened.band("red").dtype == np.uint16


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "no raster": lambda _: b"<html>Please log in</html>",
    "header cut": lambda whole: whole[:100],
    "end cut": lambda whole: whole[: len(whole) // 2],
    "garbled": lambda whole: whole[: len(whole) // 2] + bytes(len(whole) // 2),
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_unreadable(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = write_raster(tmp_path / "B04.tif", PIXELS)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SceneUnreadable, match=rf"^scene S2A: red {path}: "):
        whole(open_band(red_only(path), "red"))


def test_a_broken_block_leaves_the_others_readable(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "B04.tif", PIXELS)
    with rasterio.open(path) as file:
        start, size = (int(file.get_tag_item(f"BLOCK_{x}_1_2", "TIFF", bidx=1)) for x in ("OFFSET", "SIZE"))
    data = bytearray(path.read_bytes())
    data[start : start + size] = bytes(size)
    path.write_bytes(data)
    with closing(open_band(red_only(path), "red")) as band:
        found = list(read_blocks([BlockRequest(band, 1, 1), BlockRequest(band, 2, 1), BlockRequest(band, 3, 1)]))
    assert [isinstance(block, SceneUnreadable) for block in found] == [False, True, False]
    np.testing.assert_array_equal(found[2], PIXELS[48:64, 16:32])


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


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_paths_and_file_urls_are_read(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    path = write_raster(folder / "B04.tif", PIXELS)
    href = form.format(str(path).replace(" ", "%20") if "file" in form else path)
    with closing(open_band(red_only(href), "red")) as band:
        np.testing.assert_array_equal(whole(band), PIXELS)


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

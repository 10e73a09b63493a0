"""The command as a user runs it: a process of its own, judged by exit code, output and what it leaves behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import geopandas
import pytest
from shapely.geometry import shape
from support.orders import MANIFEST_KEY, ORDER_KEY, RESULTS_KEY, make_order, put_order
from support.scenes import EPSG, lonlat, make_scene, pixel_box

from ndvi_core import __version__
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import Manifest
from ndvi_core.storage.geoparquet import read_observations
from ndvi_core.storage.object_store import Store

DAY, LATER = date(2025, 6, 1), date(2025, 6, 3)
FIELDS = {"north": pixel_box(5, 5, 10, 20), "south": pixel_box(20, 10, 20, 20)}
HEAVY = ("numpy", "pydantic", "shapely", "rasterio", "PIL", "obstore", "arro3")


def _command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "ndvi_core", *map(str, arguments)]


def ndvi(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments), capture_output=True, text=True, env={**os.environ, **environment}, timeout=300
    )


def _last_line(finished: subprocess.CompletedProcess[str]) -> str:
    return finished.stderr.strip().splitlines()[-1]


@pytest.fixture
def scenes(tmp_path: Path) -> list[Scene]:
    return [make_scene(tmp_path, day=day) for day in (DAY, LATER)]


def test_compute_writes_all_and_ends_with_0(store: Store, scenes: list[Scene]) -> None:
    finished = ndvi("compute", "--order", put_order(store, make_order(FIELDS, scenes, store=store)))
    assert (finished.returncode, finished.stdout) == (0, "")
    manifest = Manifest.model_validate_json(store.read(MANIFEST_KEY))
    assert {cell.status for cell in manifest.cells} == {"computed"}
    rows = read_observations(store.read(RESULTS_KEY))
    assert [row.ndvi_mean for row in rows] == pytest.approx([0.6] * 4)
    for name in FIELDS:
        for day in (DAY, LATER):
            assert f"{name} {day}: computed: mean NDVI 0.600" in finished.stderr
    assert "4 cells: 4 computed" in _last_line(finished)
    assert store.uri(MANIFEST_KEY) in _last_line(finished)


def test_an_order_can_be_looked_at(store: Store, scenes: list[Scene]) -> None:
    uri = put_order(store, make_order(FIELDS, scenes, store=store))
    finished = ndvi("order", "show", uri)
    assert (finished.returncode, finished.stderr) == (0, "")
    shown = json.loads(finished.stdout)
    assert [field["field_id"] for field in shown["fields"]] == list(FIELDS)
    for field, boundary in zip(shown["fields"], FIELDS.values(), strict=True):
        assert shape(field["geometry"]).equals(lonlat(boundary, EPSG))
        assert [(cell["date"], cell["scenes"]) for cell in field["cells"]] == [
            (str(scene.day), [scene.id]) for scene in scenes
        ]
    assert shown["results"] == store.uri(RESULTS_KEY)


def test_who_reads_no_further_is_no_defect(store: Store, scenes: list[Scene]) -> None:
    many = {f"f{number}": pixel_box(5, 5, 10, 20) for number in range(500)}
    uri = put_order(store, make_order(many, scenes, store=store))
    with subprocess.Popen(_command("order", "show", uri), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"{\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 128 + signal.SIGPIPE


def test_an_order_is_geoparquet(store: Store, scenes: list[Scene]) -> None:
    put_order(store, make_order(FIELDS, scenes, store=store))
    table = geopandas.read_parquet(BytesIO(store.read(ORDER_KEY)))
    assert (table.crs.to_string(), list(table.field_id)) == ("OGC:CRS84", list(FIELDS))
    assert [list(dates) for dates in table.dates] == [[DAY, LATER]] * len(FIELDS)


def test_compute_through_s3(s3_store: Store, scenes: list[Scene]) -> None:
    """The fixture has set the `AWS_*` variables for this process, and the command inherits them."""
    elsewhere = {"elsewhere": pixel_box(1000, 1000, 10, 10)}
    order = make_order(FIELDS | elsewhere, scenes, store=s3_store)
    finished = ndvi("compute", "--order", put_order(s3_store, order))
    assert finished.returncode == 0, finished.stderr
    first = {entry.key: s3_store.read(entry.key) for entry in s3_store.list("")}
    assert len(first) == 3 + 3 * len(FIELDS) * len(scenes) + len(elsewhere) * len(scenes)
    assert ndvi("compute", "--order", put_order(s3_store, order)).returncode == 0
    assert {entry.key: s3_store.read(entry.key) for entry in s3_store.list("")} == first


def test_unreadable_scene_fails_its_cells_and_no_others(store: Store, scenes: list[Scene]) -> None:
    Path(scenes[1].red).write_bytes(b"II*\0 this is no COG")
    finished = ndvi("compute", "--order", put_order(store, make_order(FIELDS, scenes, store=store)))
    assert finished.returncode == 0
    statuses = {(cell.field_id, cell.date): cell.status for cell in _manifest(store).cells}
    assert statuses == {(name, day): {DAY: "computed", LATER: "failed"}[day] for name in FIELDS for day in (DAY, LATER)}
    assert f"2 of 4 cells failed: north {LATER}, south {LATER}: " in _last_line(finished)
    assert "ERROR" in _last_line(finished)


def _manifest(store: Store) -> Manifest:
    return Manifest.model_validate_json(store.read(MANIFEST_KEY))


def test_s3_down_ends_with_75(store: Store) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        finished = ndvi(
            *("compute", "--order", "s3://ndvi/orders/0.parquet"),
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{nobody.getsockname()[1]}",
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret",
            AWS_REGION="us-east-1",
        )
    assert finished.returncode == 75
    assert "cannot read s3://ndvi/orders/0.parquet" in _last_line(finished)
    assert "Traceback" not in finished.stderr


def test_scene_server_down_ends_with_75_and_what_could_be_computed(store: Store, scenes: list[Scene]) -> None:
    gone = scenes[1].model_copy(update={"red": "http://127.0.0.1:9/red.tif"})
    finished = ndvi(
        *("compute", "--order", put_order(store, make_order(FIELDS, [scenes[0], gone], store=store))),
        GDAL_HTTP_MAX_RETRY="0",
    )
    assert finished.returncode == 75
    assert gone.id in _last_line(finished)
    manifest = Manifest.model_validate_json(store.read(MANIFEST_KEY))
    assert {cell.status for cell in manifest.cells if cell.date == scenes[0].day} == {"computed"}
    assert {cell.status for cell in manifest.cells if cell.date == gone.day} == {"failed"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "does not exist", id="missing"),
        pytest.param(b"{}", "is no work order that can be run: not a Parquet file", id="JSON"),
    ],
)
def test_bad_order_ends_with_2_and_one_line(store: Store, content: bytes | None, message: str) -> None:
    if content is not None:
        store.write("order.parquet", content)
    finished = ndvi("compute", "--order", store.uri("order.parquet"))
    assert finished.returncode == 2
    assert len(finished.stderr.splitlines()) == 1
    assert message in finished.stderr
    assert store.uri("order.parquet") in finished.stderr


class _Silence(BaseHTTPRequestHandler):
    """Takes a request and answers when the test is over."""

    asked = threading.Event()
    over = threading.Event()

    def do_GET(self) -> None:
        self.asked.set()
        self.over.wait(60)

    def do_HEAD(self) -> None:
        self.do_GET()


@pytest.fixture
def silent_server() -> Iterator[str]:
    _Silence.asked.clear()
    _Silence.over.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Silence)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    _Silence.over.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["TERM", "INT"])
def test_signals_end_it_while_it_waits_for_a_scene(
    store: Store, scenes: list[Scene], silent_server: str, number: signal.Signals, code: int
) -> None:
    stuck = scenes[1].model_copy(update={"red": f"{silent_server}/red.tif", "scl": f"{silent_server}/scl.tif"})
    uri = put_order(store, make_order(FIELDS, [scenes[0], stuck], store=store))
    with subprocess.Popen(_command("compute", "--order", uri), stderr=subprocess.PIPE, text=True) as process:
        assert _Silence.asked.wait(60)
        process.send_signal(number)
        _, log = process.communicate(timeout=30)  # GDAL itself would wait for 60 s, several times
    assert process.returncode == code
    assert f"interrupted by {number.name}" in log
    assert not store.exists(MANIFEST_KEY)


def test_defect_ends_with_1_and_a_traceback(tmp_path: Path) -> None:
    """A library that breaks is a defect as good as any."""
    (tmp_path / "obstore.py").write_text("raise RuntimeError('broken wheel')")
    finished = ndvi("compute", "--order", "s3://ndvi/orders/0.parquet", PYTHONPATH=str(tmp_path))
    assert finished.returncode == 1
    assert "Traceback" in finished.stderr
    assert "RuntimeError: broken wheel" in _last_line(finished)


@pytest.mark.parametrize(("level", "lines"), [("debug", True), ("INFO", True), ("ERROR", False), ("", True)])
def test_log_level_is_a_variable(store: Store, scenes: list[Scene], level: str, lines: bool) -> None:
    uri = put_order(store, make_order(FIELDS, scenes[:1], store=store))
    assert ("computed" in ndvi("compute", "--order", uri, NDVI_LOG_LEVEL=level).stderr) == lines


def test_a_log_for_programs_has_an_object_a_line_with_run_order_field_and_day(
    store: Store, scenes: list[Scene]
) -> None:
    uri = put_order(store, make_order(FIELDS, scenes[:1], store=store))
    lines = [json.loads(line) for line in ndvi("compute", "--order", uri, NDVI_LOG_FORMAT="json").stderr.splitlines()]
    assert {(line["level"], line["order"]) for line in lines} == {("INFO", uri)}
    assert all({"time", "logger", "message", "run"} <= line.keys() for line in lines)
    cells = [(line["field"], line["day"]) for line in lines if "field" in line]
    assert cells == [(field_id, str(scenes[0].day)) for field_id in FIELDS]


def test_the_end_of_a_log_for_programs_says_what_was_wrong() -> None:
    order = "file:///nowhere/runs/ndvi_daily/manual__1/orders/0.parquet"
    line = json.loads(ndvi("compute", "--order", order, NDVI_LOG_FORMAT="json").stderr)
    assert (line["level"], line["run"], line["order"]) == ("ERROR", "ndvi_daily/manual__1", order)
    assert "nowhere" in line["message"]


def test_an_unknown_format_of_the_log_is_refused() -> None:
    finished = ndvi("compute", "--order", "s3://ndvi/o.json", NDVI_LOG_FORMAT="xml")
    assert (finished.returncode, "NDVI_LOG_FORMAT is 'xml'; it takes text, json" in finished.stderr) == (2, True)


def test_unknown_log_level_is_refused() -> None:
    finished = ndvi("compute", "--order", "s3://ndvi/o.json", NDVI_LOG_LEVEL="loud")
    assert finished.returncode == 2
    assert "NDVI_LOG_LEVEL is 'loud'; it takes DEBUG, INFO, WARNING, ERROR" in finished.stderr


def test_version_starts_without_the_libraries() -> None:
    program = (
        "import sys; from ndvi_core.cli import main\n"
        "try: main(['--version'])\n"
        f"finally: print(sorted(set(sys.modules) & {set(HEAVY)}))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert finished.stdout.splitlines() == [f"ndvi {__version__}", "[]"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["compute", "observe", "validate", "NDVI_LOG_LEVEL", "exit codes", "75"]),
        (["compute", "--help"], ["--order URI", "ndvi compute --order s3://", "AWS_*", "75"]),
        (["observe", "--help"], ["ndvi observe fields.geojson --start", "STAC_API_URL", "failed", "no_scene", "75"]),
        (["validate", "--help"], ["ndvi validate fields/*.geojson", "exit codes"]),
    ],
)
def test_help_suffices(arguments: list[str], words: list[str]) -> None:
    finished = ndvi(*arguments)
    assert finished.returncode == 0
    assert [word for word in words if word not in finished.stdout] == []


@pytest.mark.parametrize(
    "arguments", [[], ["compute"], ["compute", "--orders", "x"], ["observe", "f.geojson"], ["validate"], ["paint"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    finished = ndvi(*arguments)
    assert finished.returncode == 2
    assert "usage: ndvi" in finished.stderr


def _feature(**properties: str) -> dict[str, object]:
    geometry = {"type": "Polygon", "coordinates": [[[-0.85, 49.33], [-0.84, 49.33], [-0.84, 49.34], [-0.85, 49.33]]]}
    given = {"object-type": "field", "object-id": "field_1", "plant-date": "2025-04-01", "plant-type": "wheat"}
    return {"type": "Feature", "properties": {**given, **properties}, "geometry": geometry}


def _collection(path: Path, *features: dict[str, object]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_validate_accepts_what_intake_accepts(tmp_path: Path) -> None:
    finished = ndvi("validate", _collection(tmp_path / "good.geojson", _feature(), _feature(**{"object-id": "f2"})))
    assert finished.returncode == 0
    assert "good.geojson: 2 fields" in finished.stdout


def test_validate_names_each_problem_of_each_file(tmp_path: Path) -> None:
    good = _collection(tmp_path / "good.geojson", _feature())
    bad = _collection(tmp_path / "bad.geojson", _feature(), _feature(**{"object-id": "f2", "plant-date": "soon"}))
    (tmp_path / "text.geojson").write_text("no JSON")
    finished = ndvi("validate", bad, tmp_path / "text.geojson", good)
    assert finished.returncode == 2
    assert [line.removeprefix(f"{tmp_path}/").partition(":")[0] for line in finished.stdout.splitlines()] == [
        *("bad.geojson", "bad.geojson", "text.geojson", "text.geojson", "good.geojson"),
    ]
    assert "plant-date" in finished.stdout
    assert "soon" in finished.stdout


def test_validate_checks_all_files_though_one_is_missing_and_one_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = _collection(tmp_path / "good.geojson", _feature())
    large = tmp_path / "large.geojson"
    large.write_bytes(good.read_bytes() + b" " * 10_000)
    monkeypatch.setenv("NDVI_MAX_GEOJSON_BYTES", "10000")
    finished = ndvi("validate", tmp_path / "nothing.geojson", large, good)
    assert finished.returncode == 2
    lines = [line.removeprefix(f"{tmp_path}/") for line in finished.stdout.splitlines()]
    assert lines[0] == "nothing.geojson: rejected: cannot read it: No such file or directory"
    assert lines[2].startswith("large.geojson: rejected: the file has 1")
    assert "NDVI_MAX_GEOJSON_BYTES" in lines[2]
    assert lines[-1].startswith("good.geojson: 1 fields taken, 0 reasons to reject; ")
    assert ndvi("validate", good).returncode == 0

"""What is read of a scene, by the log of the server that it is read from."""

import itertools
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from support.orders import make_order, observed, outcome, outcomes
from support.scenes import GROUND, make_scene, pixel_box, rough

from ndvi_airflow.local.services import Files, start_files
from ndvi_core.models.scene import Scene


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    folder = tmp_path / "served"
    folder.mkdir()
    server = start_files(folder)
    yield server
    server.stop()


BLOCK = 256
HEADER = 32_768
"""Bytes of a file that are asked for when it is opened."""


def served_scene(files: Files, folder: Path, name: str = "A", **changes: Any) -> Scene:
    """Return a scene of 3 x 3 blocks of pixels that do not compress, on the server."""
    size = 3 * BLOCK
    pixels = {"red": rough(1, 1, 32_768, size), "nir": rough(2, 1, 32_768, size)}
    scl = np.full((size // 2, size // 2), 4, np.uint8)
    scene = make_scene(
        folder, **{**pixels, "scl": scl, "name": name, "blockxsize": BLOCK, "blockysize": BLOCK} | changes
    )
    hrefs = {asset: f"{files.url}/{Path(getattr(scene, asset)).name}" for asset in ("red", "nir", "scl")}
    return scene.model_copy(update=hrefs)


def asked(files: Files, name: str) -> list[tuple[int, int]]:
    """Return the first and last byte of each range that was asked for of a file."""
    ranges = [r.range for r in files.requests() if r.path == f"/{name}" and r.method == "GET"]
    assert None not in ranges, "a whole file was asked for"
    return [tuple(map(int, wanted.removeprefix("bytes=").split("-"))) for wanted in ranges if wanted]  # type: ignore[misc]


def stored(path: Path, blocks: set[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, int]]:
    """Return the first and last byte of blocks of a TIFF."""
    found = {}
    with rasterio.open(path) as file:
        for row, col in blocks:
            start, size = (int(file.get_tag_item(f"BLOCK_{x}_{col}_{row}", "TIFF", bidx=1)) for x in ("OFFSET", "SIZE"))
            found[row, col] = (start, start + size - 1)
    return found


def test_of_a_scene_the_needed_blocks_are_read_once_and_no_others(
    files: Files, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Forty fields on three of nine blocks, several of them over the border of two."""
    folder = tmp_path / "served"
    scene = served_scene(files, folder)
    random = np.random.default_rng(0)
    places = [(random.uniform(5, 220), random.uniform(5, 480)) for _ in range(30)]
    places += [(random.uniform(250, 480), random.uniform(520, 740)) for _ in range(10)]
    fields = {f"f{i}": pixel_box(*place, 20, 20) for i, place in enumerate(places)}
    fields = {name: field for name, field in fields.items() if not field.intersects(pixel_box(0, 512, 256, 256))}
    needed = {(0, 0), (0, 1), (1, 2)}
    with caplog.at_level(logging.INFO, logger="ndvi_core"):
        found = outcomes(make_order(fields, [scene]))
    assert {item.observation.status for item in found.values()} == {"computed"}
    for name in ("A_B04.tif", "A_B08.tif"):
        ranges = sorted(asked(files, name))
        assert all(last < first for (_, last), (first, _) in itertools.pairwise(ranges)), "no byte is read twice"
        blocks = stored(folder / name, needed | {(2, 0), (2, 1), (2, 2)})
        for block, (first, last) in blocks.items():
            middle = (first + last) // 2
            assert any(begin <= middle <= end for begin, end in ranges) == (block in needed), block
    (line,) = [r.getMessage() for r in caplog.records if r.name.startswith("ndvi_core")]
    assert "scene A: red 3 blocks, 0.39 MB; scl " in line
    assert "; nir 3 blocks, 0.39 MB" in line


def test_fields_are_done_with_from_north_to_south(tmp_path: Path) -> None:
    """So that their pictures are drawn while others are read."""
    scene = make_scene(tmp_path, rough(1, 300, 900), rough(2, 2000, 4000), GROUND)
    fields = {f"row {row}": pixel_box(row, 5, 4, 4) for row in (34, 2, 18)}
    assert [item.observation.field_id for item in observed(make_order(fields, [scene]))] == [
        "row 2",
        "row 18",
        "row 34",
    ]


def test_of_hidden_fields_and_scenes_not_chosen_only_the_classification_is_read(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "served"
    clouds = np.full((3 * BLOCK // 2, 3 * BLOCK // 2), 9, np.uint8)
    hidden = served_scene(files, folder, "A", scl=clouds)
    clear = served_scene(files, folder, "B")
    field = {"a": pixel_box(300, 300, 20, 20)}
    assert outcome(make_order(field, [hidden, clear])).observation.scene_ids == ("B",)
    assert sum(last - first for first, last in asked(files, "A_B04.tif")) <= HEADER, "the header has the grid"
    assert asked(files, "A_B08.tif") == []
    assert asked(files, "B_B08.tif") != []
    files.clear()
    less = np.full_like(clouds, 4)
    less[152:154] = 9
    hazy = served_scene(files, folder, "C", scl=less)
    assert outcome(make_order(field, [hazy, clear])).observation.scene_ids == ("B",)
    assert asked(files, "C_B08.tif") == []
    files.clear()
    alone = make_order({"a": pixel_box(600, 20, 20, 20)}, [hidden])
    assert outcome(alone).observation.status == "cloudy"
    assert Counter(request.path for request in files.requests() if "B08" in request.path) == {}

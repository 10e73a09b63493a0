"""The second witness for a scene's offset: the file's tags and the pixels, synthetic and real."""

import logging
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from support.models import a_scene
from support.orders import make_order, outcome, outcomes
from support.scenes import NO_OFFSET, SUBTRACT_1000, flat, lonlat, make_scene, pixel_box
from support.southtyrol import DAYS

from ndvi_core.models.scene import Offset, Scene

FIELD = {"a": pixel_box(8, 8, 8, 8)}


def test_pixels_that_were_never_harmonised_are_doubted_by_the_row_and_once_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = make_scene(tmp_path, 1400, 4000, offset=Offset(rule="earth-search-harmonised@1"))
    fields = {f"f{i}": pixel_box(8 + i, 8, 8, 8) for i in range(3)}
    with caplog.at_level(logging.WARNING, logger="ndvi_core"):
        found = outcomes(make_order(fields, [scene.model_copy(update={"baseline": "04.00"})]))
    for item in found.values():
        row = item.observation
        assert (row.status, row.quality) == ("computed", ("offset_doubtful",))
        assert row.note is not None
        assert "0.0% of its vegetation and soil is no brighter than 1000" in row.note
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("red", "offset", "baseline", "is_doubtful"),
    [
        (400, NO_OFFSET, "05.11", False),
        (1400, SUBTRACT_1000, "05.11", False),
        (1400, NO_OFFSET, "05.11", True),
        (1400, NO_OFFSET, "99.99", True),  # collection 1 before it was numbered
        (1400, NO_OFFSET, "03.01", False),  # older products were never shifted: the ground is bright
    ],
)
def test_the_pixels_are_asked_where_the_baseline_is_shifted(
    tmp_path: Path, red: int, offset: Offset, baseline: str, is_doubtful: bool
) -> None:
    scene = make_scene(tmp_path, red, 4000, offset=offset).model_copy(update={"baseline": baseline})
    row = outcome(make_order(FIELD, [scene])).observation
    assert ("offset_doubtful" in row.quality) == is_doubtful


def test_a_bright_field_in_a_scene_with_dark_ones_is_not_doubted(tmp_path: Path) -> None:
    red = flat(400)
    red[8:16, 8:16] = 2400
    row = outcome(make_order(FIELD, [make_scene(tmp_path, red, 4000)])).observation
    assert row.quality == ()


def test_an_offset_that_makes_the_ground_dark_is_doubted(tmp_path: Path) -> None:
    """Pixels without the shift, of which the catalogue says to subtract it: a third of the field is left."""
    red = flat(400)
    red[:, ::3] = 1400
    scene = make_scene(tmp_path, red, 4000, offset=SUBTRACT_1000)
    row = outcome(make_order(FIELD, [scene], min_valid_fraction=0)).observation
    assert row.quality == ("dark_pixels_dropped", "offset_doubtful")


@pytest.mark.parametrize(
    ("stated", "offset", "is_doubtful"),
    [(-0.1, NO_OFFSET, True), (-0.1, SUBTRACT_1000, False), (0.0, SUBTRACT_1000, True), (0.0, NO_OFFSET, False)],
)
@pytest.mark.parametrize("asset", ["red", "nir"])
def test_the_files_own_scale_and_offset_are_a_witness(
    tmp_path: Path, stated: float, offset: Offset, is_doubtful: bool, asset: str
) -> None:
    scene = make_scene(tmp_path, 1400 if offset.red else 400, 4000, offset=offset)
    with rasterio.open(getattr(scene, asset), "r+") as file:
        file.scales, file.offsets = (0.0001,), (stated,)
    row = outcome(make_order(FIELD, [scene])).observation
    assert ("offset_doubtful" in row.quality) == is_doubtful
    if is_doubtful:
        assert row.note is not None
        assert f"the file states the offset {round(stated * 10000)}, but {offset.rule} has {offset.red}" in row.note


@pytest.fixture(scope="module")
def real(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Scene]]:
    """The scenes of South Tyrol, whose pixels are harmonised, as they are and with the shift put back."""
    folder, shifted = realdata / "imagery/s2_southtyrol_202206", tmp_path_factory.mktemp("shifted")
    scenes: dict[str, list[Scene]] = {"harmonised": [], "raw": []}
    for day in DAYS:
        own = {
            a: folder / f"S2_L2A_32TPS_202206{day}_{b}.tif" for a, b in (("red", "B04"), ("nir", "B08"), ("scl", "SCL"))
        }
        put_back = {"scl": own["scl"]}
        for asset in ("red", "nir"):
            put_back[asset] = shifted / own[asset].name
            with rasterio.open(own[asset]) as file, rasterio.open(put_back[asset], "w", **file.profile) as copy:
                pixels = file.read()
                copy.write(np.where(pixels > 0, pixels + 1000, 0).astype(np.uint16))
        for kind, files in (("harmonised", own), ("raw", put_back)):
            hrefs = {asset: str(path) for asset, path in files.items()}
            scenes[kind].append(a_scene(date(2022, 6, int(day)), f"{kind}-{day}", **hrefs))
    return scenes


@pytest.mark.parametrize(
    ("pixels", "offset", "at_least", "at_most"),
    [
        ("harmonised", NO_OFFSET, 0, 1 / 200),
        ("raw", SUBTRACT_1000, 0, 1 / 200),
        ("raw", NO_OFFSET, 1, 1),
        ("harmonised", SUBTRACT_1000, 0.9, 1),
    ],
)
def test_real_scenes_are_doubted_only_if_their_offset_is_wrong(
    real: dict[str, list[Scene]], pixels: str, offset: Offset, at_least: float, at_most: float
) -> None:
    """Squares of four hectares all over the scenes: orchards, meadows, villages, river, rock."""
    squares = {
        f"{row}-{col}": lonlat(
            shapely.box(674_990 + 200 * col, y := 5_148_240 + 200 * row, 675_190 + 200 * col, y + 200)
        )
        for row in range(1, 24)
        for col in range(1, 24)
    }
    scenes = [scene.model_copy(update={"offset": offset}) for scene in real[pixels]]
    rows = [item.observation for item in outcomes(make_order(squares, scenes, epsg=None)).values()]
    computed = [row for row in rows if row.status == "computed"]
    assert len(computed) > 100
    share = sum("offset_doubtful" in row.quality for row in computed) / len(computed)
    assert at_least <= share <= at_most, f"{share:.1%} of {len(computed)}"

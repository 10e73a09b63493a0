"""Which of a day's scenes a field is computed from: the best tile, mosaics, and what happens when one is broken."""

import logging
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.warp import transform
from support.models import a_scene
from support.orders import make_order, outcome, outcomes
from support.scenes import (
    GROUND,
    LEFT,
    SIZE,
    SUBTRACT_1000,
    TOP,
    bands,
    corner,
    flat,
    lonlat,
    make_scene,
    pixel_box,
    rough,
)

from ndvi_core.models.scene import Scene


def test_of_tiles_that_hold_the_field_that_with_the_most_valid_pixels_is_taken(tmp_path: Path) -> None:
    cloudy = make_scene(tmp_path, *bands(scl=9), name="A")
    clear = make_scene(tmp_path, flat(1000), flat(3000), GROUND, name="B")
    found = outcomes(make_order({"half": pixel_box(8, 8, 8, 8), "clear": pixel_box(20, 20, 8, 8)}, [clear, cloudy]))
    half, other = found["half", "2022-06-10"].observation, found["clear", "2022-06-10"].observation
    assert (half.scene_ids, half.ndvi_mean) == (("B",), 0.5)
    assert (other.scene_ids, other.ndvi_mean) == (("A",), 2500 / 3500), "a tie goes to the lower id"


def test_tiles_that_hold_the_field_are_not_mixed(tmp_path: Path) -> None:
    """A quarter is clouded in the first tile and, elsewhere, a half in the second."""
    quarter, half = GROUND.copy(), GROUND.copy()
    quarter[4:8, 4:5] = 9
    half[4:8, 6:8] = 9
    first = make_scene(tmp_path, flat(500), flat(3000), quarter, name="A")
    second = make_scene(tmp_path, flat(1000), flat(3000), half, name="B")
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [second, first])).observation
    assert row.scene_ids == ("A",)
    assert (row.valid_fraction, row.cloud_fraction) == pytest.approx((0.75, 0.25), abs=1e-4)
    assert row.ndvi_min == row.ndvi_max == 2500 / 3500


def test_a_tile_that_holds_all_goes_before_one_with_more_valid_pixels(tmp_path: Path) -> None:
    whole = make_scene(tmp_path, *bands(scl=9), name="A")
    part = make_scene(tmp_path, flat(1000, 12), flat(3000, 12), GROUND[:6, :6], name="B")
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [whole, part], min_valid_fraction=0)).observation
    assert (row.scene_ids, row.ndvi_mean) == (("A",), 2500 / 3500)


def neighbours(folder: Path, **east: Any) -> list[Scene]:
    """Return two tiles that overlap by the columns 30 to 40: NDVI 5/7 in the west, 0.5 in the east."""
    west = make_scene(folder, flat(500), flat(3000), GROUND, name="W")
    settings = {"red": flat(1000), "nir": flat(3000), "scl": GROUND, "transform": corner(LEFT + 300, TOP)} | east
    return [west, make_scene(folder, name="E", **settings)]


def test_a_field_over_a_tile_border_is_put_together(tmp_path: Path) -> None:
    """The field has columns 25 to 59; the east tile has 30 of them, the west 15, and the overlap goes to the east."""
    order = make_order({"a": pixel_box(10, 25, 10, 35)}, neighbours(tmp_path))
    found = outcome(order)
    row = found.observation
    assert row.status == "computed"
    assert row.scene_ids == ("E", "W")
    assert row.valid_fraction == 1
    assert row.ndvi_mean == pytest.approx((5 * 5 / 7 + 30 * 0.5) / 35, abs=1e-4)
    assert found.raster is not None
    rows, cols = np.nonzero(found.raster.coverage_fraction > 0.5)
    middle = found.raster.ndvi[int(np.median(rows)), cols.min() : cols.max() + 1]
    np.testing.assert_allclose(middle, [5 / 7] * 5 + [0.5] * 30, rtol=1e-6)


def test_a_cloud_in_one_tile_is_filled_from_the_other(tmp_path: Path) -> None:
    classes = GROUND.copy()
    classes[:, :3] = 9  # columns 30 to 35
    row = outcome(make_order({"a": pixel_box(10, 25, 10, 35)}, neighbours(tmp_path, scl=classes))).observation
    assert row.cloud_fraction == 0
    assert row.ndvi_mean == pytest.approx((11 * 5 / 7 + 24 * 0.5) / 35, abs=1e-4)


def test_a_cloud_beyond_a_tiles_edge_reaches_into_it(tmp_path: Path) -> None:
    """The cloud has columns 24 to 29 and grows by 40 m; the east tile begins with column 30 and does not see it."""
    classes = GROUND.copy()
    classes[:, 12:15] = 9
    west = make_scene(tmp_path, flat(500), flat(3000), classes, name="W")
    east = make_scene(tmp_path, flat(1000, 60), 3000, 4, name="E", size=60, transform=corner(LEFT + 300, TOP))
    field = {"a": pixel_box(12, 22, 10, 35)}
    row = outcome(make_order(field, [west, east], mask="scl-dilated@1", min_valid_fraction=0)).observation
    assert row.cloud_fraction == pytest.approx(12 / 35, abs=2e-3), "columns 22 to 33 of 22 to 56"
    plain = outcome(make_order(field, [west, east], mask="scl@1", min_valid_fraction=0)).observation
    assert plain.cloud_fraction == pytest.approx(6 / 35, abs=2e-3), "columns 24 to 29"


def test_a_tile_at_whose_edge_a_field_lies_does_not_go_before_one_that_sees_around_it(tmp_path: Path) -> None:
    """Both hold the field, from column 42 on; the western tile alone has the cloud beside it, in columns 34 to 39."""
    classes = np.full((50, 50), 4, np.uint8)
    classes[:, 17:20] = 9
    west = make_scene(tmp_path, 500, 3000, classes, name="W", size=100)
    east = make_scene(tmp_path, 1000, 3000, name="E", size=100, transform=corner(LEFT + 400, TOP))
    order = make_order({"a": pixel_box(40, 42, 8, 8)}, [west, east], mask="scl-dilated@1")
    row = outcome(order).observation
    assert (row.scene_ids, row.ndvi_mean) == (("W",), 2500 / 3500)
    assert row.cloud_fraction == pytest.approx(2 / 8, abs=5e-3), "columns 42 and 43"


def test_each_tile_of_a_mosaic_has_its_own_offset(tmp_path: Path) -> None:
    scenes = neighbours(tmp_path, red=flat(2000), nir=flat(4000), offset=SUBTRACT_1000)
    row = outcome(make_order({"a": pixel_box(10, 25, 10, 35)}, scenes)).observation
    assert row.ndvi_mean == pytest.approx((5 * 5 / 7 + 30 * 0.5) / 35, abs=1e-4)
    assert row.offset_rule == "none@1, planetary-computer@1"


def test_a_tile_that_adds_nothing_is_not_read_and_not_named(tmp_path: Path) -> None:
    scenes = neighbours(tmp_path, scl=np.full_like(GROUND, 9))
    Path(scenes[1].nir).unlink()
    row = outcome(make_order({"a": pixel_box(10, 15, 10, 30)}, scenes)).observation
    assert (row.status, row.scene_ids) == ("computed", ("W",))
    assert row.cloud_fraction == pytest.approx(5 / 30, abs=1e-3)


@pytest.mark.parametrize("clouded", [False, True])
def test_of_two_zones_that_with_data_for_most_of_the_field_is_taken(tmp_path: Path, clouded: bool) -> None:
    """Of the field's 20 columns the tile of zone 32 has 8, and that of zone 33, clear or not, all but some."""
    west = make_scene(tmp_path, flat(500), flat(3000), GROUND, name="W")
    field = pixel_box(10, 32, 10, 20)
    x, y = shapely.get_coordinates(shapely.transform(lonlat(field).centroid, _to_zone_33))[0].round(-1)
    where = {"crs": "EPSG:32633", "transform": corner(x - 60, y + 200)}
    classes = np.full_like(GROUND, 9 if clouded else 4)
    classes[:, 5] = 4
    east = make_scene(tmp_path, flat(1000), flat(3000), classes, name="E", **where)
    row = outcome(make_order({"a": field}, [west, east], min_valid_fraction=0)).observation
    assert row.scene_ids == ("E", "W"), "what zone 33 lacks comes from zone 32"
    assert row.valid_fraction is not None
    assert row.cloud_fraction is not None
    assert row.valid_fraction + row.cloud_fraction == pytest.approx(1)
    assert (row.valid_fraction < 8 / 20) == clouded, "a cloud of zone 33 is not looked through from zone 32"
    assert row.pixel_count == pytest.approx(200, rel=0.01)
    assert row.quality == ("resampled",)
    assert row.note == "pixels of another grid are from W"
    assert (row.ndvi_min, row.ndvi_max) == (0.5, 5 / 7)


def _to_zone_33(points: np.ndarray) -> np.ndarray:
    return np.column_stack(transform("EPSG:4326", "EPSG:32633", points[:, 0], points[:, 1]))


def test_a_tile_whose_pixels_do_not_meet_serves_where_the_other_has_none(tmp_path: Path) -> None:
    """The east tile is half a pixel further east, and has columns 30.5 to 60 of the field's 25 to 60."""
    scenes = neighbours(tmp_path, transform=corner(LEFT + 305, TOP))
    row = outcome(make_order({"a": pixel_box(10, 25, 10, 35)}, scenes)).observation
    assert row.scene_ids == ("E", "W")
    assert row.valid_fraction == pytest.approx(1)
    assert row.ndvi_mean == pytest.approx((5.5 * 5 / 7 + 29.5 * 0.5) / 35, abs=1e-4)
    assert row.quality == ("resampled",)


def test_a_missing_scene_fails_its_cells_and_no_others(tmp_path: Path) -> None:
    good = make_scene(tmp_path, flat(500), flat(3000), GROUND)
    gone = a_scene(date(2022, 6, 12), "gone", red="/gone/B04.tif", nir="/gone/B08.tif", scl="/gone/SCL.tif")
    found = outcomes(make_order({"a": pixel_box(8, 8, 8, 8)}, [good, gone]))
    assert found["a", "2022-06-10"].observation.status == "computed"
    failed = found["a", "2022-06-12"].observation
    assert (failed.status, failed.scene_ids) == ("failed", ("gone",))
    assert failed.reason == "scene gone: red /gone/B04.tif: /gone/B04.tif: No such file or directory"


@pytest.mark.parametrize("asset", ["red", "nir", "scl"])
def test_another_scene_serves_in_the_place_of_a_broken_one(
    tmp_path: Path, asset: str, caplog: pytest.LogCaptureFixture
) -> None:
    better = make_scene(tmp_path, flat(500), flat(3000), GROUND, name="A")
    worse = make_scene(tmp_path, *bands(scl=9), name="B")
    Path(getattr(better, asset)).write_bytes(b"no raster")
    fields = {f"f{i}": pixel_box(8, 8, 8, 8 + i) for i in range(5)}
    with caplog.at_level(logging.WARNING, logger="ndvi_core"):
        found = outcomes(make_order(fields, [better, worse], min_valid_fraction=0.9))
    for item in found.values():
        row = item.observation
        assert (row.status, row.scene_ids, row.ndvi_mean) == ("cloudy", ("B",), 2500 / 3500)
        assert row.reason is not None
        assert f"; scene A: {asset} " in row.reason
    assert len(caplog.records) == 1, "one warning for a scene, however many fields it has"


@pytest.mark.parametrize("assets", [("nir",), ("red", "nir"), ("scl",)])
def test_a_broken_block_spoils_the_fields_on_it_alone(tmp_path: Path, assets: tuple[str, ...]) -> None:
    scene = make_scene(tmp_path, rough(1, 300, 900), rough(2, 2000, 4000), GROUND)
    for href in (getattr(scene, asset) for asset in assets):
        with rasterio.open(href) as file:
            row, col = ((size - 1) // block for size, block in zip(file.shape, file.block_shapes[0], strict=True))
            start, size = (int(file.get_tag_item(f"BLOCK_{x}_{col}_{row}", "TIFF", bidx=1)) for x in ("OFFSET", "SIZE"))
        data = bytearray(Path(href).read_bytes())
        data[start : start + size] = bytes(size)
        Path(href).write_bytes(data)
    fields = {"on it": pixel_box(SIZE - 8, SIZE - 8, 6, 6), "beside": pixel_box(2, 2, 10, 10)}
    found = outcomes(make_order(fields, [scene]))
    assert found["on it", "2022-06-10"].observation.status == "failed"
    assert found["beside", "2022-06-10"].observation.status == "computed"
    del fields["beside"]
    assert outcome(make_order(fields, [scene])).observation.status == "failed"


@pytest.mark.parametrize("asset", ["red", "nir", "scl"])
def test_a_server_that_is_away_fails_its_cells_for_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asset: str
) -> None:
    """Another scene does not take its place: the answer would stay when the server is back."""
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    here = make_scene(tmp_path, flat(500), flat(3000), GROUND, name="B")
    away = here.model_copy(update={"id": "A", asset: f"http://127.0.0.1:1/{asset}.tif"})
    later = make_scene(tmp_path, name="C", day=date(2022, 6, 12))
    found = outcomes(make_order({"a": pixel_box(8, 8, 8, 8)}, [here, away, later]))
    failed, other = found["a", "2022-06-10"], found["a", "2022-06-12"]
    assert (failed.observation.status, failed.is_passing) == ("failed", True)
    assert failed.observation.reason is not None
    assert failed.observation.reason.startswith(f"scene A: {asset} http://127.0.0.1:1/{asset}.tif: ")
    assert (other.observation.status, other.is_passing) == ("computed", False)


@pytest.mark.parametrize(
    "href", ["http://gone.invalid/B08.tif", "http://127.0.0.1:x/B08.tif", "/no such folder/B 08.tif"]
)
def test_what_leads_nowhere_fails_its_cells_and_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, href: str
) -> None:
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    gone = make_scene(tmp_path, flat(500), flat(3000), GROUND).model_copy(update={"nir": href})
    later = make_scene(tmp_path, name="C", day=date(2022, 6, 12))
    found = outcomes(make_order({"a": pixel_box(8, 8, 8, 8)}, [gone, later]))
    failed = found["a", "2022-06-10"]
    assert (failed.observation.status, failed.is_passing) == ("failed", False)
    assert found["a", "2022-06-12"].observation.status == "computed"

"""A pass is one observation of a field: several products, tiles, zones and older products put together."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from rasterio.warp import transform
from support.orders import make_order, outcome
from support.scenes import GROUND, SIZE, SUBTRACT_1000, bands, corner, flat, make_scene, pixel_box

from ndvi_core.models.scene import Scene

FIELD = pixel_box(8, 8, 8, 8)


def piece(folder: Path, name: str, nir: int, first: int, end: int) -> Scene:
    """Return a product that has data in some columns of the tile alone, as where a datatake was cut."""
    red_band, nir_band, classes = flat(0), flat(0), np.zeros_like(GROUND)
    red_band[:, first:end], nir_band[:, first:end], classes[:, first // 2 : end // 2] = 500, nir, 4
    return make_scene(folder, red_band, nir_band, classes, name=name)


def test_two_products_of_one_tile_with_complementary_data(tmp_path: Path) -> None:
    """A quarter of the field is in one product (500, 3000), three quarters are in the other (500, 2000)."""
    west, east = piece(tmp_path, "W", 3000, 0, 10), piece(tmp_path, "E", 2000, 10, SIZE)
    row = outcome(make_order({"a": FIELD}, [west, east])).observation
    assert row.status == "computed"
    assert row.ndvi_mean == pytest.approx(0.25 * 2500 / 3500 + 0.75 * 0.6, abs=1e-4), "0.6286"
    assert row.valid_fraction == 1
    assert row.scene_ids == ("E", "W")
    assert row.quality == ()


def test_pixels_that_a_band_lacks_are_the_other_products(tmp_path: Path) -> None:
    """One lacks red in the field's left half, the other NIR in the right one; both have all classes."""
    holed = make_scene(tmp_path, *bands(red=0), name="A")
    nir = flat(3000)
    nir[:, 12:] = 0
    other = make_scene(tmp_path, 1000, nir, name="B")
    row = outcome(make_order({"a": FIELD}, [holed, other])).observation
    assert row.scene_ids == ("A", "B")
    assert row.ndvi_mean == pytest.approx((2500 / 3500 + 0.5) / 2, abs=1e-4)
    assert (row.valid_fraction, row.nodata_fraction) == (1, 0)


def test_a_product_that_is_whole_goes_before_one_that_turns_out_to_lack_pixels(tmp_path: Path) -> None:
    scenes = [make_scene(tmp_path, *bands(red=0), name="A"), make_scene(tmp_path, 1000, 3000, name="B")]
    row = outcome(make_order({"a": FIELD}, scenes)).observation
    assert (row.scene_ids, row.ndvi_mean, row.valid_fraction) == (("B",), 0.5, 1)


def test_two_products_that_lack_the_same_pixels_have_no_more(tmp_path: Path) -> None:
    scenes = [make_scene(tmp_path, *bands(red=0), name=name) for name in ("A", "B")]
    row = outcome(make_order({"a": FIELD}, scenes, min_valid_fraction=0)).observation
    assert row.nodata_fraction == pytest.approx(0.5, abs=1e-4)
    assert row.ndvi_mean == 2500 / 3500


def test_two_passes_of_a_day_are_two_observations_of_which_the_better_is_taken(tmp_path: Path) -> None:
    """At high latitudes a field is seen twice a day; what one pass hides is not taken from the other."""
    first = make_scene(tmp_path, *bands(scl=9), name="A")
    again = make_scene(
        tmp_path, 1000, 3000, scl=np.where(np.arange(SIZE // 2) < 7, 9, 4) * np.ones_like(GROUND), name="B"
    )
    second = again.model_copy(update={"time": first.time + timedelta(minutes=100)})
    row = outcome(make_order({"a": FIELD}, [first, second], min_valid_fraction=0)).observation
    assert row.scene_ids == ("A",)
    assert row.ndvi_mean == 2500 / 3500
    assert row.acquired_at == first.time
    assert row.cloud_fraction == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("minutes", [0, 100])
def test_a_cut_pass_and_another_pass_are_told_apart_by_time(tmp_path: Path, minutes: int) -> None:
    west, east = piece(tmp_path, "W", 3000, 0, 10), piece(tmp_path, "E", 2000, 10, SIZE)
    later = east.model_copy(update={"time": east.time + timedelta(minutes=minutes)})
    row = outcome(make_order({"a": FIELD}, [west, later])).observation
    assert row.scene_ids == (("E", "W") if minutes == 0 else ("E",))


def test_a_field_over_the_antimeridian(tmp_path: Path) -> None:
    """GeoJSON cuts it in two; its tiles are of zones 60 and 1, and the western one ends a little beyond the line."""
    field = shapely.MultiPolygon([shapely.box(179.998, -17.003, 180, -17), shapely.box(-180, -17.003, -179.996, -17)])
    scenes = []
    for name, epsg, nir, before, columns in (("W", 32760, 3000, 300, 38), ("E", 32701, 2000, 100, 60)):
        (x,), (y,) = transform("EPSG:4326", f"EPSG:{epsg}", [180.0], [-17.0])
        where = {"crs": f"EPSG:{epsg}", "transform": corner(round(x - before, -1), round(y + 100, -1))}
        classes = np.full((30, columns // 2), 4)
        scenes.append(
            make_scene(tmp_path, flat(500, 60)[:, :columns], flat(nir, 60)[:, :columns], classes, name=name, **where)
        )
    row = outcome(make_order({"a": field}, scenes, epsg=None)).observation
    assert row.status == "computed"
    assert row.scene_ids == ("E", "W")
    assert row.valid_fraction == pytest.approx(1)
    assert row.quality == ("resampled",)
    metres = 6e-3 * 111_320 * np.cos(np.radians(17)), 3e-3 * 110_650
    assert row.pixel_count == pytest.approx(metres[0] * metres[1] / 100, rel=0.01)
    assert row.ndvi_mean is not None
    assert 0.6 < row.ndvi_mean < 2500 / 3500


def older_and_newer(folder: Path) -> tuple[Scene, Scene]:
    """Return two products of one acquisition: NDVI 0.5 in the older, 5/7 in the newer."""
    older = make_scene(folder, 2000, 4000, offset=SUBTRACT_1000, name="A_0").model_copy(update={"baseline": "04.00"})
    return older, make_scene(folder, 500, 3000, name="A_1")


@pytest.mark.parametrize("asset", ["red", "nir", "scl"])
def test_an_older_product_serves_where_the_newer_is_broken(tmp_path: Path, asset: str) -> None:
    older, newer = older_and_newer(tmp_path)
    Path(getattr(newer, asset)).unlink()
    row = outcome(make_order({"a": FIELD}, [newer], older=[older])).observation
    assert (row.status, row.ndvi_mean, row.scene_ids, row.baseline) == ("computed", 0.5, ("A_0",), "04.00")
    assert row.quality == ("older_product", "scene_unreadable")
    assert row.note is not None
    assert row.note.startswith("pixels that newer products lack are from A_0; scene A_1: ")
    assert asset in row.note


def test_an_older_product_is_not_read_where_the_newer_is_whole(tmp_path: Path) -> None:
    older, newer = older_and_newer(tmp_path)
    for asset in ("red", "nir", "scl"):
        Path(getattr(older, asset)).unlink()
    row = outcome(make_order({"a": FIELD}, [newer], older=[older])).observation
    assert (row.status, row.ndvi_mean, row.scene_ids, row.quality) == ("computed", 2500 / 3500, ("A_1",), ())


@pytest.mark.parametrize("changes", [{"scl": 0}, {"red": 0}, {"nir": 0}])
def test_an_older_product_serves_for_the_pixels_that_the_newer_lacks(tmp_path: Path, changes: dict[str, int]) -> None:
    older, _ = older_and_newer(tmp_path)
    newer = make_scene(tmp_path, *bands(**changes), name="A_1")
    row = outcome(make_order({"a": FIELD}, [newer], older=[older])).observation
    assert (row.status, row.scene_ids) == ("computed", ("A_1", "A_0"))
    assert row.ndvi_mean == pytest.approx((2500 / 3500 + 0.5) / 2, abs=1e-4)
    assert row.quality == ("older_product",)


def test_an_older_product_does_not_look_through_the_newers_cloud(tmp_path: Path) -> None:
    older, _ = older_and_newer(tmp_path)
    newer = make_scene(tmp_path, *bands(scl=9), name="A_1")
    row = outcome(make_order({"a": FIELD}, [newer], older=[older], min_valid_fraction=0)).observation
    assert (row.scene_ids, row.ndvi_mean) == (("A_1",), 2500 / 3500)
    assert row.cloud_fraction == pytest.approx(0.5, abs=1e-4)


def test_if_the_older_product_is_broken_too_both_are_named(tmp_path: Path) -> None:
    older, newer = older_and_newer(tmp_path)
    Path(older.nir).unlink()
    Path(newer.nir).unlink()
    row = outcome(make_order({"a": FIELD}, [newer], older=[older])).observation
    assert row.status == "failed"
    assert row.reason is not None
    assert "scene A_1: nir" in row.reason
    assert "scene A_0: nir" in row.reason


def test_an_item_that_cannot_be_read_is_noted_beside_what_takes_its_place(tmp_path: Path) -> None:
    """The catalogue's newer product lacks an asset, so that the older one is the newest that there is."""
    older, _ = older_and_newer(tmp_path)
    order = make_order({"a": FIELD}, [older])
    why = "local, item A_1: asset 'nir' is missing; it has red, scl"
    cells = tuple(cell._replace(scene_set=cell.scene_set._replace(unreadable=(why,))) for cell in order.cells)
    row = outcome(order.model_copy(update={"cells": cells})).observation
    assert (row.status, row.ndvi_mean, row.quality, row.note) == ("computed", 0.5, ("scene_unreadable",), why)


def test_a_tile_that_cannot_be_read_is_no_doubt_where_another_shows_the_whole_field(tmp_path: Path) -> None:
    scenes = [make_scene(tmp_path, 500, 3000, name=name) for name in ("A", "B")]
    Path(scenes[0].scl).unlink()
    row = outcome(make_order({"a": FIELD}, scenes)).observation
    assert (row.scene_ids, row.quality) == (("B",), ())

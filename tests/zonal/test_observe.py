"""Observations from one scene, with the numbers worked out by hand."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from support.orders import make_order, outcome, outcomes
from support.scenes import (
    EPSG,
    GROUND,
    LEFT,
    NO_OFFSET,
    SUBTRACT_1000,
    TOP,
    bands,
    corner,
    flat,
    lonlat,
    make_scene,
    pixel_box,
)

from ndvi_core.errors import BadInput
from ndvi_core.models.scene import Offset, Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A clear scene with red 500 and NIR 3000 but for a few marked pixels."""
    red, nir = flat(500), flat(3000)
    red[4, 4:6] = 1000
    return make_scene(tmp_path, red, nir, GROUND)


def test_a_field_of_four_pixels_by_hand(scene: Scene) -> None:
    """Pixels (3..4, 4..5): the lower two have red 1000 and so NDVI 0.5, the upper two 5/7; half of those is covered."""
    found = outcome(make_order({"a": pixel_box(3.5, 4, 1.5, 2)}, [scene]))
    row = found.observation
    high, low = 2500 / 3500, 0.5
    mean = (1 * high + 2 * low) / 3
    assert row.status == "computed"
    assert row.reason is None
    assert row.pixel_count == pytest.approx(3, abs=1e-4)
    assert row.ndvi_valid_pixel_count == row.pixel_count
    assert (row.valid_fraction, row.cloud_fraction) == (1, 0)
    assert row.ndvi_mean == pytest.approx(mean, abs=1e-5)
    assert row.ndvi_std == pytest.approx(math.sqrt(((high - mean) ** 2 + 2 * (low - mean) ** 2) / 3), abs=1e-5)
    assert (row.ndvi_min, row.ndvi_max) == (low, high)
    assert row.scene_ids == (scene.id,)
    assert (row.baseline, row.offset_rule, row.mask_policy) == (scene.baseline, "none@1", "scl@1")
    assert (row.field_id, row.date.isoformat(), row.fingerprint) == ("a", "2022-06-10", "0-2022-06-10")


def test_the_raster_of_a_field_lies_where_the_field_is(scene: Scene) -> None:
    found = outcome(make_order({"a": pixel_box(3.5, 4, 1.5, 2)}, [scene]))
    raster = found.raster
    assert raster is not None
    rows, cols = np.nonzero(raster.coverage_fraction > 0.01)
    top, left = rows.min(), cols.min()
    assert raster.transform @ (left, top) == (LEFT + 40, TOP - 30)
    assert raster.epsg == EPSG
    assert raster.ndvi.dtype == np.float32
    np.testing.assert_allclose(raster.ndvi[top : top + 2, left : left + 2], [[5 / 7, 5 / 7], [0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(
        raster.coverage_fraction[top : top + 2, left : left + 2], [[0.5, 0.5], [1, 1]], atol=1e-4
    )
    assert np.isnan(raster.ndvi[raster.coverage_fraction == 0]).all()
    height, width = raster.ndvi.shape
    assert raster.bounds == (
        raster.transform.c,
        raster.transform.f - 10 * height,
        raster.transform.c + 10 * width,
        raster.transform.f,
    )


@pytest.mark.parametrize(
    ("offset", "expected"), [(SUBTRACT_1000, 0.25 / 0.35), (Offset(rule="none@1"), 2500 / 5500)], ids=["applied", "not"]
)
def test_the_offset_makes_the_difference_between_071_and_045(tmp_path: Path, offset: Offset, expected: float) -> None:
    """Reflectance 0.05 and 0.30, as files of baseline 04.00 hold them: 1500 and 4000."""
    scene = make_scene(tmp_path, flat(1500), flat(4000), GROUND, offset=offset)
    row = outcome(make_order({"a": pixel_box(5, 5, 10, 10)}, [scene])).observation
    assert row.ndvi_mean == pytest.approx(expected, abs=1e-12)
    assert row.offset_rule == offset.rule


def test_a_field_in_degrees_finds_its_pixels_on_a_utm_raster(tmp_path: Path) -> None:
    red, nir = flat(3000), flat(3000)
    red[10:20, 10:20] = 1000
    ring = shapely.get_coordinates(lonlat(pixel_box(10, 10, 10, 10))).round(7)
    assert np.abs(ring).max() < 90, "degrees"
    scene = make_scene(tmp_path, red, nir, GROUND)
    row = outcome(make_order({"a": shapely.Polygon(ring)}, [scene], epsg=None)).observation
    assert row.pixel_count == pytest.approx(100, abs=0.01)
    assert row.ndvi_median == 0.5
    assert row.ndvi_mean == pytest.approx(0.5, abs=0.001)


def test_a_field_of_the_southern_hemisphere(tmp_path: Path) -> None:
    red = flat(3000)
    red[10:20, 10:20] = 1000
    where = {"crs": "EPSG:32734", "transform": corner(300_000, 6_200_000)}
    scene = make_scene(tmp_path, red, flat(3000), GROUND, **where)
    field = shapely.box(300_101, 6_199_801, 300_199, 6_199_899)
    found = outcome(make_order({"a": field}, [scene], epsg=32734))
    assert found.observation.ndvi_mean == 0.5
    assert found.raster is not None
    assert found.raster.bounds == (300_100, 6_199_800, 300_200, 6_199_900)


HALVES: list[tuple[dict[str, Any], float, float, str]] = [
    ({}, 1.0, 0.0, "computed"),
    ({"scl": 8}, 0.5, 0.5, "computed"),
    ({"scl": 3}, 0.5, 0.5, "computed"),
    ({"scl": 10}, 0.5, 0.5, "computed"),
    ({"scl": 11}, 0.5, 0.0, "computed"),
    ({"scl": 0}, 0.5, 0.0, "computed"),
    ({"scl": 2}, 1.0, 0.0, "computed"),
    ({"scl": 7}, 1.0, 0.0, "computed"),
    ({"red": 0}, 0.5, 0.0, "computed"),
    ({"nir": 0}, 0.5, 0.0, "computed"),
    ({"red": 0, "scl": 9}, 0.5, 0.5, "computed"),
]


@pytest.mark.parametrize(("changes", "valid", "cloud", "status"), HALVES)
def test_what_hides_half_a_field(
    tmp_path: Path, changes: dict[str, int], valid: float, cloud: float, status: str
) -> None:
    scene = make_scene(tmp_path, *bands(**changes))
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene])).observation
    assert row.status == status
    assert row.valid_fraction == pytest.approx(valid, abs=1e-4)
    assert row.cloud_fraction == pytest.approx(cloud, abs=1e-4)
    assert row.ndvi_mean == row.ndvi_min == row.ndvi_max == 2500 / 3500


def test_pixels_darker_than_the_offset_are_not_valid(tmp_path: Path) -> None:
    scene = make_scene(tmp_path, *bands(red=990, nir=1000), offset=SUBTRACT_1000)
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene], min_valid_fraction=0)).observation
    assert (row.ndvi_mean, row.valid_fraction) == (None, 0), "nor are those of the other half: red 500 - 1000"
    assert "dark_pixels_dropped" in row.quality


@pytest.mark.parametrize(("mask", "valid"), [("scl@1", 1.0), ("scl-no-dark@1", 0.5), ("scl-strict@1", 0.5)])
def test_the_mask_policy_decides(tmp_path: Path, mask: str, valid: float) -> None:
    scene = make_scene(tmp_path, *bands(scl=2))
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene], mask=mask, min_valid_fraction=0.1)).observation
    assert row.valid_fraction == pytest.approx(valid, abs=1e-4)
    assert row.mask_policy == mask


def test_an_unknown_mask_policy_is_bad_input(scene: Scene) -> None:
    with pytest.raises(BadInput, match="scl@9"):
        outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene], mask="scl@9"))


@pytest.mark.parametrize(
    ("needed", "status"), [(0.0, "computed"), (0.49, "computed"), (0.51, "cloudy"), (1.0, "cloudy")]
)
def test_below_the_least_valid_fraction_a_cell_is_cloudy_and_keeps_its_numbers(
    tmp_path: Path, needed: float, status: str
) -> None:
    scene = make_scene(tmp_path, *bands(scl=9))
    found = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene], min_valid_fraction=needed))
    row = found.observation
    assert row.status == status
    assert row.ndvi_mean == 2500 / 3500
    assert found.raster is not None
    if status == "cloudy":
        assert row.valid_fraction is not None
        valid = math.floor(row.valid_fraction * 1000) / 10  # what falls short of a threshold has to look so
        assert row.reason == f"{valid}% of the field is valid, {needed:.1%} is needed: 50.0% cloud"


@pytest.mark.parametrize("needed", [0.0, 0.5])
def test_a_field_wholly_under_cloud_has_no_numbers(tmp_path: Path, needed: float) -> None:
    scene = make_scene(tmp_path, flat(500), flat(3000), np.full_like(GROUND, 9))
    found = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene], min_valid_fraction=needed))
    row = found.observation
    assert (row.status, row.ndvi_mean, row.valid_fraction, row.cloud_fraction) == ("cloudy", None, 0, 1)
    assert row.pixel_count == pytest.approx(64, abs=1e-3)
    assert row.scene_ids == (scene.id,)
    assert found.raster is None


@pytest.mark.parametrize("changes", [{"scl": 0}, {"red": 0}, {"nir": 0}, {"red": 0, "nir": 0, "scl": 0}])
def test_a_field_beside_the_swath_has_no_data(tmp_path: Path, changes: dict[str, int]) -> None:
    scene = make_scene(tmp_path, *bands(**changes))
    found = outcome(make_order({"a": pixel_box(8.1, 8.1, 7.8, 3.8)}, [scene]))
    assert found.observation.status == "no_data"
    assert found.observation.reason == "the scene has no data within the field"
    assert found.raster is None


def test_nodata_that_the_file_states_is_left_out(tmp_path: Path) -> None:
    red, nir, classes = bands(red=65535)
    scene = make_scene(tmp_path, red, nir, classes, nodata=65535)
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene])).observation
    assert row.valid_fraction == pytest.approx(0.5, abs=1e-4)


def test_a_field_smaller_than_a_pixel_is_too_small(scene: Scene) -> None:
    order = make_order({"a": pixel_box(8.2, 8.2, 0.5, 0.5)}, [scene])
    row = outcome(order).observation
    assert row.status == "too_small"
    assert row.reason == "the field covers 0.25 pixels of 10 m, at least 1 are needed"
    assert row.pixel_count == pytest.approx(0.25, abs=1e-4)
    allowed = order.model_copy(update={"policy": order.policy.model_copy(update={"min_pixels": 0.2})})
    assert outcome(allowed).observation.ndvi_mean == 2500 / 3500


def test_a_field_without_area_is_too_small_whatever_is_asked(scene: Scene) -> None:
    line = shapely.Polygon([(LEFT + 50, TOP - 50), (LEFT + 90, TOP - 90), (LEFT + 50, TOP - 50)])
    row = outcome(make_order({"a": line}, [scene], min_pixels=0)).observation
    assert (row.status, row.pixel_count) == ("too_small", 0)


@pytest.mark.parametrize(
    "field", [pixel_box(100, 8, 4, 4), pixel_box(8, -20, 4, 4), lonlat(shapely.box(3e5, 8e6, 3.1e5, 8.1e6))]
)
def test_a_field_outside_the_raster_has_no_scene(scene: Scene, field: shapely.Polygon) -> None:
    row = outcome(make_order({"a": field}, [scene])).observation
    assert row.status == "no_scene"
    assert row.reason == f"the field is outside the raster of {scene.id}"


def test_a_field_over_the_edge_of_the_raster_counts_what_is_outside(scene: Scene) -> None:
    row = outcome(make_order({"a": pixel_box(8, -3, 10, 10)}, [scene])).observation
    assert row.valid_fraction == pytest.approx(0.7, abs=1e-4)
    assert row.pixel_count == pytest.approx(100, abs=1e-3)


@pytest.mark.parametrize(
    ("red", "nir", "offset", "said"),
    [
        (65535, 65535, NO_OFFSET, "saturated_pixels_dropped"),
        (65535, 4000, NO_OFFSET, "saturated_pixels_dropped"),
        (1400, 65535, SUBTRACT_1000, "saturated_pixels_dropped"),
        (65100, 300, NO_OFFSET, "saturated_pixels_dropped"),
        (990, 980, SUBTRACT_1000, "dark_pixels_dropped"),
        (1000, 1500, SUBTRACT_1000, "dark_pixels_dropped"),
    ],
)
def test_what_is_no_reflectance_has_no_value(tmp_path: Path, red: int, nir: int, offset: Offset, said: str) -> None:
    scene = make_scene(tmp_path, red, nir, offset=offset)
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene])).observation
    assert (row.status, row.ndvi_mean, row.valid_fraction, row.cloud_fraction) == ("undefined", None, 0, 0)
    assert row.reason == "0.0% of the field is valid, 50.0% is needed: 100.0% no reflectance"
    assert said in row.quality


def test_a_catalogue_that_cuts_off_at_zero_gives_the_same_row_as_one_that_does_not(tmp_path: Path) -> None:
    """Half of the field is darker than the offset in red: 990 and 1500, which another catalogue has as 0 and 500."""
    raw = make_scene(tmp_path, *dark_half(990, 1500, 1400, 1500), offset=SUBTRACT_1000, name="A")
    harmonised = make_scene(tmp_path, *dark_half(0, 500, 400, 500), name="B")
    rows = [
        outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [s], min_valid_fraction=0)).observation
        for s in (raw, harmonised)
    ]
    numbers = ("ndvi_mean", "ndvi_std", "ndvi_max", "valid_fraction", "pixel_count")
    first, second = ([getattr(row, name) for name in numbers] for row in rows)
    assert first == second
    assert rows[0].ndvi_max == pytest.approx(100 / 900)
    assert rows[0].valid_fraction == pytest.approx(0.5, abs=1e-4)


def dark_half(red: int, nir: int, other_red: int, other_nir: int) -> tuple[np.ndarray, np.ndarray]:
    """Return bands in which the left half of the field at (8, 8, 8, 8) has the first two numbers."""
    red_band, nir_band = flat(other_red), flat(other_nir)
    red_band[:, :12], nir_band[:, :12] = red, nir
    return red_band, nir_band


@pytest.mark.parametrize("stated", ["file", "item", "nobody"])
def test_the_nodata_value_is_the_files_or_the_items(tmp_path: Path, stated: str) -> None:
    scene = make_scene(tmp_path, 65535, 65535, nodata=65535 if stated == "file" else None)
    scene = scene.model_copy(update={"nodata": 65535 if stated == "item" else None})
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene])).observation
    assert row.ndvi_mean is None
    assert row.status == ("undefined" if stated == "nobody" else "no_data")
    assert row.nodata_fraction == (0 if stated == "nobody" else 1)


@pytest.mark.parametrize(
    ("scl", "status", "words"),
    [
        (11, "snow", "100.0% snow"),
        (1, "undefined", "100.0% defective"),
        (12, "undefined", "100.0% defective"),
        (3, "shadow", "100.0% cloud shadow"),
        (10, "cloudy", "100.0% cloud"),
    ],
)
def test_status_and_reason_name_what_hides_the_field(tmp_path: Path, scl: int, status: str, words: str) -> None:
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [make_scene(tmp_path, scl=scl)])).observation
    assert row.status == status
    assert row.reason == f"0.0% of the field is valid, 50.0% is needed: {words}"
    fractions = (row.cloud_fraction, row.shadow_fraction, row.snow_fraction, row.nodata_fraction)
    assert fractions == ({10: 1, 3: 1}.get(scl, 0), {3: 1}.get(scl, 0), {11: 1}.get(scl, 0), 0)


@pytest.mark.parametrize(
    ("needed", "status", "reason"),
    [
        (0.5, "computed", None),
        (0.5001, "cloudy", "50.0% of the field is valid, 50.01% is needed: 50.0% cloud"),
        (0.51, "cloudy", "50.0% of the field is valid, 51.0% is needed: 50.0% cloud"),
    ],
)
def test_exactly_what_is_needed_is_enough(tmp_path: Path, needed: float, status: str, reason: str | None) -> None:
    """On a grid of degrees the field is whole pixels: exactly half of it is clouded."""
    classes = GROUND.copy()
    classes[:, ::2] = 9
    degrees = {"crs": "EPSG:4326", "transform": corner(10.0, 46.0, 0.0001)}
    scene = make_scene(tmp_path, 500, 3000, classes, **degrees)
    field = shapely.box(10.0008, 45.9984, 10.0016, 45.9992)
    row = outcome(make_order({"a": field}, [scene], epsg=None, min_valid_fraction=needed)).observation
    assert (row.pixel_count, row.valid_fraction) == (64, 0.5)
    assert (row.status, row.reason) == (status, reason)


def test_a_row_says_when_and_how_it_was_seen(tmp_path: Path) -> None:
    how = {"platform": "sentinel-2a", "relative_orbit": 22, "sun_zenith": 25.5, "view_zenith": 4.25}
    scene = make_scene(tmp_path, red=500).model_copy(update=how)
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene])).observation
    assert {name: getattr(row, name) for name in how} == how
    assert row.acquired_at == scene.time
    assert row.quality == ()
    assert row.pure_pixel_count in range(36, 65), "64 but for the edges, which are not straight on the raster"


def test_a_field_thinner_than_a_pixel_is_said_to_be(tmp_path: Path) -> None:
    row = outcome(make_order({"a": pixel_box(8.2, 8, 0.6, 20)}, [make_scene(tmp_path, red=500)])).observation
    assert (row.status, row.pure_pixel_count, row.quality) == ("computed", 0, ("no_pure_pixel",))


def test_the_inner_buffer_leaves_out_the_edge(tmp_path: Path) -> None:
    """Of 8 x 8 pixels 4 x 4 are 20 m and more from the edge; the rest has another NDVI."""
    red = flat(1000)
    red[10:14, 10:14] = 500
    scene = make_scene(tmp_path, red, 3000)
    fields = {"a": pixel_box(8, 8, 8, 8), "thin": pixel_box(20, 8, 3, 8)}
    found = outcomes(make_order(fields, [scene], inner_buffer_m=20))
    row, thin = (found[name, "2022-06-10"].observation for name in fields)
    assert row.ndvi_mean == pytest.approx(2500 / 3500, abs=1e-3)
    assert row.pixel_count == pytest.approx(16, abs=0.02)
    assert thin.status == "too_small"
    assert thin.reason == "nothing is left of the field without the 20 m along its edge"

"""Properties: the same numbers whatever the order, the batch and the blocks; and parts that add up."""

from datetime import date
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.affinity import rotate
from support.chance import examples
from support.oracles import exactextract_statistics
from support.orders import make_order, observed, outcomes
from support.scenes import EPSG, LEFT, SIZE, TOP, corner, lonlat, make_scene, pixel_box, rough

from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import WorkOrder
from ndvi_core.raster.projection import project

MASKS = st.sampled_from(["scl@1", "scl-dilated@1"])


def drawn_fields(seed: int, count: int) -> dict[str, shapely.Polygon]:
    random = np.random.default_rng(seed)
    boxes = [pixel_box(*random.uniform(1, 28, 2), *random.uniform(1.5, 10, 2)) for _ in range(count)]
    return {f"f{i}": rotate(box, random.uniform(0, 90)) for i, box in enumerate(boxes)}


def observations(order: WorkOrder) -> dict[tuple[str, str], dict[str, Any]]:
    return {key: found.observation.model_dump(exclude={"fingerprint"}) for key, found in outcomes(order).items()}


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    """Three days, the last with two tiles, with clouds and nodata; many blocks."""
    folder = tmp_path_factory.mktemp("season")
    random = np.random.default_rng(5)
    scenes = []
    for name, day in (("a", 2), ("b", 5), ("c", 7), ("d", 7)):
        red, nir = rough(day, 200, 1500), rough(day + 1, 1500, 5000)
        red[random.random(red.shape) < 0.02] = 0
        scenes.append(
            make_scene(
                folder,
                red,
                nir,
                random.choice(np.array([3, 4, 5, 9], np.uint8), (SIZE // 2, SIZE // 2), p=[0.1, 0.4, 0.4, 0.1]),
                name=name,
                day=date(2022, 6, day),
                transform=corner(LEFT + (150 if name == "d" else 0), TOP),
            )
        )
    return scenes


def test_days_come_in_their_order(season: list[Scene]) -> None:
    found = [item.observation.date.day for item in observed(make_order(drawn_fields(1, 3), season[::-1]))]
    assert found == [2, 2, 2, 5, 5, 5, 7, 7, 7]


@examples(8)
@given(seed=st.integers(0, 10**6), data=st.data(), mask=MASKS)
def test_an_observation_does_not_depend_on_the_order_or_the_batch(
    season: list[Scene], seed: int, data: st.DataObject, mask: str
) -> None:
    fields = drawn_fields(seed, 6)
    together = observations(make_order(fields, season, mask=mask))
    shuffled = {name: fields[name] for name in data.draw(st.permutations(list(fields)))}
    scenes = data.draw(st.permutations(season))
    assert observations(make_order(shuffled, scenes, mask=mask)) == together
    cut = data.draw(st.integers(1, 5))
    names = list(shuffled)
    apart = [
        make_order({name: fields[name] for name in part}, season, mask=mask) for part in (names[:cut], names[cut:])
    ]
    assert observations(apart[0]) | observations(apart[1]) == together


@examples(8)
@given(
    seed=st.integers(0, 10**6), width=st.sampled_from([16, 32, 64]), height=st.sampled_from([16, 32, 48]), mask=MASKS
)
def test_an_observation_does_not_depend_on_the_blocks(
    season: list[Scene], tmp_path_factory: pytest.TempPathFactory, seed: int, width: int, height: int, mask: str
) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    fields = drawn_fields(seed, 6)
    other = []
    for scene in season:
        copies = {}
        for asset, shape in (("red", (width, height)), ("nir", (height, width)), ("scl", (width, width))):
            with rasterio.open(getattr(scene, asset)) as file:
                profile = file.profile | {"blockxsize": shape[0], "blockysize": shape[1], "compress": "lzw"}
                copies[asset] = str(folder / f"{scene.id}_{asset}.tif")
                with rasterio.open(copies[asset], "w", **profile) as copy:
                    copy.write(file.read())
        other.append(scene.model_copy(update=copies))
    ours, theirs = (observations(make_order(fields, scenes, mask=mask)) for scenes in (other, season))
    assert ours == theirs


@examples(15)
@given(seed=st.integers(0, 10**6), west_part=st.floats(0.1, 0.9))
def test_a_field_cut_in_two_adds_up_to_the_whole(season: list[Scene], seed: int, west_part: float) -> None:
    field = drawn_fields(seed, 1)["f0"]
    assume(pixel_box(0, 0, SIZE, SIZE).contains(field))  # a part beyond the raster has no pixels of its own
    left, bottom, right, top = field.bounds
    knife = left + west_part * (right - left)
    parts = {
        "whole": field,
        "west": field.intersection(shapely.box(left, bottom, knife, top)),
        "east": field.intersection(shapely.box(knife, bottom, right, top)),
    }
    found = observations(make_order(parts, season[:2], min_pixels=0, min_valid_fraction=0))
    for day in ("2022-06-02", "2022-06-05"):
        whole, west, east = (found[name, day] for name in parts)
        halves = [half for half in (west, east) if half["ndvi_mean"] is not None]
        for name in ("pixel_count", "ndvi_valid_pixel_count"):
            assert west[name] + east[name] == pytest.approx(whole[name], abs=1e-3), name
        if whole["ndvi_mean"] is None:
            continue
        weights = [half["ndvi_valid_pixel_count"] for half in halves]
        mean = np.average([half["ndvi_mean"] for half in halves], weights=weights)
        second = np.average([half["ndvi_std"] ** 2 + half["ndvi_mean"] ** 2 for half in halves], weights=weights)
        tolerance = 1e-3 / whole["ndvi_valid_pixel_count"]
        assert mean == pytest.approx(whole["ndvi_mean"], abs=tolerance)
        assert second - mean**2 == pytest.approx(whole["ndvi_std"] ** 2, abs=2 * tolerance)


@examples(15)
@given(seed=st.integers(0, 10**6))
def test_statistics_are_exactextracts_of_the_fields_raster(season: list[Scene], seed: int) -> None:
    fields = drawn_fields(seed, 3)
    for (name, _), found in outcomes(make_order(fields, season[:2], min_valid_fraction=0)).items():
        if found.raster is None:
            continue
        boundary = project(lonlat(fields[name]), EPSG)
        peer = exactextract_statistics(found.raster.ndvi.astype(float), found.raster.bounds, boundary)
        ours = {key: getattr(found.observation, key) for key in peer}
        assert ours == pytest.approx(peer, abs=1e-6)

"""Indices besides NDVI, by hand and against exactextract over their own rasters."""

import socket
from operator import truediv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform
from support.oracles import exactextract_statistics, opened_and_grown
from support.orders import make_order, outcome, outcomes
from support.scenes import (
    GROUND,
    LEFT,
    SIZE,
    SUBTRACT_1000,
    TOP,
    corner,
    flat,
    lonlat,
    make_scene,
    pixel_box,
    rough,
)

from ndvi_core.models.indices import INDICES, Index
from ndvi_core.models.observation import IndexStatistics
from ndvi_core.models.scene import Scene

ALL = tuple(INDICES)
FURTHER = {"green": 800, "rededge1": 1500, "nir08": 4000, "swir16": 2000}
FIELD = {"a": pixel_box(8.3, 7.6, 13.1, 11.7)}
BOUNDS = (LEFT, TOP - 10 * SIZE, LEFT + 10 * SIZE, TOP)
HALF = SIZE // 2


def statistics(scene: Scene, *more: Scene, **policy: Any) -> dict[str, IndexStatistics]:
    return outcome(make_order(FIELD, [scene, *more], **policy)).observation.indices


@pytest.mark.parametrize("shift", [0, 1000])
def test_values_by_hand(tmp_path: Path, shift: int) -> None:
    """Red 0.05, NIR 0.40, green 0.08, red edge 0.15, narrow NIR 0.40, SWIR 0.20."""
    further = {band: number + shift for band, number in FURTHER.items()}
    offset = {"offset": SUBTRACT_1000} if shift else {}
    found = statistics(make_scene(tmp_path, 500 + shift, 4000 + shift, others=further, **offset), indices=ALL)
    means = {name: of.mean for name, of in found.items()}
    assert means == pytest.approx(
        {
            "evi2": 2.5 * 0.35 / (0.40 + 2.4 * 0.05 + 1),
            "savi": 1.5 * 0.35 / 0.95,
            "msavi": (1.8 - (1.8**2 - 8 * 0.35) ** 0.5) / 2,
            "osavi": 0.35 / 0.61,
            "gndvi": 0.32 / 0.48,
            "ndwi": -0.32 / 0.48,
            "ndre": 0.25 / 0.55,
            "cire": 0.40 / 0.15 - 1,
            "ndmi": 0.20 / 0.60,
        },
        abs=1e-12,
    )


@pytest.mark.parametrize("mask", ["scl@1", "scl-dilated@1"])
def test_statistics_are_exactextracts_on_the_grid_of_the_coarsest_band(tmp_path: Path, mask: str) -> None:
    classes = GROUND.copy()
    classes[6:9, 5:8] = 9
    further = {
        "green": rough(3, 500, 900),
        "nir08": rough(4, 3000, 5000, HALF),
        "swir16": rough(5, 1000, 2500, HALF),
    }
    scene = make_scene(tmp_path, rough(1, 300, 900), rough(2, 2500, 4500), classes, others=further)
    row = outcome(make_order(FIELD, [scene], mask=mask, indices=("gndvi", "ndmi"), min_valid_fraction=0)).observation
    with rasterio.open(scene.nir) as file:
        nir = file.read(1).astype(float)
    cloud = classes == 9
    hidden = opened_and_grown(cloud, 20, 40, 20) if mask == "scl-dilated@1" else cloud
    gndvi = (nir - further["green"]) / (nir + further["green"])
    ndmi = (further["nir08"].astype(float) - further["swir16"]) / (further["nir08"].astype(float) + further["swir16"])
    fine = np.where(hidden.repeat(2, axis=0).repeat(2, axis=1), np.nan, gndvi)
    for name, raster in (("gndvi", fine), ("ndmi", np.where(hidden, np.nan, ndmi))):
        expected = exactextract_statistics(raster, BOUNDS, FIELD["a"])
        found = row.indices[name].model_dump()
        assert {f"ndvi_{key}": found[key] for key in found if key != "valid_pixel_count"} == pytest.approx(
            expected, abs=1e-6
        )
    assert row.indices["gndvi"].valid_pixel_count == pytest.approx(row.ndvi_valid_pixel_count, abs=1e-9)
    assert row.indices["ndmi"].valid_pixel_count == pytest.approx(row.ndvi_valid_pixel_count / 4, abs=1e-9)


def test_ndvi_is_the_same_to_the_last_bit_whatever_else_is_computed(tmp_path: Path) -> None:
    further = {"green": rough(3, 500, 900), "nir08": 4000, "swir16": 2000, "rededge1": 1500}
    scene = make_scene(tmp_path, rough(1, 300, 900), rough(2, 2500, 4500), others=further)
    alone, among = (outcome(make_order(FIELD, [scene], indices=of)).observation for of in (("ndvi",), ALL))
    assert alone == among.model_copy(update={"indices": {}})
    assert set(among.indices) == set(ALL) - {"ndvi"}


@pytest.mark.parametrize("spoil", ["missing", "gone", "cut off"])
def test_an_index_whose_band_cannot_be_read_is_null_and_nothing_else(tmp_path: Path, spoil: str) -> None:
    scene = make_scene(tmp_path, 500, 4000, others=FURTHER)
    path = Path(scene.bands["swir16"])
    if spoil == "missing":
        scene = scene.model_copy(update={"bands": {b: href for b, href in scene.bands.items() if b != "swir16"}})
    elif spoil == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-200])
    row = outcome(make_order(FIELD, [scene], indices=("ndre", "ndmi"))).observation
    assert (row.status, row.quality) == ("computed", ("index_missing",))
    assert row.ndvi_mean == pytest.approx(3500 / 4500)
    assert set(row.indices) == {"ndre"}
    assert row.note is not None
    assert row.note.startswith("no ndmi: ")
    assert "B11" in row.note or "swir16" in row.note


def test_a_cell_whose_further_band_may_be_had_later_fails_for_now(tmp_path: Path) -> None:
    scene = make_scene(tmp_path, 500, 4000, others=FURTHER)
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/B11.tif"
    away = scene.model_copy(update={"bands": scene.bands | {"swir16": nobody}})
    found = outcome(make_order(FIELD, [away], indices=("ndre", "ndmi")))
    assert (found.observation.status, found.is_passing) == ("failed", True)
    assert nobody in (found.observation.reason or "")
    assert (found.observation.ndvi_mean, found.observation.indices) == (None, {})


def test_a_mosaic_takes_each_pixel_of_each_band_from_its_own_scene(tmp_path: Path) -> None:
    """The cut is between two pixels of 20 m: the west has a SWIR of 1000, the east one of 2000."""
    scenes = []
    for name, first, end, swir in (("W", 0, 12, 1000), ("E", 12, SIZE, 2000)):
        red, nir, classes = flat(0), flat(0), np.zeros_like(GROUND)
        red[:, first:end], nir[:, first:end], classes[:, first // 2 : end // 2] = 500, 4000, 4
        others = {"nir08": 4000, "swir16": swir}
        scenes.append(make_scene(tmp_path, red, nir, classes, name=name, others=others))
    order = make_order({"a": pixel_box(8, 8, 8, 8)}, scenes, indices=("evi2", "ndmi"))
    row = outcome(order).observation
    assert set(row.scene_ids) == {"E", "W"}
    assert row.indices["ndmi"].mean == pytest.approx((3000 / 5000 + 2000 / 6000) / 2, abs=1e-12)
    assert row.indices["evi2"].mean == pytest.approx(2.5 * 0.35 / 1.52, abs=1e-12)


def test_indices_of_20_m_where_all_clear_pixels_are_of_another_zone(tmp_path: Path) -> None:
    """The tile of zone 33, with most of the field, is all cloud there; the rest is clear in that of zone 32."""
    further = {"nir08": 4000, "swir16": 1000}
    west = make_scene(tmp_path, 500, 3000, name="W", others=further, size=100)
    field = pixel_box(10, 60, 50, 90)
    x, y = transform("EPSG:4326", "EPSG:32633", *(c.tolist() for c in lonlat(field).centroid.xy))
    where = {"crs": "EPSG:32633", "transform": corner(round(x[0] - 100, -1), round(y[0] + 500, -1))}
    east = make_scene(tmp_path, 500, 3000, 9, name="E", others=further, size=100, **where)
    row = outcome(make_order({"a": field}, [west, east], min_valid_fraction=0, indices=("evi2", "ndmi"))).observation
    assert (row.scene_ids, row.quality) == (("W",), ("resampled",))
    assert row.valid_fraction == pytest.approx(1 / 3, abs=0.1)
    assert row.ndvi_valid_pixel_count is not None
    assert row.indices["ndmi"].mean == pytest.approx(0.6, abs=1e-12)
    assert row.indices["ndmi"].valid_pixel_count == pytest.approx(row.ndvi_valid_pixel_count / 4, rel=0.05)


def test_only_positive_reflectances_of_the_own_bands_count(tmp_path: Path) -> None:
    """Green is dark in the field's left half: GNDVI is of the right one, NDVI of both."""
    green = flat(1800)
    green[:, :12] = 900
    scene = make_scene(tmp_path, 1500, 5000, others={"green": green}, offset=SUBTRACT_1000)
    row = outcome(make_order({"a": pixel_box(8, 8, 8, 8)}, [scene], indices=("gndvi",))).observation
    assert row.ndvi_valid_pixel_count == pytest.approx(64)
    assert row.indices["gndvi"].valid_pixel_count == pytest.approx(32)
    assert row.indices["gndvi"].mean == pytest.approx(3200 / 4800)


def test_fields_do_not_depend_on_each_other(tmp_path: Path) -> None:
    further = {"green": rough(3, 500, 900), "nir08": rough(4, 3000, 5000, HALF), "swir16": rough(5, 1000, 2500, HALF)}
    scene = make_scene(tmp_path, rough(1, 300, 900), rough(2, 2500, 4500), others=further)
    fields = {f"f{n}": pixel_box(3.3 + 2 * n, 4.1 + 3 * n, 7.7, 5.2) for n in range(5)}
    together = outcomes(make_order(fields, [scene], indices=("gndvi", "ndmi")))
    for name, field in fields.items():
        alone = outcome(make_order({name: field}, [scene], indices=("gndvi", "ndmi"))).observation
        assert alone.indices == together[name, str(alone.date)].observation.indices


def test_an_index_of_ones_own_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    colours = ("#000000", "#ffffff")
    ratio = Index("sr", "Simple Ratio", ("nir", "red"), truediv, "nir / red", (0, 30), colours, "Jordan 1969")
    monkeypatch.setitem(INDICES, "sr", ratio)
    assert statistics(make_scene(tmp_path, 500, 4000), indices=("sr",))["sr"].mean == pytest.approx(8)

"""The synthetic season, looked at with rasterio, pystac and pystac-client as any other catalogue would be."""

import hashlib
import itertools
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pystac
import pystac_client
import pytest
import rasterio
import shapely
from rasterio.features import geometry_mask
from rasterio.warp import transform_geom
from shapely.geometry import shape

from ndvi_airflow.local.services import start_stac
from ndvi_core.catalog.dialects import LOCAL, scene_from_item
from ndvi_core.catalog.search import deduplicate
from ndvi_core.cli import main
from ndvi_core.errors import EXIT_BAD_INPUT, BadInput
from ndvi_core.intake.extent_file import load_extent
from ndvi_core.intake.features import parse_fields
from ndvi_core.models.indices import INDICES, bands_beside_ndvi
from ndvi_core.sample import season as sample
from ndvi_core.sample.farm import Season
from ndvi_core.sample.landscape import classify, make_ground, make_sky, reflectance
from ndvi_core.sample.season import write_season
from ndvi_core.storage.object_store import Store

BASE_URL = "http://127.0.0.1:1/scenes"


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Season:
    return write_season(tmp_path_factory.mktemp("season"), BASE_URL, sample.START, sample.END)


@pytest.fixture(scope="module")
def items(season: Season) -> dict[str, pystac.Item]:
    features = json.loads(season.items.read_text())["features"]
    return {feature["id"]: pystac.Item.from_dict(feature) for feature in features}


def _fields(file: Path) -> dict[str, tuple[dict[str, str], shapely.Geometry]]:
    features = json.loads(file.read_text())["features"]
    return {f["properties"]["object-id"]: (f["properties"], shape(f["geometry"])) for f in features}


def _open(season: Season, item: pystac.Item, asset: str) -> rasterio.DatasetReader:
    return rasterio.open(season.scenes / item.assets[asset].href.removeprefix(f"{BASE_URL}/"))


def test_default_season_has_what_the_pipeline_has_to_deal_with(items: dict[str, pystac.Item]) -> None:
    days = sorted({item.datetime.date() for item in items.values()})
    assert [day.day for day in days] == [16, 19, 21, 24, 26, 29]
    cover = dict.fromkeys(days, 0.0)
    for item in items.values():
        cover[item.datetime.date()] = max(cover[item.datetime.date()], item.properties["eo:cloud_cover"])
    assert [day for day in days if cover[day] == 100] == [date(2025, 4, 24)]
    assert sum(10 < percent < 90 for percent in cover.values()) == 2
    assert {item.properties["grid:code"] for item in items.values()} == {"MGRS-30UXV", "MGRS-30UYV"}
    assert len(items) == 2 * len(days) + 1


def test_reprocessed_duplicate_differs_from_the_old_product_in_its_pixels(
    season: Season, items: dict[str, pystac.Item]
) -> None:
    scenes = [scene_from_item(item, LOCAL) for item in items.values()]
    (replaced,) = {scene.id for scene in scenes} - {scene.id for scene in deduplicate(scenes)[0]}
    old, new = items[replaced], items[replaced.replace("_0_L2A", "_1_L2A")]
    assert (old.properties["s2:processing_baseline"], new.properties["s2:processing_baseline"]) == ("05.10", "05.11")
    assert old.properties["updated"] < new.properties["updated"]
    with _open(season, old, "nir") as before, _open(season, new, "nir") as after:
        seen = after.read(1) > 0
        assert np.all(before.read(1)[seen] == after.read(1)[seen] + 150)
        assert np.all(before.read(1)[~seen] == 0)


def test_same_days_always_have_the_same_pixels(season: Season, items: dict[str, pystac.Item], tmp_path: Path) -> None:
    again = write_season(tmp_path, BASE_URL, date(2025, 4, 20), date(2025, 4, 22))
    files = sorted(file.relative_to(again.scenes) for file in again.scenes.rglob("*.tif"))
    assert len(files) == 24
    for file in files:
        assert _digest(again.scenes / file) == _digest(season.scenes / file)
    repeated = json.loads(again.items.read_text())["features"]
    assert [pystac.Item.from_dict(f).to_dict() for f in repeated] == [items[f["id"]].to_dict() for f in repeated]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("asset", "pixel", "dtype"),
    [
        ("green", 10, "uint16"),
        ("red", 10, "uint16"),
        ("nir", 10, "uint16"),
        ("rededge1", 20, "uint16"),
        ("nir08", 20, "uint16"),
        ("swir16", 20, "uint16"),
        ("scl", 20, "uint8"),
        ("visual", 10, "uint8"),
    ],
)
def test_rasters_are_cogs_where_the_items_say(
    season: Season, items: dict[str, pystac.Item], asset: str, pixel: int, dtype: str
) -> None:
    for item in items.values():
        with _open(season, item, asset) as raster:
            assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert set(raster.block_shapes) == {(128, 128)}
            assert set(raster.dtypes) == {dtype}
            assert raster.count == (3 if asset == "visual" else 1)
            assert raster.nodata == 0
            assert raster.crs.to_string() == item.properties["proj:code"] == "EPSG:32630"
            assert raster.res == (pixel, pixel)
            assert list(raster.shape) == item.assets[asset].extra_fields["proj:shape"]
            assert list(raster.transform)[:6] == item.assets[asset].extra_fields["proj:transform"]
            assert "SYNTHETIC" in raster.tags()


def test_scenes_are_labelled_as_synthetic(season: Season, items: dict[str, pystac.Item]) -> None:
    assert "SYNTHETIC" in json.loads(season.collection.read_text())["title"]
    for item in items.values():
        assert item.id.startswith("SYNTHETIC_")
        assert item.properties["synthetic"] is True
        assert "SYNTHETIC" in item.properties["title"]


def test_footprint_is_where_the_pixels_have_data(season: Season, items: dict[str, pystac.Item]) -> None:
    cut = 0
    for item in items.values():
        with _open(season, item, "red") as raster:
            data = raster.read(1) > 0
            outline = transform_geom("OGC:CRS84", raster.crs, item.geometry)
            inside = geometry_mask([outline], raster.shape, raster.transform, invert=True)
        assert (data != inside).mean() < 0.001
        cut += not data.all()
    assert cut == 3  # the eastern tile of the second orbit's passes


def test_fields_lie_in_both_tiles_in_one_and_in_no_single_one(season: Season, items: dict[str, pystac.Item]) -> None:
    tiles = {item.properties["grid:code"][-5:]: shape(item.geometry) for item in items.values()}
    fields = {**_fields(season.fields), **_fields(season.late_fields)}
    holding = {
        name: [tile for tile, footprint in sorted(tiles.items()) if footprint.covers(field)]
        for name, (_, field) in fields.items()
    }
    both = ["30UXV", "30UYV"]
    assert holding == {"field_1": both, "field_2": ["30UXV"], "field_3": [], "field_4": ["30UYV"], "field_5": both}
    assert shapely.union_all(list(tiles.values())).covers(fields["field_3"][1])
    assert fields["field_1"][1].equals(fields["field_5"][1])


def test_one_late_field_lies_partly_outside_the_extent(season: Season) -> None:
    extent = load_extent(Store(f"file://{season.folder}"), season.extent.name).polygon
    fields = {**_fields(season.fields), **_fields(season.late_fields)}
    share = {name: (field & extent).area / field.area for name, (_, field) in fields.items()}
    assert 0.2 < share.pop("field_4") < 0.9
    assert list(share.values()) == pytest.approx([1.0] * 4)


def test_intake_takes_every_field(season: Season) -> None:
    files = (season.fields, season.neighbours, season.late_fields)
    parsed = [parse_fields(file.read_bytes()) for file in files]
    assert [len(one.fields) for one in parsed] == [3, 12, 2]
    assert [one.problems for one in parsed] == [(), (), ()]


def test_fields_do_not_overlap_but_for_the_undersown_one_and_only_one_is_not_wholly_inside_the_extent(
    season: Season,
) -> None:
    files = (season.fields, season.neighbours, season.late_fields)
    fields = {name: field for file in files for name, (_, field) in _fields(file).items() if name != "field_5"}
    assert not any(one.intersects(other) for one, other in itertools.combinations(fields.values(), 2))
    extent = load_extent(Store(f"file://{season.folder}"), season.extent.name).polygon
    assert [name for name, field in fields.items() if not extent.covers(field)] == ["field_4"]


def _planted(file: Path) -> dict[str, tuple[str, str]]:
    return {name: (stated["plant-type"], stated["plant-date"]) for name, (stated, _) in _fields(file).items()}


def test_what_was_sown_before_the_first_day_is_planted_on_it(season: Season) -> None:
    assert _planted(season.fields) == {
        "field_1": ("spring_barley", "2025-04-16"),
        "field_2": ("grass_ley", "2025-04-16"),
        "field_3": ("flax", "2025-04-20"),
    }
    assert _planted(season.late_fields) == {
        "field_4": ("sugar_beet", "2025-04-18"),
        "field_5": ("clover", "2025-04-22"),
    }
    assert _planted(season.next_crops) == {}


def test_next_crops_are_those_that_are_sown_by_the_last_day(tmp_path: Path) -> None:
    season = write_season(tmp_path, BASE_URL, date(2025, 5, 1), date(2025, 6, 30), ())
    assert _planted(season.next_crops) == {"field_16": ("maize", "2025-05-18")}
    assert _fields(season.neighbours)["field_16"][0]["end-date"] == "2025-05-17"
    season = write_season(tmp_path, BASE_URL, date(2026, 5, 1), date(2026, 5, 31), ())
    following = _planted(season.next_crops)
    assert following["field_1"] == ("maize", "2026-05-04")
    assert sorted(crop for crop, _ in following.values()) == [*["maize"] * 11, "spring_barley", "sugar_beet"]


def test_what_was_over_before_the_first_day_is_not_planted(tmp_path: Path) -> None:
    season = write_season(tmp_path, BASE_URL, date(2025, 6, 1), date(2025, 6, 2), ())
    assert _planted(season.neighbours)["field_16"] == ("maize", "2025-06-01")
    assert _planted(season.next_crops) == {}


@pytest.mark.parametrize(
    ("cover", "april", "june"),
    [
        ("spring_barley", (0.35, 0.60), (0.75, 0.95)),
        ("winter_wheat", (0.65, 0.90), (0.80, 0.95)),
        ("maize", (0.10, 0.25), (0.45, 0.80)),
        ("sugar_beet", (0.15, 0.30), (0.75, 0.95)),
        ("grassland", (0.70, 0.90), (0.70, 0.90)),
        ("water", (-0.4, -0.2), (-0.4, -0.2)),
    ],
)
def test_crops_grow_as_they_do_in_normandy(cover: str, april: tuple[float, float], june: tuple[float, float]) -> None:
    shape = (60, 60)
    ground = make_ground(shape, [(shapely.box(0, 0, 60, 60), cover)], np.random.default_rng(1))
    sky = make_sky(shape, 0.0, np.random.default_rng(1))
    for day, (low, high) in ((date(2025, 4, 14), april), (date(2025, 6, 16), june)):
        seen = reflectance(ground, sky, day, np.random.default_rng(1))
        red, nir = seen["red"], seen["nir"]
        assert low < ((nir - red) / (nir + red)).mean() < high


@pytest.mark.parametrize(
    ("index", "bare", "dense", "water"),
    [
        ("evi2", (0.05, 0.20), (0.55, 0.80), (-0.10, 0.00)),
        ("gndvi", (0.25, 0.40), (0.70, 0.85), (-0.60, -0.45)),
        ("ndwi", (-0.40, -0.25), (-0.85, -0.70), (0.45, 0.60)),
        ("ndre", (0.10, 0.25), (0.55, 0.75), (-0.40, -0.25)),
        ("cire", (0.25, 0.60), (3.0, 4.5), (-0.60, -0.40)),
        ("ndmi", (-0.20, 0.00), (0.35, 0.50), (0.20, 0.40)),
    ],
)
def test_indices_are_those_of_bare_ground_dense_crop_and_water(
    index: str, bare: tuple[float, float], dense: tuple[float, float], water: tuple[float, float]
) -> None:
    """Sugar beet is bare in April and closes its rows by July."""
    cases = (("sugar_beet", 4, bare), ("sugar_beet", 7, dense), ("water", 7, water))
    for cover, month, (low, high) in cases:
        ground = make_ground((60, 60), [(shapely.box(0, 0, 60, 60), cover)], np.random.default_rng(1))
        sky = make_sky((60, 60), 0.0, np.random.default_rng(1))
        seen = reflectance(ground, sky, date(2025, month, 10), np.random.default_rng(1))
        entry = INDICES[index]
        assert low < entry.formula(*(seen[band].astype(np.float64) for band in entry.bands)).mean() < high, cover


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_clouds_hide_the_share_that_is_asked_for(share: float) -> None:
    shape = (200, 200)
    ground = make_ground(shape, [], np.random.default_rng(2))
    sky = make_sky(shape, share, np.random.default_rng(2))
    seen = reflectance(ground, sky, date(2025, 5, 1), np.random.default_rng(2))
    classes = classify(seen["red"], seen["nir"], ground, sky)
    assert np.isin(classes, [8, 9, 10]).mean() == pytest.approx(share, abs=0.1)
    assert (3 in classes) == (0 < share < 1)


def test_classification_is_cloud_where_pixels_are_bright_and_shadow_where_they_are_dark(
    season: Season, items: dict[str, pystac.Item]
) -> None:
    (item,) = [item for name, item in items.items() if "30UXV_20250419" in name]
    with _open(season, item, "scl") as scl, _open(season, item, "red") as red, _open(season, item, "nir") as nir:
        classes, reds, nirs = scl.read(1), red.read(1)[::2, ::2], nir.read(1)[::2, ::2]
    assert {3, 4, 5, 8, 9, 10} <= set(np.unique(classes))
    assert np.median(reds[classes == 9]) > 3 * np.median(reds[classes == 5])
    assert np.median(nirs[classes == 3]) < 0.7 * np.median(nirs[classes == 4])


def _western(season: Season) -> pystac.Item:
    """Return the scene of the western tile."""
    features = json.loads(season.items.read_text())["features"]
    return pystac.Item.from_dict(next(f for f in features if "30UXV" in f["id"]))


def _within(season: Season, item: pystac.Item, asset: str, field: shapely.Geometry) -> np.ndarray:
    """Return the pixels of an asset within a field."""
    with _open(season, item, asset) as raster:
        on_map = transform_geom("OGC:CRS84", raster.crs, shapely.geometry.mapping(field))
        inside = geometry_mask([on_map], raster.shape, raster.transform, invert=True)
        return raster.read(1)[inside].astype(float)


def test_a_rim_of_cloud_lies_over_a_field_and_the_classification_has_vegetation_there(tmp_path: Path) -> None:
    day = date(2025, 6, 13)
    season = write_season(tmp_path, BASE_URL, day, day, ("red", "nir", "scl"))
    item = _western(season)
    fields, values = _fields(season.neighbours), {}
    for name in ("field_12", "field_14"):
        assert set(_within(season, item, "scl", fields[name][1])) == {4}
        red, nir = (_within(season, item, band, fields[name][1]) - 1000 for band in ("red", "nir"))
        values[name] = ((nir - red) / (nir + red)).mean()
    assert -0.35 < values["field_12"] - values["field_14"] < -0.15


def test_a_field_is_hidden_for_weeks_while_its_neighbours_are_seen(tmp_path: Path) -> None:
    day = date(2025, 5, 24)
    season = write_season(tmp_path, BASE_URL, day, day, ("scl",))
    item = _western(season)
    fields = {**_fields(season.fields), **_fields(season.neighbours)}
    clear = {name for name, (_, field) in fields.items() if set(_within(season, item, "scl", field)) <= {4, 5}}
    assert set(_within(season, item, "scl", fields["field_17"][1])) <= {8, 9}
    assert len(fields.keys() - clear) <= 2


@pytest.fixture
def api(season: Season, tmp_path: Path) -> Iterator[str]:
    server = start_stac([season.collection, season.items], log=tmp_path / "stac.log")
    yield server.url
    server.stop()


def test_scenes_served_by_a_stac_api_are_read_with_the_shift_of_their_digital_numbers(api: str, season: Season) -> None:
    field = _fields(season.fields)["field_2"][1]
    search = pystac_client.Client.open(api).search(
        collections=["sentinel-2-l2a"], intersects=field, datetime=f"{sample.START}/{sample.END + timedelta(1)}"
    )
    scenes, _ = deduplicate([scene_from_item(item, LOCAL) for item in search.items_as_dicts()])
    assert [(scene.tile, scene.day.day) for scene in scenes] == [("30UXV", day) for day in (16, 19, 21, 24, 26, 29)]
    assert {(scene.offset.red, scene.offset.nir, scene.epsg) for scene in scenes} == {(-1000, -1000, 32630)}
    assert {scene.baseline for scene in scenes} == {"05.11"}
    assert all(scene.red == f"{BASE_URL}/{scene.id}/red.tif" for scene in scenes)
    further = [scene_from_item(item, LOCAL, bands_beside_ndvi(INDICES)) for item in search.items_as_dicts()]
    assert {tuple(scene.offset.others.items()) for scene in further} == {
        (("green", -1000), ("rededge1", -1000), ("nir08", -1000), ("swir16", -1000))
    }


def test_a_season_that_ends_before_it_starts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="end 2025-04-01 is before its start 2025-04-02"):
        write_season(tmp_path, BASE_URL, date(2025, 4, 2), date(2025, 4, 1))


def test_a_season_of_which_nothing_is_told_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="told from 2025-01-01 to 2026-12-31"):
        write_season(tmp_path, BASE_URL, date(2024, 6, 1), date(2024, 6, 2))


def test_command_writes_a_season_of_the_wanted_days(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    days = ["--start", "2025-04-21", "--end", "2025-04-21"]
    assert main(["sample", "--out", str(tmp_path), "--base-url", "https://example.org/", *days]) == 0
    items = json.loads(Path(capsys.readouterr().out.strip()).read_text())["features"]
    assert {item["properties"]["datetime"][:10] for item in items} == {"2025-04-21"}
    assert all(item["assets"]["scl"]["href"] == f"https://example.org/{item['id']}/scl.tif" for item in items)


def test_command_refuses_an_end_before_the_start(tmp_path: Path) -> None:
    days = ["--start", "2025-04-22", "--end", "2025-04-21"]
    assert main(["sample", "--out", str(tmp_path), "--base-url", "https://example.org", *days]) == EXIT_BAD_INPUT

"""STAC items of four catalogues and of our own become scenes: hrefs, tiles, passes, days, footprints."""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args

import pystac
import pytest
from shapely.geometry import shape
from support.features import polygon
from support.stac_items import earth_search

from ndvi_core.catalog.dialects import (
    CDSE,
    DIALECTS,
    EARTH_SEARCH,
    EARTH_SEARCH_C1,
    EARTH_SEARCH_V2,
    LOCAL,
    PLANETARY_COMPUTER,
    Dialect,
    dialect_for,
    scene_from_item,
)
from ndvi_core.errors import BadInput, SceneUnreadable
from ndvi_core.models.indices import INDICES, bands_beside_ndvi
from ndvi_core.settings import Settings

PROFILE_OF_FOLDER = {
    "earth_search_v1_sentinel_2_l2a": EARTH_SEARCH,
    "earth_search_v1_sentinel_2_c1_l2a": EARTH_SEARCH_C1,
    "planetary_computer": PLANETARY_COMPUTER,
    "cdse_stac": CDSE,
}


def test_real_items_have_the_offset_that_the_index_says(realdata: Path) -> None:
    with (realdata / "stac" / "index.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 23
    for row in rows:
        dialect = PROFILE_OF_FOLDER[row["api"]]
        scene = scene_from_item(json.loads((realdata / "stac/items" / row["api"] / row["file"]).read_text()), dialect)
        if dialect is EARTH_SEARCH:
            expected = 0
        elif dialect is PLANETARY_COMPUTER:
            expected = -1000 if row["processing_baseline"] in ("04.00", "05.00", "05.10", "05.11") else 0
        else:
            expected = round(float(row["red_offset"]) / float(row["red_scale"]))
        assert (scene.offset.red, scene.offset.nir, scene.offset.rule) == (expected, expected, dialect.rule), scene.id
        assert scene.baseline == row["processing_baseline"]
        assert scene.time == datetime.fromisoformat(row["datetime"])
        assert scene.tile in scene.id
        assert scene.footprint.is_valid
        assert scene.epsg == int(row["epsg"] or 32600 + int(scene.tile[:2]))  # CDSE: EPSG at the assets, all north


@pytest.mark.parametrize(
    ("file", "tile", "datatake", "red"),
    [
        (
            "earth_search_v1_sentinel_2_l2a/S2A_32TMT_20200302_1_L2A.json",
            "32TMT",
            "S2A_20200302T102021",
            "https://sentinel-cogs.s3.us-west-2.amazonaws.com/sentinel-s2-l2a-cogs/32/T/MT/2020/3/"
            "S2A_32TMT_20200302_1_L2A/B04.tif",
        ),
        (
            "earth_search_v1_sentinel_2_c1_l2a/S2A_T13TDE_20240402T174230_L2A.json",
            "13TDE",
            "S2A_20240402T173901",
            "https://e84-earth-search-sentinel-data.s3.us-west-2.amazonaws.com/sentinel-2-c1-l2a/13/T/DE/2024/4/"
            "S2A_T13TDE_20240402T174230_L2A/B04.tif",
        ),
        (
            "planetary_computer/S2A_MSIL2A_20230216T235751_R087_T52CDV_20230217T134828.json",
            "52CDV",
            "S2A_20230216T235751",
            "https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/52/C/DV/2023/02/16/"
            "S2A_MSIL2A_20230216T235751_N0400_R087_T52CDV_20230217T134828.SAFE/GRANULE/"
            "L2A_T52CDV_A039981_20230216T235752/IMG_DATA/R10m/T52CDV_20230216T235751_B04_10m.tif",
        ),
        (
            "cdse_stac/S2A_MSIL2A_20200301T090901_N0500_R050_T35UPU_20230630T033416.json",
            "35UPU",
            "S2A_20200301T090901",
            "s3://eodata/Sentinel-2/MSI/L2A_N0500/2020/03/01/"
            "S2A_MSIL2A_20200301T090901_N0500_R050_T35UPU_20230630T033416.SAFE/GRANULE/"
            "L2A_T35UPU_A024500_20200301T090936/IMG_DATA/R10m/T35UPU_20200301T090901_B04_10m.jp2",
        ),
    ],
)
def test_real_items_have_tile_datatake_and_unsigned_href(
    realdata: Path, file: str, tile: str, datatake: str, red: str
) -> None:
    dialect = PROFILE_OF_FOLDER[file.partition("/")[0]]
    scene = scene_from_item(json.loads((realdata / "stac/items" / file).read_text()), dialect)
    assert (scene.tile, scene.datatake, scene.red) == (tile, datatake, red)
    assert scene.signing == ("planetary-computer" if dialect is PLANETARY_COMPUTER else None)


@pytest.mark.parametrize(
    ("folder", "suffixes"),
    [
        ("earth_search_v1_sentinel_2_l2a", ("B03.tif", "B05.tif", "B8A.tif", "B11.tif")),
        ("earth_search_v1_sentinel_2_c1_l2a", ("B03.tif", "B05.tif", "B8A.tif", "B11.tif")),
        ("planetary_computer", ("B03_10m.tif", "B05_20m.tif", "B8A_20m.tif", "B11_20m.tif")),
        ("cdse_stac", ("B03_10m.jp2", "B05_20m.jp2", "B8A_20m.jp2", "B11_20m.jp2")),
    ],
)
def test_real_items_have_the_bands_of_all_indices(realdata: Path, folder: str, suffixes: tuple[str, ...]) -> None:
    dialect, bands = PROFILE_OF_FOLDER[folder], bands_beside_ndvi(INDICES)
    for file in sorted((realdata / "stac/items" / folder).glob("*.json")):
        item = json.loads(file.read_text())
        scene = scene_from_item(item, dialect, bands)
        assert len(scene.bands) == len(suffixes)
        for band, suffix in zip(bands, suffixes, strict=True):
            assert scene.bands[band].endswith(suffix)
            assert scene.offset.of(band) == scene.offset.red, "ESA shifts all bands alike"
            assert scene.offset.of(band) in (0, -1000)
        assert scene_from_item(item, dialect).bands == {}, "NDVI needs none of them"


@pytest.mark.parametrize("folder", PROFILE_OF_FOLDER)
def test_real_items_have_a_true_colour_image_where_it_can_be_read_in_parts(realdata: Path, folder: str) -> None:
    for file in sorted((realdata / "stac/items" / folder).glob("*.json")):
        item = json.loads(file.read_text())
        visual = scene_from_item(item, PROFILE_OF_FOLDER[folder]).visual
        if folder == "cdse_stac":
            assert visual is None
        else:
            assert visual in {item["assets"]["visual"]["href"]}
            assert visual.endswith(("/TCI.tif", "_TCI_10m.tif"))


def test_an_item_without_a_band_is_a_scene_without_it(caplog: pytest.LogCaptureFixture) -> None:
    item = earth_search("x")
    item["assets"] |= {"nir08": {"href": "/B8A.tif"}, "swir16": {"href": "/B11.tif", "raster:offset": -0.1}}
    scene = scene_from_item(item, LOCAL, ("green", "nir08", "swir16"))
    assert scene.bands == {"nir08": "/B8A.tif"}
    assert scene.offset.others == {"nir08": 0}
    assert "local, item x: without the band green: asset 'green' is missing" in caplog.text
    assert "local, item x: without the band swir16: asset 'swir16' has the offset -0.1" in caplog.text


@pytest.mark.parametrize(
    ("file", "platform", "orbit", "sun_zenith", "view_zenith", "nodata"),
    [
        ("earth_search_v1_sentinel_2_l2a/S2B_20EPT_20250731_0_L2A.json", "sentinel-2b", 95, 85.836, 7.584, 0),
        ("earth_search_v1_sentinel_2_c1_l2a/S2A_T13TDE_20240402T174230_L2A.json", "sentinel-2a", 98, 38.463, 10.654, 0),
        (
            "planetary_computer/S2A_MSIL2A_20230216T150721_R082_T19PHS_20230217T082924.json",
            *("sentinel-2a", 82, 34.822, None, None),
        ),
        (
            "cdse_stac/S2A_MSIL2A_20200301T090901_N0500_R050_T35UPU_20230630T033416.json",
            *("sentinel-2a", 50, 61.395, 4.032, 0),
        ),
    ],
)
def test_real_items_say_how_the_scene_was_seen(
    realdata: Path,
    file: str,
    platform: str,
    orbit: int,
    sun_zenith: float,
    view_zenith: float | None,
    nodata: int | None,
) -> None:
    dialect = PROFILE_OF_FOLDER[file.partition("/")[0]]
    scene = scene_from_item(json.loads((realdata / "stac/items" / file).read_text()), dialect)
    assert (scene.platform, scene.relative_orbit, scene.nodata) == (platform, orbit, nodata)
    assert scene.sun_zenith == pytest.approx(sun_zenith, abs=1e-3)
    assert scene.view_zenith == (None if view_zenith is None else pytest.approx(view_zenith, abs=1e-3))


@pytest.mark.filterwarnings("ignore:Could not parse bucket:UserWarning")  # pystac's word on a migration of no interest
@pytest.mark.parametrize("folder", PROFILE_OF_FOLDER)
def test_a_pystac_item_gives_the_same_scene_as_its_json(realdata: Path, folder: str) -> None:
    dialect = PROFILE_OF_FOLDER[folder]
    for file in sorted((realdata / "stac/items" / folder).glob("*.json")):
        read = json.loads(file.read_text())
        assert scene_from_item(pystac.Item.from_dict(read), dialect) == scene_from_item(read, dialect)


@pytest.mark.parametrize(
    ("properties", "tile"),
    [
        ({"grid:code": "MGRS-1KAB"}, "01KAB"),
        ({"grid:code": None, "s2:mgrs_tile": "32TQS"}, "32TQS"),
        (
            {"grid:code": None, "mgrs:utm_zone": 2, "mgrs:latitude_band": "T", "mgrs:grid_square": "PR"},
            "02TPR",
        ),
        ({"grid:code": None}, "32TPS"),
    ],
)
def test_the_tile_is_found_wherever_it_is_named(properties: dict[str, Any], tile: str) -> None:
    assert scene_from_item(earth_search(**properties), EARTH_SEARCH).tile == tile


@pytest.mark.parametrize(
    ("tile", "time", "day"),
    [
        ("32TPS", "2022-06-02T10:10:31Z", date(2022, 6, 2)),  # Europe
        ("60HTB", "2022-06-01T22:30:00Z", date(2022, 6, 2)),  # New Zealand
        ("60KXF", "2022-06-01T22:20:00Z", date(2022, 6, 2)),  # Fiji, west of the antimeridian
        ("01KAB", "2022-06-01T22:20:00Z", date(2022, 6, 1)),  # Fiji, east of it
        ("04QFJ", "2022-06-02T21:05:00Z", date(2022, 6, 2)),  # Hawaii
        ("05QKB", "2022-06-02T00:30:00Z", date(2022, 6, 1)),  # Hawaii, had it a pass at 14:10 in the afternoon
    ],
)
def test_the_day_is_the_solar_day_of_the_place(tile: str, time: str, day: date) -> None:
    scene = scene_from_item(earth_search(datetime=time, **{"grid:code": f"MGRS-{tile}"}), EARTH_SEARCH)
    assert scene.day == day


FIJI_CUT = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[179.5, -17.0], [180.0, -17.0], [180.0, -16.0], [179.5, -16.0], [179.5, -17.0]]],
        [[[-180.0, -17.0], [-179.5, -17.0], [-179.5, -16.0], [-180.0, -16.0], [-180.0, -17.0]]],
    ],
}


@pytest.mark.parametrize(
    "geometry",
    [
        FIJI_CUT,
        polygon((179.5, -17.0), (-179.5, -17.0), (-179.5, -16.0), (179.5, -16.0)),
        polygon((179.5, -17.0), (180.5, -17.0), (180.5, -16.0), (179.5, -16.0)),
        polygon((-180.5, -17.0), (-179.5, -17.0), (-179.5, -16.0), (-180.5, -16.0)),
    ],
    ids=["cut", "jump", "beyond 180", "beyond -180"],
)
def test_footprints_across_the_antimeridian_are_cut_there(geometry: dict[str, Any]) -> None:
    assert scene_from_item(earth_search(geometry=geometry), EARTH_SEARCH).footprint.equals(shape(FIJI_CUT))


def test_a_crossed_footprint_is_mended_and_heights_are_dropped() -> None:
    bow_tie = polygon((0.0, 0.0, 5.0), (1.0, 1.0, 5.0), (1.0, 0.0, 5.0), (0.0, 1.0, 5.0))
    footprint = scene_from_item(earth_search(geometry=bow_tie), EARTH_SEARCH).footprint
    assert footprint.is_valid
    assert not footprint.has_z
    assert footprint.area == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("item", "dialect", "problem"),
    [
        (earth_search("x", assets={}), EARTH_SEARCH, r"earth-search, item x: asset 'red' is missing; it has none"),
        (earth_search("x"), CDSE, r"cdse, item x: asset 'B04_10m' is missing; it has nir, red, scl"),
        (earth_search("x", assets={"red": {}}), LOCAL, r"local, item x: asset 'red' has no href"),
        (earth_search("x", **{"s2:processing_baseline": None}), LOCAL, r"local, item x: no processing baseline"),
        (earth_search("x", **{"s2:processing_baseline": "new"}), LOCAL, r"local, item x: no processing baseline"),
        (earth_search("x", datetime=None), LOCAL, r"local, item x: no datetime"),
        (earth_search("x", datetime="June"), LOCAL, r"local, item x: Invalid isoformat string: 'June'"),
        (earth_search("x", **{"grid:code": ""}), LOCAL, r"local, item x: no MGRS tile"),
        (earth_search("x", geometry=None), LOCAL, r"local, item x: geometry: Input should be"),
        (earth_search("x", geometry={"type": "Polygon"}), LOCAL, r"local, item x: the geometry is not GeoJSON"),
        (earth_search("x", geometry=polygon((0, 0), (1, 1))), LOCAL, r"the geometry"),
        ({"id": "x"}, LOCAL, r"local, item x: .*properties: Field required"),
        ({}, LOCAL, r"local, item None: id: Field required"),
        (
            earth_search("x", assets={key: {"href": "/x", "raster:offset": -0.1} for key in ("red", "nir", "scl")}),
            LOCAL,
            r"item x: asset 'red' has the offset -0.1 with the scale None: 0.0001 is expected",
        ),
    ],
)
def test_what_an_item_lacks_is_named_with_item_and_catalogue(item: Any, dialect: Dialect, problem: str) -> None:
    with pytest.raises(SceneUnreadable, match=problem):
        scene_from_item(item, dialect)


@pytest.mark.parametrize(
    ("url", "collection", "catalogue", "dialect"),
    [
        ("https://earth-search.aws.element84.com/v1", "sentinel-2-l2a", "auto", EARTH_SEARCH),
        ("https://earth-search.aws.element84.com/v1/", "sentinel-2-c1-l2a", "auto", EARTH_SEARCH_C1),
        ("https://earth-search.aws.element84.com/v2", "sentinel-2-l2a", "auto", EARTH_SEARCH_V2),
        ("https://planetarycomputer.microsoft.com/api/stac/v1", "sentinel-2-l2a", "auto", PLANETARY_COMPUTER),
        ("https://stac.dataspace.copernicus.eu/v1", "sentinel-2-l2a", "auto", CDSE),
        ("http://127.0.0.1:7822", "sentinel-2-l2a", "local", LOCAL),
        ("https://mirror.example/v1", "sentinel-2-l2a", "cdse", CDSE),
        ("https://earth-search.aws.element84.com/v1", "own-copy", "earth-search", EARTH_SEARCH),
    ],
)
def test_the_dialect_follows_from_api_and_collection_unless_it_is_named(
    url: str, collection: str, catalogue: str, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAC_API_URL", url)
    monkeypatch.setenv("STAC_COLLECTION", collection)
    monkeypatch.setenv("NDVI_CATALOGUE", catalogue)
    assert dialect_for(Settings()) is dialect


def test_a_catalogue_that_is_not_known_has_to_be_named() -> None:
    refused = (
        r"STAC_API_URL='https://mirror\.example/v1' is no catalogue .* NDVI_CATALOGUE, one of earth-search, .*local"
    )
    with pytest.raises(BadInput, match=refused):
        dialect_for(Settings(STAC_API_URL="https://mirror.example/v1"))


@pytest.mark.parametrize(
    ("version", "collection"), [("v1", "sentinel-2-pre-c1-l2a"), ("v2", "sentinel-2-c1-l2a"), ("v3", "sentinel-2-l2a")]
)
def test_what_is_not_known_of_a_known_api_is_refused(version: str, collection: str) -> None:
    url = f"https://earth-search.aws.element84.com/{version}"
    refused = rf"STAC_COLLECTION='{collection}' of STAC_API_URL='{url}' is not known, .*sentinel-2-l2a.*NDVI_CATALOGUE"
    with pytest.raises(BadInput, match=refused):
        dialect_for(Settings(STAC_API_URL=url, STAC_COLLECTION=collection))


def test_the_setting_offers_every_dialect() -> None:
    assert set(get_args(Settings.model_fields["catalogue"].annotation)) == {"auto", *DIALECTS}


def test_times_are_utc_whatever_the_item_says() -> None:
    scene = scene_from_item(earth_search(datetime="2022-06-02T12:10:31+02:00", updated="2022-06-03T00:00:00"), LOCAL)
    assert scene.time == datetime(2022, 6, 2, 10, 10, 31, tzinfo=UTC)
    assert scene.updated == datetime(2022, 6, 3, tzinfo=UTC)

"""The real stack of South Tyrol: its STAC items, served by `rustac serve`, and the fields drawn over it."""

import json
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.features
import rasterio.warp
import shapely
from shapely.geometry import box, shape
from support.stac_items import scenes_found

from ndvi_airflow.local import southtyrol
from ndvi_airflow.local.processes import script
from ndvi_airflow.local.services import Service, start_stac
from ndvi_core.errors import NotFound
from ndvi_core.intake.features import parse_fields
from ndvi_core.settings import Settings

DAYS = [date(2022, 6, day) for day in (2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 30)]
RASTER = box(674_990, 5_148_240, 680_110, 5_153_360)
"""Bounds of the stack, EPSG:32632."""


@pytest.fixture(scope="module")
def imagery(realdata: Path) -> Path:
    return realdata / "imagery/s2_southtyrol_202206"


@pytest.fixture(scope="module")
def stac(imagery: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    documents = southtyrol.write_catalogue(imagery, tmp_path_factory.mktemp("stac"), "http://127.0.0.1:1/scenes/")
    server = start_stac(documents)
    yield server
    server.stop()


def in_metres(geometry: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(
        geometry, lambda xy: np.column_stack(rasterio.warp.transform("EPSG:4326", "EPSG:32632", *xy.T))
    )


def test_the_pipeline_reads_every_day_from_the_catalogue(stac: Service, imagery: Path) -> None:
    extent = shape(json.loads(southtyrol.EXTENT.read_text())["features"][0]["geometry"])
    scenes = scenes_found(
        Settings(STAC_API_URL=stac.url, catalogue="local"), extent, date(2022, 6, 1), date(2022, 6, 30)
    )
    assert [scene.day for scene in scenes] == DAYS
    for scene in scenes:
        assert (scene.tile, scene.baseline, scene.epsg) == ("32TPS", "04.00", 32632)
        assert (scene.offset.red, scene.offset.nir) == (0, 0)
        assert in_metres(scene.footprint).symmetric_difference(RASTER).area < 100  # square metres
        for href in (scene.red, scene.nir, scene.scl):
            assert href.startswith(f"http://127.0.0.1:1/scenes/S2_L2A_32TPS_{scene.day:%Y%m%d}_")
            assert (imagery / href.rpartition("/")[2]).is_file()


def test_the_documents_are_valid_stac(imagery: Path, tmp_path: Path) -> None:
    collection, items = southtyrol.write_catalogue(imagery, tmp_path, "s3://scenes")
    document = json.loads(items.read_text())
    assert len(document["features"]) == len(DAYS)
    for item in document["features"]:
        del item["stac_extensions"]  # their schemas would be fetched from the internet
    items.write_text(json.dumps(document))
    for file in (collection, items):
        checked = subprocess.run([script("rustac"), "validate", file], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_positions_in_the_items_are_those_of_the_files(imagery: Path, tmp_path: Path) -> None:
    _, items = southtyrol.write_catalogue(imagery, tmp_path, "s3://scenes")
    for item in json.loads(items.read_text())["features"]:
        for asset in item["assets"].values():
            with rasterio.open(imagery / asset["href"].removeprefix("s3://scenes/")) as raster:
                assert tuple(asset["proj:shape"]) == raster.shape
                assert rasterio.Affine(*asset["proj:transform"]) == raster.transform
                assert asset["raster:bands"][0]["data_type"] == raster.dtypes[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no S2_L2A_32TPS_YYYYMMDD_B04\.tif in .*nowhere"):
        southtyrol.write_catalogue(tmp_path / "nowhere", tmp_path, "s3://scenes")
    (tmp_path / "S2_L2A_32TPS_20220602_B04.tif").touch()
    with pytest.raises(NotFound, match=r"S2_L2A_32TPS_20220602_B08.tif, S2_L2A_32TPS_20220602_SCL.tif should be in"):
        southtyrol.write_catalogue(tmp_path, tmp_path, "s3://scenes")


def test_the_fields_are_taken_as_they_are_and_lie_in_the_extent() -> None:
    first, late = (parse_fields(file.read_bytes()) for file in (southtyrol.FIELDS, southtyrol.LATE_FIELDS))
    assert first.problems == late.problems == ()
    fields = [*first.fields, *late.fields]
    assert (len(first.fields), len(late.fields), len({field.field_id for field in fields})) == (18, 2, 20)
    extent = shape(json.loads(southtyrol.EXTENT.read_text())["features"][0]["geometry"])
    assert RASTER.covers(in_metres(extent))
    for field in fields:
        assert extent.covers(field.geometry), field.field_id
        assert 10_000 < in_metres(field.geometry).area < 80_000, field.field_id  # 1 to 8 ha
        assert DAYS[0] <= field.plant_date <= date(2022, 6, 15)
    apart = shapely.union_all([in_metres(field.geometry) for field in fields]).area
    assert apart == pytest.approx(sum(in_metres(field.geometry).area for field in fields))


def test_the_fields_have_the_shapes_that_are_hard_to_get_right(imagery: Path) -> None:
    geometries = {
        field.field_id: in_metres(field.geometry)
        for file in (southtyrol.FIELDS, southtyrol.LATE_FIELDS)
        for field in parse_fields(file.read_bytes()).fields
    }
    assert len(geometries["orchard_06"].interiors) == 1
    assert geometries["vineyard_02"].geom_type == "MultiPolygon"
    west, north, block = RASTER.bounds[0], RASTER.bounds[3], 256 * 10
    assert geometries["orchard_11"].contains(shapely.Point(west + block, north - block))  # where four blocks meet
    with rasterio.open(imagery / "S2_L2A_32TPS_20220617_B04.tif") as red:
        inside = rasterio.features.geometry_mask([geometries["chestnut_01"]], red.shape, red.transform, invert=True)
        share = (red.read(1)[inside] == 0).mean()
    assert 0.2 < share < 0.9

"""Real pixels: observations against exactextract and rasterstats over NDVI that is worked out here, on whole bands."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import rasterio
import rasterstats
import shapely
from shapely.affinity import rotate, scale
from shapely.geometry.base import BaseGeometry
from support.models import a_scene
from support.oracles import exactextract_statistics
from support.orders import ObservedCell, make_order, outcomes
from support.scenes import corner, lonlat
from support.southtyrol import CLOUDED, DAYS, on_map

from ndvi_core.models.scene import Scene

HIDDEN = (0, 1, 3, 8, 9, 10, 11)
LEFT, BOTTOM, RIGHT, TOP = 674_990, 5_148_240, 680_110, 5_153_360


class Bands(NamedTuple):
    """Whole bands of a scene, on the red band's grid."""

    red: np.ndarray
    nir: np.ndarray
    scl: np.ndarray
    bounds: tuple[float, float, float, float]
    epsg: int

    @property
    def ndvi(self) -> np.ndarray:
        red, nir = self.red.astype(float), self.nir.astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = (nir - red) / (nir + red)
        return np.where(np.isin(self.scl, HIDDEN) | (self.red == 0) | (self.nir == 0), np.nan, value)


def read(scene: Scene) -> Bands:
    with rasterio.open(scene.red) as red, rasterio.open(scene.nir) as nir, rasterio.open(scene.scl) as scl:
        factor = round(scl.res[0] / red.res[0])
        classes = np.kron(scl.read(1), np.ones((factor, factor), np.uint8))
        return Bands(red.read(1), nir.read(1), classes, tuple(red.bounds), red.crs.to_epsg())


@pytest.fixture(scope="module")
def scenes(realdata: Path) -> dict[str, Scene]:
    """The South Tyrol scenes by day of June 2022; their pixels have no offset any more."""
    folder = realdata / "imagery" / "s2_southtyrol_202206"
    return {
        day: a_scene(
            date(2022, 6, int(day)),
            f"S2_L2A_32TPS_202206{day}",
            **{asset: str(folder / f"S2_L2A_32TPS_202206{day}_{band}.tif") for asset, band in BANDS.items()},
        )
        for day in DAYS
    }


BANDS = {"red": "B04", "nir": "B08", "scl": "SCL"}


def drawn_fields() -> dict[str, BaseGeometry]:
    """Return parcels of 0.2 to 20 ha all over the stack, some with holes, some in two parts, some over its edge."""
    random = np.random.default_rng(2022)
    fields: dict[str, BaseGeometry] = {}
    for number in range(24):
        x, y = random.uniform(LEFT + 300, RIGHT - 300), random.uniform(BOTTOM + 300, TOP - 300)
        box = shapely.box(x, y, x + random.uniform(40, 420), y + random.uniform(40, 420))
        fields[f"field_{number}"] = rotate(box, random.uniform(0, 90))
    fields["round"] = shapely.Point(677_003, 5_150_507).buffer(133, quad_segs=30)
    fields["ring"] = fields["round"].difference(shapely.Point(677_020, 5_150_530).buffer(61))
    fields["two"] = shapely.union(fields["round"], shapely.box(677_307, 5_150_403, 677_411, 5_150_599))
    fields["edge"] = rotate(shapely.box(LEFT - 97, 5_150_003, LEFT + 403, 5_150_211), 8)
    fields["tiny"] = shapely.box(676_003, 5_150_004, 676_016, 5_150_015)
    return {name: lonlat(field) for name, field in fields.items()}


@pytest.fixture(scope="module")
def observed(scenes: dict[str, Scene]) -> dict[tuple[str, str], ObservedCell]:
    return outcomes(make_order(drawn_fields(), list(scenes.values()), epsg=None, min_valid_fraction=0))


@pytest.mark.parametrize("day", DAYS)
def test_statistics_are_exactextracts(
    scenes: dict[str, Scene], observed: Mapping[tuple[str, str], ObservedCell], day: str
) -> None:
    bands = read(scenes[day])
    for name, field in drawn_fields().items():
        row = observed[name, f"2022-06-{day}"].observation
        peer = exactextract_statistics(bands.ndvi, bands.bounds, on_map(field))
        if row.ndvi_mean is None:
            assert peer["ndvi_mean"] is None or np.isnan(peer["ndvi_mean"]), name
            assert row.status == "cloudy", name
        else:
            assert {key: getattr(row, key) for key in peer} == pytest.approx(peer, abs=1e-6), name


@pytest.mark.parametrize("day", DAYS)
def test_areas_are_exactextracts(
    scenes: dict[str, Scene], observed: Mapping[tuple[str, str], ObservedCell], day: str
) -> None:
    bands = read(scenes[day])
    for name, field in drawn_fields().items():
        row = observed[name, f"2022-06-{day}"].observation
        valid = np.isfinite(bands.ndvi).astype(float)
        cloud = np.isin(bands.scl, (3, 8, 9, 10)).astype(float)
        whole = on_map(field)
        clipped = whole.intersection(shapely.box(LEFT, BOTTOM, RIGHT, TOP))
        inside = clipped.area / whole.area
        assert row.pixel_count == pytest.approx(whole.area / 100, abs=1e-5)
        for fraction, raster in ((row.valid_fraction, valid), (row.cloud_fraction, cloud)):
            mean = exactextract_statistics(raster, bands.bounds, clipped)["ndvi_mean"]
            assert fraction == pytest.approx(mean * inside, abs=2e-6), name


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:rasterstats")
def test_rasterstats_which_goes_by_pixel_centres_is_near(
    scenes: dict[str, Scene], observed: Mapping[tuple[str, str], ObservedCell]
) -> None:
    day = "12"
    bands = read(scenes[day])
    fields = {name: field for name, field in drawn_fields().items() if name.startswith("field_")}
    peers = rasterstats.zonal_stats(
        [on_map(field) for field in fields.values()],
        bands.ndvi,
        affine=corner(LEFT, TOP),
        nodata=np.nan,
        stats=["mean", "std", "min", "max", "count"],
    )
    for name, peer in zip(fields, peers, strict=True):
        row = observed[name, f"2022-06-{day}"].observation
        assert row.ndvi_mean == pytest.approx(peer["mean"], abs=0.01), name
        assert row.ndvi_std == pytest.approx(peer["std"], abs=0.02), name
        assert row.ndvi_valid_pixel_count == pytest.approx(peer["count"], rel=0.1), name
        assert row.ndvi_min is not None
        assert row.ndvi_max is not None
        assert row.ndvi_min <= peer["min"] <= peer["max"] <= row.ndvi_max, name


@pytest.mark.parametrize("day", CLOUDED)
def test_clouded_days_are_cloudy(observed: Mapping[tuple[str, str], ObservedCell], day: str) -> None:
    for name in drawn_fields():
        found = observed[name, f"2022-06-{day}"]
        row = found.observation
        assert (row.status, row.ndvi_mean, row.valid_fraction) == ("cloudy", None, 0), name
        assert row.cloud_fraction == pytest.approx(1 if name != "edge" else 0.8, abs=0.1), name
        assert found.raster is None
        assert row.reason is not None
        assert row.reason.startswith("0.0% of the field is valid")


def test_red_pixels_without_data_do_not_count(scenes: dict[str, Scene]) -> None:
    """On 17 June 2302 pixels have no red, though NIR has data there; one of them is under no cirrus."""
    bands = read(scenes["17"])
    hole = (bands.red == 0) & ~np.isin(bands.scl, HIDDEN)
    assert ((bands.red == 0) & (bands.nir > 0)).sum() == 2302
    ((row, col),) = np.argwhere(hole)
    x, y = LEFT + 10 * col + 5, TOP - 10 * row - 5
    field = rotate(shapely.box(x - 105, y - 105, x + 105, y + 105), 20)
    (found,) = outcomes(make_order({"a": field}, [scenes["17"]], min_valid_fraction=0)).values()
    missing = exactextract_statistics(hole.astype(float), bands.bounds, field)["ndvi_mean"]
    masked = exactextract_statistics(np.isin(bands.scl, HIDDEN).astype(float), bands.bounds, field)["ndvi_mean"]
    assert missing > 0.001
    assert found.observation.valid_fraction == pytest.approx(1 - missing - masked, abs=1e-5)
    assert found.raster is not None
    assert np.nanmin(found.raster.ndvi) > -0.5, "red 0 would give NDVI 1, NIR 0 would give -1"


def test_a_classification_of_twice_the_pixel_size(realdata: Path) -> None:
    """Bands of 100 m and classes of 200 m, over the Sahara: NDVI about 0.066."""
    folder = realdata / "imagery" / "riotilerpds_29RKH_20200219"
    hrefs = {asset: str(folder / f"{band}.tif") for asset, band in BANDS.items()}
    scene = a_scene(date(2020, 2, 19), "S2A_29RKH_20200219_0_L2A", **hrefs)
    bands = read(scene)
    left, _, _, top = bands.bounds
    fields = {
        f"f{i}": rotate(shapely.box(left + x, top - y, left + x + 4300, top - y + 2700), 13 * i)
        for i, (x, y) in enumerate([(9_040, 15_030), (50_410, 60_720), (81_333, 30_004), (20_021, 99_044)])
    }
    fields["large"] = scale(fields["f1"], 4, 6)
    fields = {name: lonlat(field, bands.epsg) for name, field in fields.items()}
    found = outcomes(make_order(fields, [scene], epsg=None, min_valid_fraction=0))
    for (name, _), item in found.items():
        peer = exactextract_statistics(bands.ndvi, bands.bounds, on_map(fields[name], bands.epsg))
        row = item.observation
        assert {key: getattr(row, key) for key in peer} == pytest.approx(peer, abs=1e-6), name
    assert found["large", "2020-02-19"].observation.ndvi_mean == pytest.approx(0.066, abs=0.02)

"""The pixels of a field by the API: values, differences, zones and files, against the bands that they come from."""

import base64
import io
import zipfile
from datetime import date
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.features import rasterize
from support.pixels import CLEAR, CLOUDY, DAYS, OUTLINE, PLANTED, Computed
from support.scenes import LEFT, TOP
from support.web import Ask, Server, SignIn

from ndvi_core.models.geometry import area_ha


@pytest.fixture(scope="module")
def ask(computed: Computed, sign_in: SignIn) -> Ask:
    client = sign_in("viewer")
    return lambda path, **parameters: client.get(f"api/fields/clover/{path}", params=parameters or None)


def decoded(answer: Any, name: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(answer[name]), kind).reshape(answer["height"], answer["width"])


def of_scene(answer: Any, ndvi: np.ndarray) -> np.ndarray:
    """Return the part of a scene's pixels that lies under the answer's."""
    size_x, _, west, _, size_y, north = answer["transform"]
    assert (size_x, size_y) == (10.0, -10.0)
    row, column = round((TOP - north) / 10), round((west - LEFT) / 10)
    return ndvi[row : row + answer["height"], column : column + answer["width"]]


def touched(answer: Any) -> np.ndarray:
    shape = answer["height"], answer["width"]
    return rasterize([OUTLINE], shape, transform=rasterio.Affine(*answer["transform"]), all_touched=True) > 0


def opened(content: bytes) -> tuple[np.ndarray, dict[str, str]]:
    with rasterio.MemoryFile(content) as file, file.open() as dataset:
        return dataset.read(1), dataset.tags()


def test_the_values_are_those_of_the_bands(ask: Ask, computed: Computed) -> None:
    answer = ask(f"pixels/{CLEAR[1]}").json()
    values = decoded(answer, "values", "<f4")
    expected = np.where(touched(answer), of_scene(answer, computed.ndvi[CLEAR[1]]), np.nan)
    assert values == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert (answer["epsg"], answer["minus"], answer["index"]) == (32632, None, "ndvi")
    row = computed.rows[CLEAR[1]]
    spread = answer["statistics"]
    assert (spread["mean"], spread["std"], spread["median"]) == pytest.approx(
        (row.ndvi_mean, row.ndvi_std, row.ndvi_median), abs=1e-5
    )
    assert row.ndvi_min < spread["p2"] < row.ndvi_p10
    assert row.ndvi_p90 < spread["p98"] < row.ndvi_max
    bins = answer["histogram"]
    assert sum(bins["pixels"]) == pytest.approx(row.ndvi_valid_pixel_count, abs=1e-3)
    assert bins["start"] <= row.ndvi_min < bins["start"] + bins["width"]
    rings = [shapely.Polygon(ring) for ring in answer["outline"]]
    assert rings[0].area - rings[1].area == pytest.approx(row.pixel_count, rel=1e-3)


def test_what_a_cloud_hides_has_no_value(ask: Ask, computed: Computed) -> None:
    clear, cloudy = (decoded(ask(f"pixels/{day}").json(), "values", "<f4") for day in (CLEAR[1], CLOUDY))
    hidden = np.isfinite(clear) & np.isnan(cloudy)
    assert hidden.sum() > 20
    assert hidden.mean() < 0.5


def test_a_difference_is_one_day_less_another(ask: Ask, computed: Computed) -> None:
    later, earlier = CLEAR[3], CLOUDY
    answer = ask(f"pixels/{later}", minus=earlier).json()
    values, hidden = decoded(answer, "values", "<f4"), decoded(ask(f"pixels/{earlier}").json(), "values", "<f4")
    expected = of_scene(answer, computed.ndvi[later] - computed.ndvi[earlier])
    assert values == pytest.approx(np.where(np.isnan(hidden), np.nan, expected), abs=1e-6, nan_ok=True)
    assert answer["minus"] == str(earlier)
    file = ask(f"pixels/{later}", minus=earlier, format="tif")
    band, tags = opened(file.content)
    assert np.array_equal(band, values, equal_nan=True)
    assert (tags["DATE"], tags["MINUS"]) == (str(later), str(earlier))
    assert f'filename="clover_ndvi_{later}_minus_{earlier}.tif"' in file.headers["Content-Disposition"]


def test_a_raster_is_a_file_as_it_is(server: Server, ask: Ask) -> None:
    answer = ask(f"pixels/{CLEAR[0]}", format="tif")
    assert answer.content == server.bucket.read(f"fields/clover/{CLEAR[0]}/ndvi.tif")
    assert answer.headers["Content-Type"] == "image/tiff"
    assert f'filename="clover_ndvi_{CLEAR[0]}.tif"' in answer.headers["Content-Disposition"]


def test_the_rasters_of_a_season_are_one_file(server: Server, ask: Ask) -> None:
    answer = ask("rasters", start=str(PLANTED), end=str(DAYS[-1]))
    assert f'filename="clover_ndvi_{PLANTED}_{DAYS[-1]}.zip"' in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        assert file.namelist() == [f"clover_ndvi_{day}.tif" for day in DAYS]
        assert file.read(file.namelist()[2]) == server.bucket.read(f"fields/clover/{DAYS[2]}/ndvi.tif")
    assert ask("rasters", start="2025-04-06", end="2025-04-07").status_code == 404


def test_zones_are_quarters_of_the_median_of_clear_days(ask: Ask, computed: Computed) -> None:
    answer = ask("zones").json()
    assert answer["days"] == [str(day) for day in CLEAR], "a cloud hides a part of the field on the other one"
    classes = decoded(answer, "classes", "u1")
    assert np.array_equal(classes > 0, touched(answer))
    median = np.median([of_scene(answer, computed.ndvi[day]).astype(np.float32) for day in CLEAR], axis=0)
    whole = rasterize([OUTLINE.buffer(-7.1)], median.shape, transform=rasterio.Affine(*answer["transform"])) > 0
    assert answer["edges"] == pytest.approx(np.quantile(median[whole], [0.25, 0.5, 0.75]), abs=0.02)
    plain = 1 + np.searchsorted(answer["edges"], median, side="right")
    assert np.mean(plain[whole] == classes[whole]) > 0.8, "the rest was speckle"
    assert [one["zone"] for one in answer["zones"]] == [1, 2, 3, 4]
    means = [median[whole & (classes == zone)].mean() for zone in (1, 2, 3, 4)]
    assert [one["mean"] for one in answer["zones"]] == pytest.approx(means, abs=0.01)
    assert sum(one["area_ha"] for one in answer["zones"]) == pytest.approx(
        area_ha([computed.field.geometry])[0], rel=1e-6
    )


def test_zones_are_files_too(ask: Ask, computed: Computed) -> None:
    answer, as_geojson, as_tif = (ask("zones", count=3, format=name) for name in ("json", "geojson", "tif"))
    classes = decoded(answer.json(), "classes", "u1")
    band, tags = opened(as_tif.content)
    assert np.array_equal(band, classes)
    assert tags["DATES"] == ",".join(map(str, CLEAR))
    stem = f"clover_ndvi_zones_{CLEAR[0]}_{CLEAR[-1]}"
    assert f'filename="{stem}.geojson"' in as_geojson.headers["Content-Disposition"]
    assert f'filename="{stem}.tif"' in as_tif.headers["Content-Disposition"]
    assert as_geojson.headers["Content-Type"] == "application/geo+json"
    features = as_geojson.json()["features"]
    assert [one["properties"] for one in features] == answer.json()["zones"]
    shapes = [shapely.geometry.shape(one["geometry"]) for one in features]
    assert shapely.union_all(shapes).symmetric_difference(computed.field.geometry).area < 1e-5 * OUTLINE.area
    assert all(a.intersection(b).area < 1e-12 for a in shapes for b in shapes if a is not b)


def test_zones_of_chosen_days_are_of_these(ask: Ask, computed: Computed) -> None:
    answer = ask("zones", days=str(CLOUDY), count=3).json()
    assert answer["days"] == [str(CLOUDY)]
    assert sum(one["area_ha"] for one in answer["zones"]) == pytest.approx(
        area_ha([computed.field.geometry])[0], rel=1e-6
    ), "what the cloud hides is in the zone of what is beside it"


@pytest.mark.parametrize(
    ("path", "parameters", "status", "words"),
    [
        ("pixels/2025-04-11", {}, 404, "has nothing of 2025-04-11"),
        (f"pixels/{CLEAR[0]}", {"minus": "2025-04-11"}, 404, "has nothing of 2025-04-11"),
        (f"pixels/{CLEAR[0]}", {"minus": "yesterday"}, 422, "YYYY-MM-DD"),
        ("zones", {"season": "1999"}, 404, "no season 1999"),
        ("zones", {"count": 9}, 422, "less than or equal to 5"),
        ("zones", {"days": "2025-04-11"}, 404, "2025-04-11: no such days"),
        ("zones", {"days": "spring"}, 422, "days"),
    ],
)
def test_what_is_not_there_is_named(ask: Ask, path: str, parameters: Any, status: int, words: str) -> None:
    answer = ask(path, **parameters)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.json()


def test_a_damaged_raster_is_named(server: Server, ask: Ask) -> None:
    key = f"fields/clover/{CLEAR[0]}/ndvi.tif"
    whole = server.bucket.read(key)
    server.bucket.write(key, whole[:100])
    try:
        for path in (f"pixels/{CLEAR[0]}", "zones"):
            answer = ask(path)
            assert answer.status_code == 502
            assert f"the raster of clover, {CLEAR[0]}" in answer.json()["detail"]
    finally:
        server.bucket.write(key, whole)


def test_pixels_are_for_readers(sign_in: SignIn) -> None:
    for path in (f"pixels/{date(2025, 4, 10)}", "zones", "rasters"):
        assert sign_in(None).get(f"api/fields/clover/{path}").status_code == 401

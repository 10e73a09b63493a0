"""The BOA offset of each catalogue: NDVI 0.71, not 0.45, for a reflectance of 5 % in red and 30 % in near infrared."""

from typing import Any

import pytest
from support.stac_items import cdse, earth_search, planetary_computer

from ndvi_core.catalog.dialects import (
    CDSE,
    EARTH_SEARCH,
    EARTH_SEARCH_C1,
    EARTH_SEARCH_V2,
    LOCAL,
    PLANETARY_COMPUTER,
    Dialect,
    dialect_for,
    scene_from_item,
)
from ndvi_core.errors import SceneUnreadable
from ndvi_core.settings import Settings


def ndvi(red_dn: int, nir_dn: int, item: dict[str, Any], dialect: Dialect) -> float:
    """NDVI of one pixel by the formula of `Offset`."""
    offset = scene_from_item(item, dialect).offset
    red, nir = max(red_dn + offset.red, 0), max(nir_dn + offset.nir, 0)
    return (nir - red) / (nir + red)


@pytest.mark.parametrize(
    ("item", "dialect", "red_dn", "nir_dn"),
    [
        (planetary_computer(), PLANETARY_COMPUTER, 1500, 4000),
        (planetary_computer(**{"s2:processing_baseline": "05.11"}), PLANETARY_COMPUTER, 1500, 4000),
        (planetary_computer(**{"s2:processing_baseline": "03.01"}), PLANETARY_COMPUTER, 500, 3000),
        (cdse(), CDSE, 1500, 4000),
        (earth_search(), EARTH_SEARCH_C1, 1500, 4000),
        (earth_search(), EARTH_SEARCH_V2, 1500, 4000),
        (earth_search(), LOCAL, 1500, 4000),
        (earth_search(), EARTH_SEARCH, 500, 3000),
        (earth_search(**{"earthsearch:boa_offset_applied": False}), EARTH_SEARCH, 500, 3000),
        (earth_search(**{"s2:processing_baseline": "02.14"}), EARTH_SEARCH, 500, 3000),
    ],
)
def test_reflectance_of_5_and_30_percent_is_ndvi_071_in_every_catalogue(
    item: dict[str, Any], dialect: Dialect, red_dn: int, nir_dn: int
) -> None:
    assert ndvi(red_dn, nir_dn, item, dialect) == pytest.approx(0.25 / 0.35)  # 0.71; without the offset it were 0.45


def test_a_new_version_of_an_api_is_not_read_by_the_rule_of_the_old_one() -> None:
    settings = Settings(STAC_API_URL="https://earth-search.aws.element84.com/v2", STAC_COLLECTION="sentinel-2-l2a")
    assert ndvi(1400, 4000, earth_search(), dialect_for(settings)) == pytest.approx(2600 / 3400)  # 0.76; v1: 0.48


@pytest.mark.parametrize(("red_dn", "nir_dn"), [(500, 3000), (1400, 4000)])
def test_a_mirror_of_harmonised_items_is_not_shifted_twice(red_dn: int, nir_dn: int) -> None:
    item = earth_search(**{"earthsearch:boa_offset_applied": True})
    assert ndvi(red_dn, nir_dn, item, LOCAL) == pytest.approx((nir_dn - red_dn) / (nir_dn + red_dn))


@pytest.mark.parametrize("dialect", [EARTH_SEARCH_C1, EARTH_SEARCH_V2], ids=lambda dialect: dialect.name)
def test_items_that_contradict_themselves_are_refused(dialect: Dialect) -> None:
    item = earth_search("both", **{"earthsearch:boa_offset_applied": True})
    with pytest.raises(SceneUnreadable, match=r"item both: asset 'red' has the raster offset -1000, but .* have none"):
        scene_from_item(item, dialect)


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [("02.12", 0), ("03.01", 0), ("3.9", 0), ("04.00", -1000), ("4.0", -1000), ("05.09", -1000), ("10.00", -1000)],
)
def test_baselines_compare_as_numbers(baseline: str, expected: int) -> None:
    item = planetary_computer(**{"s2:processing_baseline": baseline})
    assert scene_from_item(item, PLANETARY_COMPUTER).offset.red == expected


def test_old_dates_with_new_baselines_are_shifted() -> None:
    item = planetary_computer(datetime="2016-06-02T10:10:31Z", **{"s2:processing_baseline": "05.00"})
    assert scene_from_item(item, PLANETARY_COMPUTER).offset.nir == -1000


BANDS = {
    "stac 1.0": {"raster:bands": [{"scale": 0.0001, "offset": -0.1}]},
    "stac 1.1, asset": {"raster:scale": 0.0001, "raster:offset": -0.1},
    "stac 1.1, band": {"bands": [{"raster:scale": 0.0001, "raster:offset": -0.1}]},
}


@pytest.mark.parametrize("dialect", [CDSE, EARTH_SEARCH_C1, LOCAL], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("band", BANDS.values(), ids=BANDS)
def test_a_declared_offset_is_found_where_either_stac_version_keeps_it(band: dict[str, Any], dialect: Dialect) -> None:
    keys = (dialect.red, dialect.nir, dialect.scl)
    item = earth_search(assets={key: {"href": f"/scenes/{key}.tif", **band} for key in keys})
    offset = scene_from_item(item, dialect).offset
    assert (offset.red, offset.nir) == (-1000, -1000)


@pytest.mark.parametrize(
    ("dialect", "baseline", "expected"),
    [
        (LOCAL, "05.00", 0),  # a catalogue of our own says what it means
        (EARTH_SEARCH_C1, "03.01", 0),  # there was no offset to leave out
        (EARTH_SEARCH_C1, "05.00", None),
        (CDSE, "04.00", None),
    ],
)
def test_an_offset_that_is_not_declared(dialect: Dialect, baseline: str, expected: int | None) -> None:
    assets = {key: {"href": f"/scenes/{key}.tif"} for key in (dialect.red, dialect.nir, dialect.scl)}
    item = earth_search("bare", assets=assets, **{"s2:processing_baseline": baseline})
    if expected is None:
        with pytest.raises(SceneUnreadable, match=f"{dialect.name}, item bare: asset '{dialect.red}' has no raster"):
            scene_from_item(item, dialect)
    else:
        assert scene_from_item(item, dialect).offset.red == expected

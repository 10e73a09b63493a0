"""The registry of indices: formulas, order, and what scenes and policies say of further bands."""

import numpy as np
import pytest
import spyndex
from support.models import a_scene

from ndvi_core.errors import BadInput, SceneUnreadable
from ndvi_core.models.indices import BANDS, INDICES, Index, bands_beside_ndvi, get_indices, names_in_order
from ndvi_core.models.scene import Offset
from ndvi_core.models.work_order import Policy
from ndvi_core.zonal.statistics import ndvi


def reflectances(*bands: str) -> list[np.ndarray]:
    return [np.random.default_rng(number).uniform(0.0001, 1, 10_000) for number in range(len(bands))]


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_a_formula_is_what_its_entry_tells_people(index: Index) -> None:
    arrays = reflectances(*index.bands)
    told = eval(index.expression, {}, dict(zip(index.bands, arrays, strict=True)))
    np.testing.assert_allclose(index.formula(*arrays), told, rtol=1e-12, atol=1e-15)


SPYNDEX = {
    "ndvi": ("NDVI", {"N": "nir", "R": "red"}, {}),
    "evi2": ("EVI2", {"N": "nir", "R": "red"}, {"g": 2.5, "L": 1.0}),
    "savi": ("SAVI", {"N": "nir", "R": "red"}, {"L": 0.5}),
    "msavi": ("MSAVI", {"N": "nir", "R": "red"}, {}),
    "osavi": ("OSAVI", {"N": "nir", "R": "red"}, {}),
    "gndvi": ("GNDVI", {"N": "nir", "G": "green"}, {}),
    "ndwi": ("NDWI", {"G": "green", "N": "nir"}, {}),
    "ndre": ("NDREI", {"N": "nir08", "RE1": "rededge1"}, {}),
    "cire": ("CIRE", {"N": "nir08", "RE1": "rededge1"}, {}),
    "ndmi": ("NDMI", {"N": "nir08", "S1": "swir16"}, {}),
}
"""For each index its name in spyndex, its bands by their names there, and the parameters of the formula.

NDRE, CIre and NDMI take B8A for spyndex' near infrared: it is of 20 m as their other bands are.
"""


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_a_formula_is_that_of_spyndex(index: Index) -> None:
    name, bands, parameters = SPYNDEX[index.name]
    arrays = dict(zip(index.bands, reflectances(*index.bands), strict=True))
    assert set(bands.values()) == set(index.bands)
    theirs = spyndex.computeIndex(name, {**{short: arrays[band] for short, band in bands.items()}, **parameters})
    np.testing.assert_allclose(index.formula(*arrays.values()), theirs, rtol=1e-12, atol=1e-14)
    assert index.reference.endswith(spyndex.indices[name].reference)


def test_ndvi_is_that_of_digital_numbers_to_the_last_bit() -> None:
    red, nir = (np.random.default_rng(seed).integers(1001, 20_000, 10_000, np.uint16) for seed in (1, 2))
    offset = Offset(rule="planetary-computer@1", red=-1000, nir=-1000)
    by_registry = INDICES["ndvi"].formula(nir.astype(np.float64) - 1000, red.astype(np.float64) - 1000)
    np.testing.assert_array_equal(by_registry, ndvi(red, nir, offset))


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_a_denominator_of_zero_gives_no_number_and_no_warning(index: Index) -> None:
    found = index.formula(*(np.zeros(1) for _ in index.bands))
    assert np.isnan(found).all() or index.name in ("evi2", "savi", "msavi", "osavi"), "these have a constant below"


def test_an_index_has_the_pixels_of_its_coarsest_band() -> None:
    assert {name: index.resolution for name, index in INDICES.items() if index.resolution != 10} == {
        "ndre": 20,
        "cire": 20,
        "ndmi": 20,
    }


def test_a_set_has_one_order_and_begins_with_ndvi() -> None:
    assert list(names_in_order(["ndmi", "evi2", "ndmi"])) == ["ndvi", "evi2", "ndmi"]
    assert Policy(indices=("ndmi", "evi2")) == Policy(indices=("evi2", "ndvi", "ndmi"))


def test_an_unknown_index_is_named_with_those_that_are_known() -> None:
    with pytest.raises(BadInput, match=r"unknown index evi, lai: known are ndvi, evi2, .*ndmi"):
        get_indices(["lai", "ndvi", "evi"])


@pytest.mark.parametrize(
    ("names", "bands"),
    [
        (["evi2", "savi", "msavi", "osavi"], ()),
        (["gndvi", "ndwi"], ("green",)),
        (["ndmi", "cire", "ndre"], ("rededge1", "nir08", "swir16")),
        (list(INDICES), ("green", "rededge1", "nir08", "swir16")),
    ],
)
def test_bands_that_indices_share_are_needed_once(names: list[str], bands: tuple[str, ...]) -> None:
    assert bands_beside_ndvi(names) == bands


def test_each_index_has_a_colour_scale() -> None:
    for index in INDICES.values():
        assert index.range[0] < index.range[1]
        assert len(index.colours) > 1
        assert set(index.bands) <= BANDS.keys()


def test_a_scene_knows_its_further_bands() -> None:
    scene = a_scene(
        bands={"swir16": "https://scenes.example/B11.tif"}, offset=Offset(rule="x@1", others={"swir16": -1000})
    )
    assert [scene.href(asset) for asset in ("red", "nir", "scl", "swir16")] == [
        scene.red,
        scene.nir,
        scene.scl,
        "https://scenes.example/B11.tif",
    ]
    assert [scene.offset.of(band) for band in ("red", "nir", "swir16")] == [0, 0, -1000]
    with pytest.raises(SceneUnreadable, match=f"{scene.id}.*green"):
        scene.href("green")


def test_the_json_of_scenes_is_what_it_was_without_further_bands() -> None:
    scene = a_scene()
    assert "bands" not in scene.model_dump(mode="json")
    assert scene.model_dump(mode="json")["offset"] == {"rule": "none@1", "red": 0, "nir": 0}
    assert type(scene).model_validate_json(scene.model_dump_json()) == scene

"""A cell's raster, picture and JSON, read back by rasterio, Pillow and json."""

import io
import json
from datetime import UTC, date, datetime

import numpy as np
import pytest
import rasterio.enums
import rasterio.mask
import rasterio.warp
import shapely
from affine import Affine
from numpy.typing import NDArray
from PIL import Image, ImageFont
from rasterio.features import geometry_mask
from rasterio.io import MemoryFile
from rasterio.transform import array_bounds

from ndvi_core.models.field_raster import FieldRaster
from ndvi_core.models.observation import Observation
from ndvi_core.models.scene import Offset, Scene
from ndvi_core.products.captions import HEADER, MARGIN, MIN_WIDTH
from ndvi_core.products.cell import make_products, observation_json
from ndvi_core.products.cog import ndvi_cog
from ndvi_core.products.colour_map import PAPER, colour_of
from ndvi_core.products.quicklook import LONGEST_SIDE, quicklook
from ndvi_core.raster.projection import project

EPSG = 32630
WEST, NORTH, PIXEL = 656_000.0, 5_467_000.0, 10.0
NAN = np.float32(np.nan)

SCENE = Scene(
    id="S2A_30UXV_20250601_0_L2A",
    collection="sentinel-2-l2a",
    time=datetime(2025, 6, 1, 11, 6, 21, tzinfo=UTC),
    tile="30UXV",
    datatake="094-20250601T105621",
    baseline="05.11",
    updated=datetime(2025, 6, 1, 18, 0, tzinfo=UTC),
    epsg=EPSG,
    footprint=shapely.box(-1.6, 48.6, -0.1, 49.6),
    red="https://example.org/B04.tif",
    nir="https://example.org/B08.tif",
    scl="https://example.org/SCL.tif",
    offset=Offset(rule="planetary-computer@1", red=-1000, nir=-1000),
)
OBSERVATION = Observation(
    field_id="field_1",
    date=date(2025, 6, 1),
    status="computed",
    ndvi_mean=0.62,
    ndvi_valid_pixel_count=12.5,
    pixel_count=13.0,
    valid_fraction=12.5 / 13,
    scene_ids=(SCENE.id,),
    baseline="05.11",
    offset_rule="planetary-computer@1",
    mask_policy="scl@1",
    algorithm_version="1",
    geometry_hash="0123456789abcdef",
    fingerprint="f" * 64,
)


def _raster(
    ndvi: NDArray[np.float32],
    coverage_fraction: NDArray[np.float64] | None = None,
    transform: Affine = Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH),  # noqa: B008 - a constant
) -> FieldRaster:
    height, width = ndvi.shape
    return FieldRaster(
        ndvi=np.asarray(ndvi, np.float32),
        coverage_fraction=np.ones(ndvi.shape) if coverage_fraction is None else coverage_fraction,
        transform=transform,
        epsg=EPSG,
        bounds=array_bounds(height, width, transform),
    )


def _square(rows: int, columns: int, inset: float = 0.0) -> shapely.Polygon:
    """Return the outline of the first rows and columns, `inset` metres within."""
    return shapely.box(WEST, NORTH - rows * PIXEL, WEST + columns * PIXEL, NORTH).buffer(-inset, join_style="mitre")


def _image(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


# The raster


def test_cog_is_one_and_lies_where_the_field_is() -> None:
    lonlat = shapely.Polygon([(-0.846, 49.335), (-0.840, 49.336), (-0.839, 49.339), (-0.843, 49.337), (-0.847, 49.340)])
    field = project(lonlat, EPSG)
    left, top = np.floor(field.bounds[0] / 10) * 10, np.ceil(field.bounds[3] / 10) * 10
    transform = Affine(10, 0, left, 0, -10, top)
    shape = (int(np.ceil((top - field.bounds[1]) / 10)), int(np.ceil((field.bounds[2] - left) / 10)))
    touched = ~geometry_mask([field], shape, transform, all_touched=True)
    ndvi = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)

    data = ndvi_cog(_raster(ndvi, touched.astype(float), transform), OBSERVATION)

    with MemoryFile(data) as file, file.open() as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.compression is rasterio.enums.Compression.deflate
        assert dataset.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == "3"
        assert dataset.profile["tiled"]
        assert (dataset.count, dataset.dtypes, dataset.crs.to_epsg()) == (1, ("float32",), EPSG)
        assert np.isnan(dataset.nodata)
        assert (dataset.descriptions, dataset.units) == (("NDVI",), ("1",))
        assert dataset.tags()["FIELD_ID"] == "field_1"
        assert dataset.tags()["SCENES"] == SCENE.id
        assert "NDVI of field field_1 on 2025-06-01" in dataset.tags()["TIFFTAG_IMAGEDESCRIPTION"]
        # rasterio finds the pixels under the polygon by the file's own georeference:
        from_file, _ = rasterio.mask.mask(dataset, [field], all_touched=True, filled=False)
        np.testing.assert_array_equal(from_file[0].compressed(), ndvi[touched])
        assert np.isnan(dataset.read(1)[~touched]).all()
        inside = shapely.get_coordinates(lonlat.representative_point())
        (x,), (y,) = rasterio.warp.transform("EPSG:4326", dataset.crs, inside[:, 0], inside[:, 1])
        (value,) = next(dataset.sample([(x, y)]))
        assert value == ndvi[int((top - y) // 10), int((x - left) // 10)]


@pytest.mark.parametrize("shape", [(3, 3), (129, 5)], ids=str)
def test_cog_says_how_much_of_the_edge_is_left_out(shape: tuple[int, int]) -> None:
    for metres, tag in ((0.0, None), (7.5, "7.5")):
        data = ndvi_cog(_raster(np.full(shape, 0.25, np.float32)), OBSERVATION, metres)
        with MemoryFile(data) as file, file.open() as dataset:
            assert dataset.tags().get("INNER_BUFFER_M") == tag


def test_cog_has_no_value_where_the_raster_has_none_or_the_field_is_not() -> None:
    ndvi = np.array([[0.5, np.nan, 0.7], [0.1, -0.2, np.inf]], np.float32)
    coverage = np.array([[1.0, 1.0, 0.0], [1e-6, 0.4, 1.0]])
    with MemoryFile(ndvi_cog(_raster(ndvi, coverage), OBSERVATION)) as file, file.open() as dataset:
        np.testing.assert_array_equal(dataset.read(1), np.array([[0.5, NAN, NAN], [0.1, -0.2, NAN]], np.float32))


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (17, 128), (128, 128), (129, 5), (2, 700), (300, 260)], ids=str)
def test_cog_of_any_size_keeps_the_values(shape: tuple[int, int]) -> None:
    ndvi = np.random.default_rng(2).uniform(-1, 1, shape).astype(np.float32)
    with MemoryFile(ndvi_cog(_raster(ndvi), OBSERVATION)) as file, file.open() as dataset:
        np.testing.assert_array_equal(dataset.read(1), ndvi)
        assert dataset.transform == Affine(10, 0, WEST, 0, -10, NORTH)


def test_cog_of_one_tile_says_the_same_as_that_of_many() -> None:
    """The former is written without GDAL, the latter by its driver."""
    strange = OBSERVATION.model_copy(update={"field_id": "<Süd & Söhne>", "offset_rule": None})
    said = []
    for shape in ((20, 30), (200, 300)):
        with MemoryFile(ndvi_cog(_raster(np.full(shape, 0.25, np.float32)), strange)) as file, file.open() as dataset:
            structure = dataset.tags(ns="IMAGE_STRUCTURE")
            said.append(
                (
                    dataset.tags(),
                    dataset.tags(1),
                    dataset.crs.to_wkt(),
                    dataset.transform,
                    str(dataset.nodata),
                    dataset.descriptions,
                    dataset.units,
                    structure["LAYOUT"],
                    structure["COMPRESSION"],
                    structure["PREDICTOR"],
                )
            )
    assert said[0] == said[1]


# The picture


@pytest.mark.parametrize(
    ("ndvi", "colour"),
    [  # ColorBrewer's YlGn at its anchors 0, 1/8 ... 1; beyond them the nearer end
        (-0.4, "#ffffe5"),
        (0.0, "#ffffe5"),
        (0.125, "#f7fcb9"),
        (0.5, "#78c679"),
        (0.875, "#006837"),
        (1.0, "#004529"),
        (1.3, "#004529"),
    ],
)
def test_pixels_have_the_colour_of_their_ndvi(ndvi: float, colour: str) -> None:
    image = _image(quicklook(_raster(np.full((8, 8), ndvi)), _square(8, 8), OBSERVATION))
    row, column = _middle_of_the_field(image)
    assert "#" + bytes(image[row, column]).hex() == colour


def _middle_of_the_field(image: NDArray[np.uint8]) -> tuple[int, int]:
    """Return row and column of the middle of a square field: it is as high as the picture is wide, but for margins."""
    columns = image.shape[1]
    return HEADER + (columns - 2 * MARGIN) // 2, columns // 2


def test_the_scale_gets_darker_all_the_way() -> None:
    colours = colour_of(np.linspace(0, 1, 101)) / 255.0
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]  # IEC 61966-2-1
    assert (np.diff(luminance) < 0).all()


def test_the_legend_shows_the_whole_scale() -> None:
    image = _image(quicklook(_raster(np.full((8, 8), np.nan)), _square(8, 8), OBSERVATION))
    scale = colour_of(np.linspace(0, 1, 252))
    rows = [row for row in image if bytes(scale.tobytes()) in row.tobytes()]
    assert len(rows) >= 10


def test_masked_pixels_are_hatched_grey_and_the_rest_is_paper() -> None:
    ndvi = np.full((10, 10), 0.5, np.float32)
    ndvi[:, 5:] = np.nan
    image = _image(quicklook(_raster(ndvi), _square(10, 10), OBSERVATION))
    middle, _ = _middle_of_the_field(image)
    left, right = image[middle - 40 : middle + 40, 60:200], image[middle - 40 : middle + 40, 300:440]
    assert np.unique(left.reshape(-1, 3), axis=0).tolist() == [[120, 198, 121]]
    greys = np.unique(right.reshape(-1, 3), axis=0)
    assert len(greys) == 2
    assert (greys == greys[:, :1]).all()
    assert (image[middle, :10] == PAPER).all()


def test_the_picture_is_cut_at_the_boundary_and_its_holes() -> None:
    field = shapely.Polygon(_square(20, 20).exterior, [_square(20, 20, inset=60).exterior.coords])
    image = _image(quicklook(_raster(np.full((20, 20), 0.5)), field, OBSERVATION))
    row, column = _middle_of_the_field(image)
    assert (image[row, column] == PAPER).all()
    assert (image[row, MARGIN + 48] == (120, 198, 121)).all()
    triangle = shapely.Polygon([(WEST, NORTH), (WEST + 200, NORTH - 200), (WEST, NORTH - 200)])
    image = _image(quicklook(_raster(np.full((20, 20), 0.5)), triangle, OBSERVATION))
    assert (image[row - 120, column + 120] == PAPER).all()
    assert (image[row + 120, column - 120] == (120, 198, 121)).all()


def test_a_part_within_a_hole_is_shown() -> None:
    ring = shapely.Polygon(_square(20, 20).exterior, [_square(20, 20, inset=40).exterior.coords])
    island = _square(20, 20, inset=80)
    image = _image(quicklook(_raster(np.full((20, 20), 0.5)), shapely.MultiPolygon([island, ring]), OBSERVATION))
    row, column = _middle_of_the_field(image)
    assert (image[row, column] == (120, 198, 121)).all()
    assert (image[row, column - 96] == PAPER).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 150), (150, 2), (1400, 900), (3, 400)], ids=str)
def test_any_shape_fits_the_page(shape: tuple[int, int]) -> None:
    long_id = OBSERVATION.model_copy(update={"field_id": "W" * 63, "scene_ids": (SCENE.id * 4,)})
    image = _image(quicklook(_raster(np.full(shape, 0.5)), _square(*shape), long_id))
    height, width, _ = image.shape
    assert MIN_WIDTH <= width <= LONGEST_SIDE + 2 * MARGIN
    assert height <= LONGEST_SIDE + 200
    edges = [image[:6], image[-6:], image[:, : MARGIN - 6], image[:, -MARGIN + 6 :]]
    assert all((edge == PAPER).all() for edge in edges)
    assert (image == (120, 198, 121)).all(axis=-1).sum() > 100


def test_the_outline_is_where_the_boundary_is_and_smooth() -> None:
    """A diamond's edge: dark along it, paper and the field's colour three pixels from it, greys between."""
    corners = [(WEST + 100, NORTH), (WEST + 200, NORTH - 100), (WEST + 100, NORTH - 200), (WEST, NORTH - 100)]
    image = _image(quicklook(_raster(np.full((20, 20), 0.5)), shapely.Polygon(corners), OBSERVATION)).astype(int)
    row, column = _middle_of_the_field(image)
    for down, right in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        for along in (60, 120, 180):  # of the 240 pixels from the middle to a corner
            edge = image[row + down * (240 - along), column + right * along]
            assert edge.max() < 130
            assert (image[row + down * (235 - along), column + right * along] == (120, 198, 121)).all()
            assert (image[row + down * (245 - along), column + right * along] == PAPER).all()
    between = (image.max(axis=-1) < 250) & (image.min(axis=-1) > 60) & (np.ptp(image, axis=-1) == 0)
    assert between[HEADER : HEADER + 480].sum() > 500


def test_the_facts_are_written_whole() -> None:
    """As high and as wide as Pillow writes the line at once, to a few pixels between its parts."""
    image = _image(quicklook(_raster(np.full((8, 8), 0.5)), _square(8, 8, inset=20), OBSERVATION))
    rows, columns = np.nonzero((image[42:HEADER] < 250).any(axis=-1))
    left, top, right, bottom = ImageFont.load_default(14).getbbox(
        "2025-06-01  ·  mean NDVI 0.62  ·  96% valid  ·  computed"
    )
    assert np.ptp(rows) + 1 == pytest.approx(bottom - top, abs=2)
    assert np.ptp(columns) + 1 == pytest.approx(right - left, abs=6)


# The JSON


def test_json_has_the_seeds_names_and_says_where_the_numbers_come_from() -> None:
    content = json.loads(observation_json(OBSERVATION, [SCENE]))
    assert list(content)[:4] == ["field_id", "date", "status", "reason"]
    assert content["ndvi_mean"] == 0.62
    assert content["ndvi_std"] is None
    assert content["ndvi_valid_pixel_count"] == 12.5
    assert set(content) == set(Observation.model_fields) | {"scenes"}
    assert Observation.model_validate({key: content[key] for key in Observation.model_fields}) == OBSERVATION
    (scene,) = content["scenes"]
    assert scene["id"] == SCENE.id
    assert scene["time"] == "2025-06-01T11:06:21Z"
    assert scene["red"] == "https://example.org/B04.tif"
    assert scene["offset"] == {"rule": "planetary-computer@1", "red": -1000, "nir": -1000}


# Together


def test_a_cell_has_three_objects_or_without_pixels_one() -> None:
    lonlat = shapely.box(-0.850, 49.337, -0.849, 49.338)
    raster = _raster(np.full((12, 12), 0.5))
    names = [product.name for product in make_products(OBSERVATION, raster, lonlat, [SCENE])]
    assert names == ["ndvi.tif", "ndvi.png", "observation.json"]
    names = [product.name for product in make_products(OBSERVATION, None, lonlat, [])]
    assert names == ["observation.json"]


def test_the_same_cell_gives_the_same_bytes() -> None:
    lonlat = shapely.box(-0.850, 49.337, -0.849, 49.338)
    ndvi = np.random.default_rng(3).uniform(-1, 1, (12, 12)).astype(np.float32)
    ndvi[3] = np.nan
    other_nan = ndvi.copy()
    other_nan[3] = -NAN  # what 0 / 0 gives on some processors
    first = make_products(OBSERVATION, _raster(ndvi), lonlat, [SCENE])
    assert make_products(OBSERVATION, _raster(other_nan), lonlat, [SCENE]) == first

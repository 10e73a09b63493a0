"""The overlays of the map: a cell's raster as it lies on it."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds
from support.web import Ask, Server

from ndvi_core.products.colour_map import colour_of

METRE = 1 / 111_000
UTM = {"crs": "EPSG:32632", "transform": from_origin(580_000, 5_100_000, 10, 10), "width": 40, "height": 20}


@pytest.fixture(scope="module", autouse=True)
def _raster(server: Server) -> Iterator[None]:
    """The raster of wheat on the first day: 0.2 in the west, 0.8 in the east, the two northern rows not valid."""
    ndvi = np.full((20, 40), 0.2, np.float32)
    ndvi[:, 20:] = 0.8
    ndvi[:2] = np.nan
    with MemoryFile() as file:
        with file.open(driver="GTiff", dtype="float32", count=1, nodata=np.nan, **UTM) as dataset:
            dataset.write(ndvi, 1)
        server.bucket.write("fields/wheat/2025-04-01/ndvi.tif", bytes(file.read()))
    yield
    server.empty()


def test_an_overlay_lies_where_its_raster_does(ask: Ask) -> None:
    corners = ask("api/fields/wheat/overlays/2025-04-01.json").json()
    (west, north), (east, south) = corners["top_left"], corners["bottom_right"]
    assert corners["top_right"] == [east, north]
    assert corners["bottom_left"] == [west, south]
    bounds = rasterio.transform.array_bounds(UTM["height"], UTM["width"], UTM["transform"])
    expected = transform_bounds(UTM["crs"], "EPSG:4326", *bounds, densify_pts=21)
    assert (west, south, east, north) == pytest.approx(expected, abs=15 * METRE)


def test_an_overlay_has_the_colours_of_the_pictures_and_nothing_else(ask: Ask) -> None:
    answer = ask("api/fields/wheat/overlays/2025-04-01.png")
    assert answer.headers["Content-Type"] == "image/png"
    pixels = np.asarray(Image.open(io.BytesIO(answer.content)))
    rows, columns, _ = pixels.shape
    west, east = colour_of(np.array([0.2, 0.8]))
    assert pixels[rows // 2, columns // 4].tolist() == [*west, 255]
    assert pixels[rows // 2, columns * 3 // 4].tolist() == [*east, 255]
    assert {tuple(colour) for colour in pixels[pixels[..., 3] > 0, :3].tolist()} == {tuple(west), tuple(east)}
    assert np.mean(pixels[..., 3] > 0) == pytest.approx(0.9, abs=0.06), "the northern tenth and the edges are clear"
    assert set(np.unique(pixels[..., 3]).tolist()) == {0, 255}

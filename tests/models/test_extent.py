"""The extent: which files are one, and what it leaves of a field."""

import json
from typing import Any

import pytest
import shapely
from pydantic import ValidationError
from shapely import affinity
from support.features import RING, SQUARE, polygon

from ndvi_core.errors import BadInput, NotFound
from ndvi_core.intake.extent_file import load_extent
from ndvi_core.models.extent import Extent, clip, is_opened
from ndvi_core.models.geometry import geometry_hash
from ndvi_core.storage.object_store import Store

KEY = "staticdata/config/bbox.geojson"
EXTENT = Extent(west=10.0, south=40.0, east=10.01, north=40.01)
FEATURE = {"type": "Feature", "properties": {}, "geometry": SQUARE}


def load(store: Store, document: Any) -> Extent:
    store.write(KEY, document if isinstance(document, bytes) else json.dumps(document).encode())
    return load_extent(store, KEY)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"type": "FeatureCollection", "features": [FEATURE]}, id="collection"),
        pytest.param({**FEATURE, "properties": None}, id="feature"),
        pytest.param(SQUARE, id="bare polygon"),
        pytest.param({"type": "Polygon", "coordinates": [RING[::-1]]}, id="clockwise"),
        pytest.param({"type": "Polygon", "coordinates": [[*RING[2:], *RING[1:3]]]}, id="from another corner"),
        pytest.param({"type": "Polygon", "coordinates": [[*RING[:2], [10.01, 40.004], *RING[2:]]]}, id="more corners"),
        pytest.param({"type": "MultiPolygon", "coordinates": [[RING]]}, id="multipolygon of one"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(SQUARE).encode(), id="byte order mark"),
    ],
)
def test_a_rectangle_is_the_extent(store: Store, document: Any) -> None:
    extent = load(store, document)
    assert extent == EXTENT
    assert extent.polygon.equals(shapely.box(10.0, 40.0, 10.01, 40.01))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"{", "line 1 column 2.*cut off", id="cut off"),
        pytest.param([], "JSON object", id="an array"),
        pytest.param({"type": "FeatureCollection", "features": []}, "one feature, the rectangle, not 0", id="none"),
        pytest.param({"type": "FeatureCollection", "features": [FEATURE] * 2}, "one feature.*not 2", id="two"),
        pytest.param({"type": "FeatureCollection", "features": [SQUARE]}, "/features/0/type", id="a polygon in it"),
        pytest.param({"type": "FeatureCollection"}, "/features", id="no features"),
        pytest.param({"type": "Feature"}, "/geometry", id="no geometry"),
        pytest.param({"type": "Point", "coordinates": [10, 40]}, "not 'Point'", id="a point"),
        pytest.param(polygon((10, 40), (11, 40), (11, 41)), "rectangle.*west 10, south 40, east 11", id="triangle"),
        pytest.param(polygon((10, 0), (11, 0.1), (10.9, 1.1), (9.9, 1)), "rectangle", id="a tilted rectangle"),
        pytest.param(polygon((0, 0), (1, 1), (1, 0), (0, 1)), "crosses", id="a bow-tie"),
        pytest.param(polygon((5e5, 5e6), (6e5, 5e6), (6e5, 6e6)), "reproject", id="metres"),
        pytest.param(polygon((179, 0), (-179, 0), (-179, 1), (179, 1)), "antimeridian", id="over the antimeridian"),
        pytest.param(
            {**SQUARE, "crs": {"type": "name", "properties": {"name": "EPSG:32630"}}}, "reproject", id="a wrong CRS"
        ),
    ],
)
def test_anything_else_is_refused_with_file_place_and_remedy(store: Store, document: Any, said: str) -> None:
    with pytest.raises(BadInput, match=rf"(?s)bbox\.geojson.*{said}"):
        load(store, document)


def test_a_missing_extent_is_named_with_the_setting_that_moves_it(store: Store) -> None:
    with pytest.raises(NotFound, match=r"bbox\.geojson does not exist.*NDVI_EXTENT_KEY"):
        load_extent(store, KEY)


@pytest.mark.parametrize("bounds", [(1, 0, 1, 1), (2, 0, 1, 1), (0, 1, 1, 1), (-181, 0, 1, 1), (0, 0, 1, 91)])
def test_an_extent_has_an_area_on_earth(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Extent(west=bounds[0], south=bounds[1], east=bounds[2], north=bounds[3])


UNIT = Extent(west=0, south=0, east=1, north=1)
U_SHAPE = shapely.Polygon(
    [(0.1, -1), (0.9, -1), (0.9, 0.5), (0.8, 0.5), (0.8, -0.5), (0.2, -0.5), (0.2, 0.5), (0.1, 0.5)]
)


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(shapely.box(0.2, 0.2, 0.4, 0.4), id="inside"),
        pytest.param(shapely.box(0, 0, 1, 1), id="the extent itself"),
        pytest.param(shapely.MultiPolygon([shapely.box(0, 0, 0.1, 0.1), shapely.box(0.5, 0.5, 1, 1)]), id="parts"),
    ],
)
def test_a_field_inside_comes_back_as_the_same_object(geometry: Any) -> None:
    (clipped,) = clip([geometry], UNIT)
    assert clipped is geometry


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        pytest.param(shapely.box(0.5, 0.5, 2, 2), shapely.box(0.5, 0.5, 1, 1), id="over a corner"),
        pytest.param(shapely.box(-1, -1, 2, 2), shapely.box(0, 0, 1, 1), id="all around"),
        pytest.param(
            U_SHAPE,
            shapely.MultiPolygon([shapely.box(0.1, 0, 0.2, 0.5), shapely.box(0.8, 0, 0.9, 0.5)]),
            id="two legs of a U",
        ),
        pytest.param(
            shapely.box(-1, -1, 2, 2) - shapely.box(0.2, 0.2, 0.4, 0.4),
            shapely.box(0, 0, 1, 1) - shapely.box(0.2, 0.2, 0.4, 0.4),
            id="a hole stays",
        ),
        pytest.param(
            shapely.MultiPolygon([shapely.box(0.5, 0.5, 2, 2), shapely.box(-1, 0.2, 0, 0.4), shapely.box(5, 5, 6, 6)]),
            shapely.box(0.5, 0.5, 1, 1),
            id="what only touches goes",
        ),
    ],
)
def test_a_field_is_cut_to_the_extent(geometry: Any, expected: Any) -> None:
    clipped, turned = clip([geometry, shapely.reverse(geometry)], UNIT)
    assert clipped is not None
    assert clipped.geom_type == expected.geom_type
    assert clipped.equals(expected)
    assert geometry_hash(clipped) == geometry_hash(turned)


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(shapely.box(2, 2, 3, 3), id="outside"),
        pytest.param(shapely.box(1, 0, 2, 1), id="along an edge"),
        pytest.param(shapely.box(1, 1, 2, 2), id="at a corner"),
    ],
)
def test_a_field_without_area_inside_is_none(geometry: Any) -> None:
    assert clip([geometry], UNIT) == [None]


@pytest.mark.parametrize("angle", range(1, 90, 4))
@pytest.mark.parametrize("share", [0.21, 0.5, 0.83])
def test_ground_is_opened_by_an_extent_that_grows_or_moves_and_by_no_other(angle: int, share: float) -> None:
    """The corners of a clip are rounded, so that they lie beside a slanting boundary, not on it."""
    field = affinity.rotate(shapely.box(10, 50, 10.003, 50.002), angle)
    west, south, east, north = field.bounds
    edge = west + share * (east - west)
    around, eastern, western = (
        Extent(west=one, south=south - 1, east=other, north=north + 1)
        for one, other in ((west - 1, east + 1), (edge, east + 1), (west - 1, edge))
    )
    whole, right, left = (clip([field], extent)[0] for extent in (around, eastern, western))
    assert [is_opened(then, right) for then in (whole, right, left, None)] == [False, False, True, True]
    assert is_opened(right, whole)
    assert not is_opened(whole, None)

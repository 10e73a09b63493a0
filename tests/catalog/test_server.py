"""Searching a real `rustac serve`."""

import json
from collections.abc import Iterator
from datetime import date

import pytest
from shapely.geometry import box
from support.features import polygon
from support.stac_items import earth_search, scenes_found

from ndvi_airflow.local.services import Service, start_stac
from ndvi_core.catalog import search as catalogue
from ndvi_core.errors import BadInput
from ndvi_core.settings import Settings

AREA = box(11.2, 46.2, 11.3, 46.3)


def settings(stac: Service, **changes: str) -> Settings:
    return Settings(STAC_API_URL=stac.url, catalogue="local", **changes)


@pytest.fixture(scope="module")
def stac(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`rustac serve` with a scene of 32TPS each day of June 2022 and one of 32TNS, to the west, each fifth day."""
    west = polygon((9.0, 46.0), (10.0, 46.0), (10.0, 47.0), (9.0, 47.0))
    items = []
    for day in range(1, 31):
        own = {"datetime": f"2022-06-{day:02}T10:10:31Z", "s2:datatake_id": f"GS2A_202206{day:02}T101031_1_N04.00"}
        items.append(earth_search(f"32TPS-{day:02}", **own))
        if day % 5 == 0:
            items.append(earth_search(f"32TNS-{day:02}", geometry=west, **own, **{"grid:code": "MGRS-32TNS"}))
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": "sentinel-2-l2a",
        "description": "made for a test",
        "license": "CC0-1.0",
        "links": [],
        "extent": {"spatial": {"bbox": [[9, 46, 12, 47]]}, "temporal": {"interval": [["2022-06-01T00:00:00Z", None]]}},
    }
    folder = tmp_path_factory.mktemp("stac")
    (folder / "collection.json").write_text(json.dumps(collection))
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    server = start_stac([folder / "collection.json", folder / "items.json"])
    yield server
    server.stop()


def test_a_real_server_finds_by_day_and_place_over_many_pages(stac: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PAGE_ITEMS", 4)
    both = box(9.5, 46.2, 11.3, 46.3)
    scenes = scenes_found(settings(stac), both, date(2022, 6, 4), date(2022, 6, 20))
    assert [scene.id for scene in scenes] == [
        name for day in range(4, 21) for name in ([f"32TNS-{day:02}"] if day % 5 == 0 else []) + [f"32TPS-{day:02}"]
    ]
    east = scenes_found(settings(stac), AREA, date(2022, 6, 20), date(2022, 6, 20))
    assert [scene.id for scene in east] == ["32TPS-20"]
    assert scenes_found(settings(stac), AREA, date(2022, 7, 2), date(2022, 7, 3)) == []
    assert scenes_found(settings(stac), box(20, 46, 21, 47), date(2022, 6, 2), date(2022, 6, 2)) == []


def test_a_real_server_tells_an_unknown_collection(stac: Service) -> None:
    with pytest.raises(BadInput, match=r"STAC_COLLECTION \(now 'sentinel-1-grd'\) is not a collection of this API"):
        scenes_found(settings(stac, STAC_COLLECTION="sentinel-1-grd"), AREA, date(2022, 6, 2), date(2022, 6, 2))

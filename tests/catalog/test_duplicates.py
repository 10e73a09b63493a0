"""One scene for each tile and pass: which of several wins, and what is no duplicate."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.features import polygon
from support.stac_items import earth_search, planetary_computer

from ndvi_core.catalog.dialects import EARTH_SEARCH, PLANETARY_COMPUTER, scene_from_item
from ndvi_core.catalog.search import deduplicate
from ndvi_core.models.scene import Scene

BASELINE, DATATAKE = "s2:processing_baseline", "s2:datatake_id"


def scene(item_id: str, **changes: Any) -> Scene:
    return scene_from_item(earth_search(item_id, **changes), EARTH_SEARCH)


def strip(south: float, north: float) -> dict[str, Any]:
    """A footprint: the part of a tile one degree high between two shares of it from the south."""
    return polygon((11.0, 46 + south), (12.0, 46 + south), (12.0, 46 + north), (11.0, 46 + north))


def newest(scenes: list[Scene]) -> list[Scene]:
    """Return the scenes that are kept; the others are told apart, and none is lost."""
    kept, older = deduplicate(scenes)
    assert sorted(ids([*kept, *older])) == sorted(ids(scenes))
    return kept


def ids(scenes: list[Scene]) -> list[str]:
    return [scene.id for scene in scenes]


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [
        ({BASELINE: "05.00"}, {BASELINE: "02.14"}, "one"),
        ({BASELINE: "05.10"}, {BASELINE: "05.09"}, "one"),
        ({BASELINE: "10.00"}, {BASELINE: "9.99"}, "one"),
        ({BASELINE: "05.00", "updated": "2020-01-01T00:00:00Z"}, {BASELINE: "04.00"}, "one"),
        ({"updated": "2024-05-02T00:00:00Z"}, {"updated": "2024-05-01T23:59:59Z"}, "one"),
        ({"updated": "2024-05-02T00:00:00+02:00"}, {"updated": "2024-05-01T23:00:00Z"}, "other"),
        ({"updated": "2024-05-02T00:00:00Z"}, {"updated": None}, "one"),
        ({"updated": None}, {"updated": None}, "other"),  # the greater id
    ],
)
def test_newest_baseline_then_newest_update_then_greatest_id(
    one: dict[str, Any], other: dict[str, Any], winner: str
) -> None:
    pair = [scene("one", **one), scene("other", **other)]
    assert ids(newest(pair)) == ids(newest(pair[::-1])) == [winner]


def test_another_satellite_pass_or_tile_is_no_duplicate() -> None:
    scenes = [
        scene("a"),
        scene("b", **{DATATAKE: "GS2B_20220602T101031_027259_N04.00"}),
        scene("c", **{DATATAKE: "GS2A_20220602T115031_036269_N04.00"}),
        scene("d", **{"grid:code": "MGRS-32TQS"}),
    ]
    assert ids(newest(scenes)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"sat:relative_orbit": 22}, {"sat:relative_orbit": 22, "datetime": "2022-06-02T10:10:31.999Z"}, True),
        ({"sat:relative_orbit": 22}, {"sat:relative_orbit": 23}, False),
        ({}, {"datetime": "2022-06-02T10:10:31.025Z"}, True),
        ({}, {"platform": "sentinel-2b"}, False),
    ],
)
def test_items_that_quote_no_datatake_share_a_pass_by_platform_orbit_and_time(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    pair = [scene(name, **{DATATAKE: None, **changes}) for name, changes in (("one", one), ("other", other))]
    assert len(newest(pair)) == (1 if same else 2)


def test_the_two_pieces_of_a_tile_where_a_pass_was_cut_are_both_kept() -> None:
    north, south = scene("north", geometry=strip(0.3, 1.0)), scene("south", geometry=strip(0.0, 0.5))
    assert ids(newest([south, north])) == ["north", "south"]


def test_a_piece_that_others_show_already_goes() -> None:
    pieces = [
        scene("new-north", geometry=strip(0.4, 1.0), **{BASELINE: "05.00"}),
        scene("new-south", geometry=strip(0.0, 0.5), **{BASELINE: "05.00"}),
        scene("old-whole", geometry=strip(0.0, 1.0)),
        scene("old-corner", geometry=strip(0.9, 1.0)),
    ]
    assert ids(newest(pieces)) == ["new-north", "new-south"]
    assert ids(newest(pieces[1:])) == ["new-south", "old-whole"]


def test_scenes_come_by_day_then_tile_then_id() -> None:
    scenes = [
        scene("c", **{"grid:code": "MGRS-32TQS"}),
        scene("b", datetime="2022-06-04T10:10:31Z", **{DATATAKE: "GS2A_20220604T101031_1_N04.00"}),
        scene("d", datetime="2022-06-01T10:10:31Z", **{DATATAKE: "GS2A_20220601T101031_1_N04.00"}),
        scene("a", **{"grid:code": "MGRS-32TQS", DATATAKE: "GS2A_20220602T115031_036269_N04.00"}),
        scene("e"),
    ]
    assert ids(newest(scenes)) == ["d", "e", "a", "c", "b"]


def test_real_reprocessed_scenes_win_over_their_originals(realdata: Path) -> None:
    folder = realdata / "stac/items/earth_search_v1_sentinel_2_l2a"
    items = [json.loads(file.read_text()) for file in sorted(folder.glob("S2A_32TMT_*.json"))]
    assert len(items) == 4
    kept = newest([scene_from_item(item, EARTH_SEARCH) for item in items])
    assert ids(kept) == ["S2A_32TMT_20200302_1_L2A", "S2A_32TMT_20200305_1_L2A"]
    assert {scene.baseline for scene in kept} == {"05.00"}


def test_planetary_computer_items_without_updated_go_by_the_processing_time_in_their_id() -> None:
    name = "S2A_MSIL2A_20220602T101031_R022_T32TPS_{}"
    items = [planetary_computer(name.format(processed)) for processed in ("20220604T080000", "20220603T080000")]
    kept = newest([scene_from_item(item, PLANETARY_COMPUTER) for item in items])
    assert ids(kept) == [name.format("20220604T080000")]

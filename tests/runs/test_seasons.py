"""Runs over seasons of a field: each day is computed for the boundary of the season in which it lies."""

import json
from datetime import date
from typing import Any

import pytest
import shapely
from support.farm import DAYS, START, Farm, published, rows_of

from ndvi_core.models.geometry import geometry_hash
from ndvi_core.registry import due_days
from ndvi_core.registry import fields as registry
from ndvi_core.registry.progress import field_statuses

MIDDLE = DAYS[len(DAYS) // 2]


def resown(farm: Farm, **properties: Any) -> tuple[bytes, str, str]:
    """Return a file with another season of field_2, which is redrawn, and the hashes of both boundaries."""
    document = json.loads(farm.season.fields.read_text())
    feature = next(f for f in document["features"] if f["properties"]["object-id"] == "field_2")
    before = shapely.geometry.shape(feature["geometry"])
    after = before.buffer(-0.0003, join_style="mitre")
    feature["geometry"] = shapely.geometry.mapping(after)
    feature["properties"] |= {"plant-date": str(MIDDLE), "plant-type": "clover", "season": "resown", **properties}
    return json.dumps({**document, "features": [feature]}).encode(), geometry_hash(before), geometry_hash(after)


def hashes(farm: Farm) -> dict[date, str]:
    """Return by day the boundary that the published row of field_2 is of."""
    objects = published(farm)
    rows = [row for day in DAYS for row in rows_of(farm, objects, day, {"field_2"})]
    return {row.date: row.geometry_hash for row in rows}


def test_a_new_season_with_another_boundary_makes_its_own_days_due_alone(grown: Farm) -> None:
    before = published(grown)
    file, old, new = resown(grown)
    grown.upload(file, "resown.geojson")
    grown.intake()
    run = grown.catch_up()
    assert run.cells, "some of the days have scenes"
    assert {name for name, _ in run.cells} == {"field_2"}
    assert min(day for _, day in run.cells) >= MIDDLE
    assert hashes(grown) == {day: old if day < MIDDLE else new for day in DAYS}
    after = published(grown)
    for day in DAYS[: DAYS.index(MIDDLE)]:
        key = f"observations/date={day}/observations.parquet"
        assert after[key] == before[key], "the days of the season before are as they were"
    with grown.engine.connect() as connection:
        (status,) = field_statuses(connection, START, ["field_2"])
    assert [season.missing for season in status.seasons] == [0, 0]
    assert grown.catch_up().cells == set()
    assert grown.daily(DAYS[-1]).cells == set(), "nor does the look-back find anything"


def test_days_of_two_boundaries_that_are_computed_again_keep_theirs(grown: Farm) -> None:
    file, old, new = resown(grown)
    grown.upload(file, "resown.geojson")
    grown.intake()
    grown.catch_up()
    run = grown.by_hand(field_ids=["field_2"], start=DAYS[0], end=DAYS[-1], force=True)
    assert min(day for _, day in run.cells) < MIDDLE <= max(day for _, day in run.cells)
    assert hashes(grown) == {day: old if day < MIDDLE else new for day in DAYS}
    sizes = {day: row.pixel_count for day in DAYS for row in rows_of(grown, published(grown), day, {"field_2"})}
    first, second = ([sizes[day] for _, day in run.cells if (day < MIDDLE) == earlier] for earlier in (True, False))
    assert min(filter(None, first)) > max(filter(None, second)), "the smaller boundary has fewer pixels"


@pytest.mark.parametrize("planted", [MIDDLE, DAYS[-2]])
def test_a_season_that_is_taken_back_leaves_nothing_to_compute_but_its_own_days(grown: Farm, planted: date) -> None:
    before = published(grown)
    file, old, _ = resown(grown, **{"plant-date": str(planted)})
    grown.upload(file, "resown.geojson")
    grown.intake()
    grown.catch_up()
    first = json.loads(grown.season.fields.read_text())
    for feature in first["features"]:
        feature["properties"] |= {"season": "resown"} if feature["properties"]["object-id"] == "field_2" else {}
    grown.upload(json.dumps(first).encode(), "as before.geojson")
    grown.intake()
    with grown.engine.connect() as connection:
        (field,) = registry.load_fields(connection, ["field_2"])
        missing = due_days.missing_days(connection, [field.sequence], DAYS[-1])[field.sequence]
    assert missing == [day for day in DAYS if day >= planted]
    grown.catch_up()
    assert set(hashes(grown).values()) == {old}
    assert published(grown).keys() == before.keys()

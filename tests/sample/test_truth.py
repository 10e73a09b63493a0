"""Two years of the sample's farm, observed: exactly the events that were put in are found in them."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from support.catalogue import Catalogue
from support.observed import Event, Grown, events_in

import ndvi_core
from ndvi_airflow.local.services import start_files, start_stac
from ndvi_core.models.observation import Observation
from ndvi_core.sample.farm import Season
from ndvi_core.sample.fields import BANKS
from ndvi_core.sample.season import write_season
from ndvi_core.sample.truth import TrueEvent, is_long, true_events

START, END = date(2025, 4, 1), date(2026, 10, 31)


def seasons_of(season: Season) -> Iterator[dict[str, Any]]:
    """Yield the GeoJSON of each field's crops; a crop ends when the farmer says so, or when the next one is sown."""
    following = {one["properties"]["object-id"]: one for one in json.loads(season.next_crops.read_text())["features"]}
    for file in (season.fields, season.neighbours, season.late_fields):
        for feature in json.loads(file.read_text())["features"]:
            after = following.get(feature["properties"]["object-id"])
            if after is not None:
                last = date.fromisoformat(after["properties"]["plant-date"]) - timedelta(1)
                feature["properties"].setdefault("end-date", str(last))
            yield feature
    yield from following.values()


def grown(feature: dict[str, Any]) -> Grown:
    stated = feature["properties"]
    last = date.fromisoformat(stated.get("end-date", str(END)))
    planted = date.fromisoformat(stated["plant-date"])
    return Grown(stated["object-id"], stated["plant-type"], planted, min(last, END), "end-date" in stated)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    folder = tmp_path_factory.mktemp("years")
    files = start_files(folder / "scenes", log=folder / "files.log")
    season = write_season(folder, files.url, START, END, ("red", "nir", "scl"))
    stac = start_stac([season.collection, season.items], log=folder / "stac.log")
    yield Catalogue(season, files, stac)
    stac.stop()
    files.stop()


@pytest.fixture(scope="module")
def farm(catalogue: Catalogue) -> tuple[list[Grown], list[Observation]]:
    """Its seasons, and the observations of all their days."""
    seasons, rows = [], []
    crops = list(seasons_of(catalogue.season))
    fields = len({crop["properties"]["object-id"] for crop in crops})
    for part in (crops[:fields], crops[fields:]):  # a file has a field once
        collection = {"type": "FeatureCollection", "features": part}
        rows += ndvi_core.observe(collection, START, END, settings=catalogue.settings).rows
        seasons += map(grown, part)
    return seasons, rows


@pytest.fixture(scope="module")
def found(farm: tuple[list[Grown], list[Observation]]) -> list[Event]:
    seasons, rows = farm
    return events_in(rows, seasons)


def test_exactly_the_events_that_were_put_in_are_found(found: list[Event]) -> None:
    unseen: list[TrueEvent] = true_events(START, END)
    unexplained = []
    for event in found:
        true = [
            one
            for one in unseen
            if (one.kind, one.field_id) == (event.kind, event.field_id) and one.is_seen(event.first_day, event.last_day)
        ]
        if true:
            unseen.remove(true[0])
        else:
            unexplained.append(event)
    assert (unexplained, unseen) == ([], [])
    assert {event.kind for event in found} == {"drop", "green_up", "harvest_candidate", "below_peers", "no_value"}


def test_a_rim_of_cloud_lowers_a_value_and_is_no_event(
    farm: tuple[list[Grown], list[Observation]], found: list[Event]
) -> None:
    rims = [bank for bank in BANKS if not bank.noticed]
    assert len(rims) == 2
    for rim in rims:
        ndvi = {row.date: row.ndvi_mean for row in farm[1] if row.field_id == rim.field_id and row.status == "computed"}
        before, after = max(day for day in ndvi if day < rim.first), min(day for day in ndvi if day > rim.last)
        assert ndvi[rim.first] < min(ndvi[before], ndvi[after]) - 0.1
        assert not [
            event
            for event in found
            if event.field_id == rim.field_id
            and event.first_day <= rim.first <= event.last_day
            and event.kind == "drop"
        ]


def test_what_hid_a_field_ends_with_the_first_value_after_it(
    farm: tuple[list[Grown], list[Observation]], found: list[Event]
) -> None:
    (bank,) = filter(is_long, BANKS)
    (event,) = (event for event in found if event.kind == "no_value")
    seen = [row.date for row in farm[1] if row.field_id == bank.field_id and row.status == "computed"]
    assert event.closed == min(day for day in seen if day > bank.last)

"""Every due day gets its answer, whatever happens meanwhile; and what is not due is not published."""

import json
from datetime import date, timedelta

import pytest
from support.farm import DAYS, END, START, Farm, acquisitions, newer, published, rows_of

from ndvi_core.errors import BadInput
from ndvi_core.registry.ledger import load_series
from ndvi_core.registry.progress import field_statuses
from ndvi_core.runs.folder import RunFolder
from ndvi_core.runs.record import record_run
from ndvi_core.support.days import days_between


def test_fields_planted_before_the_first_daily_run_get_their_history_at_once(farm: Farm) -> None:
    document = json.loads(farm.season.late_fields.read_text())
    early = START - timedelta(3)
    for feature in document["features"]:
        feature["properties"]["plant-date"] = str(early)
    farm.upload(json.dumps(document).encode())
    farm.intake()
    run = farm.catch_up()
    assert run.recorded.days == tuple(days_between(early, START - timedelta(1)))


def test_recording_an_old_run_again_does_not_bring_back_what_was_superseded(farm: Farm) -> None:
    day = sorted(acquisitions(farm))[0]
    old = farm.daily(day)
    farm.publish(lambda items: [newer(item) for item in items])
    farm.by_hand(start=day, end=day)
    after = published(farm)
    record_run(old.folder, farm.settings, farm.engine)
    assert published(farm) == after


def test_a_day_that_is_recorded_while_a_late_field_catches_up_is_made_up_for(farm: Farm) -> None:
    days = sorted(acquisitions(farm))
    for day in days_between(START, days[-1] - timedelta(1)):
        farm.daily(day)

    def register_and_catch_up(_folder: RunFolder) -> None:
        farm.upload(farm.season.late_fields, "late.geojson")
        farm.intake()
        farm.catch_up()

    farm.daily(days[-1], before_record=register_and_catch_up)
    run = farm.daily(days[-1] + timedelta(1))
    assert {("field_4", days[-1]), ("field_5", days[-1])} <= run.cells
    with farm.engine.connect() as connection:
        assert [row.field_id for row in field_statuses(connection, START) if not row.whole] == []


def test_an_earlier_plant_date_while_catching_up_is_not_forgotten(grown: Farm) -> None:
    late = json.loads(grown.season.late_fields.read_text())
    grown.upload(json.dumps(late).encode(), "late.geojson")
    grown.intake()
    for feature in late["features"]:
        feature["properties"]["plant-date"] = str(START)

    def move_the_plant_date(_folder: RunFolder) -> None:
        grown.upload(json.dumps(late).encode(), "earlier.geojson")
        grown.intake()

    grown.catch_up(before_record=move_the_plant_date)
    grown.catch_up()
    with grown.engine.connect() as connection:
        assert [row.field_id for row in field_statuses(connection, START) if not row.whole] == []


def test_a_day_that_was_run_for_some_fields_alone_is_made_up_for_the_others(farm: Farm) -> None:
    first, second = sorted(acquisitions(farm))[:2]
    for day in days_between(START, first - timedelta(1)):
        farm.daily(day)
    farm.daily(first, field_ids=["field_1"])
    for day in days_between(first + timedelta(1), second):
        farm.daily(day)
    run = farm.catch_up()
    assert {day for _, day in run.cells} == {first}
    assert "field_1" not in {name for name, _ in run.cells}
    with farm.engine.connect() as connection:
        assert [row.field_id for row in field_statuses(connection, START) if not row.whole] == []
    assert farm.catch_up().cells == set()


def test_the_look_back_goes_over_a_day_that_was_made_up_for(farm: Farm) -> None:
    first = min(acquisitions(farm))
    farm.daily(first, field_ids=["field_1"])
    farm.daily(first + timedelta(1))
    farm.catch_up()
    late = {item["id"] for item in acquisitions(farm)[first]}
    farm.publish(lambda items: [newer(item) if item["id"] in late else item for item in items])
    assert {day for _, day in farm.daily(first + timedelta(2)).cells} == {first}


def dated(farm: Farm, **dates: str | None) -> bytes:
    """Return the farm's first fields with other dates for field_2."""
    document = json.loads(farm.season.fields.read_text())
    feature = next(f for f in document["features"] if f["properties"]["object-id"] == "field_2")
    feature["properties"] |= {name.replace("_", "-"): value for name, value in dates.items()}
    return json.dumps(document).encode()


def days_published(farm: Farm, name: str) -> list[date]:
    objects = published(farm)
    return [day for day in DAYS if rows_of(farm, objects, day, {name})]


@pytest.mark.parametrize("name", ["plant_date", "end_date"])
def test_days_that_a_corrected_date_leaves_out_are_kept_and_not_published(grown: Farm, name: str) -> None:
    middle = DAYS[len(DAYS) // 2]
    before = published(grown)
    due = days_published(grown, "field_2")
    kept = [day for day in due if (day >= middle if name == "plant_date" else day <= middle)]
    assert len(kept) < len(due)

    grown.upload(dated(grown, **{name: str(middle)}), "corrected.geojson")
    grown.intake()
    assert grown.catch_up().cells == set()
    assert days_published(grown, "field_2") == kept
    with grown.engine.connect() as connection:
        (status,) = field_statuses(connection, START, ["field_2"])
        rows = load_series(connection, ["field_2"], START, END, 100).rows
    assert (status.days, status.missing) == (len(kept), 0)
    assert [row.date for row in rows] == kept

    grown.upload(grown.season.fields, "corrected back.geojson")
    grown.intake()
    assert grown.catch_up().cells == set(), "nothing has to be computed"
    assert published(grown) == before


def test_a_period_by_hand_ends_on_the_last_recorded_day(farm: Farm) -> None:
    for day in DAYS[:2]:
        farm.daily(day)
    run = farm.by_hand(start=DAYS[1], end=DAYS[1] + timedelta(400), force=True)
    assert run.recorded.days == (DAYS[1],)
    with pytest.raises(BadInput, match=f"no day to compute from {DAYS[2]} on: the recorded days end on {DAYS[1]}"):
        farm.by_hand(start=DAYS[2], end=DAYS[3])
    with pytest.raises(BadInput, match="is before the start"):
        farm.by_hand(start=DAYS[1], end=DAYS[0])

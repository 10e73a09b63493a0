"""Which days other DAGs are told of: those whose files have changed, whoever published them, and no day twice."""

from datetime import date

from support.farm import DAYS, Farm

from ndvi_core.registry.published_days import mark_days_announced, unannounced_days
from ndvi_core.runs import field_life

MIDDLE = DAYS[len(DAYS) // 2]


def told(farm: Farm) -> list[date]:
    """The days that are announced now; they count as announced afterwards."""
    with farm.engine.begin() as connection:
        days, as_of = unannounced_days(connection)
        mark_days_announced(connection, days, as_of)
    return days


def test_a_day_is_told_when_it_is_published_and_again_only_if_its_file_changes(farm: Farm) -> None:
    told(farm)
    for day in DAYS[:2]:
        farm.daily(day)
    assert told(farm) == DAYS[:2]
    farm.by_hand(start=DAYS[0], end=DAYS[1], force=True)  # the same numbers, written again
    assert told(farm) == []


def test_days_that_a_command_publishes_or_removes_are_told_too(grown: Farm) -> None:
    told(grown)
    later = [day for day in DAYS if day > MIDDLE]
    field_life.retire(grown.store, grown.settings, grown.engine, ["field_2"], MIDDLE)
    assert told(grown) == later
    everybody = [path.split("/")[1] for path in grown.objects("fields/")]
    field_life.retire(grown.store, grown.settings, grown.engine, sorted({*everybody}), MIDDLE)
    assert not any(f"date={later[-1]}" in key for key in grown.objects("observations/"))
    assert told(grown) == later


def test_a_day_that_changes_while_it_is_being_announced_is_told_again(grown: Farm) -> None:
    with grown.engine.begin() as connection:
        days, as_of = unannounced_days(connection)
    grown.upload(grown.season.late_fields, "late.geojson")
    grown.intake()
    late = grown.catch_up().recorded.days
    with grown.engine.begin() as connection:
        mark_days_announced(connection, days, as_of)
    assert days == DAYS
    assert 0 < len(late) < len(DAYS)
    assert told(grown) == list(late)

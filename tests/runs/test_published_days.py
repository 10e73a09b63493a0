"""Which days are told: changed ones to other DAGs, whoever published them, and no day twice; late ones to people."""

from datetime import date

from sqlalchemy import Engine
from support.country import Country, some_fields
from support.country import grown as rows_of
from support.farm import DAYS, Farm

from ndvi_core.registry.published_days import mark_days_announced, unannounced_days
from ndvi_core.registry.telling import Untold, mark_told, note_late_day, note_receiver, untold
from ndvi_core.runs import field_life
from ndvi_core.storage.object_store import Store

FIRST, SECOND, THIRD, *_ = DAYS
MIDDLE = DAYS[len(DAYS) // 2]
RECEIVER = "http:farm_hook"


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


def is_late(engine: Engine, day: date) -> bool:
    """Let a day's deadline pass."""
    with engine.begin() as connection:
        return note_late_day(connection, day)


def news(engine: Engine) -> Untold:
    """What a receiver is told now; it is not told again."""
    with engine.begin() as connection:
        note_receiver(connection, RECEIVER)
        found = untold(connection, RECEIVER)
        said = {str(day): "open" for day in found.late_days} | {str(day): "closed" for day in found.made_up}
        mark_told(connection, RECEIVER, said)
    return found


def test_a_day_that_was_left_out_is_late_until_the_catch_up_has_published_it(farm: Farm) -> None:
    farm.daily(FIRST)
    assert is_late(farm.engine, SECOND)
    assert news(farm.engine).late_days == (SECOND,)
    farm.daily(THIRD)  # the day between them is left to the catch-up
    assert not is_late(farm.engine, THIRD)
    assert is_late(farm.engine, SECOND)
    assert news(farm.engine) == Untold()
    assert f"observations/date={SECOND}/observations.parquet" not in farm.objects("observations/")
    farm.catch_up()
    assert f"observations/date={SECOND}/observations.parquet" in farm.objects("observations/")
    assert not is_late(farm.engine, SECOND)
    assert news(farm.engine).made_up == (SECOND,)


def test_a_day_that_was_left_out_when_all_of_it_was_published_is_not_late(farm: Farm) -> None:
    farm.daily(FIRST)
    everybody = {path.split("/")[1] for path in farm.objects("fields/")}
    farm.daily(SECOND, field_ids=sorted(everybody))  # a run for some fields does not record its day
    farm.daily(THIRD)
    assert not is_late(farm.engine, SECOND)


def test_a_day_that_was_left_out_stays_late_when_the_rows_that_it_has_are_published(farm: Farm) -> None:
    farm.daily(FIRST)
    one, *_ = sorted({path.split("/")[1] for path in farm.objects("fields/")})
    farm.daily(SECOND, field_ids=[one])
    farm.daily(THIRD)
    assert is_late(farm.engine, SECOND)
    assert news(farm.engine).late_days == (SECOND,)
    field_life.rename(farm.store, farm.settings, farm.engine, one, "another")  # publishes its days
    assert is_late(farm.engine, SECOND)
    assert news(farm.engine) == Untold()
    farm.catch_up()
    assert news(farm.engine).made_up == (SECOND,)


def test_a_day_on_which_nothing_was_due_is_not_late(empty_farm: Farm) -> None:
    empty_farm.store.write(empty_farm.settings.extent_key, empty_farm.season.extent.read_bytes())
    empty_farm.daily(FIRST)
    empty_farm.daily(THIRD)
    assert [is_late(empty_farm.engine, day) for day in (FIRST, SECOND, THIRD)] == [False] * 3


def test_a_day_that_is_recorded_and_not_yet_published_is_late(engine: Engine, store: Store) -> None:
    country = Country(engine, store)
    (field,) = some_fields(1)
    country.register(field)
    (row,) = rows_of(field, [5])
    country.record([row])
    assert is_late(country.engine, row.date)

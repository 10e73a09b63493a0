"""Seasons flow through by themselves: what changes in the ledger or the registry changes their files, and no others."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine
from support.country import PLANTED, Country, crop, grown, meanwhile, some_fields
from support.models import a_field

from ndvi_core.errors import NotFound
from ndvi_core.models.observation import IndexStatistics
from ndvi_core.registry import field_life, index_sets
from ndvi_core.runs.season_record import record_seasons
from ndvi_core.season.rules import SeasonRules
from ndvi_core.season_run.of_field import FieldFiles, OneSeason
from ndvi_core.season_run.run import run_season_order
from ndvi_core.storage.object_store import Store

DAYS = range(0, 121, 5)
LAST = PLANTED + timedelta(days=120)
SERIES, SUMMARIES, PEERS = (
    "seasons/series/year=2025/part=00000.parquet",
    "seasons/summaries/year=2025/part=00000.parquet",
    "seasons/peers/year=2025/peers.parquet",
)
OTHER_PART = "seasons/series/year=2025/part=00001.parquet"


@pytest.fixture
def country(engine: Engine, store: Store) -> Country:
    return Country(engine, store)


def series_of(country: Country, field_id: str, season: str = "2025") -> pd.DataFrame:
    table = country.table("seasons/series")
    return table[(table.field_id == field_id) & (table.season == season)].set_index("day_of_season")


def test_the_files_are_one_table_of_daily_series(country: Country) -> None:
    field, other = some_fields(2)
    country.register(field, other)
    country.record(grown(field, DAYS))
    country.season_run()
    found = series_of(country, "field_1")
    assert list(found.index) == list(range(121))
    assert list(found.day.dt.date) == [PLANTED + timedelta(days=day) for day in range(121)]
    observed = found.observed.dropna()
    assert list(observed.index) == list(DAYS)
    assert np.allclose(observed, [crop(day) for day in DAYS], atol=5e-5)
    assert np.abs(found.smoothed - [crop(day) for day in range(121)]).max() < 0.02
    assert not found.gap.any()
    assert series_of(country, "field_2").smoothed.isna().all(), "a field without a value has a series without values"
    by_folder = pd.read_parquet(f"{country.store.url.removeprefix('file://')}/seasons/series")
    assert len(by_folder) == 242


def test_the_same_seasons_in_a_bucket_on_s3_are_the_same_bytes(engine: Engine, store: Store, s3_store: Store) -> None:
    """Also when they are computed anew from the beginning, with other work in between."""
    here, there = Country(engine, store), Country(engine, s3_store)
    (field,) = some_fields(1)
    here.register(field)
    here.record(grown(field, DAYS))
    here.season_run()
    here.settings = here.settings.model_copy(
        update={"season_rules": SeasonRules.model_validate({"events": {"bare": 0.25}})}
    )
    here.season_run()
    assert there.season_run() is not None
    assert here.files().keys() == there.files().keys()
    assert {key: data for key, data in here.files().items() if key.startswith("seasons/")} == {
        key: data for key, data in there.files().items() if key.startswith("seasons/")
    }


def test_a_run_without_a_change_has_nothing_to_do(country: Country) -> None:
    country.register(*some_fields(1))
    country.season_run()
    assert country.season_run() is None


def test_a_late_scene_and_a_reprocessed_one_change_their_part_alone(country: Country) -> None:
    (field,), (far,) = some_fields(1), some_fields(1, "far", plant_type="maize")
    country.register(field)
    country.begin_another_part()
    country.register(far)
    country.record([*grown(field, DAYS), *grown(far, DAYS)])
    country.season_run()
    before = country.files()
    assert OTHER_PART in before
    country.record(grown(field, [62]), until=LAST)
    country.season_run()
    assert country.changed_files(before) == {SERIES, SUMMARIES, PEERS}
    assert series_of(country, "field_1").observed[62] == pytest.approx(crop(62), abs=5e-5)
    country.record(grown(field, [62], lambda day: crop(day) - 0.03), until=LAST)
    country.season_run()
    assert series_of(country, "field_1").observed[62] == pytest.approx(crop(62) - 0.03, abs=5e-5)
    assert country.files()[OTHER_PART] == before[OTHER_PART]


def test_a_late_field_gets_its_series(country: Country) -> None:
    first, late = some_fields(2)
    country.register(first)
    country.record(grown(first, DAYS))
    country.season_run()
    country.register(late)
    country.record(grown(late, DAYS))
    country.season_run()
    assert series_of(country, "field_2").observed.count() == len(DAYS)


def test_a_corrected_plant_date_moves_the_days(country: Country) -> None:
    (field,) = some_fields(1)
    country.register(field)
    country.record(grown(field, DAYS))
    country.season_run()
    country.register(a_field("field_1", field.geometry, plant_date=PLANTED + timedelta(days=10)))
    country.season_run()
    found = series_of(country, "field_1")
    assert found.observed[0] == pytest.approx(crop(10), abs=5e-5)
    assert len(found) == 111


def test_a_season_that_moves_to_another_year_leaves_no_file_behind(country: Country) -> None:
    planted = date(2025, 1, 3)
    (field,) = some_fields(1, plant_date=planted)
    country.register(field)
    country.record(grown(field, DAYS))
    country.season_run()
    country.register(a_field("field_1", field.geometry, plant_date=date(2024, 12, 28)))
    country.season_run()
    assert {key for key in country.files() if key.startswith("seasons/s")} == {
        SERIES.replace("2025", "2024"),
        SUMMARIES.replace("2025", "2024"),
    }
    assert set(country.table("seasons/peers").year) == {2024}
    assert len(series_of(country, "field_1", "2024")) == 127


def test_a_removed_and_a_renamed_field_are_so_in_the_files(country: Country) -> None:
    fields = some_fields(3)
    country.register(*fields)
    country.record(grown(fields[0], DAYS))
    country.season_run()
    with country.engine.begin() as connection:
        field_life.remove(connection, "field_2")
        field_life.rename(connection, "field_3", "north")
    country.season_run()
    for folder in ("seasons/series", "seasons/summaries"):
        assert set(country.table(folder).field_id) == {"field_1", "north"}
    with country.engine.begin() as connection:
        field_life.remove(connection, "field_1")
        field_life.remove(connection, "north")
    country.season_run()
    assert country.files() == {}


def test_a_boundary_that_is_corrected_takes_its_own_observations_alone(country: Country) -> None:
    (field,) = some_fields(1)
    country.register(field)
    country.record(grown(field, DAYS))
    country.season_run()
    mended = a_field("field_1", field.geometry.buffer(0.001), plant_date=PLANTED)
    country.register(mended)
    country.record(grown(mended, [0, 10, 20]), until=LAST)
    country.season_run()
    assert list(series_of(country, "field_1").observed.dropna().index) == [0, 10, 20]


def test_what_changes_while_a_run_is_at_work_is_done_by_the_next(country: Country) -> None:
    (field,) = some_fields(1)
    country.register(field)
    country.record(grown(field, DAYS))
    folder, plan = country.plan()
    country.record(grown(field, [62]), until=LAST)
    country.compute_and_record(folder, plan)
    assert np.isnan(series_of(country, "field_1").observed[62])
    country.season_run()
    assert not np.isnan(series_of(country, "field_1").observed[62])
    assert country.season_run() is None


def test_a_season_whose_end_moves_while_rows_are_read_is_computed_as_it_was(country: Country) -> None:
    field, other = some_fields(2, end_date=PLANTED + timedelta(days=50))
    country.register(field, other.model_copy(update={"end_date": LAST}))
    country.record(grown(field, DAYS))
    country.season_run()
    before = country.files()
    country.record(grown(field, DAYS))
    longer = field.model_copy(update={"end_date": LAST})
    with meanwhile(country.engine, "season.end_date", lambda: country.register(longer)):
        country.season_run()
    assert country.changed_files(before) == set()
    country.season_run()
    assert list(series_of(country, "field_1").index) == list(range(121))


def test_files_that_change_between_two_reads_do_not_give_a_field_the_numbers_of_another(country: Country) -> None:
    fields = some_fields(3)
    country.register(*fields)
    country.record(
        [row for number, field in enumerate(fields) for row in grown(field, DAYS, lambda day, n=number: 0.2 + n / 10)]
    )
    country.season_run()
    second, third = (OneSeason(sequence, "2025", "wheat", PLANTED) for sequence in (2, 3))
    files = FieldFiles(country.store, country.settings.seasons_prefix)
    assert files.summaries(second)[0]["latest"] == 0.3
    with country.engine.begin() as connection:
        field_life.remove(connection, "field_1")
    country.season_run()
    for season in (second, third):
        with pytest.raises(NotFound, match="yet"):
            files.series(season, [], "ndvi")
    again = FieldFiles(country.store, country.settings.seasons_prefix)
    assert again.series(second, [], "ndvi")["observed"][0] == 0.3


def test_repeating_a_run_changes_nothing_and_an_old_one_brings_nothing_back(country: Country) -> None:
    (field,) = some_fields(1)
    country.register(field)
    country.record(grown(field, DAYS))
    folder, plan = country.plan()
    country.compute_and_record(folder, plan)
    before = country.files()
    country.compute_and_record(folder, plan)
    assert country.changed_files(before) == set()
    country.record(grown(field, [62]), until=LAST)
    country.season_run()
    before = country.files()
    run_season_order(plan.order.uri)
    assert record_seasons(folder, country.settings, country.engine).parts == 0
    assert country.changed_files(before) == set()


def test_other_rules_and_another_index_make_all_seasons_anew(country: Country) -> None:
    (field,), (far,) = some_fields(1), some_fields(1, "far")
    country.register(field)
    country.begin_another_part()
    country.register(far)
    rows = [*grown(field, DAYS), *grown(far, DAYS)]
    country.record(
        [
            row.model_copy(
                update={"indices": {"ndmi": IndexStatistics(mean=0.1, valid_pixel_count=20.0)}, "pixel_count": 100.0}
            )
            for row in rows
        ]
    )
    country.season_run()
    before = country.files()
    rules = SeasonRules.model_validate({"series": {"stiffness": 1000}})
    country.settings = country.settings.model_copy(update={"season_rules": rules})
    country.season_run()
    assert {SERIES, OTHER_PART} <= country.changed_files(before)
    with country.engine.begin() as connection:
        index_sets.register_indices(connection, ["ndmi"])
    country.season_run()
    table = country.table("seasons/series")
    assert table.groupby("index")["observed"].count().to_dict() == {"ndmi": 50, "ndvi": 50}
    moisture = table[(table["index"] == "ndmi") & (table.field_id == "far_1")]
    assert moisture.weight.dropna().unique() == pytest.approx([0.8])  # 20 pixels of 20 m in 100 of 10 m
    assert np.allclose(moisture.smoothed.dropna(), 0.1, atol=1e-4)


def test_a_file_that_somebody_has_removed_is_made_again(country: Country) -> None:
    (field,), (far,) = some_fields(1), some_fields(1, "far")
    country.register(field)
    country.begin_another_part()
    country.register(far)
    country.record(grown(field, DAYS))
    country.season_run()
    before = country.files()
    country.store.delete(OTHER_PART)
    country.record(grown(field, [62]), until=LAST)
    country.season_run()
    assert country.files().keys() == before.keys()


def test_the_latest_value_is_compared_with_earlier_seasons_of_the_field(country: Country) -> None:
    """Three years, of which the second had another crop and the third is the greenest."""
    country.settings = country.settings.model_copy(update={"start_date": date(2023, 4, 1)})
    for year, plant_type, less in ((2023, "wheat", 0.05), (2024, "maize", 0.1), (2025, "wheat", 0.0)):
        field = a_field("field_1", plant_type=plant_type, plant_date=date(year, 4, 1), end_date=date(year, 9, 30))
        country.register(field)
        country.record(grown(field, DAYS, lambda day, less=less: crop(day) - less))
        country.season_run()
    found = country.table("seasons/summaries").set_index("season")
    assert found.loc["2025", "history_count":"crop_history_percentile"].tolist() == [2, 100, 1, 100]
    assert found.loc["2024", "history_count"] == 1
    assert found.loc["2024", "history_percentile"] == 0
    assert found.loc["2024", "crop_history_count"] == 0
    assert found.loc["2023", "history_count"] == 0
    field = a_field("field_1", plant_date=date(2023, 4, 1), end_date=date(2023, 9, 30))
    country.record(grown(field, DAYS, lambda day: min(crop(day) + 0.1, 1.0)), until=LAST)
    country.season_run()
    found = country.table("seasons/summaries").set_index("season")
    assert found.loc["2025", "crop_history_percentile"] == 0, "a change of an earlier season changes later standings"

"""What the API says of seasons and events: numbers of the files that `ndvi_season` writes, and rows of the registry."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from support.country import PLANTED, Country, crop, grown, some_fields, struck
from support.models import a_field
from support.web import Ask, Server, SignIn

from ndvi_core.models.observation import IndexStatistics
from ndvi_core.registry import index_sets
from ndvi_core.settings import Settings

DAYS = range(0, 101, 5)
LAST_YEAR = date(2024, 4, 1)


@pytest.fixture(scope="module", autouse=True)
def _seeded(server: Server, s3_environment: None) -> Iterator[None]:
    """Ten fields of wheat, of which one is struck and was maize the year before, and one that was never computed."""
    country = Country(server.engine, server.bucket, Settings(start_date=LAST_YEAR))
    fields = some_fields(10)
    first = fields[0].model_copy(update={"plant_type": "maize", "plant_date": LAST_YEAR, "end_date": date(2024, 9, 30)})
    country.register(first)
    country.register(*fields)
    rows = [
        row
        for field in fields[1:]
        for row in grown(
            field, DAYS, indices={"ndmi": IndexStatistics(mean=0.2, valid_pixel_count=5.0)}, pixel_count=20.0
        )
    ]
    country.record([*rows, *grown(fields[0], DAYS, struck), *grown(first, DAYS, lambda day: crop(day) - 0.05)])
    with country.engine.begin() as connection:
        index_sets.register_indices(connection, ["ndmi"])
    country.season_run()
    country.register(a_field("new", plant_date=PLANTED))
    yield
    server.empty()


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_fields_seasons_have_their_figures_and_standing(ask: Ask) -> None:
    before, now = ask("api/fields/field_1/seasons").json()
    assert (before["season"], before["plant_type"], before["end_date"]) == ("2024", "maize", "2024-09-30")
    assert (now["season"], now["plant_type"], now["plant_date"], now["end_date"]) == (
        "2025",
        "wheat",
        str(PLANTED),
        None,
    )
    figures = now["indices"]["ndvi"]
    assert figures["values"] == len(DAYS)
    assert figures["latest"] == pytest.approx(struck(100), abs=0.02)
    assert (figures["peers_count"], figures["history_count"], figures["crop_history_count"]) == (10, 1, 0)
    assert figures["history_percentile"] == 0
    assert figures["peers_z"] is None, "the peers are all alike"
    assert figures["end"] is None
    assert set(now["indices"]) == {"ndvi", "ndmi"}
    assert ask("api/fields/field_2/seasons").json()[0]["indices"]["ndmi"]["latest"] == pytest.approx(0.2)


def test_a_season_that_was_never_computed_is_there_without_figures(ask: Ask) -> None:
    (season,) = ask("api/fields/new/seasons").json()
    assert season["indices"] == {}
    answer = ask("api/fields/new/series")
    assert answer.status_code == 404
    assert "ndvi_season" in answer.json()["detail"]


def test_a_series_has_columns_of_equal_length(ask: Ask) -> None:
    found = ask("api/fields/field_1/series").json()
    assert found["season"] == "2025"
    days = (date.fromisoformat(found["day"][-1]) - PLANTED).days + 1
    assert {len(column) for column in found.values() if isinstance(column, list)} == {days}
    assert found["observed"][85] == pytest.approx(struck(85), abs=5e-5)
    assert found["observed"][86] is None
    assert found["peers_median"][50] == pytest.approx(crop(50), abs=0.02)
    assert found["peers_mad"][50] == 0, "most of them are alike"
    assert found["history_percentile"][50] == 100
    assert found["history_percentile"][100] == 0
    earlier = ask("api/fields/field_1/series", season="2024").json()
    assert earlier["day"][0] == str(LAST_YEAR)
    assert earlier["observed"][50] == pytest.approx(crop(50) - 0.05, abs=5e-5)
    assert earlier["history_count"][50] == 0
    assert ask("api/fields/field_1/series", season="2023").status_code == 404
    moisture = ask("api/fields/field_2/series", index="ndmi").json()
    assert moisture["weight"][0] == 1.0


def test_events_are_filtered_and_paged(ask: Ask) -> None:
    drops = ask("api/events", kind="drop").json()
    assert [(one["field_id"], one["status"], one["season"]) for one in drops] == [("field_1", "open", "2025")]
    day, fingerprint = drops[0]["evidence"][0]
    assert (day, fingerprint) == (str(PLANTED + timedelta(days=80)), f"{80:016x}")
    assert {one["field_id"] for one in ask("api/events", field="field_2").json()} == {"field_2"}
    assert ask("api/events", since="2025-12-31").json() == []
    assert ask("api/events", status="withdrawn").json() == []
    everything = ask("api/events").json()
    first = ask("api/events", limit=5)
    assert first.json() == everything[:5]
    assert first.headers["Link"].startswith("<?")
    assert ask("api/events", limit=5, offset=5).json() == everything[5:10]
    assert "Link" not in ask("api/events", limit=len(everything)).headers
    assert ask("api/events", kind="flood").status_code == 422


def test_all_three_come_as_csv_too(ask: Ask) -> None:
    (drop,) = table(ask("api/events", kind="drop", format="csv").text)
    assert (drop["field_id"], drop["kind"], drop["evidence_days"].split()[0]) == ("field_1", "drop", "2025-06-20")
    answer = ask("api/fields/field_1/series", format="csv")
    assert (
        answer.headers["Content-Disposition"] == 'attachment; filename="field_1_ndvi_daily_2025-04-01_2025-07-10.csv"'
    )
    rows = table(answer.text)
    assert (rows[85]["day"], float(rows[85]["observed"]), rows[85]["gap"]) == (
        "2025-06-25",
        pytest.approx(struck(85), abs=5e-5),
        "false",
    )
    assert rows[86]["observed"] == ""
    seasons = table(ask("api/fields/field_1/seasons", format="csv").text)
    assert [(row["season"], row["index"]) for row in seasons] == [
        ("2024", "ndvi"),
        ("2024", "ndmi"),
        ("2025", "ndvi"),
        ("2025", "ndmi"),
    ]


def test_seasons_are_for_readers(sign_in: SignIn) -> None:
    for path in ("api/events", "api/fields/field_1/seasons", "api/fields/field_1/series"):
        assert sign_in(None).get(path).status_code == 401

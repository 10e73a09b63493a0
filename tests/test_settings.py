"""What the environment may say, and how it is read."""

import pytest

from ndvi_airflow.settings import load_settings as load_airflow_settings
from ndvi_core.errors import BadInput
from ndvi_core.settings import load_settings

PREFIXES = ("pending", "processed", "rejected", "runs", "observations", "products", "seasons", "events")


@pytest.mark.parametrize("name", PREFIXES)
@pytest.mark.parametrize("written", ["a/b", "a/b/", "/a/b", "/a/b/", "a/b//"])
def test_a_prefix_is_the_same_with_and_without_slashes(
    name: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"NDVI_{name.upper()}_PREFIX", written)
    assert getattr(load_settings(), f"{name}_prefix") == "a/b/"


def test_bucket_and_extent_take_slashes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDVI_BUCKET_URL", "s3://farm/ndvi/")
    monkeypatch.setenv("NDVI_EXTENT_KEY", "/config/bbox.geojson")
    settings = load_settings()
    assert (settings.bucket_url, settings.extent_key) == ("s3://farm/ndvi", "config/bbox.geojson")


@pytest.mark.parametrize(
    ("written", "indices"),
    [("", ("ndvi",)), ("NDMI, evi2", ("ndvi", "evi2", "ndmi")), ("ndvi", ("ndvi",)), ("evi2,", ("ndvi", "evi2"))],
)
def test_indices_are_named_with_commas_between_them(
    written: str, indices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NDVI_INDICES", written)
    assert load_settings().indices == load_settings().policy.indices == indices


def test_an_unknown_index_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDVI_INDICES", "ndvi,evi")
    with pytest.raises(BadInput, match=r"NDVI_INDICES: .*unknown index evi: known are ndvi, evi2.*\.env\.template"):
        load_settings()


@pytest.mark.parametrize("load", [load_settings, load_airflow_settings])
def test_all_wrong_variables_are_named_at_once(load: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDVI_MIN_PIXELS", "many")
    monkeypatch.setenv("NDVI_CATALOGUE", "atlas")
    with pytest.raises(BadInput, match=r"NDVI_CATALOGUE: .*'atlas'.*NDVI_MIN_PIXELS: .*'many'.*\.env\.template"):
        load()


def test_the_library_has_no_settings_of_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDVI_EXECUTION", "on the moon")
    load_settings()
    with pytest.raises(BadInput, match=r"NDVI_EXECUTION: .*'on the moon'"):
        load_airflow_settings()


@pytest.mark.parametrize(
    ("before", "value", "now"),
    [
        ("NDVI_PICTURES", "false", "NDVI_PRODUCTS"),
        ("NDVI_MAX_TASKS", "200", "NDVI_FIELD_TASKS and NDVI_PARALLEL_TASKS"),
    ],
)
def test_a_variable_with_another_name_by_now_is_refused(
    monkeypatch: pytest.MonkeyPatch, before: str, value: str, now: str
) -> None:
    monkeypatch.setenv(before, value)
    with pytest.raises(BadInput, match=f"{before} is now {now}"):
        load_settings()


def test_rules_of_seasons_are_what_differs_from_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDVI_SEASON_RULES", '{"series": {"stiffness": 50}, "events": {"no_value_days": 30}}')
    rules = load_settings().season_rules
    assert (rules.series.stiffness, rules.series.margin) == (50, 0.06)
    assert (rules.events.no_value_days, rules.events.drop_fall) == (30, 0.15)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ('{"events": {"drop_fal": 0.2}}', "drop_fal"),
        ('{"events": {"drop_fall": -1}}', "greater than 0"),
        ("{", "NDVI_SEASON_RULES"),
    ],
)
def test_rules_that_make_no_sense_are_refused_at_the_start(
    written: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NDVI_SEASON_RULES", written)
    with pytest.raises(BadInput, match=named):
        load_settings()

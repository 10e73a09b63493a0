"""Seasons of fields: their figures and daily series, as JSON and CSV."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import RootModel

from ndvi_airflow.web.answers import READS
from ndvi_airflow.web.csv_answers import Format, csv_response, json_or_csv
from ndvi_airflow.web.dependencies import Bucket, Current, RegistryAtNeed
from ndvi_airflow.web.fields import FieldId, require_field
from ndvi_airflow.web.pagination import json_response
from ndvi_airflow.web.security import reader
from ndvi_core.models.field import RegisteredField
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.indices import INDICES
from ndvi_core.season_run.of_field import FieldFiles, OneSeason

router = APIRouter(prefix="/api", dependencies=[reader], tags=["seasons"], responses=READS)


class SeasonFigures(Frozen):
    """What is known of an index in a season; a day without a value has a reason, where there may be one."""

    first_day: date
    """First day of the series."""
    last_day: date
    values: int
    """Observations that count."""
    outliers: int
    """Observations that do not."""
    latest_day: date | None
    """Last day with a smoothed value."""
    latest: float | None
    start: date | None
    start_reason: str
    peak: date | None
    peak_reason: str
    end: date | None
    end_reason: str
    peak_value: float | None
    length: int | None
    """Days from start to end."""
    amplitude: float | None
    integral: float | None
    history_count: int
    """Earlier seasons of the field with a value on the same day since planting as the latest."""
    history_percentile: float | None
    """Share of them, in percent, that were lower."""
    crop_history_count: int
    """Those of the same crop."""
    crop_history_percentile: float | None
    peers_count: int
    """Seasons of the same crop and year with a value on that day since planting."""
    peers_median: float | None
    peers_z: float | None
    """Robust z against them; null with fewer than 8."""


class FieldSeason(Frozen):
    """A season of a field."""

    season: str
    plant_type: str
    plant_date: date
    end_date: date | None
    indices: dict[str, SeasonFigures]
    """By index; empty before `ndvi_season` has computed it."""


class FieldSeasons(RootModel[list[FieldSeason]]):
    """In the order of time."""


class DailySeries(Frozen):
    """A season's days as columns of equal length; what is not known is null."""

    season: str
    plant_type: str
    plant_date: date
    index: str
    day: list[date]
    day_of_season: list[int]
    """Days since planting."""
    smoothed: list[float | None]
    error: list[float | None]
    """Standard error of the smoothed value."""
    observed: list[float | None]
    """Mean of the field where there is an observation."""
    weight: list[float | None]
    """Its valid fraction."""
    outlier: list[bool]
    provisional: list[bool]
    gap: list[bool]
    """The smoothed value is far from all observations that count."""
    peers_count: list[int]
    peers_median: list[float | None]
    peers_mad: list[float | None]
    """Median absolute deviation from it: half of the peers are within."""
    peers_z: list[float | None]
    history_count: list[int]
    """Earlier seasons of the field with a value on that day since planting."""
    history_percentile: list[float | None]


@router.get("/fields/{field_id}/seasons", responses=json_or_csv(FieldSeasons, 404, 422))
def seasons(
    field_id: FieldId, registry: RegistryAtNeed, bucket: Bucket, settings: Current, format: Format = "json"
) -> Response:
    """Return the seasons of a field, each with figures of its indices, and where it stands."""
    with registry() as connection:
        field = require_field(connection, field_id)
    files = FieldFiles(bucket, settings.seasons_prefix)
    found = [
        FieldSeason(
            season=season.name,
            plant_type=season.plant_type,
            plant_date=season.plant_date,
            end_date=season.end_date,
            indices={row["index"]: SeasonFigures(**row) for row in files.summaries(one)},
        )
        for season, one in zip(field.seasons, _seasons(field), strict=True)
    ]
    if format == "json":
        return json_response(FieldSeasons(found))
    names = [name for name in FieldSeason.model_fields if name != "indices"]
    lines = (
        (field_id, *(getattr(season, name) for name in names), index, *dict(figures).values())
        for season in found
        for index, figures in season.indices.items()
    )
    return csv_response((field_id, "seasons"), ("field_id", *names, "index", *SeasonFigures.model_fields), lines)


@router.get("/fields/{field_id}/series", responses=json_or_csv(DailySeries, 404, 422))
def series(
    field_id: FieldId,
    registry: RegistryAtNeed,
    bucket: Bucket,
    settings: Current,
    season: Annotated[str | None, Query(description="Name of the season; without, the last one")] = None,
    index: Annotated[str, Query(description="Name of the index", json_schema_extra={"enum": list(INDICES)})] = "ndvi",
    format: Format = "json",
) -> Response:
    """Return the days of a season: observed, smoothed, and among peers and the field's own earlier seasons."""
    with registry() as connection:
        all_seasons = _seasons(require_field(connection, field_id))
    if season is None:
        season = all_seasons[-1].name
    number = next((number for number, one in enumerate(all_seasons) if one.name == season), None)
    if number is None:
        raise HTTPException(404, f"field {field_id} has no season {season}")
    if index not in INDICES:
        raise HTTPException(422, f"unknown index {index}: known are {', '.join(INDICES)}")
    one = all_seasons[number]
    columns = FieldFiles(bucket, settings.seasons_prefix).series(one, all_seasons[:number], index)
    if format == "json":
        about = {"season": one.name, "plant_type": one.plant_type, "plant_date": one.plant_date, "index": index}
        return json_response(DailySeries.model_validate(about | columns))
    about_each = (field_id, one.name, one.plant_type, index)
    lines = ((*about_each, *row) for row in zip(*columns.values(), strict=True))
    days = columns["day"]
    name = (field_id, index, "daily", days[0], days[-1])
    return csv_response(name, ("field_id", "season", "plant_type", "index", *columns), lines)


def _seasons(field: RegisteredField) -> list[OneSeason]:
    return [OneSeason(field.sequence, one.name, one.plant_type, one.plant_date) for one in field.seasons]

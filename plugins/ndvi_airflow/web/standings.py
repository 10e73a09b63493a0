"""What is new of all fields at once: last values, the change since the pass before, and the place among peers."""

from datetime import date

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from ndvi_airflow.settings import AirflowSettings
from ndvi_airflow.web.answers import READS
from ndvi_airflow.web.csv_answers import Format, csv_response, json_or_csv
from ndvi_airflow.web.dependencies import Bucket, Current, Registry
from ndvi_airflow.web.etags import UNCHANGED, tag_of_seasons
from ndvi_airflow.web.pagination import json_response
from ndvi_airflow.web.security import reader
from ndvi_airflow.web.shared import shared
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import area_ha
from ndvi_core.registry.latest import latest_values
from ndvi_core.season_run.of_field import OneSeason
from ndvi_core.season_run.standings import standings
from ndvi_core.storage.object_store import Store

DIGITS = 4

router = APIRouter(prefix="/api", dependencies=[reader], tags=["fields"], responses=READS)


class Standings(Frozen):
    """All fields in their present seasons, as columns of equal length in the order of registration."""

    field_id: tuple[str, ...]
    season: tuple[str, ...]
    plant_type: tuple[str, ...]
    plant_date: tuple[date, ...]
    area_ha: tuple[float, ...]
    last_date: tuple[date | None, ...]
    """Last day with a value."""
    last_value: tuple[float | None, ...]
    """Mean NDVI of that day."""
    before_date: tuple[date | None, ...]
    """Last day with a value before that."""
    before_value: tuple[float | None, ...]
    change: tuple[float | None, ...]
    """From `before_value` to `last_value`."""
    peers_date: tuple[date | None, ...]
    """Day of the latest smoothed value, which the next ones are of."""
    peers_count: tuple[int, ...]
    """Seasons of the crop, planted in the same year, that have a value on that day since planting."""
    peers_median: tuple[float | None, ...]
    peers_z: tuple[float | None, ...]
    """Robust z against them; null with fewer than 8."""
    rank: tuple[int | None, ...]
    """Place by z among the fields of the crop, planted in the same year; 1 is the highest."""
    ranked: tuple[int, ...]
    """How many of these have a place."""


@router.get("/standings", responses=json_or_csv(Standings, 422) | UNCHANGED)
def standing(
    request: Request, connection: Registry, settings: Current, bucket: Bucket, format: Format = "json"
) -> Response:
    """Return what is new of each field: its last value, the change since the one before, and its place among peers."""
    tag = tag_of_seasons(request, connection, settings.start_date)
    return shared(request, connection, tag, lambda: _answer(connection, settings, bucket, format))


def _answer(connection: Connection, settings: AirflowSettings, bucket: Store, format: Format) -> Response:
    fields = latest_values(connection, settings.start_date)
    connection.close()  # given back before the bucket is read
    seasons = [OneSeason(one.sequence, one.season, one.plant_type, one.plant_date) for one in fields]
    areas = area_ha([one.geometry for one in fields]).tolist()
    rows = [
        (
            *(one.field_id, one.season, one.plant_type, one.plant_date, area),
            *(one.last or (None, None)),
            *(one.before or (None, None)),
            None if one.last is None or one.before is None else round(one.last.value - one.before.value, DIGITS),
            *(place or (None, 0, None, None, None, 0)),
        )
        for one, area, place in zip(fields, areas, standings(bucket, settings.seasons_prefix, seasons), strict=True)
    ]
    names = tuple(Standings.model_fields)
    if format == "csv":
        return csv_response(("standings",), names, rows)
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return json_response(Standings(**dict(zip(names, columns, strict=True))))

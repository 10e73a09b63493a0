"""What is known of cells, with its provenance, as JSON, NDJSON, CSV and Parquet."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import RootModel, StringConstraints, TypeAdapter, ValidationError

from ndvi_airflow.web.answers import READS, errors
from ndvi_airflow.web.csv_answers import CSV
from ndvi_airflow.web.dependencies import Registry
from ndvi_airflow.web.downloads import names_of, saved_as
from ndvi_airflow.web.fields import FieldId, require_field
from ndvi_airflow.web.pagination import Offset, Period, json_response, next_page
from ndvi_airflow.web.security import reader
from ndvi_core.models.field import FIELD_ID_PATTERN
from ndvi_core.models.observation import Observation
from ndvi_core.registry.index_sets import current_indices
from ndvi_core.registry.ledger import Series, load_series
from ndvi_core.storage.parquet import PARQUET

MAX_ROWS = 20_000
MAX_IDS = 1_000

Format = Literal["json", "ndjson", "csv", "parquet"]
NDJSON = "application/x-ndjson"
Rows = Annotated[int, Query(ge=1, le=MAX_ROWS)]

_ids = TypeAdapter(list[Annotated[str, StringConstraints(pattern=FIELD_ID_PATTERN)]])

router = APIRouter(prefix="/api", dependencies=[reader], tags=["observations"], responses=READS)


class Observations(RootModel[list[Observation]]):
    """Field by field in the order of registration, each day by day."""


_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Observations,
        "content": {media_type: {} for media_type in (NDJSON, CSV, PARQUET)},
    },
    **errors(422),
}


@router.get("/fields/{field_id}/observations", responses={**_FORMATS, **errors(404)})
def of_field(
    request: Request,
    field_id: FieldId,
    connection: Registry,
    period: Period,
    format: Format = "json",
    limit: Rows = 10_000,
    offset: Offset = 0,
) -> Response:
    """Return the rows of a field."""
    require_field(connection, field_id)
    return _answer(request, connection, [field_id], period, format, limit, offset)


@router.get("/observations", responses=_FORMATS)
def of_fields(
    request: Request,
    connection: Registry,
    period: Period,
    field_ids: Annotated[
        str | None,
        Query(
            description=f"Ids of at most {MAX_IDS} fields, with commas between them; without, all fields",
            json_schema_extra={"pattern": f"^{FIELD_ID_PATTERN[1:-1]}(,{FIELD_ID_PATTERN[1:-1]})*$"},
        ),
    ] = None,
    format: Format = "json",
    limit: Rows = 10_000,
    offset: Offset = 0,
) -> Response:
    """Return a page of the rows of several fields, or of all; ids that are not registered have none."""
    if field_ids is None:
        return _answer(request, connection, None, period, format, limit, offset)
    try:
        wanted = _ids.validate_python(field_ids.split(","))
    except ValidationError as error:
        raise HTTPException(422, f"field_ids: {error.errors()[0]['msg']}: {error.errors()[0]['input']!r}") from error
    if len(wanted) > MAX_IDS:
        raise HTTPException(422, f"{len(wanted)} fields are more than {MAX_IDS}: ask for them in several requests")
    return _answer(request, connection, wanted, period, format, limit, offset)


def _answer(
    request: Request,
    connection: Registry,
    field_ids: list[str] | None,
    period: Period,
    format: Format,
    limit: int,
    offset: int,
) -> Response:
    series = load_series(connection, field_ids, *period, limit, offset)
    headers = next_page(request, limit, offset, series.has_more)
    if format == "json":
        return json_response(Observations(series.rows), headers=headers)
    indices = current_indices(connection)
    content, media_type = _FILES[format](series, indices)
    name = "all_fields" if field_ids is None else names_of(field_ids)
    headers |= saved_as(format, name, "-".join(indices), *period)
    return Response(content, media_type=media_type, headers=headers)


def _ndjson(series: Series, indices: Sequence[str]) -> tuple[bytes, str]:
    from ndvi_core.storage.ndjson import write_ndjson

    return write_ndjson(series.rows, series.facts, indices), NDJSON


def _csv(series: Series, indices: Sequence[str]) -> tuple[bytes, str]:
    from ndvi_core.storage.csv_table import write_csv

    return write_csv(series.rows, series.facts, indices), f"{CSV}; charset=utf-8"


def _parquet(series: Series, indices: Sequence[str]) -> tuple[bytes, str]:
    from ndvi_core.storage.geoparquet import write_observations

    return write_observations(series.rows, series.facts, indices), PARQUET


_Writer = Callable[[Series, Sequence[str]], tuple[bytes, str]]
_FILES: dict[str, _Writer] = {"ndjson": _ndjson, "csv": _csv, "parquet": _parquet}

"""What is known of cells, with its provenance, as JSON, CSV and Parquet."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import RootModel, StringConstraints, TypeAdapter, ValidationError
from shapely.geometry.base import BaseGeometry

from ndvi_airflow.web.dependencies import Registry
from ndvi_airflow.web.fields import FieldId, require_field
from ndvi_airflow.web.pagination import Offset, Period, json_response, next_page
from ndvi_airflow.web.security import reader
from ndvi_core.models.field import FIELD_ID_PATTERN
from ndvi_core.models.observation import Observation
from ndvi_core.registry.ledger import count_series, load_series

MAX_ROWS = 20_000
MAX_IDS = 1_000

Format = Literal["json", "csv", "parquet"]
Rows = Annotated[int, Query(ge=1, le=MAX_ROWS)]

_ids = TypeAdapter(list[Annotated[str, StringConstraints(pattern=FIELD_ID_PATTERN)]])

router = APIRouter(prefix="/api", dependencies=[reader], tags=["observations"])


class Observations(RootModel[list[Observation]]):
    """Field by field in the order of registration, each day by day."""


_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Observations,
        "content": {"text/csv": {}, "application/vnd.apache.parquet": {}},
    }
}


@router.get("/fields/{field_id}/observations", responses=_FORMATS)
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
    field_ids: Annotated[str, Query(description="Ids of fields, with commas between them")],
    format: Format = "json",
    limit: Rows = 10_000,
    offset: Offset = 0,
) -> Response:
    """Return a page of the rows of several fields; ids that are not registered have none."""
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
    field_ids: list[str],
    period: Period,
    format: Format,
    limit: int,
    offset: int,
) -> Response:
    rows, geometries = load_series(connection, field_ids, *period, limit, offset)
    headers = next_page(request, limit, offset, count_series(connection, field_ids, *period))
    if format == "json":
        return json_response(Observations(rows), headers=headers)
    name = field_ids[0] if len(field_ids) == 1 else f"{len(field_ids)}_fields"
    saved_as = {"Content-Disposition": f'attachment; filename="{name}_{period[0]}_{period[1]}.{format}"'}
    content, media_type = _csv(rows) if format == "csv" else _parquet(rows, geometries)
    return Response(content, media_type=media_type, headers={**saved_as, **headers})


def _csv(rows: list[Observation]) -> tuple[bytes, str]:
    from ndvi_core.storage.csv_table import write_csv

    return write_csv(rows), "text/csv; charset=utf-8"


def _parquet(rows: list[Observation], geometries: list[BaseGeometry]) -> tuple[bytes, str]:
    from ndvi_core.storage.geoparquet import write_observations

    return write_observations(rows, geometries), "application/vnd.apache.parquet"

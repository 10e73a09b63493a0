"""All fields at once, as columns: what a map of a hundred thousand fields is made of."""

from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self

from fastapi import APIRouter, HTTPException, Request, Response

from ndvi_airflow.web.answers import READS, errors
from ndvi_airflow.web.dependencies import Current, Registry
from ndvi_airflow.web.etags import UNCHANGED, tag_of_days, tag_of_fields
from ndvi_airflow.web.fields import Tolerance
from ndvi_airflow.web.pagination import Period, json_response
from ndvi_airflow.web.security import reader
from ndvi_airflow.web.shared import shared
from ndvi_core.models.frozen import Frozen
from ndvi_core.registry.columns import boundary_columns, field_columns, season_columns
from ndvi_core.registry.day_grid import grid_columns
from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.registry.fields import count_fields
from ndvi_core.registry.revisions import day_revisions, fields_revision, seasons_revision

if TYPE_CHECKING:
    from arro3.core import Table

ARROW = "application/vnd.apache.arrow.stream"
MAX_CELLS = 5_000_000
"""Cells of a grid, at most."""

router = APIRouter(prefix="/api", dependencies=[reader], tags=["columns"], responses=READS)


class ArrowResponse(Response):
    """A table as a stream of Apache Arrow's IPC format, in one batch."""

    media_type = ARROW

    @classmethod
    def of(cls, table: "Table") -> Self:
        """Return a table as the answer."""
        from arro3.io import write_ipc_stream

        stream = BytesIO()
        write_ipc_stream(table.combine_chunks(), stream, compression=None)
        return cls(stream.getvalue())


_ARROW: Any = {
    "response_class": ArrowResponse,
    "responses": {200: {"content": {ARROW: {"schema": {"type": "string", "format": "binary"}}}}, **UNCHANGED},
}


class Revisions(Frozen):
    """What says which copies are out of date."""

    fields: str
    """Another one after any change of a field or season: all columns are out of date."""
    count: int
    """Fields."""
    last_day: date
    """Last recorded day: another one changes the status of seasons, and which days of the grid are missing."""
    days: dict[date, int]
    """How often rows of a day were written, where they were: with another number, the day is out of date."""
    seasons: str
    """Another one after seasons were computed or an event was reviewed: what is said of both is out of date."""


@router.get("/revisions", responses={200: {"model": Revisions}, **errors(422)})
def revisions(connection: Registry, settings: Current, period: Period) -> Response:
    """Return what is another number or word after a change: to be asked often, as it costs next to nothing."""
    return json_response(
        Revisions(
            fields=fields_revision(connection),
            count=count_fields(connection),
            last_day=last_owed_day(connection, settings.start_date),
            days=day_revisions(connection, *period),
            seasons=seasons_revision(connection),
        )
    )


@router.get("/columns/fields", **_ARROW)
def fields(request: Request, connection: Registry) -> Response:
    """Return the ids and bounds of all fields, in the order of registration."""
    tag = tag_of_fields(request, connection)
    return shared(request, connection, tag, lambda: ArrowResponse.of(field_columns(connection)))


@router.get("/columns/boundaries", **_ARROW | {"responses": _ARROW["responses"] | errors(422)})
def boundaries(request: Request, connection: Registry, tolerance: Tolerance = 0) -> Response:
    """Return the boundaries of all fields, in the same order: polygons of rings of points, in units of 1e-7 degrees."""
    tag = tag_of_fields(request, connection)
    return shared(request, connection, tag, lambda: ArrowResponse.of(boundary_columns(connection, tolerance)))


@router.get("/columns/seasons", **_ARROW)
def seasons(request: Request, connection: Registry, settings: Current) -> Response:
    """Return the status of all seasons: a row a season, field by field in the same order."""
    tag = tag_of_days(request, connection, settings.start_date)
    first = settings.start_date
    return shared(request, connection, tag, lambda: ArrowResponse.of(season_columns(connection, first)))


@router.get("/columns/grid", **_ARROW | {"responses": _ARROW["responses"] | errors(422)})
def grid(request: Request, connection: Registry, settings: Current, period: Period) -> Response:
    """Return the days of all fields: lists of the letters of `api/grid`, as ASCII codes, and of NDVI in thousandths."""
    tag = tag_of_days(request, connection, settings.start_date, period)
    cells = count_fields(connection) * ((period[1] - period[0]).days + 1)
    if cells > MAX_CELLS:
        raise HTTPException(422, f"{cells} cells are more than {MAX_CELLS}: ask for fewer days")
    first = settings.start_date
    return shared(request, connection, tag, lambda: ArrowResponse.of(grid_columns(connection, first, *period)))

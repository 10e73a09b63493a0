"""Periods and pages in the query of routes, links to the next page, and models as answers."""

import re
from datetime import date
from typing import Annotated

from fastapi import Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, BeforeValidator

from ndvi_airflow.web.dependencies import Current, Registry
from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.registry.fields import first_day

MAX_FIELDS = 10_000
"""Fields of a page, at most."""

Limit = Annotated[int, Query(ge=1, le=MAX_FIELDS)]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1)]


def _as_written(day: object) -> object:
    if isinstance(day, str) and not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        raise ValueError("a day is written YYYY-MM-DD")
    return day


Day = Annotated[date, BeforeValidator(_as_written)]
"""A day in a query or path, as ISO 8601 has it; a number is no time since 1970."""


def _period(
    settings: Current,
    connection: Registry,
    start: Annotated[
        Day | None, Query(description="First day; without, that of the first field, or the last day if that is earlier")
    ] = None,
    end: Annotated[Day | None, Query(description="Last day, included; without, the last recorded one")] = None,
) -> tuple[date, date]:
    if start is None:
        first = first_day(connection) or settings.start_date
        start = first if end is None else min(first, end)
    end = end or max(start, last_owed_day(connection, settings.start_date))
    if end < start:
        raise HTTPException(422, f"the end {end} is before the start {start}")
    return start, end


Period = Annotated[tuple[date, date], Depends(_period)]
"""First and last day that are asked for."""


def next_page(request: Request, limit: int, offset: int, has_more: bool) -> dict[str, str]:
    """Return the header that leads to the next page (RFC 8288), relative to this one; none after the last."""
    if not has_more:
        return {}
    query = request.url.include_query_params(limit=limit, offset=offset + limit).query
    return {"Link": f'<?{query}>; rel="next"'}


def json_response(
    content: BaseModel,
    headers: dict[str, str] | None = None,
    media_type: str = "application/json",
    status_code: int = 200,
) -> Response:
    """Return a model as the answer: FastAPI's own way would check each value once more."""
    body = content.model_dump_json(by_alias=True)
    return Response(body, status_code, headers, media_type)

"""What is unusual in seasons, and what people say of it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field as Attribute
from pydantic import RootModel

from ndvi_airflow.airflow_compat import GetUserDep
from ndvi_airflow.web.answers import READS, errors
from ndvi_airflow.web.csv_answers import Format, csv_response, json_or_csv
from ndvi_airflow.web.dependencies import Current, Registry, RegistryToWrite
from ndvi_airflow.web.etags import UNCHANGED, tag_of_seasons
from ndvi_airflow.web.pagination import Day, Limit, Offset, json_response, next_page
from ndvi_airflow.web.security import json_only, reader, reviewer, same_site
from ndvi_airflow.web.shared import shared
from ndvi_core.models.event import EventKind, EventStatus, ReviewedEvent
from ndvi_core.models.field import FIELD_ID_PATTERN
from ndvi_core.models.frozen import Frozen
from ndvi_core.registry.events import load_events, review_event

MAX_NOTE = 2000
"""Characters of a note."""

router = APIRouter(prefix="/api/events", dependencies=[reader], tags=["seasons"], responses=READS)


class Events(RootModel[list[ReviewedEvent]]):
    """Those with the latest evidence first."""


class Review(Frozen):
    """What somebody says of an event."""

    dismissed: bool
    """Whether it needs no attention; false takes that back."""
    # PostgreSQL's texts have no NUL.
    note: Annotated[str | None, Attribute(max_length=MAX_NOTE, pattern="^[^\\x00]*$")] = None
    """Null or empty is none."""


@router.get("", responses=json_or_csv(Events, 422) | UNCHANGED)
def events(
    request: Request,
    connection: Registry,
    settings: Current,
    status: Annotated[EventStatus | None, Query(description="Only those that are so")] = None,
    kind: Annotated[EventKind | None, Query(description="Only those of this kind")] = None,
    field: Annotated[str | None, Query(description="Only those of this field", pattern=FIELD_ID_PATTERN)] = None,
    since: Annotated[Day | None, Query(description="Only those with evidence of this day or later")] = None,
    dismissed: Annotated[
        bool | None, Query(description="Only those that somebody has dismissed, or that nobody has")
    ] = None,
    format: Format = "json",
    limit: Limit = 1000,
    offset: Offset = 0,
) -> Response:
    """Return a page of what was unusual in seasons, those with the latest evidence first."""
    tag = tag_of_seasons(request, connection, settings.start_date)

    def make() -> Response:
        found = load_events(connection, [field] if field else None, status, kind, since, limit + 1, offset, dismissed)
        headers = next_page(request, limit, offset, len(found) > limit)
        page = found[:limit]
        if format == "json":
            return json_response(Events(page), headers)
        names = [name for name in ReviewedEvent.model_fields if name != "evidence"]
        lines = ((*(getattr(event, name) for name in names), *_evidence(event)) for event in page)
        return csv_response(("events",), (*names, "evidence_days", "evidence_fingerprints"), lines, headers)

    return shared(request, connection, tag, make)


@router.put(
    "/{event_id}/review",
    dependencies=[reviewer, same_site, json_only],
    responses={200: {"model": ReviewedEvent}, **errors(400, 404, 415, 422)},
)
def review(
    user: GetUserDep,
    connection: RegistryToWrite,
    event_id: Annotated[str, Path(pattern="^[0-9A-Za-z]{1,64}$")],
    said: Review,
) -> Response:
    """Dismiss an event or take that back, and note something on it: both replace what was said before."""
    return json_response(review_event(connection, event_id, said.dismissed, said.note or None, user.get_name()))


def _evidence(event: ReviewedEvent) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(str(day) for day, _ in event.evidence), tuple(mark for _, mark in event.evidence)

"""Answers that have not changed are not made again: the registry says so without being read (RFC 9110, ETag)."""

from datetime import date

from fastapi import HTTPException, Request
from sqlalchemy import Connection

from ndvi_airflow.web.answers import Responses
from ndvi_core import __version__
from ndvi_core.registry.due_days import last_owed_day
from ndvi_core.registry.revisions import fields_revision, rows_revision, seasons_revision

UNCHANGED: Responses = {304: {"description": "Nothing has changed since the answer with the tag in If-None-Match"}}


def tag_of_fields(request: Request, connection: Connection) -> dict[str, str]:
    """Return the header ETag of an answer that is about fields and their boundaries alone; see `_tag`."""
    return _tag(request, fields_revision(connection))


def tag_of_days(
    request: Request, connection: Connection, first_daily_day: date, period: tuple[date, date] | None = None
) -> dict[str, str]:
    """Return the header ETag of an answer that is about the days of all fields, or those of a period; see `_tag`.

    Ask for it before what goes into the answer: what is written in between may be in it, and changes the tag.
    """
    return _tag(request, _of_days(connection, first_daily_day, period))


def tag_of_seasons(request: Request, connection: Connection, first_daily_day: date) -> dict[str, str]:
    """Return the header ETag of an answer that is about what is computed of seasons as well; see `tag_of_days`."""
    return _tag(request, f"{_of_days(connection, first_daily_day)}-{seasons_revision(connection)}")


def unchanged(request: Request, tag: str) -> bool:
    """Return whether who asks has the answer with this tag, which is compared without its `W/`."""
    known = request.headers.get("If-None-Match", "").split(",")
    return tag in (one.strip().removeprefix("W/") for one in known)


def _of_days(connection: Connection, first_daily_day: date, period: tuple[date, date] | None = None) -> str:
    up_to = last_owed_day(connection, first_daily_day)
    return f"{fields_revision(connection)}-{up_to}-{rows_revision(connection, *(period or ()))}"


def _tag(request: Request, revision: str) -> dict[str, str]:
    """Return a header ETag.

    Raises:
        HTTPException: 304, who asks has that answer.
    """
    tag = f'"{__version__}-{revision}"'
    header = {"ETag": f"W/{tag}"}  # weak: it is the same whether or not the answer is compressed
    if unchanged(request, tag):
        raise HTTPException(304, headers=header)
    return header

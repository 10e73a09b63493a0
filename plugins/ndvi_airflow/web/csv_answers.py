"""Answers that come as JSON or, if that is asked for, as CSV."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal

from fastapi import Response

from ndvi_airflow.web.answers import Responses, errors
from ndvi_airflow.web.downloads import saved_as
from ndvi_core.storage.csv_table import write_lines

CSV = "text/csv"
Format = Literal["json", "csv"]


def json_or_csv(model: type[Any], *statuses: int) -> Responses:
    """Return the description of a model that comes as either, and of errors."""
    return {200: {"model": model, "content": {CSV: {}}}, **errors(*statuses)}


def csv_response(
    name: Sequence[str | date],
    names: Sequence[str],
    lines: Iterable[Sequence[Any]],
    headers: dict[str, str] | None = None,
) -> Response:
    """Return lines as a file that is named after these parts."""
    headers = {**saved_as("csv", *name), **(headers or {})}
    return Response(write_lines(names, lines), media_type=f"{CSV}; charset=utf-8", headers=headers)

"""The pictures of cells: for people, for maps, and those of a compute task, for the link that it has in the web UI."""

from datetime import date
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Response
from fastapi.responses import HTMLResponse

from ndvi_airflow.web.dependencies import Bucket, Current
from ndvi_airflow.web.fields import FieldId
from ndvi_airflow.web.pagination import json_response
from ndvi_airflow.web.security import dag_reader, reader
from ndvi_core.errors import NotFound
from ndvi_core.models.work_order import Manifest, WorkOrder
from ndvi_core.products.web_overlay import Corners, overlay_corners, overlay_png
from ndvi_core.runs.folder import RunFolder

SHOWN = 200
"""Cells on a page."""
HEADERS = {"Cache-Control": "private, max-age=60"}
POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
STYLE = """
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif }
body { margin: 1.5rem } ul { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none }
img { background: white; border-radius: 4px; max-width: 100% } p { max-width: 40rem; margin: 0 }
"""

_PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}

router = APIRouter(tags=["pictures"])


@router.get("/orders/{dag_id}/{run_id}/{map_index}", dependencies=[dag_reader], response_class=HTMLResponse)
def show_order(
    dag_id: str, run_id: str, map_index: Annotated[int, Path(ge=0)], settings: Current, bucket: Bucket
) -> HTMLResponse:
    """Show the pictures of a mapped compute task, or why a cell has none."""
    try:
        folder = RunFolder.of(bucket, settings, dag_id, run_id)
        order = WorkOrder.model_validate_json(folder.store.read(folder.order_key(map_index)))
        manifest = Manifest.model_validate_json(folder.store.read(folder.manifest_key(map_index)))
    except NotFound as error:
        raise HTTPException(404, f"{error}: the task has not written its manifest") from error
    items = []
    for cell in manifest.cells[:SHOWN]:
        title = escape(f"{cell.field_id}, {cell.date}: {cell.status.replace('_', ' ')}")
        has_picture = any(written.uri.endswith("/ndvi.png") for written in cell.objects)
        source = f"../../../pictures/{cell.field_id}/{cell.date}.png"
        items.append(f'<li><img src="{source}" alt="{title}"></li>' if has_picture else f"<li><p>{title}</p></li>")
    more = f"<p>and {len(manifest.cells) - SHOWN} more</p>" if len(manifest.cells) > SHOWN else ""
    title = escape(f"NDVI: {order.label}")
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1><ul>{''.join(items)}</ul>{more}</html>",
        headers={**HEADERS, "Content-Security-Policy": POLICY},
    )


@router.get("/pictures/{field_id}/{day}.png", dependencies=[reader], response_class=Response, responses=_PNG)
def picture(field_id: FieldId, day: date, settings: Current, bucket: Bucket) -> Response:
    """Return the NDVI picture of a cell, with its legend."""
    return _png(_product(bucket, settings, field_id, day, "ndvi.png"))


@router.get("/api/fields/{field_id}/overlays/{day}.png", dependencies=[reader], response_class=Response, responses=_PNG)
def overlay(field_id: FieldId, day: date, settings: Current, bucket: Bucket) -> Response:
    """Return the NDVI of a cell for a map in Web Mercator: transparent where nothing is valid, without a legend."""
    return _png(overlay_png(_product(bucket, settings, field_id, day, "ndvi.tif")))


@router.get("/api/fields/{field_id}/overlays/{day}.json", dependencies=[reader], responses={200: {"model": Corners}})
def overlay_place(field_id: FieldId, day: date, settings: Current, bucket: Bucket) -> Response:
    """Return where that picture lies."""
    return json_response(overlay_corners(_product(bucket, settings, field_id, day, "ndvi.tif")))


def _product(bucket: Bucket, settings: Current, field_id: str, day: date, name: str) -> bytes:
    """Return an object of a cell's folder.

    Raises:
        HTTPException: 404.
    """
    try:
        return bucket.read(f"{settings.products_prefix}{field_id}/{day}/{name}")
    except NotFound as error:
        raise HTTPException(404, f"{field_id} has no picture of {day}") from error


def _png(data: bytes) -> Response:
    return Response(data, media_type="image/png", headers=HEADERS)

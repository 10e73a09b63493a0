"""The pictures of cells: for people, for maps, and on the page that a compute task's link in the web UI opens."""

from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from fastapi import APIRouter, HTTPException, Path, Response
from fastapi.responses import HTMLResponse

from ndvi_airflow.web.dependencies import Bucket, Current
from ndvi_airflow.web.fields import FieldId
from ndvi_airflow.web.pagination import json_response
from ndvi_airflow.web.security import dag_reader, reader
from ndvi_core.errors import NotFound
from ndvi_core.models.work_order import CellResult, Manifest, WorkOrder
from ndvi_core.products.web_overlay import Corners, overlay_corners, overlay_png
from ndvi_core.runs.folder import RunFolder

if TYPE_CHECKING:
    from jinja2 import Template

SHOWN = 200
"""Cells on a page."""
HEADERS = {"Cache-Control": "private, max-age=60"}
POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
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
    page = _page().render(
        label=order.label,
        cells=[_PictureOrReason.of(cell) for cell in manifest.cells[:SHOWN]],
        more=max(len(manifest.cells) - SHOWN, 0),
    )
    return HTMLResponse(page, headers={**HEADERS, "Content-Security-Policy": POLICY})


class _PictureOrReason(NamedTuple):
    """A cell on the page."""

    title: str
    picture: str | None
    """Address, relative to the page."""

    @classmethod
    def of(cls, cell: CellResult) -> "_PictureOrReason":
        title = f"{cell.field_id}, {cell.date}: {cell.status.replace('_', ' ')}"
        has_picture = any(written.uri.endswith("/ndvi.png") for written in cell.objects)
        return cls(title, f"../../../pictures/{cell.field_id}/{cell.date}.png" if has_picture else None)


@cache
def _page() -> "Template":
    from jinja2 import Environment, PackageLoader

    return Environment(loader=PackageLoader("ndvi_airflow.web"), autoescape=True).get_template("order.html")


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

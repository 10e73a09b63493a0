"""The pictures of cells: for people, for maps, and on the page that a compute task's link in the web UI opens."""

from functools import cache
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from fastapi.responses import HTMLResponse

from ndvi_airflow.web.answers import PNG, READS, PNGResponse, errors
from ndvi_airflow.web.dependencies import Bucket, Current, RegistryAtNeed
from ndvi_airflow.web.fields import FieldId
from ndvi_airflow.web.pagination import Day, json_response
from ndvi_airflow.web.products import key_of, product, stated_raster, usable
from ndvi_airflow.web.security import dag_reader, reader
from ndvi_core.errors import BadInput, NotFound
from ndvi_core.models.work_order import CellResult, Manifest
from ndvi_core.products.web_overlay import Corners, overlay_corners, overlay_png
from ndvi_core.runs.folder import RunFolder
from ndvi_core.storage.work_orders import read_order
from ndvi_core.views.picture import draw_picture

if TYPE_CHECKING:
    from jinja2 import Template

SHOWN = 200
"""Cells on a page."""
HEADERS = {"Cache-Control": "private, max-age=60"}
POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_NOT_THERE = errors(404, 422)

PNG_BEGIN, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
"""W3C, PNG specification, 5.2 and 11.2.5."""

MAX_ID = 250
"""Characters of a DAG's or run's id that Airflow takes at most."""
DagId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.~-]*$", max_length=MAX_ID)]
RunId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_][^\x00-\x1f\x7f]*$", max_length=MAX_ID)]
MapIndex = Annotated[int, Path(ge=0, le=2**31 - 1)]


def _printable(request: Request) -> None:
    """Refuse a NUL before Airflow's database does, which is asked about the DAG before its id is looked at here.

    Raises:
        HTTPException: 422.
    """
    if any("\x00" in value for value in request.path_params.values()):
        raise HTTPException(422, "the address has a NUL character")


printable = Depends(_printable)

router = APIRouter(tags=["pictures"], responses=READS)


@router.get(
    "/orders/{dag_id}/{run_id}/{map_index}",
    dependencies=[printable, dag_reader],
    response_class=HTMLResponse,
    responses=_NOT_THERE,
)
def show_order(dag_id: DagId, run_id: RunId, map_index: MapIndex, settings: Current, bucket: Bucket) -> HTMLResponse:
    """Show the pictures of a mapped compute task, or why a cell has none."""
    try:
        folder = RunFolder.of(bucket, settings, dag_id, run_id)
        with usable(folder.order_key(map_index)):
            order = read_order(folder.store.read(folder.order_key(map_index)))
        with usable(folder.manifest_key(map_index)):
            manifest = Manifest.model_validate_json(folder.store.read(folder.manifest_key(map_index)))
    except NotFound as error:
        raise HTTPException(404, f"{error}: the task has not written its manifest") from error
    page = _page().render(
        label=order.label,
        cells=[_PictureOrReason.of(cell) for cell in manifest.cells[:SHOWN]],
        more=max(len(manifest.cells) - SHOWN, 0),
        dag=(dag := f"../../../../dags/{quote(dag_id)}"),
        task=f"{dag}/runs/{quote(run_id, safe='')}/tasks/compute/mapped/{map_index}",
        dag_id=dag_id,
        run_id=run_id,
        map_index=map_index,
    )
    return HTMLResponse(page, headers={**HEADERS, "Content-Security-Policy": POLICY})


class _PictureOrReason(NamedTuple):
    """A cell on the page."""

    title: str
    picture: str | None
    """Address, relative to the page."""
    page: str
    """Likewise, of the field on its day on the page of all fields."""

    @classmethod
    def of(cls, cell: CellResult) -> "_PictureOrReason":
        title = f"{cell.field_id}, {cell.date}: {cell.status.replace('_', ' ')}"
        has_picture = any(written.uri.endswith("/ndvi.tif") for written in cell.objects)
        picture = f"../../../pictures/{cell.field_id}/{cell.date}.png" if has_picture else None
        return cls(title, picture, f"../../../#field={quote(cell.field_id)}&date={cell.date}")


@cache
def _page() -> "Template":
    from jinja2 import Environment, PackageLoader

    return Environment(loader=PackageLoader("ndvi_airflow.web"), autoescape=True).get_template("order.html")


@router.get("/pictures/{field_id}/{day}.png", dependencies=[reader], response_class=PNGResponse, responses=_NOT_THERE)
def picture(field_id: FieldId, day: Day, settings: Current, bucket: Bucket, registry: RegistryAtNeed) -> Response:
    """Return the NDVI picture of a cell, with its legend; one that no task drew is drawn now."""
    try:
        picture = bucket.read(key_of(settings, field_id, day, "ndvi.png"))
    except NotFound:
        return _png(_drawn(settings, bucket, registry, field_id, day))
    if not (picture.startswith(PNG_BEGIN) and picture.endswith(PNG_END)):
        raise BadInput(f"the picture of {field_id}, {day} cannot be used: it is no whole PNG; compute the cell again")
    return _png(picture)


def _drawn(settings: Current, bucket: Bucket, registry: RegistryAtNeed, field_id: str, day: Day) -> bytes:
    """Return the picture of a cell as its task would have drawn it.

    Raises:
        HTTPException: 404.
        BadInput: its raster or its JSON is damaged.
    """
    with usable(f"the raster of {field_id}, {day}"):
        return draw_picture(*stated_raster(bucket, settings, registry, field_id, day))


@router.get(
    "/api/fields/{field_id}/overlays/{day}.png",
    dependencies=[reader],
    response_class=PNGResponse,
    responses=_NOT_THERE,
)
def overlay(field_id: FieldId, day: Day, settings: Current, bucket: Bucket) -> Response:
    """Return the NDVI of a cell for a map in Web Mercator: transparent where nothing is valid, without a legend."""
    raster = product(bucket, settings, field_id, day, "ndvi.tif")
    with usable(f"the raster of {field_id}, {day}"):
        return _png(overlay_png(raster))


@router.get(
    "/api/fields/{field_id}/overlays/{day}.json",
    dependencies=[reader],
    responses={200: {"model": Corners}, **_NOT_THERE},
)
def overlay_place(field_id: FieldId, day: Day, settings: Current, bucket: Bucket) -> Response:
    """Return where that picture lies."""
    raster = product(bucket, settings, field_id, day, "ndvi.tif")
    with usable(f"the raster of {field_id}, {day}"):
        return json_response(overlay_corners(raster))


def _png(data: bytes) -> Response:
    return Response(data, media_type=PNG, headers=HEADERS)

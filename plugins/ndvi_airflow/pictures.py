"""The pictures of a compute task's cells, for the link that each such task has in the web UI.

Every route asks for a user with the right to read the DAG; nothing is signed and no bucket has to be public.
"""

from datetime import date
from html import escape
from typing import Annotated

from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends, FastAPI, HTTPException, Path, Response
from fastapi.responses import HTMLResponse

from ndvi_airflow.connections import open_bucket
from ndvi_core.errors import NdviError, NotFound
from ndvi_core.field import FIELD_ID_PATTERN
from ndvi_core.order import Manifest, WorkOrder
from ndvi_core.run import RunFolder
from ndvi_core.settings import load_settings

SHOWN = 200
"""Cells on a page."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=60",
}
STYLE = """
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif }
body { margin: 1.5rem } ul { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none }
img { background: white; border-radius: 4px; max-width: 100% } p { max-width: 40rem; margin: 0 }
"""

app = FastAPI(title="NDVI pictures", docs_url=None, redoc_url=None)


@app.get(
    "/orders/{dag_id}/{run_id}/{map_index}",
    dependencies=[Depends(requires_access_dag("GET"))],
    response_class=HTMLResponse,
)
def show_order(dag_id: str, run_id: str, map_index: Annotated[int, Path(ge=0)]) -> HTMLResponse:
    """Show the pictures of a mapped compute task, or why a cell has none."""
    settings = load_settings()
    try:
        folder = RunFolder.of(open_bucket(settings.bucket_url), settings, dag_id, run_id)
        order = WorkOrder.model_validate_json(folder.store.read(folder.order_key(map_index)))
        manifest = Manifest.model_validate_json(folder.store.read(folder.manifest_key(map_index)))
    except NotFound as error:
        raise HTTPException(404, f"{error}: the task has not written its manifest") from error
    except NdviError as error:
        raise HTTPException(502, str(error)) from error
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
        headers=HEADERS,
    )


@app.get(
    "/pictures/{field_id}/{day}.png",
    dependencies=[Depends(requires_access_dag("GET", param_dag_id="ndvi_daily"))],
    response_class=Response,
)
def picture(field_id: Annotated[str, Path(pattern=FIELD_ID_PATTERN)], day: date) -> Response:
    """Return the NDVI picture of a cell."""
    settings = load_settings()
    try:
        bucket = open_bucket(settings.bucket_url)
        data = bucket.read(f"{settings.products_prefix}{field_id}/{day}/ndvi.png")
    except NotFound as error:
        raise HTTPException(404, f"{field_id} has no picture of {day}") from error
    except NdviError as error:
        raise HTTPException(502, str(error)) from error
    return Response(data, media_type="image/png", headers=HEADERS)

"""Running a work order: observe its cells, write what is known of each, and say so in a manifest, last of all."""

import logging
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from ndvi_core import ALGORITHM_VERSION
from ndvi_core.errors import BadInput, NdviError
from ndvi_core.models.observation import Observation, Statistics
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import CellResult, Manifest, OrderField, WorkOrder, Written
from ndvi_core.products.cell import PRODUCT_NAMES, Product, make_products
from ndvi_core.storage.geoparquet import write_observations
from ndvi_core.storage.object_store import Store, split_uri
from ndvi_core.support.garbage import relaxed_gc

if TYPE_CHECKING:
    from ndvi_core.zonal.observe import CellOutcome

WRITERS = 8
"""Threads that draw and upload products while the next cells are read."""

MAX_PENDING = 2 * WRITERS
"""Cells that may wait to be written: their rasters are what the memory goes to."""

MAX_NAMED_DEFECTS = 5

log = logging.getLogger(__name__)


class _Done(NamedTuple):
    """A cell whose products are written."""

    observation: Observation
    objects: tuple[Written, ...]


@relaxed_gc()
def run_order(order_uri: str) -> Manifest:
    """Compute all cells of the work order at `order_uri` and write products, results and, last, the manifest.

    The same order over the same scenes gives the same bytes. A manifest from an earlier run stays in its place until
    the new one replaces it; it names the order that it belongs to by checksum, so nobody takes it for that of another.

    Raises:
        BadInput: when the order is missing or malformed; the message names the defects.
        TryAgain: when a service failed for now. Then there is no new manifest.
    """
    data = _read(order_uri)
    order = _parse(order_uri, data)
    log.info(
        "%s: %d cells of %d fields in %d scenes", order.label, len(order.cells), len(order.fields), len(order.scenes)
    )
    done = _in_order(order, _compute(order))
    results = write_observations([cell.observation for cell in done])
    manifest = Manifest(
        order_sha256=sha256(data).hexdigest(),
        results=_write(order.results, results, "application/vnd.apache.parquet"),
        cells=tuple(
            CellResult(
                field_id=cell.observation.field_id,
                date=cell.observation.date,
                status=cell.observation.status,
                reason=cell.observation.reason,
                objects=cell.objects,
            )
            for cell in done
        ),
    )
    _write(order.manifest, manifest.model_dump_json().encode(), "application/json")
    _log_summary(order, [cell.observation for cell in done])
    return manifest


def _read(uri: str) -> bytes:
    url, key = split_uri(uri)
    return Store(url).read(key)


def _write(uri: str, data: bytes, content_type: str) -> Written:
    url, key = split_uri(uri)
    checksum = Store(url).write(key, data, content_type)
    return Written(uri=uri, sha256=checksum, size=len(data))


def _parse(uri: str, data: bytes) -> WorkOrder:
    try:
        order = WorkOrder.model_validate_json(data)
    except ValidationError as error:
        defects = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]
    else:
        defects = list(_defects(order))
        if not defects:
            return order
    named = "; ".join(defects[:MAX_NAMED_DEFECTS])
    more = f"; and {len(defects) - MAX_NAMED_DEFECTS} more" if len(defects) > MAX_NAMED_DEFECTS else ""
    raise BadInput(
        f"{uri} is no work order that can be run: {named}{more}. Plan the run again to have it written anew."
    )


def _defects(order: WorkOrder) -> Iterator[str]:
    """Yield what the types do not rule out."""
    if order.policy.algorithm_version != ALGORITHM_VERSION:
        yield (
            f"policy.algorithm_version: planned for version {order.policy.algorithm_version}, "
            f"but this program computes version {ALGORITHM_VERSION}: run the image of the planner's release"
        )
    for name in ("results", "manifest", "products"):
        try:
            split_uri(getattr(order, name))
        except BadInput as error:
            yield f"{name}: {error}"
    ids = [field.field_id for field in order.fields]
    if len(set(ids)) < len(ids):
        yield f"fields: the same id twice among {len(ids)} fields"
    seen = set()
    for number, cell in enumerate(order.cells):
        if not 0 <= cell.field < len(order.fields):
            yield f"cells.{number}.field: there is no field {cell.field} among {len(order.fields)}"
        if not cell.scenes:
            yield f"cells.{number}.scenes: none"
        for scene in cell.scenes:
            if not 0 <= scene < len(order.scenes):
                yield f"cells.{number}.scenes: there is no scene {scene} among {len(order.scenes)}"
        if (cell.field, cell.date) in seen:
            yield f"cells.{number}: the second of field {cell.field} on {cell.date}"
        seen.add((cell.field, cell.date))


def _compute(order: WorkOrder) -> Iterator[_Done]:
    """Observe the cells and write their products side by side; yield each cell when both are done."""
    from ndvi_core.zonal.observe import observe

    if not order.pictures:
        for outcome in observe(order):
            yield _Done(outcome.observation, ())
        return
    store = Store(order.products)
    fields = {field.field_id: field for field in order.fields}
    scenes = {scene.id: scene for scene in order.scenes}

    def finish(outcome: "CellOutcome") -> _Done:
        observation = outcome.observation
        if observation.status == "failed":  # what an earlier computation wrote stays good
            return _Done(observation, ())
        used = [scenes[scene_id] for scene_id in observation.scene_ids]
        observation, products = _draw(outcome, fields[observation.field_id], used)
        return _write_products(store, observation, products) if products else _Done(observation, ())

    pending: deque[Future[_Done]] = deque()
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="products") as pool:
        try:
            for outcome in observe(order):
                pending.append(pool.submit(finish, outcome))
                if len(pending) >= MAX_PENDING:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _draw(outcome: "CellOutcome", field: OrderField, scenes: list[Scene]) -> tuple[Observation, list[Product]]:
    """Make the cell's products. A defect that shows in this cell alone fails this cell alone, without products."""
    observation = outcome.observation
    try:
        return observation, make_products(observation, outcome.raster, field.geometry, scenes)
    except Exception as error:
        log.exception("%s %s: defect while its products were drawn", observation.field_id, observation.date)
        reason = f"defect while its products were drawn: {type(error).__name__}: {error}; see the task's log"
        blank = Statistics().model_dump() | {"status": "failed", "reason": reason}
        return observation.model_copy(update=blank), []


def _write_products(store: Store, observation: Observation, products: list[Product]) -> _Done:
    folder = f"{observation.field_id}/{observation.date}"
    written = []
    for product in products:
        key = f"{folder}/{product.name}"
        checksum = store.write(key, product.data, product.content_type)
        written.append(Written(uri=store.uri(key), sha256=checksum, size=len(product.data)))
    for name in PRODUCT_NAMES - {product.name for product in products}:
        store.delete(f"{folder}/{name}")  # an earlier computation had pixels where there are none now
    return _Done(observation, tuple(written))


def _in_order(order: WorkOrder, cells: Iterable[_Done]) -> list[_Done]:
    """Log each cell as it comes and return all in the order's order, whatever order they were read in."""
    found = {}
    for cell in cells:
        _log_cell(cell.observation)
        found[cell.observation.field_id, cell.observation.date] = cell
    keys = [(order.fields[cell.field].field_id, cell.date) for cell in order.cells]
    if missing := [key for key in keys if key not in found]:
        raise NdviError(f"{len(missing)} cells have no outcome, the first is {missing[0]}: a defect of the computation")
    return [found[key] for key in keys]


def _log_cell(row: Observation) -> None:
    """Say what came out: the numbers, or why there are none."""
    level = logging.WARNING if row.status == "failed" else logging.INFO
    if row.reason:
        log.log(level, "%s %s: %s: %s", row.field_id, row.date, row.status, row.reason)
    else:
        numbers = f"mean NDVI {row.ndvi_mean:.3f}, {row.valid_fraction:.0%} of {row.pixel_count:.1f} pixels valid"
        log.log(level, "%s %s: %s: %s, %s", row.field_id, row.date, row.status, numbers, ", ".join(row.scene_ids))


def _log_summary(order: WorkOrder, rows: list[Observation]) -> None:
    counts = Counter(row.status for row in rows)
    summary = ", ".join(f"{counts[status]} {status}" for status in sorted(counts))
    log.info("%s: %d cells: %s; manifest %s", order.label, len(rows), summary or "none", order.manifest)
    failed: dict[str, list[str]] = {}
    for row in rows:
        if row.status == "failed":
            failed.setdefault(row.reason or "no reason given", []).append(f"{row.field_id} {row.date}")
    if failed:
        named = "; ".join(f"{', '.join(cells)}: {reason}" for reason, cells in failed.items())
        log.error("%s: %d of %d cells failed: %s", order.label, counts["failed"], len(rows), named)

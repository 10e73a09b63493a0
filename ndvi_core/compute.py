"""Running a work order: observe its cells, write their products and results, and last the manifest."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from threading import Event, Semaphore
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from ndvi_core.errors import BadInput, NdviError, TryAgain
from ndvi_core.models.constants import ALGORITHM_VERSION
from ndvi_core.models.observation import Observation
from ndvi_core.models.work_order import PLANNED_AT, CellResult, Manifest, Usage, WorkOrder, Written
from ndvi_core.products.cell import PRODUCT_NAMES, STATEMENT, Product, make_products
from ndvi_core.products.passes import draw_passes
from ndvi_core.storage.geoparquet import write_columns
from ndvi_core.storage.object_store import Store, split_uri
from ndvi_core.storage.parquet import PARQUET
from ndvi_core.storage.work_orders import read_order
from ndvi_core.support.garbage import relaxed_gc

if TYPE_CHECKING:
    from ndvi_core.models.field_raster import FieldRaster
    from ndvi_core.zonal.observation_table import ObservationTable

WRITERS = 8
"""Threads that draw and upload products while the next cells are read."""

DRAWERS = 2
"""Of these threads, those that draw at the same time: more would wait for Python's one lock."""

MAX_PENDING = 2 * WRITERS
"""Cells whose products may wait to be written: each holds its raster in memory."""

MAX_NAMED_DEFECTS = 5

MAX_TOLD = 1000
"""Cells of an order whose numbers are in the log, at most: nobody reads more, and where tasks collect their logs a line
takes as long as computing a cell."""

log = logging.getLogger(__name__)


class OrderFiles:
    """Reads a work order, and writes what comes of it to the URIs that the order names.

    Every method raises what `Store` raises.
    """

    def __init__(self, order_uri: str) -> None:
        """Read the order.

        Raises:
            BadInput: The order is malformed; the message names the defects.
        """
        self._stores: dict[str, Store] = {}
        url, key = split_uri(order_uri)
        data, metadata = self._store(url).described(key)
        # An order from before it said so is as old as its file.
        self._planned_at = metadata.get(PLANNED_AT) or self._store(url).last_modified(key).isoformat()
        self.order_sha256 = sha256(data).hexdigest()
        self.order = _parse(order_uri, data)
        self._products = None if self.order.products is None else Store(self.order.products.uri)

    def write_results(self, columns: Mapping[str, list[Any]]) -> Written:
        """Write the Parquet file of the order's observations, given their attributes."""
        return self._write(self.order.results, write_columns(columns, self.order.policy.indices), PARQUET)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest, which says that everything else is written."""
        self._write(self.order.manifest, manifest.model_dump_json().encode(), "application/json")

    def write_products(self, observation: Observation, products: Sequence[Product]) -> tuple[Written, ...]:
        """Write the products of a cell, and delete those that an earlier computation wrote and that it has no more.

        Those of a run that was planned later stay as they are, as its row does in the ledger: the task of an old run
        that is cleared does not bring back old pictures. A folder does not keep when a run was planned.
        """
        folder, store = f"{observation.field_id}/{observation.date}", self._products
        if store is None:
            return ()
        if self._planned_at < _planned_at(store, f"{folder}/{STATEMENT}"):
            log.warning("%s: the products of a run that was planned later stay", folder)
            return ()
        written = []
        metadata = {PLANNED_AT: self._planned_at}
        for product in products:
            key = f"{folder}/{product.name}"
            checksum = store.write(key, product.data, product.content_type, metadata)
            written.append(Written(uri=store.uri(key), sha256=checksum, size=len(product.data)))
        for name in PRODUCT_NAMES - {product.name for product in products}:
            store.delete(f"{folder}/{name}")
        return tuple(written)

    def _write(self, uri: str, data: bytes, content_type: str) -> Written:
        url, key = split_uri(uri)
        checksum = self._store(url).write(key, data, content_type)
        return Written(uri=uri, sha256=checksum, size=len(data))

    def _store(self, url: str) -> Store:
        if url not in self._stores:
            self._stores[url] = Store(url)
        return self._stores[url]


def _planned_at(store: Store, key: str) -> str:
    """Return when the run was planned that wrote a product; empty, which is before all others, if nobody knows."""
    try:
        return store.described(key)[1].get(PLANNED_AT, "")
    except BadInput:  # it is not there: S3 says "forbidden" to who may not list
        return ""


@relaxed_gc()
def run_order(order_uri: str, on_cells: Callable[[int], None] | None = None) -> Manifest:
    """Compute all cells of a work order and write products, results and, last, the manifest.

    The same order over the same scenes gives the same bytes. A manifest from an earlier run stays in its place until
    the new one replaces it; a manifest names its order by checksum, so it is never taken for that of another order.

    Args:
        order_uri: `s3://...` or `file:///...` of the order's file.
        on_cells: called, with their number, when some more cells are observed and their products written.

    Raises:
        NotFound: The order is missing.
        BadInput: The order is malformed; the message names the defects.
        TryAgain: A service failed for now: the products', and then there is no new manifest, or the scenes', and then
            there is one in which the cells that need them have failed.
    """
    from ndvi_core.zonal.observation_table import ObservationTable

    files = OrderFiles(order_uri)
    order = files.order
    log.info(
        "%s: %d cells of %d fields in %d scenes", order.label, len(order.cells), len(order.fields), len(order.scenes)
    )
    table = ObservationTable(order)
    objects: dict[int, tuple[Written, ...]] = {}
    with ThreadPoolExecutor(1, thread_name_prefix="passes") as beside:  # whose end waits for it
        failed = Event()
        beside.submit(draw_passes, order, failed)
        try:
            for cells, written in _compute(files, table):
                objects |= written
                if on_cells:
                    on_cells(cells)
        except BaseException:
            failed.set()
            raise
    columns = table.columns()
    if missing := columns["status"].count(None):
        raise NdviError(f"{missing} cells have no outcome: a defect of the computation")
    names = ("field_id", "date", "status", "reason")
    manifest = Manifest(
        order_sha256=files.order_sha256,
        results=files.write_results(columns),
        cells=tuple(
            CellResult(field_id, day, status, reason, objects.get(number, ()))
            for number, (field_id, day, status, reason) in enumerate(
                zip(*(columns[name] for name in names), strict=True)
            )
        ),
        usage=Usage(blocks=table.blocks_read, bytes=table.bytes_read),
    )
    files.write_manifest(manifest)
    _log_outcome(order, columns)
    if passing := np.flatnonzero(table.is_passing).tolist():
        first = manifest.cells[passing[0]]
        raise TryAgain(
            f"{order.label}: {len(passing)} of {len(table)} cells could not be computed for now, the first is "
            f"{first.field_id} {first.date}: {first.reason}"
        )
    return manifest


def _parse(uri: str, data: bytes) -> WorkOrder:
    try:
        order = read_order(data)
    except BadInput as error:
        defects = [str(error)]
    except ValidationError as error:
        defects = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]
    else:
        defects = [*_defects_of_order(order), *_defects_of_cells(order)]
        if not defects:
            return order
    named = "; ".join(defects[:MAX_NAMED_DEFECTS])
    more = f"; and {len(defects) - MAX_NAMED_DEFECTS} more" if len(defects) > MAX_NAMED_DEFECTS else ""
    raise BadInput(
        f"{uri} is no work order that can be run: {named}{more}. Plan the run again to have it written anew."
    )


def _defects_of_order(order: WorkOrder) -> Iterator[str]:
    """Yield the defects, other than those of cells, that the types do not rule out."""
    if order.policy.algorithm_version != ALGORITHM_VERSION:
        yield (
            f"policy.algorithm_version: planned for version {order.policy.algorithm_version}, "
            f"but this program computes version {ALGORITHM_VERSION}: run the image of the planner's release"
        )
    places = {"results": order.results, "manifest": order.manifest}
    if order.products is not None:
        places["products.uri"] = order.products.uri
    for name, uri in places.items():
        try:
            split_uri(uri)
        except BadInput as error:
            yield f"{name}: {error}"
    boundaries = [(field.field_id, field.geometry_hash) for field in order.fields]
    if len(set(boundaries)) < len(boundaries):
        yield f"fields: the same id with the same boundary twice among {len(boundaries)} fields"


def _defects_of_cells(order: WorkOrder) -> Iterator[str]:
    """Yield references to scenes that do not exist or are there twice, and cells that are there twice."""
    seen = set()
    for number, cell in enumerate(order.cells):
        scenes = (*cell.scene_set.scenes, *cell.scene_set.older)
        if not cell.scene_set.scenes and not cell.scene_set.unreadable:
            yield f"cells.{number}.scenes: none"
        if len(set(scenes)) < len(scenes):
            yield f"cells.{number}.scenes: the same scene twice among {len(scenes)}"
        for scene in scenes:
            if not 0 <= scene < len(order.scenes):
                yield f"cells.{number}.scenes: there is no scene {scene} among {len(order.scenes)}"
        field_id = order.fields[cell.field].field_id
        if (field_id, cell.date) in seen:
            yield f"cells.{number}: the second of {field_id} on {cell.date}"
        seen.add((field_id, cell.date))


def _compute(files: OrderFiles, table: "ObservationTable") -> Iterator[tuple[int, dict[int, tuple[Written, ...]]]]:
    """Observe the cells and write their products side by side; yield how many are done, and the objects of each."""
    from ndvi_core.zonal.observe import observe

    observed = observe(files.order, table)
    if files.order.products is None:
        for some in observed:
            yield len(some.cells), {}
        return
    finish = _CellProducts(files, table)
    pending: deque[Future[tuple[int, tuple[Written, ...]]]] = deque()
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="products") as pool:
        try:
            for some in observed:
                rows = table.observations(some.cells)
                for cell, observation in zip(some.cells.tolist(), rows, strict=True):
                    pending.append(pool.submit(finish, cell, observation, some.rasters.get(cell)))
                    if len(pending) >= MAX_PENDING:
                        yield 1, dict([pending.popleft().result()])
            while pending:
                yield 1, dict([pending.popleft().result()])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _CellProducts:
    """Makes and writes the products of cells; threads may share it."""

    def __init__(self, files: OrderFiles, table: "ObservationTable") -> None:
        self._files = files
        self._table = table
        self._scenes = {scene.id: scene for scene in files.order.scenes}
        self._drawers = Semaphore(DRAWERS)
        self._has_pictures = files.order.products is not None and files.order.products.pictures

    def __call__(
        self, cell: int, observation: Observation, raster: "FieldRaster | None"
    ) -> tuple[int, tuple[Written, ...]]:
        """Return the cell's number and what was written of it."""
        if observation.status == "failed":  # the products of an earlier computation stay valid
            return cell, ()
        with self._drawers:
            products = self._draw(cell, observation, raster)
        return cell, self._files.write_products(observation, products) if products else ()

    def _draw(self, cell: int, observation: Observation, raster: "FieldRaster | None") -> list[Product]:
        """Make the cell's products. A defect that shows in this cell alone fails this cell alone, without products."""
        order = self._files.order
        scenes = [self._scenes[name] for name in observation.scene_ids]
        try:
            geometry = order.fields[order.cells[cell].field].geometry
            return make_products(
                observation,
                raster,
                geometry,
                scenes,
                with_picture=self._has_pictures,
                inner_buffer_m=order.policy.inner_buffer_m,
            )
        except Exception as error:
            log.exception("%s %s: defect while its products were drawn", observation.field_id, observation.date)
            reason = f"defect while its products were drawn: {type(error).__name__}: {error}; see the task's log"
            self._table.fail(cell, reason)
            return []


def _log_outcome(order: WorkOrder, columns: Mapping[str, list[Any]]) -> None:
    """Log each cell's numbers, or why there are none, if they are few, and a summary; cells that failed as errors."""
    names = ("field_id", "date", "status", "reason", "ndvi_mean", "valid_fraction", "pixel_count", "scene_ids")
    failed: dict[str, list[str]] = {}
    is_told = log.isEnabledFor(logging.INFO) and len(columns["status"]) <= MAX_TOLD
    for row in zip(*(columns[name] for name in names), strict=True):
        field_id, day, status, reason, mean, valid, pixels, scenes = row
        if status == "failed":
            failed.setdefault(reason or "no reason given", []).append(f"{field_id} {day}")
        elif is_told and reason:
            log.info("%s %s: %s: %s", field_id, day, status, reason, extra={"field": field_id, "day": day})
        elif is_told:
            numbers = f"mean NDVI {mean:.3f}, {valid:.0%} of {pixels:.1f} pixels valid"
            about = {"field": field_id, "day": day}
            log.info("%s %s: %s: %s, %s", field_id, day, status, numbers, ", ".join(scenes), extra=about)
    counts = Counter(columns["status"])
    summary = ", ".join(f"{counts[status]} {status}" for status in sorted(counts))
    log.info("%s: %d cells: %s; manifest %s", order.label, len(columns["status"]), summary or "none", order.manifest)
    if failed:
        named = "; ".join(f"{', '.join(cells)}: {reason}" for reason, cells in failed.items())
        log.error(
            "%s: %d of %d cells failed: %s",
            order.label,
            counts["failed"],
            len(columns["status"]),
            named,
            extra={"failed": [cell for cells in failed.values() for cell in cells]},
        )

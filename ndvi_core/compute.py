"""Running a work order: observe its cells, write their products and results, and last the manifest."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ndvi_core.errors import BadInput, NdviError, TryAgain
from ndvi_core.models.constants import ALGORITHM_VERSION
from ndvi_core.models.observation import Observation
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import CellResult, Manifest, OrderField, WorkOrder, Written, make_failed
from ndvi_core.products.cell import PRODUCT_NAMES, STATEMENT, Product, make_products
from ndvi_core.storage.geoparquet import write_observations
from ndvi_core.storage.object_store import Store, split_uri
from ndvi_core.support.garbage import relaxed_gc

if TYPE_CHECKING:
    from ndvi_core.zonal.observe import ObservedCell

WRITERS = 8
"""Threads that draw and upload products while the next cells are read."""

MAX_PENDING = 2 * WRITERS
"""Cells whose products may wait to be written: each holds its raster in memory."""

PLANNED_AT = "planned-at"
"""Metadata of a product: when its order was written, by the bucket's clock, in ISO 8601 and UTC."""

MAX_NAMED_DEFECTS = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FinishedCell:
    """A cell whose products are written."""

    observation: Observation
    objects: tuple[Written, ...] = ()
    is_passing: bool = False
    """Whether it failed for a reason that may pass."""

    @property
    def result(self) -> CellResult:
        """The cell's entry in the manifest."""
        return CellResult(
            field_id=self.observation.field_id,
            date=self.observation.date,
            status=self.observation.status,
            reason=self.observation.reason,
            objects=self.objects,
        )


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
        data = self._store(url).read(key)
        self._planned_at = self._store(url).last_modified(key).isoformat()
        self.order_sha256 = sha256(data).hexdigest()
        self.order = _parse(order_uri, data)
        if self.order.pictures:
            self._store(self.order.products)  # now, since several threads will ask for it

    def write_results(self, observations: Sequence[Observation]) -> Written:
        """Write the Parquet file of the order's observations."""
        return self._write(self.order.results, write_observations(observations), "application/vnd.apache.parquet")

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest, which says that everything else is written."""
        self._write(self.order.manifest, manifest.model_dump_json().encode(), "application/json")

    def write_products(self, observation: Observation, products: Sequence[Product]) -> tuple[Written, ...]:
        """Write the products of a cell, and delete those that an earlier computation wrote and that it has no more.

        Those of a run that was planned later stay as they are, as its row does in the ledger: the task of an old run
        that is cleared does not bring back old pictures. A folder does not keep when a run was planned.
        """
        folder = f"{observation.field_id}/{observation.date}"
        store = self._store(self.order.products)
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
        return store.metadata(key).get(PLANNED_AT, "")
    except BadInput:  # it is not there: S3 says "forbidden" to who may not list
        return ""


@relaxed_gc()
def run_order(order_uri: str, on_cell: Callable[[Observation], None] | None = None) -> Manifest:
    """Compute all cells of a work order and write products, results and, last, the manifest.

    The same order over the same scenes gives the same bytes. A manifest from an earlier run stays in its place until
    the new one replaces it; a manifest names its order by checksum, so it is never taken for that of another order.

    Args:
        order_uri: `s3://...` or `file:///...` of the order's JSON file.
        on_cell: called with each observation once its products are written, in no particular order.

    Raises:
        NotFound: The order is missing.
        BadInput: The order is malformed; the message names the defects.
        TryAgain: A service failed for now: the products', and then there is no new manifest, or the scenes', and then
            there is one in which the cells that need them have failed.
    """
    files = OrderFiles(order_uri)
    order = files.order
    log.info(
        "%s: %d cells of %d fields in %d scenes", order.label, len(order.cells), len(order.fields), len(order.scenes)
    )
    finished = _in_order(order, _compute(files), on_cell)
    observations = [cell.observation for cell in finished]
    manifest = Manifest(
        order_sha256=files.order_sha256,
        results=files.write_results(observations),
        cells=tuple(cell.result for cell in finished),
    )
    files.write_manifest(manifest)
    _log_summary(order, observations)
    if passing := [cell.observation for cell in finished if cell.is_passing]:
        first = passing[0]
        raise TryAgain(
            f"{order.label}: {len(passing)} of {len(finished)} cells could not be computed for now, the first is "
            f"{first.field_id} {first.date}: {first.reason}"
        )
    return manifest


def _parse(uri: str, data: bytes) -> WorkOrder:
    try:
        order = WorkOrder.model_validate_json(data)
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
    for name in ("results", "manifest", "products"):
        try:
            split_uri(getattr(order, name))
        except BadInput as error:
            yield f"{name}: {error}"
    ids = [field.field_id for field in order.fields]
    if len(set(ids)) < len(ids):
        yield f"fields: the same id twice among {len(ids)} fields"


def _defects_of_cells(order: WorkOrder) -> Iterator[str]:
    """Yield references to fields and scenes that do not exist, and cells that are there twice."""
    seen = set()
    for number, cell in enumerate(order.cells):
        if not 0 <= cell.field < len(order.fields):
            yield f"cells.{number}.field: there is no field {cell.field} among {len(order.fields)}"
        if not cell.scenes and not cell.unreadable:
            yield f"cells.{number}.scenes: none"
        for scene in (*cell.scenes, *cell.older):
            if not 0 <= scene < len(order.scenes):
                yield f"cells.{number}.scenes: there is no scene {scene} among {len(order.scenes)}"
        if (cell.field, cell.date) in seen:
            yield f"cells.{number}: the second of field {cell.field} on {cell.date}"
        seen.add((cell.field, cell.date))


def _compute(files: OrderFiles) -> Iterator[FinishedCell]:
    """Observe the cells and write their products side by side; yield each cell when both are done."""
    from ndvi_core.zonal.observe import observe

    order = files.order
    if not order.pictures:
        for observed in observe(order):
            yield FinishedCell(observed.observation, is_passing=observed.is_passing)
        return
    fields = {field.field_id: field for field in order.fields}
    scenes = {scene.id: scene for scene in order.scenes}

    def finish(observed: "ObservedCell") -> FinishedCell:
        observation = observed.observation
        if observation.status == "failed":  # the products of an earlier computation stay valid
            return FinishedCell(observation, is_passing=observed.is_passing)
        used = [scenes[scene_id] for scene_id in observation.scene_ids]
        observation, products = _draw(observed, fields[observation.field_id], used)
        return FinishedCell(observation, files.write_products(observation, products) if products else ())

    pending: deque[Future[FinishedCell]] = deque()
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="products") as pool:
        try:
            for observed in observe(order):
                pending.append(pool.submit(finish, observed))
                if len(pending) >= MAX_PENDING:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _draw(observed: "ObservedCell", field: OrderField, scenes: list[Scene]) -> tuple[Observation, list[Product]]:
    """Make the cell's products. A defect that shows in this cell alone fails this cell alone, without products."""
    observation = observed.observation
    try:
        return observation, make_products(observation, observed.raster, field.geometry, scenes)
    except Exception as error:
        log.exception("%s %s: defect while its products were drawn", observation.field_id, observation.date)
        reason = f"defect while its products were drawn: {type(error).__name__}: {error}; see the task's log"
        return make_failed(observation, reason), []


def _in_order(
    order: WorkOrder, cells: Iterable[FinishedCell], on_cell: Callable[[Observation], None] | None
) -> list[FinishedCell]:
    """Log and tell of each cell as it comes; return the cells in the sequence in which the work order names them."""
    found = {}
    for cell in cells:
        _log_cell(cell.observation)
        if on_cell:
            on_cell(cell.observation)
        found[cell.observation.field_id, cell.observation.date] = cell
    keys = [(order.fields[cell.field].field_id, cell.date) for cell in order.cells]
    if missing := [key for key in keys if key not in found]:
        raise NdviError(f"{len(missing)} cells have no outcome, the first is {missing[0]}: a defect of the computation")
    return [found[key] for key in keys]


def _log_cell(row: Observation) -> None:
    """Log a cell's numbers, or why there are none."""
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

"""Work orders over fields and scenes, and what observing them gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shapely.geometry.base import BaseGeometry
from support.scenes import EPSG, lonlat

from ndvi_core.models.field_raster import FieldRaster
from ndvi_core.models.geometry import geometry_hash
from ndvi_core.models.observation import Observation
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import Cell, OrderField, Policy, Products, SceneSet, WorkOrder
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.work_orders import write_order
from ndvi_core.zonal.observation_table import ObservationTable
from ndvi_core.zonal.observe import observe


@dataclass(frozen=True)
class ObservedCell:
    """What observing an order gives of a cell."""

    observation: Observation
    raster: FieldRaster | None
    is_passing: bool


ORDER_KEY = "runs/test/orders/0.parquet"
RESULTS_KEY = "runs/test/results/0.parquet"
MANIFEST_KEY = "runs/test/manifests/0.json"


def make_order(
    geometries: Mapping[str, BaseGeometry],
    scenes: Sequence[Scene],
    epsg: int | None = EPSG,
    store: Store | None = None,
    older: Sequence[Scene] = (),
    **policy: Any,
) -> WorkOrder:
    """Return an order for all fields on all days of the scenes, field by field.

    Args:
        geometries: Of the fields, by field id.
        scenes: Scenes of any days; each cell has all scenes of its day.
        epsg: CRS of the geometries, None for WGS84.
        store: Where results go; None if the order is only observed.
        older: Older products of the scenes' acquisitions.
        **policy: Attributes of the policy that are not the default.
    """
    store = store or Store("file:///nowhere")
    fields = tuple(
        OrderField(field_id=name, geometry=g if epsg is None else lonlat(g, epsg), geometry_hash=geometry_hash(g))
        for name, g in geometries.items()
    )
    by_day: dict[date, list[int]] = {}
    for number, scene in enumerate(scenes):
        by_day.setdefault(scene.day, []).append(number)
    spare: dict[date, tuple[int, ...]] = {}
    for number, scene in enumerate(older, start=len(scenes)):
        spare[scene.day] = (*spare.get(scene.day, ()), number)
    cells = tuple(
        Cell(index, day, SceneSet(tuple(numbers), spare.get(day, ())), f"{index}-{day}")
        for index in range(len(fields))
        for day, numbers in by_day.items()
    )
    return WorkOrder(
        label="test",
        results=store.uri(RESULTS_KEY),
        manifest=store.uri(MANIFEST_KEY),
        products=Products(uri=store.uri("fields")),
        policy=Policy(**policy),
        fields=fields,
        scenes=(*scenes, *older),
        cells=cells,
    )


def put_order(store: Store, order: WorkOrder) -> str:
    """Write the order and return its URI."""
    store.write(ORDER_KEY, write_order(order))
    return store.uri(ORDER_KEY)


def outcomes(order: WorkOrder) -> dict[tuple[str, str], ObservedCell]:
    """Observe the order; return the outcomes by field id and ISO date."""
    found = observed(order)
    assert len(found) == len(order.cells)
    return {(o.observation.field_id, o.observation.date.isoformat()): o for o in found}


def outcome(order: WorkOrder) -> ObservedCell:
    """Observe an order of one cell."""
    (only,) = observed(order)
    return only


def observed(order: WorkOrder) -> list[ObservedCell]:
    """Observe the order; return the outcomes as they come."""
    table, rasters, sequence = ObservationTable(order), {}, []
    for some in observe(order, table):
        rasters |= some.rasters
        sequence += some.cells.tolist()
    rows = table.observations()
    return [ObservedCell(rows[cell], rasters.get(cell), bool(table.is_passing[cell])) for cell in sequence]

"""Small scenes on disk and work orders over them, for tests that compute for real."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import ArrayLike
from rasterio.warp import transform_geom
from support.models import a_scene

from ndvi_core.models.geometry import geometry_hash
from ndvi_core.models.scene import Scene
from ndvi_core.models.work_order import Cell, OrderField, Policy, WorkOrder
from ndvi_core.storage.object_store import Store

EPSG = 32630
WEST, NORTH = 656_000.0, 5_467_000.0
SIZE = 64
"""Rows and columns of a scene's pixels of 10 m."""

ORDER_KEY = "runs/try/orders/0.json"
RESULTS_KEY = "runs/try/results/0.parquet"
MANIFEST_KEY = "runs/try/manifests/0.json"


def lonlat_box(left: float, top: float, right: float, bottom: float) -> shapely.Polygon:
    """Return a rectangle of a scene's pixels (columns and rows, of 10 m) as WGS84."""
    corners = shapely.box(WEST + 10 * left, NORTH - 10 * bottom, WEST + 10 * right, NORTH - 10 * top)
    return shapely.geometry.shape(transform_geom(f"EPSG:{EPSG}", "OGC:CRS84", shapely.geometry.mapping(corners)))


def write_scene(
    folder: Path, day: date, red: ArrayLike = 1000, nir: ArrayLike = 4000, scl: ArrayLike = 4, **changes: Any
) -> Scene:
    """Write a scene's three COGs below `folder`; unless told otherwise it is clear and NDVI is 0.6 all over.

    Args:
        folder: Where to.
        day: Of the acquisition.
        red: Digital numbers, (SIZE, SIZE) or one for all; no offset.
        nir: Likewise.
        scl: Classes, (SIZE // 2, SIZE // 2) or one for all.
        **changes: Attributes of the scene.
    """
    scene_id = f"S2A_30UXV_{day:%Y%m%d}_0_L2A"
    hrefs = {}
    for name, values, dtype, size in (
        ("red", red, "uint16", SIZE),
        ("nir", nir, "uint16", SIZE),
        ("scl", scl, "uint8", SIZE // 2),
    ):
        path = folder / f"{scene_id}_{name}.tif"
        pixel = 10 * SIZE / size
        profile = {
            "driver": "COG",
            "dtype": dtype,
            "count": 1,
            "height": size,
            "width": size,
            "crs": f"EPSG:{EPSG}",
            "transform": rasterio.Affine(pixel, 0, WEST, 0, -pixel, NORTH),
            "nodata": 0,
            "blocksize": 128,
        }
        with rasterio.open(path, "w", **profile) as dataset:
            dataset.write(np.broadcast_to(np.asarray(values, dtype), (size, size)), 1)
        hrefs[name] = str(path)
    footprint = lonlat_box(0, 0, SIZE, SIZE)
    return a_scene(day, scene_id, **{"tile": "30UXV", "epsg": EPSG, "footprint": footprint, **hrefs, **changes})


def make_order(
    store: Store, fields: Mapping[str, shapely.Polygon], scenes: Sequence[Scene], **changes: Any
) -> WorkOrder:
    """Return an order for each field on the day of each scene."""
    cells = [
        Cell(field=field, date=scene.day, scenes=(number,), fingerprint=f"{field}-{number}")
        for number, scene in enumerate(scenes)
        for field in range(len(fields))
    ]
    content: dict[str, Any] = {
        "label": "try",
        "results": store.uri(RESULTS_KEY),
        "manifest": store.uri(MANIFEST_KEY),
        "products": store.uri("fields"),
        "policy": Policy(),
        "fields": tuple(
            OrderField(field_id=name, geometry=geometry, geometry_hash=geometry_hash(geometry))
            for name, geometry in fields.items()
        ),
        "scenes": tuple(scenes),
        "cells": tuple(cells),
    }
    return WorkOrder(**{**content, **changes})


def put_order(store: Store, order: WorkOrder) -> str:
    """Write the order and return its URI."""
    store.write(ORDER_KEY, order.model_dump_json().encode())
    return store.uri(ORDER_KEY)

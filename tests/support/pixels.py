"""A field whose pixels are known, computed as a task does and put where the page finds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import shapely
from support.orders import make_order, outcomes, put_order
from support.scenes import SIZE, lonlat, make_scene, pixel_box
from support.web import Server

from ndvi_core.compute import run_order
from ndvi_core.models.field import Field
from ndvi_core.models.observation import Observation
from ndvi_core.registry import fields as registry
from ndvi_core.registry import ledger, recorded_days
from ndvi_core.storage.object_store import Store

PLANTED = date(2025, 4, 5)
CLEAR = (date(2025, 4, 10), date(2025, 5, 5), date(2025, 5, 20), date(2025, 6, 4))
CLOUDY = date(2025, 5, 10)
DAYS = tuple(sorted((*CLEAR, CLOUDY)))
OUTLINE = shapely.affinity.rotate(pixel_box(6.2, 7.4, 20, 24), 13).difference(pixel_box(14, 15, 3, 3))
"""Of the field, in the CRS of the scenes."""
NIR = 4000


@dataclass(frozen=True)
class Computed:
    """What is known of the field independently of the library's rasters."""

    field: Field
    ndvi: Mapping[date, np.ndarray]
    """Of all pixels of the scene of each day, by its bands."""
    rows: Mapping[date, Observation]


def red_band(number: int) -> np.ndarray:
    """Greener to the east, and from day to day; with noise."""
    noise = np.random.default_rng(number).integers(-120, 120, (SIZE, SIZE))
    return np.clip(2200 - 32 * np.arange(SIZE)[np.newaxis] - 220 * number + noise, 150, 3000).astype(np.uint16)


def compute(server: Server, folder: Path, field_id: str = "clover") -> Computed:
    """Compute the field on all days, one of which a cloud hides a part of; register and record it."""
    scenes, ndvi = [], {}
    for number, day in enumerate(DAYS):
        red = red_band(number)
        scl = np.full((SIZE // 2, SIZE // 2), 4, np.uint8)
        if day == CLOUDY:
            scl[3:9, 4:9] = 9
        scenes.append(make_scene(folder, red=red, nir=NIR, scl=scl, day=day))
        ndvi[day] = (NIR - red.astype(float)) / (NIR + red)
    boundary = lonlat(OUTLINE)
    field = Field(field_id=field_id, geometry=boundary, plant_type="clover", plant_date=PLANTED)
    store = Store(folder.as_uri())
    order = make_order({field_id: boundary}, scenes, None, store, mask="scl@1")
    run_order(put_order(store, order))
    rows = {date.fromisoformat(day): one.observation for (_, day), one in outcomes(order).items()}
    with server.engine.begin() as connection:
        registry.upsert_fields(connection, [field], "test")
        ledger.upsert_observations(connection, list(rows.values()), datetime.now(UTC))
        recorded_days.mark_recorded(connection, DAYS[-1], PLANTED)
    for info in store.list("fields/"):
        server.bucket.write(info.key, store.read(info.key))
    return Computed(field, ndvi, rows)

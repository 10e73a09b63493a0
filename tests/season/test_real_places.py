"""Real scenes of South Tyrol in squares: their events are those of docs/real_events.md, and no more."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from shapely.geometry import box, mapping
from support.features import collection
from support.observed import Grown, events_in
from support.scenes import lonlat

import ndvi_core
from ndvi_airflow.local import southtyrol
from ndvi_airflow.local.services import start_files, start_stac
from ndvi_core.settings import Settings

FIRST, LAST = date(2022, 6, 1), date(2022, 6, 30)
SIDE = 5
"""Pixels."""
CLEAR = ("02", "15", "17", "27", "30")
PLACES = {
    "green_up": {(85, 110), (155, 270), (155, 275), (180, 180), (190, 285), (265, 210), (270, 210)},
    "drop": {
        *((115, 175), (115, 180), (120, 175), (125, 85), (125, 320), (140, 330)),
        *((325, 250), (330, 30), (335, 30), (340, 30), (340, 105)),
        *((445, 285), (445, 290), (450, 290), (500, 400)),  # cleared
        *((490, 365), (495, 365), (500, 365), (500, 375), (505, 375)),  # beside the runway
        *((490, 385), (495, 385), (500, 385)),
    },
}
"""Row and column of the upper left corner of the squares with an event."""


def ndvi(imagery: Path, day: str) -> np.ndarray:
    bands = []
    for band in ("B04", "B08"):
        with rasterio.open(imagery / f"S2_L2A_32TPS_202206{day}_{band}.tif") as raster:
            bands.append(raster.read(1).astype(float))
    red, nir = bands
    return np.where(red + nir > 0, (nir - red) / np.maximum(red + nir, 1), np.nan)


def green_squares(imagery: Path) -> Iterator[dict[str, Any]]:
    """Yield the squares that are green, and of one kind, as fields."""
    days = [ndvi(imagery, day) for day in CLEAR]
    for row in range(0, 512 - SIDE, SIDE):
        for column in range(0, 512 - SIDE, SIDE):
            parts = [day[row : row + SIDE, column : column + SIDE] for day in days]
            if max(np.nanmean(part) for part in parts) >= 0.4 and min(np.nanstd(part) for part in parts) <= 0.1:
                west, north = 674_990 + 10 * column, 5_153_360 - 10 * row
                ground = lonlat(box(west, north - 10 * SIDE, west + 10 * SIDE, north))
                stated = {"object-type": "field", "object-id": f"{row}-{column}", "plant-date": str(FIRST)}
                yield {"type": "Feature", "properties": stated | {"plant-type": "any"}, "geometry": mapping(ground)}


def test_events_are_what_the_pictures_show(realdata: Path, tmp_path: Path) -> None:
    imagery = realdata / "imagery" / "s2_southtyrol_202206"
    squares = list(green_squares(imagery))
    files = start_files(imagery, log=tmp_path / "files.log", requests_log=tmp_path / "requests.jsonl")
    stac = start_stac(southtyrol.write_catalogue(imagery, tmp_path, files.url), log=tmp_path / "stac.log")
    settings = Settings(STAC_API_URL=stac.url, catalogue="local", products="none")
    try:
        fields = tmp_path / "squares.geojson"
        fields.write_bytes(collection(*squares))
        rows = ndvi_core.observe(fields, FIRST, LAST, settings=settings).rows
    finally:
        stac.stop()
        files.stop()
    alone = [Grown(name, name, FIRST, LAST, ended=False) for name in (f["properties"]["object-id"] for f in squares)]
    found = events_in(rows, alone)
    assert len(squares) == 6504
    assert {
        kind: {tuple(map(int, event.field_id.split("-"))) for event in found if event.kind == kind}
        for kind in {event.kind for event in found}
    } == PLACES
    assert len(found) == sum(map(len, PLACES.values())) == 30

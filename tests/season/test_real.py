"""Twelve real scenes of South Tyrol, June 2022: what is found in them has been looked at in the pictures."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from support.models import a_scene
from support.orders import make_order, outcomes
from support.scenes import lonlat
from support.seasons import Found, Observed, read, watched
from support.southtyrol import DAYS

from ndvi_airflow.local.southtyrol import BANDS, FIELDS
from ndvi_core.season.event_table import EventTable
from ndvi_core.season.events import find_events
from ndvi_core.season.rules import EventRules

LEFT, TOP = 674_990, 5_153_360


def pixels(row: int, rows: int, col: int, cols: int) -> shapely.Polygon:
    """Return the ground of some pixels of the scenes."""
    x, y = LEFT + 10 * col, TOP - 10 * row
    return lonlat(shapely.box(x, y - 10 * rows, x + 10 * cols, y))


CHANGED = {
    "cleared": pixels(445, 9, 70, 6),  # orchard of 0.5 ha, green until 20 June
    "mown": pixels(332, 13, 31, 3),  # strip of meadow, mown between 12 and 15 June
    "airfield": pixels(485, 16, 366, 5),  # grass beside the runway, mown between 12 and 20 June
}


class Month:
    """Fields, and what is found of them; day 0 is 1 June."""

    def __init__(self, names: list[str], observed: Observed) -> None:
        self.names, self.observed = names, observed
        self.table: EventTable = find_events(watched(observed, last_day=29), EventRules())

    def events(self, name: str) -> list[Found]:
        own = self.table.season == self.names.index(name)
        return read(EventTable._make(column[own] for column in self.table))


@pytest.fixture(scope="module")
def month(realdata: Path) -> Month:
    folder = realdata / "imagery" / "s2_southtyrol_202206"
    scenes = [
        a_scene(
            date(2022, 6, int(day)),
            f"S2_L2A_32TPS_202206{day}",
            **{asset: str(folder / f"S2_L2A_32TPS_202206{day}_{band}.tif") for asset, band in BANDS.items()},
        )
        for day in DAYS
    ]
    features = json.loads(FIELDS.read_text())["features"]
    fields = {f["properties"]["object-id"]: shapely.geometry.shape(f["geometry"]) for f in features} | CHANGED
    values, weights = np.full((len(fields), 30), np.nan), np.zeros((len(fields), 30))
    names = list(fields)
    for (name, day), cell in outcomes(make_order(fields, scenes, epsg=None, mask="scl-dilated@1")).items():
        row = cell.observation
        if row.status == "computed":
            values[names.index(name), int(day[-2:]) - 1] = row.ndvi_mean
            weights[names.index(name), int(day[-2:]) - 1] = row.valid_fraction
    return Month(names, Observed(values, weights))


def test_what_was_mown_is_found(month: Month) -> None:
    assert {name: month.events(name) for name in CHANGED} == {
        "mown": [Found("drop", (11, 19, 24, 29), None)],  # 0.90 until 12 June, then 0.69, and 0.61 to 0.70
        "airfield": [Found("drop", (11, 19, 24, 26), None)],  # 0.55 on 20 June, and then it grows again
        "cleared": [],
    }


def test_orchards_and_vineyards_change_too_little_to_be_told(month: Month) -> None:
    assert [name for name in month.names if name not in CHANGED and month.events(name)] == []


def test_haze_that_the_mask_misses_is_an_outlier(month: Month) -> None:
    """On 10 June a cloud's rim lies on one orchard: 0.64 between values of 0.85 and more."""
    outliers = [(month.names[row], int(day) + 1) for row, day in np.argwhere(month.observed.flags.outlier)]
    assert outliers == [("orchard_06", 10)]

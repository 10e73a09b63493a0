"""The table of observations, which days that are computed side by side fill while others are read from it."""

import sys
import threading
from datetime import date, timedelta
from itertools import product

import numpy as np
from support.models import a_scene, square
from support.orders import make_order

from ndvi_core.zonal.observation_table import ObservationTable


def test_rows_are_read_while_other_days_are_filled() -> None:
    scenes = [a_scene(date(2025, 1, 1) + timedelta(number)) for number in range(120)]
    table = ObservationTable(make_order({"a": square()}, scenes, epsg=None))
    table.settle(0, "computed", (0,))

    def fill() -> None:
        for pair in product(range(len(scenes)), repeat=2):
            table.settle(1, "computed", pair)

    filling = threading.Thread(target=fill)
    as_ever = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        filling.start()
        while filling.is_alive():
            (row,) = table.observations(np.array([0]))
            assert row.scene_ids == (scenes[0].id,)
    finally:
        sys.setswitchinterval(as_ever)
        filling.join()
    assert table.observations()[1].scene_ids == (scenes[-1].id, scenes[-1].id)

"""`make bench-masks`: what each mask policy lets through and what it costs, on twelve real scenes of one month.

The scenes are of June 2022 in South Tyrol, orchards and vineyards, where NDVI moves little within a month; seven are
clear. What a pixel or a field should show is the median of the clear days. A value on another day that lies 0.1 or
more below is a false drop: cloud or shadow that the mask did not see. One within 0.05 is good.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray

from ndvi_core.models.scene import Offset
from ndvi_core.raster.grid import Window
from ndvi_core.raster.window_table import WindowTable
from ndvi_core.zonal.mask import POLICIES, VALID, MaskPolicy
from ndvi_core.zonal.statistics import ndvi

SCENES = "imagery/s2_southtyrol_202206"
CLEAR = ("10", "12", "15", "20", "25", "27", "30")
CLOUDY = ("02", "17")
"""Days with some of both; 5, 7 and 22 June are all cloud."""
DROP, GOOD = 0.1, 0.05
SIDE = 10
"""Pixels: fields are squares of one hectare."""
VALID_ENOUGH = 0.5


class Day(NamedTuple):
    """A scene."""

    ndvi: NDArray[np.float64]
    """(512, 512)."""
    classes: NDArray[np.uint8]
    """(256, 256), of 20 m, as products have it."""


class Count(NamedTuple):
    """Values that a policy lets through."""

    false: int
    good: int


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("realdata", nargs="?", type=Path, default=os.environ.get("NDVI_REALDATA"))
    folder = parser.parse_args().realdata
    if folder is None:
        parser.error("name the folder of the real scenes, or set NDVI_REALDATA")
    days = {day: _read(folder / SCENES, day) for day in (*CLEAR, *CLOUDY)}
    plain = POLICIES["scl@1"]
    usual = np.nanmedian([np.where(_valid(plain, days[day]), days[day].ndvi, np.nan) for day in CLEAR], axis=0)
    base = _count(plain, days, usual)
    sys.stdout.write("| policy | false drops of fields | good fields | false drops of pixels | good pixels |\n")
    sys.stdout.write("|---|---|---|---|---|\n")
    for policy in POLICIES.values():
        cells = []
        for one, reference in zip(_count(policy, days, usual), base, strict=True):
            cells += [f"{n} ({n / of:.0%})" for n, of in zip(one, reference, strict=True)]
        sys.stdout.write(f"| `{policy.name}` | {' | '.join(cells)} |\n")


def _read(folder: Path, day: str) -> Day:
    red, nir, classes = (
        rasterio.open(folder / f"S2_L2A_32TPS_202206{day}_{asset}.tif").read(1) for asset in ("B04", "B08", "SCL")
    )
    return Day(ndvi(red, nir, Offset(rule="harmonised")), classes[::2, ::2])


def _valid(policy: MaskPolicy, day: Day) -> NDArray[np.bool_]:
    height, width = day.classes.shape
    window = WindowTable.of([Window(col_off=0, row_off=0, width=width, height=height)])
    causes = policy.apply(day.classes.ravel(), window, 20.0).causes.reshape(height, width)
    return np.repeat(np.repeat(causes == VALID, 2, axis=0), 2, axis=1) & np.isfinite(day.ndvi)


def _count(policy: MaskPolicy, days: Mapping[str, Day], usual: NDArray[np.float64]) -> tuple[Count, Count]:
    """Return the counts of fields and of pixels on the cloudy days."""
    fields, pixels = np.zeros(2, int), np.zeros(2, int)
    for day in (days[name] for name in CLOUDY):
        valid = _valid(policy, day) & np.isfinite(usual)
        pixels += _judge(np.where(valid, day.ndvi - usual, np.nan))
        count, difference = _sums(valid), _sums(np.where(valid, day.ndvi - usual, 0.0))
        fields += _judge(np.where(count >= VALID_ENOUGH * SIDE**2, difference / np.maximum(count, 1), np.nan))
    return Count(*fields.tolist()), Count(*pixels.tolist())


def _judge(difference: NDArray[np.float64]) -> tuple[int, int]:
    return int((difference <= -DROP).sum()), int((abs(difference) <= GOOD).sum())


def _sums(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return the sum over each field."""
    rows, cols = (size // SIDE * SIDE for size in values.shape)
    blocks = values[:rows, :cols].astype(float).reshape(rows // SIDE, SIDE, cols // SIDE, SIDE)
    return blocks.sum(axis=(1, 3))


if __name__ == "__main__":
    main()

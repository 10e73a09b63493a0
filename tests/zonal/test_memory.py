"""What a work order says of the memory that its computation takes, against what a process of its own took."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from support.orders import make_order, put_order
from support.scenes import make_scene, pixel_box

from ndvi_airflow.connections import ALLOCATOR
from ndvi_core.models.work_order import BYTES_PER_BAND, BYTES_PER_PIXEL
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store


def peak_memory(order_uri: str) -> int:
    """Return the most memory, in bytes, that a process takes which computes an order as a task does."""
    script = (
        "import sys; from ndvi_core.cli import main; assert main(sys.argv[1:]) == 0;"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    command = [sys.executable, "-c", script, "compute", "--order", order_uri]
    return 1024 * int(
        subprocess.run(command, capture_output=True, check=True, text=True, env={**os.environ, **ALLOCATOR}).stdout
    )


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory that a process took")
@pytest.mark.parametrize("indices", [("ndvi",), ("evi2", "gndvi", "ndre", "ndmi")], ids=["ndvi", "all bands"])
def test_an_order_says_how_much_memory_its_pixels_take(tmp_path: Path, indices: tuple[str, ...]) -> None:
    noise = np.random.default_rng(1).integers(500, 3000, (1024, 1024))
    further = {"green": noise, **dict.fromkeys(("rededge1", "nir08", "swir16"), noise[::2, ::2])}
    scenes = [make_scene(tmp_path, noise, noise + 2000, size=1024, others=further, blockxsize=128, blockysize=128)]
    peaks, said = [], []
    for name, size in (("small", 10), ("large", 1000)):
        store = Store(f"file://{tmp_path}/{name}")
        order = make_order({"f": pixel_box(10, 10, size, size)}, scenes, store=store, indices=indices)
        peaks.append(peak_memory(put_order(store, order)))
        said.append(order.memory)
    assert said[0] == pytest.approx(Settings().memory_mb * 1_000_000, rel=0.01)
    per_pixel = BYTES_PER_PIXEL + (6 * BYTES_PER_BAND if len(indices) > 1 else 0)
    assert said[1] - said[0] == pytest.approx(per_pixel * 1000**2, rel=0.1)  # it is not upright in degrees
    assert peaks[1] - peaks[0] < said[1] - said[0]
    assert peaks[0] < said[0] / 2, "the rest is for what is read over the network"


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory that a process took")
def test_days_side_by_side_take_no_more_than_the_order_says(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(500, 3000, (1024, 1024))
    first = make_scene(tmp_path, noise, noise + 2000, size=1024, blockxsize=128, blockysize=128)
    times = [first.time + timedelta(days=number) for number in range(8)]
    scenes = [first.model_copy(update={"id": f"S2A_{time:%Y%m%d}", "time": time}) for time in times]
    store = Store(f"file://{tmp_path}")
    order = make_order({"f": pixel_box(10, 10, 1000, 1000)}, scenes, store=store).model_copy(update={"products": None})
    assert peak_memory(put_order(store, order)) < order.memory

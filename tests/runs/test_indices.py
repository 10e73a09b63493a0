"""Runs of a deployment that computes indices besides NDVI."""

import pyarrow as pa
import pyarrow.parquet as pq
from support.farm import Farm, acquisitions, published

from ndvi_core.storage.work_orders import read_order


def columns_of_days(farm: Farm) -> set[tuple[str, ...]]:
    """Return the columns that the days' files have: one set if they are one table."""
    files = [data for key, data in published(farm).items() if key.startswith("observations/")]
    return {tuple(pq.read_schema(pa.BufferReader(data)).names) for data in files}


def test_all_days_have_the_columns_of_the_set_and_of_another_once_there_is_one(farm: Farm) -> None:
    first, second, *_ = sorted(acquisitions(farm))
    farm.daily(first)
    (before,) = columns_of_days(farm)
    assert not any(name.startswith("ndmi") for name in before)
    farm.settings = farm.settings.model_copy(update={"indices": ("ndvi", "gndvi", "ndmi")})
    run = farm.daily(second)
    assert {first, second} <= set(run.recorded.days)
    (after,) = columns_of_days(farm)
    assert [name for name in after if name not in before] == [
        f"{index}_{statistic}"
        for index in ("gndvi", "ndmi")
        for statistic in ("mean", "std", "min", "max", "p10", "p25", "median", "p75", "p90", "valid_pixel_count")
    ]
    assert first not in farm.daily(second).recorded.days, "the set is the same, so nothing is published anew"


def test_orders_name_the_indices_and_scenes_have_their_bands_alone(farm: Farm) -> None:
    farm.settings = farm.settings.model_copy(update={"indices": ("ndvi", "gndvi", "ndmi")})
    run = farm.daily(min(acquisitions(farm)))
    for planned in run.plan.orders:
        order = read_order(farm.store.read(farm.store.key(planned.uri)))
        assert order.policy.indices == ("ndvi", "gndvi", "ndmi")
        assert {tuple(scene.bands) for scene in order.scenes} == {("green", "nir08", "swir16")}

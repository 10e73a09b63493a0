"""Work orders that are spoiled anywhere: they are run, or refused with what is wrong in them."""

import io
import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.bounds import bounded
from support.chance import examples
from support.orders import ORDER_KEY, make_order
from support.scenes import make_scene, pixel_box
from support.spoiled import damaged, spoiled, written

from ndvi_core.compute import run_order
from ndvi_core.errors import BadInput, NdviError
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.work_orders import HEADER, read_order, write_order

FIELDS = {"a": pixel_box(5, 5, 10, 10), "b": pixel_box(20, 20, 8, 8)}
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "dates": st.integers(-(2**31), 2**31 - 1),
    "scene_sets": st.integers(-1, 2) | st.integers(-(2**31), 2**31 - 1),
    "fingerprints": st.text(max_size=3),
}
LARGEST = 1.0
"""Degrees that a field of an order that is run spans at most."""
PLACES = {"results", "manifest", "products", "passes"}
OTHER_COLUMNS = ([1, 2], ["a", "b"], [[1], [2]], [None, None], [{"a": 1}, {"a": 2}], [1.5, float("nan")])


class Order:
    """A valid order and its parts."""

    def __init__(self, folder: Path) -> None:
        self.store = Store((folder / "store").as_uri())
        scenes = [make_scene(folder, day=date(2025, 6, day)) for day in (1, 3)]
        self.whole = write_order(make_order(FIELDS, scenes, store=self.store))
        self.table = pq.read_table(io.BytesIO(self.whole))
        self.header = json.loads(self.table.schema.metadata[HEADER.encode()])

    def run(self, data: bytes) -> None:
        self.store.write(ORDER_KEY, data)
        with bounded():
            with suppress(BadInput, ValidationError):
                bounds = shapely.bounds([field.geometry for field in read_order(data).fields])
                if (bounds[:, 2:] - bounds[:, :2] > LARGEST).any():
                    return  # a field as large as a country takes the memory that its pixels take
            run_order(self.store.uri(ORDER_KEY))

    def with_header(self, header: str) -> bytes:
        metadata = {**self.table.schema.metadata, HEADER.encode(): header.encode("utf-8", "surrogatepass")}
        return _file(self.table.replace_schema_metadata(metadata))

    def with_column(self, name: str, values: pa.Array) -> bytes:
        return _file(self.table.set_column(self.table.schema.get_field_index(name), name, values))

    def with_values(self, name: str, values: list[Any]) -> bytes:
        """Return the file with other values of the right type; days are counted from 1970."""
        its = self.table.schema.field(name).type
        if name == "dates":
            return self.with_column(
                name, pa.array(values, pa.list_(pa.field("element", pa.int32(), nullable=False))).cast(its)
            )
        return self.with_column(name, pa.array(values, its))


def _file(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> Order:
    return Order(tmp_path_factory.mktemp("orders"))


@given(data=st.data())
@examples(60)
def test_an_order_with_anything_in_its_header_is_run_or_refused(order: Order, data: st.DataObject) -> None:
    header = data.draw(spoiled(order.header))
    if isinstance(header, dict):  # nothing is to be written anywhere else
        header |= {name: order.header[name] for name in PLACES & header.keys()}
    file = order.with_header(written(header))
    with suppress(NdviError):
        order.run(file)


@given(data=st.data())
@examples(60)
def test_so_is_one_with_anything_in_a_column(order: Order, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(order.table.column_names))
    if name in ELEMENTS and data.draw(st.booleans()):
        lists = st.none() | st.lists(ELEMENTS[name], max_size=3)
        file = order.with_values(name, [data.draw(lists), data.draw(lists)])
    elif name == "geometry" and data.draw(st.booleans()):
        valid = order.table.column(name).to_pylist()
        file = order.with_values(name, [data.draw(damaged(valid[0])), valid[1]])
    else:
        file = order.with_column(name, pa.array(data.draw(st.sampled_from(OTHER_COLUMNS))))
    with suppress(NdviError):
        order.run(file)


@given(data=st.data())
@examples(40)
def test_so_is_one_with_any_bytes_damaged(order: Order, data: st.DataObject) -> None:
    file = data.draw(damaged(order.whole))
    with suppress(NdviError):
        order.run(file)


NOWHERE = shapely.Polygon([(11, 46), (11.01, float("nan")), (11.01, 46.01)])
LINE, FAR, NAN = map(shapely.to_wkb, (shapely.LineString([(0, 0), (1, 1)]), shapely.box(1e9, 0, 2e9, 1), NOWHERE))


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("geometry", [LINE, LINE], r"fields\.0\.geometry: neither empty nor polygons in degrees"),
        ("geometry", [FAR, FAR], r"fields\.0\.geometry: neither empty nor polygons in degrees"),
        ("geometry", [NAN, NAN], r"fields\.0\.geometry: neither empty nor polygons in degrees"),
        ("geometry", [None, LINE], "geometry: a value is missing"),
        ("geometry_hash", [None, "x"], "geometry_hash: a value is missing"),
        ("dates", [None, [1]], "dates: a value is missing"),
        ("dates", [[1], [1, 2]], r"fields\.0: dates, scene_sets, fingerprints are not of one length"),
        ("dates", [[-(2**31), 0], [1, 2]], "there is no such day|out of range"),
    ],
)
def test_values_of_an_order_are_refused_by_name(order: Order, name: str, values: list[Any], said: str) -> None:
    with pytest.raises(BadInput, match=f"is no work order that can be run: .*({said})"):
        order.run(order.with_values(name, values))


def test_geometries_that_are_numbers_are_refused(order: Order) -> None:
    with pytest.raises(BadInput, match="geometry: the column is "):
        order.run(order.with_column("geometry", pa.array([1.5, 2.5])))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("[" * 100_000 + "]" * 100_000, "no JSON in the metadata ndvi:order"),
        ('{"label": "\\ud800"}', "no JSON in the metadata ndvi:order: .*surrogates not allowed"),
    ],
    ids=["too deep", "half a character"],
)
def test_a_header_that_cannot_be_used_is_refused(order: Order, header: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        order.run(order.with_header(header))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("baseline", "", r"scenes\.0\.baseline: "),
        ("updated", "2025-06-01T20:00:00", r"scenes\.0\.updated: .*timezone"),
        ("offset", {"rule": "none@1", "red": 10**400}, r"scenes\.0\.offset\.red: .*less than or equal to 32767"),
        (
            "footprint",
            {"type": "Polygon", "coordinates": [[[12, 46], [12, 10**400], [8, 49], [12, 46]]]},
            r"scenes\.0\.footprint: .*not a GeoJSON geometry",
        ),
    ],
    ids=["no baseline", "no time zone", "an offset without end", "a place without end"],
)
def test_a_scene_with_an_impossible_value_is_refused_by_name(order: Order, name: str, value: Any, said: str) -> None:
    header = json.loads(json.dumps(order.header))
    header["scenes"][0][name] = value
    with pytest.raises(BadInput, match=said):
        order.run(order.with_header(json.dumps(header)))


def test_a_field_of_which_nothing_is_left_is_run(order: Order) -> None:
    nothing = shapely.to_wkb(shapely.Polygon())
    order.run(order.with_values("geometry", [nothing, nothing]))


def test_damage_within_a_parquet_file_is_told_as_that(order: Order) -> None:
    footer = int.from_bytes(order.whole[-8:-4], "little") + 8
    with pytest.raises(BadInput, match="a damaged Parquet file: "):
        order.run(order.whole[:-footer] + bytes(footer - 8) + order.whole[-8:])

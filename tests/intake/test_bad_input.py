"""Uploads that are spoiled anywhere, all the way in: what is checked is registered, or rejected with a reason."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from support.bounds import bounded
from support.chance import examples
from support.features import SQUARE, collection, feature
from support.spoiled import encoded, spoiled, written
from support.uploads import PENDING, SETTINGS, objects, upload

from ndvi_core.errors import BadInput
from ndvi_core.intake.extent_file import load_extent
from ndvi_core.intake.pending import process_pending
from ndvi_core.intake.submit import check_file
from ndvi_core.storage.object_store import Store

COLLECTION = json.loads(
    collection(feature(object_id="a", end_date="2025-09-30"), feature(object_id="b", season="first"), name="farm")
)
RECTANGLE = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": SQUARE}]}
SEQUENCE_MARK = "\x1e"


def spoiled_bytes(data: st.DataObject, document: Any) -> bytes:
    return data.draw(encoded(written(data.draw(spoiled(document)))))


@given(data=st.data())
@settings(examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_upload_with_anything_anywhere_in_it_is_taken_in(store: Store, engine: Engine, data: st.DataObject) -> None:
    parts = [spoiled_bytes(data, COLLECTION)]
    if data.draw(st.booleans()):
        parts += [SEQUENCE_MARK.encode(), collection(feature(object_id="c"))]
    file = b"".join(parts)
    with bounded():
        checked = check_file(file, engine.connect, store, SETTINGS)
        assert checked.ready or checked.waiting or checked.problems
        assert all(problem.message and problem.model_dump_json() for problem in checked.problems)
        if len(file) > SETTINGS.max_geojson_bytes:
            return
        upload(store, "spoiled.geojson", file)
        (report,) = process_pending(store, SETTINGS, engine).files
    assert report.outcome != "left"
    assert {*report.added, *report.changed} <= {field.field_id for field in checked.ready}
    assert objects(store, PENDING) == {}


@given(data=st.data())
@settings(examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_extent_with_anything_anywhere_in_it_is_used_or_refused(store: Store, data: st.DataObject) -> None:
    store.write("bbox.geojson", spoiled_bytes(data, RECTANGLE))
    with bounded():
        try:
            extent = load_extent(store, "bbox.geojson")
        except BadInput as error:
            with pytest.raises(BadInput, match=r"the extent .*bbox\.geojson is not usable"):
                raise error
        else:
            assert extent.polygon.area > 0

"""Files that are not GeoJSON: they are called by their name, with what to do."""

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chance import examples
from support.features import RING, collection, feature, only_problem

from ndvi_core.errors import BadInput
from ndvi_core.intake.extent_file import load_extent
from ndvi_core.intake.features import parse_fields
from ndvi_core.storage.object_store import Store

GEOJSON = collection(feature())


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, bytes(range(256)))
    return data.getvalue()


def xml(root: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- made -->\n{root}'.encode()


@pytest.mark.parametrize(
    ("data", "name", "mend"),
    [
        pytest.param(gzip.compress(GEOJSON), "gzip", "gunzip", id="gzip"),
        pytest.param(bz2.compress(GEOJSON), "bzip2", "decompress", id="bzip2"),
        pytest.param(lzma.compress(GEOJSON), "xz", "decompress", id="xz"),
        pytest.param(zipped("fields.shp", "fields.dbf"), "Shapefile", "ogr2ogr -lco RFC7946=YES", id="Shapefile"),
        pytest.param(zipped("a/fields.geojson"), "ZIP archive of GeoJSON", "unzip", id="zipped GeoJSON"),
        pytest.param(zipped("doc.kml"), "KMZ", "ogr2ogr", id="KMZ"),
        pytest.param(zipped("[Content_Types].xml", "xl/workbook.xml"), "Excel", "export", id="xlsx"),
        pytest.param(zipped("farm.gdb/a0001.gdbtable"), "Geodatabase", "ogr2ogr", id="zipped geodatabase"),
        pytest.param(zipped("readme.txt"), "ZIP archive", "unzip", id="another zip"),
        pytest.param(zipped("fields.shp")[:80], "ZIP archive", "damaged", id="a zip cut off"),
        pytest.param(b"\0\0\x27\x0a" + bytes(96), "Shapefile", "ogr2ogr", id="shp"),
        pytest.param(b"PAR1\x15\x04\xff\xffPAR1", "Parquet", "ogr2ogr", id="Parquet"),
        pytest.param(b"fgb\x03fgb\x00\xff", "FlatGeobuf", "ogr2ogr", id="FlatGeobuf"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF", "export", id="PDF"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20), "Excel", "export", id="xls"),
        pytest.param(xml('<kml xmlns="http://www.opengis.net/kml/2.2"/>'), "KML", "ogr2ogr", id="KML"),
        pytest.param(b"<kml>", "KML", "ogr2ogr", id="KML without a head"),
        pytest.param(xml("<gml:FeatureCollection/>"), "GML", "ogr2ogr", id="GML"),
        pytest.param(xml("<wfs:FeatureCollection/>"), "GML", "ogr2ogr", id="WFS"),
        pytest.param(xml("<ows:ExceptionReport/>"), "error of a map server", "ask", id="error of a WFS"),
        pytest.param(b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page", "download", id="HTML"),
        pytest.param(b"<HTML>", "web page", "download", id="HTML in capitals"),
        pytest.param(xml("<gpx/>"), "GPX", "export", id="GPX"),
        pytest.param(xml("<other/>"), "XML", "export", id="other XML"),
        pytest.param(b"object-id,plant-date,wkt\na,2025-04-01,POLYGON\n", "CSV", "ogr2ogr", id="CSV"),
        pytest.param(b"object-id;plant-date\r\na;2025-04-01\r\n", "CSV", "export", id="CSV with semicolons"),
        pytest.param(b"POLYGON ((10 40, 11 40, 11 41, 10 40))", "WKT", "ogr2ogr", id="WKT"),
        pytest.param(b"var fields = " + GEOJSON, "JavaScript", "JSON", id="JavaScript"),
        pytest.param(b"callback(" + GEOJSON + b");", "JavaScript", "JSON", id="JSONP"),
    ],
)
def test_a_file_of_another_format_is_named_with_what_to_do(data: bytes, name: str, mend: str) -> None:
    parsed = parse_fields(data)
    assert parsed.fields == ()
    problem = only_problem(parsed)
    assert problem.reason in ("not_utf8", "not_json")
    assert name in problem.message
    assert mend in problem.message


def test_a_geopackage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "fields.gpkg"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA application_id = 0x47504B47")  # "GPKG", OGC 12-128r19, requirement 2
        database.execute("CREATE TABLE gpkg_contents (table_name TEXT)")
    assert "GeoPackage" in only_problem(parse_fields(path.read_bytes())).message
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA application_id = 0")
    assert "SQLite" in only_problem(parse_fields(path.read_bytes())).message


ESRI = {"attributes": {"object-id": "a"}, "geometry": {"rings": [RING]}}


@pytest.mark.parametrize(
    ("document", "name", "mend"),
    [
        ({"geometryType": "esriGeometryPolygon", "features": [ESRI]}, "Esri JSON", "ogr2ogr"),
        ({"features": [ESRI]}, "Esri JSON", "f=geojson"),
        (ESRI, "Esri JSON", "ogr2ogr"),
        ({"type": "Topology", "objects": {}, "arcs": []}, "TopoJSON", "ogr2ogr"),
        ([feature()], "array of features", "FeatureCollection"),
        ({"features": [feature()]}, '"type" is missing', "FeatureCollection"),
        ({"data": json.loads(GEOJSON)}, "'data'", "alone"),
        ({"error": {"code": 498, "message": "Invalid token"}}, "Invalid token", "ask it again"),
        ({"version": 0.6, "generator": "Overpass API", "elements": []}, "Overpass", "osmtogeojson"),
    ],
)
def test_json_of_another_kind_is_named_with_what_to_do(document: Any, name: str, mend: str) -> None:
    problem = only_problem(parse_fields(json.dumps(document).encode()))
    assert problem.reason == "not_geojson"
    assert name in problem.message
    assert mend in problem.message


@pytest.mark.parametrize("data", [b"no JSON", b"a, b", b"{,}\n{,}", b"[1, 2", b"Farm: north\nfields: 3\n"])
def test_what_is_nothing_known_is_called_no_json(data: bytes) -> None:
    assert "this is not JSON" in only_problem(parse_fields(data)).message or data == b"[1, 2"


def test_the_error_of_a_server_may_be_nested_as_deep_as_json_is_read() -> None:
    deep = b'{"error": ' + b"[" * 900 + b"]" * 900 + b"}"
    assert "error of a server (an array)" in only_problem(parse_fields(deep)).message


@given(st.data())
@examples(100)
def test_no_damage_to_a_zip_raises(data: st.DataObject) -> None:
    damaged = bytearray(zipped("fields.shp", "fields.dbf"))
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(4, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert "ZIP archive" in only_problem(parse_fields(bytes(damaged))).message


def test_an_extent_of_another_format_is_named_too(store: Store) -> None:
    store.write("bbox.geojson", gzip.compress(GEOJSON))
    with pytest.raises(BadInput, match="compressed by gzip"):
        load_extent(store, "bbox.geojson")

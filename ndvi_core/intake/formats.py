"""What a file is that is not GeoJSON: told by its first bytes or members, with what to do about it."""

import re
import struct
import zipfile
from io import BytesIO
from typing import Any

from ndvi_core.intake.document import Rejection, show

_READ_BYTES = 4096
"""Bytes from the beginning of a text that are looked at."""
_READ_NAMES = 10_000
"""Names in an archive that are looked at."""
_CONVERT = "convert it to GeoJSON, in WGS84 (ogr2ogr -lco RFC7946=YES out.geojson {source})"
_DECOMPRESS = "decompress it and upload the GeoJSON that is in it"
_EXPORT = "export the fields as GeoJSON (RFC 7946)"

_MAGIC = (
    (b"\x1f\x8b", "compressed by gzip", f"{_DECOMPRESS} (gunzip)"),
    (b"BZh", "compressed by bzip2", f"{_DECOMPRESS} (bunzip2)"),
    (b"\xfd7zXZ\0", "compressed by xz", f"{_DECOMPRESS} (unxz)"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", f"{_DECOMPRESS} (unzstd)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _DECOMPRESS),
    (b"Rar!\x1a\x07", "a RAR archive", _DECOMPRESS),
    (b"PAR1", "Parquet", _CONVERT.format(source="in.parquet")),
    (b"ARROW1", "Arrow", _CONVERT.format(source="in.arrow")),
    (b"fgb\x03fgb", "FlatGeobuf", _CONVERT.format(source="in.fgb")),
    (b"\0\0\x27\x0a", "a part of a Shapefile (.shp or .shx)", _CONVERT.format(source="in.shp")),
    (b"%PDF", "a PDF document", _EXPORT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a file of Excel or Word", _EXPORT),
    (b"\x89PNG", "a PNG picture", _EXPORT),
    (b"\xff\xd8\xff", "a JPEG picture", _EXPORT),
    (b"GIF8", "a GIF picture", _EXPORT),
    (b"II*\0", "a TIFF image", _EXPORT),
    (b"MM\0*", "a TIFF image", _EXPORT),
    (b"\x89HDF", "HDF5 or netCDF", _EXPORT),
)
"""First bytes, as the formats' specifications have them; what the file is; what to do."""
_ZIPPED = (
    (r"\.shp$", "of a Shapefile", _CONVERT.format(source="/vsizip/in.zip")),
    (r"^xl/", "that is an Excel workbook (xlsx)", _EXPORT),
    (r"^word/", "that is a Word document (docx)", _EXPORT),
    (r"\.kml$", "of KML (KMZ)", _CONVERT.format(source="in.kmz")),
    (r"\.gdb/", "of a File Geodatabase", _CONVERT.format(source="in.gdb.zip")),
    (r"\.gpkg$", "of a GeoPackage", _CONVERT.format(source="/vsizip/in.zip")),
    (r"\.(geo)?json[ls]?$", "of GeoJSON", "unzip it and upload the GeoJSON that is in it"),
)
"""Names in a ZIP archive; what it is an archive of; what to do."""
_XML = (
    ("kml", "KML", _CONVERT.format(source="in.kml")),
    ("gpx", "GPX, which has tracks and points and no fields", _EXPORT),
    ("html", "a web page (HTML), perhaps the page of an error or of a login", f"download the file again, or {_EXPORT}"),
    ("svg", "an SVG picture", _EXPORT),
    ("ServiceException|ExceptionReport", "the error of a map server (XML)", "ask the server again for GeoJSON"),
    ("FeatureCollection|gml", "GML", _CONVERT.format(source="in.gml")),
)
"""Name of the root element, as a regular expression; what the file is; what to do."""
_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_PROLOG = re.compile(r"\s*(<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*", re.DOTALL | re.IGNORECASE)
_WKT = re.compile(r"\s*\"?(SRID=\d+;)?(MULTI)?(POLYGON|POINT|LINESTRING)\s*(Z|M|ZM)?\s*\(", re.IGNORECASE)
_SCRIPT = re.compile(r"\s*(var|let|const|window\.|export|module\.)?\s*[\w.$]*\s*[=(]\s*[{\[]")


def explained(rejection: Rejection, data: bytes) -> Rejection:
    """Return a rejection of bytes that are no JSON with what they are instead, as far as that is known."""
    what = _foreign(data) if rejection.reason in ("not_json", "not_utf8") else None
    return rejection if what is None else Rejection(rejection.reason, rejection.where, what)


def _foreign(data: bytes) -> str | None:
    for magic, what, mend in _MAGIC:
        if data.startswith(magic):
            return f"this is {what}: {mend}" if " " in what else f"this is a {what} file: {mend}"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(data)
    if data.startswith(b"SQLite format 3\0"):
        what = "a GeoPackage" if data[68:72] in (b"GPKG", b"GP10", b"GP11") else "an SQLite database"
        return f"this is {what}: {_CONVERT.format(source='in.gpkg')}"
    if data[257:262] == b"ustar":
        return f"this is a tar archive: {_DECOMPRESS}"
    return _text(data[:_READ_BYTES].decode("utf-8-sig", errors="replace"))


def foreign_json(document: object) -> str | None:
    """Return what a JSON document is that is not GeoJSON, and what to do, for a person; None if it is nothing known."""
    if isinstance(document, list):
        if any(isinstance(item, dict) and item.get("type") == "Feature" for item in document[:10]):
            return (
                "this is an array of features: put it into a FeatureCollection, "
                '{"type": "FeatureCollection", "features": [...]}'
            )
        return None
    if not isinstance(document, dict):
        return None
    if document.get("type") == "Topology":
        return f"this is TopoJSON: {_CONVERT.format(source='in.topojson')}"
    if _is_esri(document):
        convert = _CONVERT.format(source="in.json")
        return f"this is Esri JSON: {convert}, or ask the server for GeoJSON (f=geojson, outSR=4326)"
    error = document.get("error") or document.get("exceptions")
    if error:
        message = error.get("message") if isinstance(error, dict) else error
        return f"this is the error of a server ({show(message)}): ask it again"
    if isinstance(document.get("elements"), list) and ("osm3s" in document or "generator" in document):
        return "this is an answer of OpenStreetMap's Overpass API: convert it to GeoJSON (osmtogeojson)"
    inner = next((name for name, value in document.items() if _is_collection(value)), None)
    if inner is not None:
        return f"the FeatureCollection is within the member {show(inner)} of an object: upload it alone"
    if isinstance(document.get("features"), list) and document.get("type") is None:
        return 'the "type" is missing: begin the file with {"type": "FeatureCollection", "features": ...'
    return None


def _is_collection(value: object) -> bool:
    return isinstance(value, dict) and value.get("type") == "FeatureCollection"


def _is_esri(document: dict[str, Any]) -> bool:
    kind, features = document.get("geometryType"), document.get("features")
    first = features[0] if isinstance(features, list) and features else None
    return (
        (isinstance(kind, str) and kind.startswith("esriGeometry"))
        or (isinstance(first, dict) and "attributes" in first and "type" not in first)
        or (isinstance(document.get("rings"), list) or isinstance(document.get("attributes"), dict))
    )


def _zip(data: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()[:_READ_NAMES]
    except (zipfile.BadZipFile, struct.error, ValueError, OSError, NotImplementedError):
        return "this is a ZIP archive that was cut off or is damaged: unzip it, and upload the GeoJSON that is in it"
    for pattern, what, mend in _ZIPPED:
        if any(re.search(pattern, name, re.IGNORECASE) for name in names):
            return f"this is a ZIP archive {what}: {mend}"
    return f"this is a ZIP archive: unzip it, and {_EXPORT}"


def _xml(text: str) -> str:
    root = _ROOT.match(_PROLOG.sub("", text, count=1))
    kind = root[1] if root else ""
    for name, what, mend in _XML:
        if re.fullmatch(name, kind, re.IGNORECASE):
            return f"this is {what}: {mend}"
    return f"this is XML or HTML: {_EXPORT}"


def _text(text: str) -> str | None:
    start = text.lstrip()
    if start.startswith("<"):
        return _xml(start)
    if _WKT.match(text):
        return f"this is WKT: {_CONVERT.format(source='in.csv')}"
    if start.startswith("!table"):
        return f"this is a MapInfo table: {_CONVERT.format(source='in.tab')}"
    if re.match(r"Version\s+\d+\s*\r?\nCharset", start, re.IGNORECASE):
        return f"this is a MapInfo file (MIF): {_CONVERT.format(source='in.mif')}"
    if re.match(r"0\s*\r?\nSECTION", start):
        return f"this is a drawing (DXF), which has no place on Earth: {_EXPORT}"
    if _SCRIPT.match(start) and not start.startswith(("{", "[")):
        return "this is JavaScript: upload the JSON in it alone, from its first brace to the last"
    if _is_table(text):
        return (
            "this is a table (CSV): if a column has boundaries as WKT, "
            + _CONVERT.format(source="-oo GEOM_POSSIBLE_NAMES=wkt in.csv")
            + "; else export them with the table"
        )
    return None


def _is_table(text: str) -> bool:
    """Return whether the first lines are columns of the same number, divided by comma, semicolon or tab."""
    lines = [line for line in text.split("\n")[:3] if line.strip()]
    if len(lines) < 2 or lines[0].lstrip().startswith(("{", "[", '"{')):
        return False
    header = lines[0]
    return any(header.count(mark) and header.count(mark) <= lines[1].count(mark) for mark in ",;\t")

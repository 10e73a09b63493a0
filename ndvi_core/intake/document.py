"""A GeoJSON document: from bytes to JSON objects, and the rejections of what is wrong in it."""

import json
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from ndvi_core.errors import BadInput

Reason = Literal[
    "antimeridian",
    "bad_coordinates",
    "bad_date",
    "bad_id",
    "bad_key",
    "bad_plant_type",
    "bare_geometry",
    "duplicate_id",
    "empty_file",
    "end_before_plant",
    "mended",
    "missing_property",
    "no_features",
    "no_geometry",
    "no_properties",
    "not_a_feature",
    "not_finite",
    "not_geojson",
    "not_json",
    "not_polygonal",
    "not_utf8",
    "out_of_range",
    "repeated_feature",
    "repeated_member",
    "self_intersection",
    "too_deep",
    "too_few_points",
    "too_large",
    "too_many_features",
    "too_many_vertices",
    "unclosed_ring",
    "unreadable",
    "wrong_crs",
    "wrong_object_type",
    "zero_area",
]
"""Why something was refused, or (`mended`, `repeated_feature`) registered otherwise than it was written. The values are
part of the errors files: add to them, never rename one."""

SHOWN_CHARACTERS = 60
"""Characters of a value from the document in messages, at most."""

_WGS84 = re.compile(
    r"(urn:(x-)?ogc:def:crs:|https?://www\.opengis\.net/def/crs/)?"
    r"((ogc[:/]+([\d.]+[:/])?)?crs84h?|epsg[:/]+([\d.]+[:/])?(4326|4979)|wgs ?84)",
    re.IGNORECASE,
)


def read_file(path: str | PathLike[str]) -> bytes:
    """Return the content of a file on this machine.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error


class _WithRepeatedMember(dict[str, Any]):
    """A JSON object that has a member more than once; the last one counts."""

    repeated: str
    """Name of the member that it has most often."""


class Rejection(BadInput):
    """Something in a document that cannot be registered."""

    def __init__(self, reason: Reason, where: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.where = where
        """JSON pointer, or line and column where the text is not JSON; empty is the whole document."""
        self.message = message


def read_json(data: bytes) -> object:
    """Return the document with all numbers as floats; NaN and Infinity are let through for the geometry to refuse.

    A byte order mark is skipped. Objects with a repeated member are refused later, by `as_object`.

    Raises:
        Rejection: empty, not UTF-8, not JSON, or nested beyond what Python's parser takes.
    """
    text = _decode(data)
    if not text or text.isspace():
        raise Rejection("empty_file", "", "the file is empty: upload it again")
    try:
        # Numbers as floats: what comes is coordinates, and no length of digits is an error.
        return json.loads(text, parse_int=float, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
            message = f"the file ends before its JSON does ({error.msg}): it was cut off, upload it again whole"
        else:
            message = f"this is not JSON: {error.msg}. Export it again as GeoJSON"
        raise Rejection("not_json", where, message) from error
    except RecursionError as error:
        raise Rejection("too_deep", "", "objects are nested too deeply to be GeoJSON: export it again") from error


def as_object(value: object, where: str, reason: Reason, what: str) -> dict[str, Any]:
    """Return `value` if it is a JSON object whose members have names of their own.

    Raises:
        Rejection: with `reason` if it is not an object; `what` says what it should be.
    """
    if not isinstance(value, dict):
        raise Rejection(reason, where, f"{what} has to be a JSON object, not {show(value)}")
    if isinstance(value, _WithRepeatedMember):
        name = show(value.repeated)
        raise Rejection("repeated_member", where, f"{what} has {name} more than once: keep the one that is meant")
    return value


def check_crs(members: dict[str, Any], where: str) -> None:
    """Check that an object has no `crs` member (of GeoJSON before RFC 7946), or one that names WGS84.

    Raises:
        Rejection: coordinates are in another reference system, or in one that is not named in a known way.
    """
    crs = members.get("crs")
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not (isinstance(name, str) and _WGS84.fullmatch(name.strip())):
        raise Rejection(
            "wrong_crs",
            f"{where}/crs",
            f"coordinates have to be WGS84 longitude and latitude, not in {show(crs if name is None else name)}: "
            "reproject to EPSG:4326 and export again (ogr2ogr -lco RFC7946=YES out.geojson in.geojson)",
        )


def show(value: object) -> str:
    """Return any value as messages quote it: short, printable, on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value[:SHOWN_CHARACTERS]) + ("..." if len(value) > SHOWN_CHARACTERS else "")
    if isinstance(value, float):
        return f"the number {value:.10g}"
    return "an array" if isinstance(value, list) else "an object"


def _decode(data: bytes) -> str:
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in data[:4]:
        raise Rejection("not_utf8", "", "the file is not UTF-8 text but UTF-16, UTF-32 or binary: save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise Rejection(
            "not_utf8", f"line {line} column {column}", f"byte {data[error.start]:#04x} is not UTF-8: save it as UTF-8"
        ) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    repeating = _WithRepeatedMember(members)
    repeating.repeated = Counter(name for name, _ in pairs).most_common(1)[0][0]
    return repeating

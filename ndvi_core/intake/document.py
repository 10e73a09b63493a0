"""A GeoJSON document: from bytes to JSON objects, and the rejections of what is wrong in it."""

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from os import PathLike
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from ndvi_core.errors import BadInput

Reason = Literal[
    "ambiguous_property",
    "antimeridian",
    "bad_coordinates",
    "bad_date",
    "bad_id",
    "bad_key",
    "bad_plant_type",
    "bad_season",
    "bare_geometry",
    "beyond_extent",
    "boundary_changed",
    "crs_taken_as_wgs84",
    "days_left_out",
    "duplicate_id",
    "early_plant_date",
    "empty_file",
    "end_before_plant",
    "future_plant_date",
    "ids_differ_in_case",
    "mended",
    "missing_property",
    "near_property",
    "needs_confirmation",
    "next_season",
    "no_features",
    "no_geometry",
    "no_properties",
    "no_pure_pixel",
    "not_a_feature",
    "not_finite",
    "not_geojson",
    "not_json",
    "not_polygonal",
    "not_utf8",
    "out_of_range",
    "outside_extent",
    "overlap",
    "repeated_feature",
    "repeated_member",
    "season_corrected",
    "season_taken_back",
    "self_intersection",
    "swapped_coordinates",
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
"""Why something was refused, or what there is to tell of what was registered (`Problem.registered`). The values are
part of the errors files: add to them, never rename one."""

SHOWN_CHARACTERS = 60
"""Characters of a value from the document in messages, at most."""
TOO_DEEP = "objects are nested too deeply to be GeoJSON: export it again"

_EXACT_DIGITS = 15
"""Digits of an integer that a float holds, whichever they are."""


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


class Note(NamedTuple):
    """What there is to tell of something that is registered all the same."""

    reason: Reason
    where: str
    """As that of a `Rejection`."""
    message: str


class LongInteger(float):
    """An integer that a float may not hold to the last digit."""

    digits: str
    """As it was written."""

    def __new__(cls, digits: str) -> Self:
        """Return the nearest float, which remembers its digits."""
        number = super().__new__(cls, digits)
        number.digits = digits
        return number


def read_json(data: bytes) -> object:
    """Return the document with all numbers as floats; NaN and Infinity are let through for the geometry to refuse.

    A byte order mark is skipped. Objects with a repeated member are refused later, by `as_object`.

    Raises:
        Rejection: empty, not UTF-8, not JSON, or nested beyond what Python's parser takes.
    """
    text = decode(data)
    try:
        if not text or text.isspace():
            raise Rejection("empty_file", "", "the file is empty: upload it again")
        return json_decoder().decode(text)
    except json.JSONDecodeError as error:
        raise Rejection(
            "not_json", f"line {error.lineno} column {error.colno}", json_defect(error, text, "the file")
        ) from error
    except RecursionError as error:
        raise Rejection("too_deep", "", TOO_DEEP) from error


def json_decoder() -> json.JSONDecoder:
    """Return what reads JSON as `read_json` describes it."""
    return json.JSONDecoder(parse_int=_integer, object_pairs_hook=_object)


def json_defect(error: json.JSONDecodeError, text: str, what: str) -> str:
    """Return in words why `text`, which is `what`, is not JSON."""
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"{what} ends before its JSON does ({error.msg}): it was cut off, upload it again whole"
    return f"this is not JSON: {error.msg}. Export it again as GeoJSON"


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


def show(value: object) -> str:
    """Return any value as messages quote it: short, printable, on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value[:SHOWN_CHARACTERS]) + ("..." if len(value) > SHOWN_CHARACTERS else "")
    if isinstance(value, LongInteger):
        return f"the number {value.digits[:SHOWN_CHARACTERS]}" + ("..." if len(value.digits) > SHOWN_CHARACTERS else "")
    if isinstance(value, float):
        return f"the number {value:.0f}" if value.is_integer() and abs(value) < 1e21 else f"the number {value:.10g}"
    return "an array" if isinstance(value, list) else "an object"


def decode(data: bytes, errors: Literal["strict", "surrogateescape"] = "strict") -> str:
    """Return the text of a file, without its byte order mark.

    Raises:
        Rejection: it is UTF-16, UTF-32 or binary, or `errors` are strict and it is not UTF-8.
    """
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in data[:4]:
        raise Rejection("not_utf8", "", "the file is not UTF-8 text but UTF-16, UTF-32 or binary: save it as UTF-8")
    try:
        return data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise Rejection(
            "not_utf8", f"line {line} column {column}", f"byte {data[error.start]:#04x} is not UTF-8: save it as UTF-8"
        ) from error


def _integer(digits: str) -> float:
    # Most numbers are coordinates, which are floats everywhere; only an id needs all of its digits.
    return float(digits) if len(digits) <= _EXACT_DIGITS else LongInteger(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    repeating = _WithRepeatedMember(members)
    repeating.repeated = Counter(name for name, _ in pairs).most_common(1)[0][0]
    return repeating

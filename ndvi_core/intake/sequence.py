"""GeoJSON texts one after another: newline-delimited, or as RFC 8142 has them, each after a record separator.

Nothing in the file names the standard that it follows (those of ogr2ogr's GeoJSONSeq, of tippecanoe and jq neither), so
it is told by its content.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from ndvi_core.intake.document import TOO_DEEP, Rejection, decode, json_decoder, json_defect, read_json
from ndvi_core.intake.formats import explained

MAX_TEXTS = 200_000
"""Texts of a file, at most."""

_SEPARATOR = "\x1e"
_BLANKS = " \t\r\n\ufeff"
_SPACE = re.compile(f"[{_BLANKS}{_SEPARATOR}]*")
_TEXT_BEGINS = re.compile(f"^[\ufeff{_SEPARATOR}]?[{{]", re.MULTILINE)
"""Where a text may begin after a broken one: at a line's first character. Within indented JSON there are blanks."""
_COLLECTION = re.compile('"features"|"FeatureCollection"')
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""Bytes that are not UTF-8, as `surrogateescape` decodes them."""


class Text(NamedTuple):
    """One GeoJSON text of a file."""

    value: object
    """As `read_json` returns it; a Rejection if it is broken."""
    where: str
    """`line 3` or `record 3`; empty if it is the whole file."""


def read_texts(data: bytes) -> tuple[Text, ...]:
    """Return the GeoJSON texts of a file: one, or those of a sequence, of which a broken one costs no other.

    Raises:
        Rejection: as `read_json`, if it is neither a JSON document nor a sequence; or it has too many texts.
    """
    try:
        return (Text(read_json(data), ""),)
    except Rejection as rejection:
        texts = _sequence(data) if rejection.reason in ("not_json", "not_utf8", "too_deep") else None
        if texts:
            return texts
        raise explained(rejection, data) from rejection


def _sequence(data: bytes) -> tuple[Text, ...] | None:
    """Return the texts of a sequence, None if it is none.

    It is one if a text is a Feature or a FeatureCollection, and the file does not begin as a damaged FeatureCollection:
    of that, features may stand on lines of their own too, but its `crs` counts for them.
    """
    try:
        whole = decode(data, errors="surrogateescape")
    except Rejection:
        return None
    separated = whole[:100].lstrip(_BLANKS).startswith(_SEPARATOR)
    pieces = _separated(whole) if separated else _lines(whole)
    texts: list[Text] = []
    is_geojson = False
    for text, is_broken_collection in _read(pieces, whole):
        if is_broken_collection and not separated and not (texts and _is_whole(texts[0])):
            return None
        texts.append(text)
        is_geojson = is_geojson or _is_geojson(text.value)
        if len(texts) > MAX_TEXTS:
            if not (is_geojson or separated):
                return None
            raise Rejection("too_many_features", "", f"more than {MAX_TEXTS} features are in the file: split it")
    return tuple(texts) if is_geojson or separated else None


class _Piece(NamedTuple):
    """A part of the file that one text is expected in."""

    start: int
    end: int
    name: str | None
    """`record 3`; None: it goes by its line."""


def _separated(whole: str) -> Iterator[_Piece]:
    """Yield what lies between record separators; nothing between two is no record (RFC 7464, section 2.1)."""
    number, start = 0, 0
    while start < len(whole):
        end = whole.find(_SEPARATOR, start)
        end = len(whole) if end < 0 else end
        if whole[start:end].strip(_BLANKS):
            number += 1
            yield _Piece(start, end, f"record {number}")
        start = end + 1


def _lines(whole: str) -> Iterator[_Piece]:
    start = 0
    for found in _TEXT_BEGINS.finditer(whole):
        if found.start() > start:
            yield _Piece(start, found.start(), None)
            start = found.start()
    yield _Piece(start, len(whole), None)


def _read(pieces: Iterator[_Piece], whole: str) -> Iterator[tuple[Text, bool]]:
    """Yield the texts of each piece, and whether it is broken and begins a FeatureCollection.

    What follows a text within its piece is a text too; after a broken one the rest of the piece is passed over.
    """
    decoder = json_decoder()
    line, counted = 1, 0
    for piece in pieces:
        part = whole[piece.start : piece.end].rstrip(_BLANKS)  # errors are to point into it, and are fast to place
        position = _after_space(part, 0)
        while position < len(part):
            line += whole.count("\n", counted, piece.start + position)
            counted = piece.start + position
            where = piece.name or f"line {line}"
            try:
                value, end = decoder.raw_decode(part, position)
                if _NOT_UTF8.search(part, position, end):
                    raise Rejection("not_utf8", where, "the text has bytes that are not UTF-8: save it as UTF-8")
            except Rejection as rejection:
                yield Text(rejection, where), False
            except (json.JSONDecodeError, RecursionError) as error:
                yield (
                    Text(_broken(error, part, position, where, line, piece), where),
                    _COLLECTION.search(part, position) is not None,
                )
                break
            else:
                yield Text(value, where), False
            position = _after_space(part, end)


def _broken(
    error: json.JSONDecodeError | RecursionError, part: str, position: int, where: str, line: int, piece: _Piece
) -> Rejection:
    if isinstance(error, RecursionError):
        return Rejection("too_deep", where, TOO_DEEP)
    if _NOT_UTF8.search(part, position):
        return Rejection("not_utf8", where, "the text has bytes that are not UTF-8: save it as UTF-8")
    at = f"line {line + part.count(chr(10), position, error.pos)} column {error.colno}"
    return Rejection("not_json", f"{piece.name} {at}" if piece.name else at, json_defect(error, part, "the text"))


def _after_space(part: str, position: int) -> int:
    found = _SPACE.match(part, position)
    return found.end() if found else position


def _is_whole(text: Text) -> bool:
    return not isinstance(text.value, Rejection)


def _is_geojson(value: object) -> bool:
    return isinstance(value, dict) and value.get("type") in ("Feature", "FeatureCollection")

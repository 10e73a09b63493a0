"""Valid documents and files, spoiled: what a program, a cable or a person may make of them, drawn by hypothesis."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from itertools import chain, islice
from typing import Any

from hypothesis import strategies as st

DEEP = 100_000
"""Arrays within arrays: more than any parser's stack takes."""
LONG = 70_000
MANY = 3000
"""Values of a document to which no more are added."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Path = tuple[Any, ...]


class Raw(str):
    """JSON as it stands, which need not be valid."""

    __slots__ = ()


class Repeated(dict[str, Any]):
    """An object that has its last member once more, with another value."""

    again: Any


NUMBERS = (
    *map(Raw, ("NaN", "Infinity", "-Infinity", "1e308", "-1e308", "1e999", "-0", "-0.0", "5e-324", "1e-400")),
    *map(Raw, ("2147483648", "-9223372036854775809", "1" + "0" * 400, "9" * 5000, "0.1e1000000")),
    *(0, 1, -1, 0.5, 4, 1e-320, 181, -91, 99_999, 10**20),
)
TEXTS = (
    *map(Raw, ('"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"', '"\\ud83d\\ude00"', '"\\u202e"')),
    *("", " ", "NaN", "null", "../../etc", "a\nb", "é" * 3, "x" * LONG, "٣", "'; --", "%s{0}${x}"),
)
DAYS = (
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31", "0001-01-01", "0000-00-00", "2022-06-31"),
    *("2022-06-02T25:00:00Z", "2022-06-02T10:10:31+99:99", "2022-W22-4", "20220602", "-2022-06-02", "10000-01-01"),
)
DIGITS = ("0", "-1", "1e999", "9" * 30, "9" * 5000, "99.99", "00.00", "EPSG:999999999999999999999", "٣")
HREFS = ("http://[", "file:///dev/zero", "s3://", "javascript:0", "//", "http://a:b@c:99999/", "/vsimem/x", "\0")
OTHERS = (
    *(None, True, False, [], {}, [[]], [None], {"": None}, [{}], [0] * 1000),
    *map(Raw, ("", "'a'", "[" * 200 + "]" * 200, "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "0" + "}" * DEEP)),
)
_ANY = st.sampled_from((*OTHERS, *NUMBERS, *TEXTS, *DAYS, *DIGITS)) | st.integers() | st.floats() | st.text(max_size=8)


def written(value: Any) -> str:
    """Return a document as JSON, with what is `Raw` or `Repeated` in it."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        members = [*value.items()]
        if isinstance(value, Repeated) and members:
            members.append((members[-1][0], value.again))
        return "{" + ", ".join(f"{json.dumps(name)}: {written(inner)}" for name, inner in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the way to every value in a document, itself first."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    yield from chain.from_iterable(paths(inner, (*path, key)) for key, inner in items)


@st.composite
def spoiled(draw: st.DrawFn, document: Any) -> Any:
    """Draw a document that differs from a valid one in one to four places; `written` makes JSON of it."""
    whole = {"": json.loads(json.dumps(document))}
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
        ways = list(islice(paths(whole), 1, MANY + 1))
        if not 0 < len(ways) < MANY:
            break
        if draw(st.integers(0, 3)) == 0:  # most values lie deep: the few above them would hardly ever be drawn
            depth = draw(st.sampled_from(sorted({len(path) for path in ways})))
            ways = [path for path in ways if len(path) == depth]
        _spoil(draw, whole, draw(st.sampled_from(ways)), ways)
    return whole.get("")


def _spoil(draw: st.DrawFn, whole: Any, path: Path, ways: list[Path]) -> None:
    holder, key = _at(whole, path[:-1]), path[-1]
    ways_to_spoil = ["like"] * 6 + ["replace", "drop", "rename", "repeat", "retype", "wrap", "move", "many"]
    match draw(st.sampled_from(ways_to_spoil)):
        case "like":
            holder[key] = deepcopy(draw(_like(holder[key])))
        case "replace":
            holder[key] = deepcopy(draw(_ANY))
        case "drop":
            del holder[key]
        case "rename" if isinstance(holder, dict):
            holder[draw(st.sampled_from([key.upper(), f" {key}", f"{key}\0", "", "type"]))] = holder.pop(key)
        case "repeat" if isinstance(holder, dict) and len(path) > 1:
            again = Repeated({name: inner for name, inner in holder.items() if name != key} | {key: holder[key]})
            again.again = deepcopy(draw(_ANY))
            _at(whole, path[:-2])[path[-2]] = again
        case "retype":
            holder[key] = {"value": holder[key]} if draw(st.booleans()) else written(holder[key])
        case "wrap":
            holder[key] = [holder[key]]
        case "move":
            holder[key] = json.loads(written(_at(whole, draw(st.sampled_from(ways))))) if _is_plain(whole) else None
        case _:
            holder[key] = [deepcopy(holder[key]) for _ in range(draw(st.sampled_from([2, 3, 50])))]


def _like(value: Any) -> st.SearchStrategy[Any]:
    """Return what is of the kind of a value, so that no check of types keeps it from going further."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return st.sampled_from(NUMBERS) | st.floats() | st.integers()
    if not isinstance(value, str):
        return _ANY
    if _DAY.match(value):
        return st.sampled_from(DAYS) | st.datetimes().map(datetime.isoformat)
    if "://" in value:
        return st.sampled_from(HREFS)
    return st.sampled_from((*TEXTS, *DIGITS)) | st.text(max_size=8)


def _at(whole: Any, path: Path) -> Any:
    for key in path:
        whole = whole[key]
    return whole


def _is_plain(value: Any) -> bool:
    return not any(isinstance(_at(value, path), Raw | Repeated) for path in paths(value))


@st.composite
def damaged(draw: st.DrawFn, data: bytes, upto: int | None = None) -> bytes:
    """Draw the bytes of a file that is cut, or some of whose bytes (before `upto`) are others.

    Args:
        draw: of hypothesis.
        data: the file.
        upto: where what is looked at ends, e.g. its header.
    """
    spoiled = bytearray(data)
    for _ in range(draw(st.integers(1, 6))):
        if not spoiled:
            break
        place = draw(st.integers(0, min(upto or len(spoiled), len(spoiled)) - 1))
        match draw(st.sampled_from(["flip", "set", "number", "number", "cut", "drop", "add"])):
            case "flip":
                spoiled[place] ^= 1 << draw(st.integers(0, 7))
            case "set":
                spoiled[place] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
            case "number":
                size = draw(st.sampled_from([2, 4, 8]))
                number = draw(
                    st.sampled_from([0, 1, len(data), 0x7FFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 2**63, 2**64 - 1])
                )
                order = draw(st.sampled_from(["little", "big"]))
                spoiled[place : place + size] = (number % 256**size).to_bytes(size, order)  # type: ignore[arg-type]
            case "cut":
                del spoiled[place:]
            case "drop":
                del spoiled[place : place + draw(st.integers(1, 64))]
            case _:
                spoiled[place:place] = draw(st.binary(min_size=1, max_size=64))
    return bytes(spoiled)


@st.composite
def encoded(draw: st.DrawFn, text: str) -> bytes:
    """Draw the bytes of a text in UTF-8, mostly; in some other encoding, with a byte order mark, or damaged."""
    match draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "utf-32-be", "latin-1", "damaged"])):
        case "damaged":
            return draw(damaged(text.encode("utf-8", "surrogatepass")))
        case encoding:
            return text.encode(encoding, "replace")

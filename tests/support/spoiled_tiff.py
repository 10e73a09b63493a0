"""TIFFs whose header says something else than what is in them, drawn by hypothesis: sizes, places, types, the grid."""

import struct
from typing import NamedTuple

from hypothesis import strategies as st
from support.spoiled import damaged

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 11: 4, 12: 8, 16: 8}
"""Bytes of a value of each type of the TIFF 6.0 specification, and of BigTIFF."""
_FORMATS = {1: "B", 3: "H", 4: "I", 11: "f", 12: "d", 16: "Q"}
_WHOLE = (0, 1, 2, 7, 15, 16, 255, 256, 4096, 32_767, 65_520, 65_535, 2**30, 2**31 - 1, 2**31, 2**32 - 1, 2**64 - 1)
_FLOATS = (0.0, -0.0, 1.0, -10.0, 1e-9, 1e-3, 0.5, 20.0, 1e9, 1e300, -1e300, 5e-324, float("inf"), float("nan"))
WIDTH, HEIGHT, TILE_WIDTH, TILE_HEIGHT, PIXEL_SCALE = 256, 257, 322, 323, 33_550


class _Entry(NamedTuple):
    """An entry of a directory, little-endian."""

    place: int
    tag: int
    type: int
    count: int
    values: int
    """Place of the values: in the entry, if there is room, or where it points."""


def with_tags(data: bytes, values: dict[int, float]) -> bytes:
    """Return a classic TIFF whose first directory has other first values of tags."""
    changed = bytearray(data)
    for entry in _entries(data):
        if entry.tag in values and entry.type == 3:
            struct.pack_into("<HII", changed, entry.place + 2, 4, 1, int(values[entry.tag]))
        elif entry.tag in values:
            _set(changed, entry, 0, values[entry.tag])
    return bytes(changed)


@st.composite
def spoiled_tiff(draw: st.DrawFn, data: bytes) -> bytes:
    """Draw a file that differs from a valid, little-endian TIFF in some values of its directory, or anywhere."""
    if draw(st.integers(0, 3)) == 0:
        return draw(damaged(data, draw(st.sampled_from([16, 400, None]))))
    changed, entries = bytearray(data), _entries(data)
    for _ in range(draw(st.sampled_from([1, 1, 2, 4]))):
        entry = draw(st.sampled_from(entries))
        match draw(st.sampled_from(["value"] * 6 + ["tag", "type", "count"])):
            case "tag":
                struct.pack_into("<H", changed, entry.place, draw(st.sampled_from([0, 254, 330, 65_535])))
            case "type":
                struct.pack_into("<H", changed, entry.place + 2, draw(st.integers(0, 20)))
            case "count":
                count = draw(st.sampled_from([0, 1, 2, 3, 10_000, 2**31 - 1, 2**32 - 1]))
                struct.pack_into("<I", changed, entry.place + 4, count)
            case _:
                kinds = _FLOATS if entry.type in (11, 12) else _WHOLE
                _set(changed, entry, draw(st.integers(0, max(entry.count, 1) - 1)), draw(st.sampled_from(kinds)))
    return bytes(changed)


def _entries(data: bytes) -> list[_Entry]:
    is_big = data[2] == 43
    (start,) = struct.unpack_from("<Q" if is_big else "<I", data, 8 if is_big else 4)
    (count,) = struct.unpack_from("<Q" if is_big else "<H", data, start)
    places = [start + (8 + 20 * number if is_big else 2 + 12 * number) for number in range(count)]
    return [_entry(data, place, is_big) for place in places]


def _entry(data: bytes, place: int, is_big: bool) -> _Entry:
    tag, kind, count = struct.unpack_from("<HHQ" if is_big else "<HHI", data, place)
    values, room, pointer = (place + 12, 8, "<Q") if is_big else (place + 8, 4, "<I")
    if _SIZES.get(kind, 1) * count > room:
        (values,) = struct.unpack_from(pointer, data, values)
    return _Entry(place, tag, kind, count, values)


def _set(data: bytearray, entry: _Entry, number: int, value: float) -> None:
    code = _FORMATS.get(entry.type, "B")
    size = struct.calcsize(code)
    exact = value if code in "fd" else int(value) % 256**size
    struct.pack_into(f"<{code}", data, entry.values + number * size, exact)

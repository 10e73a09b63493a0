"""Columns of Arrow from numpy arrays and back, with nulls, without a Python object for each value."""

import ctypes
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from arro3.core import Array, ChunkedArray


def with_nulls(values: NDArray[Any], known: NDArray[np.bool_]) -> "Array":
    """Return a column of numbers that is null where nothing is known."""
    from arro3.core import Array, DataType

    # NaN is no index, so that a cast makes it a null; and what is taken from there is a null.
    places = np.where(known, np.arange(len(values), dtype=np.float64), np.nan)
    return Array(np.ascontiguousarray(values)).take(Array(places).cast(DataType.uint32()))


def numbers(column: "ChunkedArray") -> NDArray[Any]:
    """Return a column of numbers or days (counted from 1970) that has no nulls."""
    from arro3.core import DataType

    if DataType.is_date32(column.type):
        column = column.cast(DataType.int32())
    return _joined([np.asarray(chunk) for chunk in column.chunks])


def floats(column: "ChunkedArray") -> NDArray[Any]:
    """Return a column of floating-point numbers, NaN where it is null."""
    return _joined([_floats(chunk) for chunk in column.chunks])


def _joined(chunks: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(chunks) if chunks else np.zeros(0)


def _floats(chunk: "Array") -> NDArray[Any]:
    size = np.float32 if chunk.type.bit_width == 32 else np.float64
    if not chunk.null_count:
        return np.asarray(chunk)
    _, capsule = chunk.__arrow_c_array__()
    found = _ArrowArray.from_address(_pointer(capsule, b"arrow_array"))
    start, count = found.offset, found.length
    valid = _bytes(found.buffers[0], (start + count + 7) // 8)
    values = np.frombuffer(_bytes(found.buffers[1], (start + count) * np.dtype(size).itemsize), size)[start:].copy()
    is_valid = np.unpackbits(valid, count=start + count, bitorder="little")[start:]
    values[is_valid == 0] = np.nan
    return values


class _ArrowArray(ctypes.Structure):
    """The beginning of https://arrow.apache.org/docs/format/CDataInterface.html#structure-definitions."""

    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    )


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)


def _bytes(address: int | None, size: int) -> NDArray[np.uint8]:
    """Return bytes of a buffer, which lives as long as its array."""
    return np.ctypeslib.as_array(ctypes.cast(cast("int", address), ctypes.POINTER(ctypes.c_uint8)), (size,))

"""What a store says of an object without its content."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectInfo:
    """An entry of a listing."""

    key: str
    """Relative to the store."""
    size: int
    """Bytes."""
    etag: str
    """Changes with the content."""

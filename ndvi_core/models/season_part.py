"""Parts of the seasons' files: the seasons of 4096 fields of the registry that were planted in one year."""

from typing import NamedTuple

PART_BITS = 12
"""A part holds the fields whose sequences are equal but for so many of the last bits."""


class SeasonPart(NamedTuple):
    """What is computed and written at once."""

    year: int
    """Of the plant dates."""
    part: int
    """The fields' sequence without its last bits."""

    @property
    def sequences(self) -> tuple[int, int]:
        """The first and the last sequence that fields of the part may have."""
        return self.part << PART_BITS, (self.part + 1 << PART_BITS) - 1

    def key(self, prefix: str) -> str:
        """Return the key of the part's file below a prefix, in folders that programs read as columns of one table."""
        return f"{prefix}year={self.year}/part={self.part:05d}.parquet"

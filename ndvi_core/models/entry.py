"""An entry of the ledger, as the planner sees it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """The part of a ledger row that the planner needs."""

    fingerprint: str
    status: str
    failed_fingerprint: str | None = None
    """Fingerprint of a newer attempt that failed, while the row kept its answer."""
    other_extent: str | None = None
    """Extent that the row was computed for, if that is not the present one."""
    geometry_hash: str | None = None
    """Hash of the geometry that the row was computed for, if the extent is another one."""

"""Builds of the product that are broken on purpose, to show that the suite sees it: patches of a step's process."""

from collections.abc import Callable, Mapping
from typing import Any

from ndvi_core.catalog import paging
from ndvi_core.errors import TryAgain
from ndvi_core.intake import pending
from ndvi_core.registry import ledger
from ndvi_core.storage.object_store import Store


def _no_lock_of_days() -> None:
    """Publish a day while others do."""
    ledger.lock_day = lambda connection, day: None


def _uploads_go_first() -> None:
    """Remove an upload from pending/ before its fields are registered."""
    register = pending._register

    def broken(store: Store, engine: Any, reviewed: Any, move: Any) -> Any:
        store.delete(move.read.key)
        return register(store, engine, reviewed, move)

    pending._register = broken
    pending._is_still = lambda store, read: True


def _writes_are_believed() -> None:
    """Take an object for written whatever the server says."""
    write = Store.write

    def broken(self: Store, *arguments: Any, **options: Any) -> str:
        try:
            return write(self, *arguments, **options)
        except TryAgain:
            return ""

    Store.write = broken  # type: ignore[method-assign]


def _searches_are_believed() -> None:
    """Take an answer of the catalogue that is no page of items for one without any."""
    read = paging._read

    def broken(api: Any, request: Any, advice: str) -> Any:
        try:
            return read(api, request, advice)
        except TryAgain:
            return paging._Page(request, {}, None, None)

    paging._read = broken


BUILDS: Mapping[str, Callable[[], None]] = {
    "no_lock_of_days": _no_lock_of_days,
    "uploads_go_first": _uploads_go_first,
    "writes_are_believed": _writes_are_believed,
    "searches_are_believed": _searches_are_believed,
}

"""A running API server with our app in it, and the kinds of functions that ask it."""

from collections.abc import Callable
from typing import NamedTuple

import httpx
from sqlalchemy import Engine, text

from ndvi_core.registry.tables import metadata
from ndvi_core.storage.object_store import Store

MAX_UPLOAD_BYTES = 20_000

SignIn = Callable[..., httpx.Client]
"""From a role (None for nobody) to a client that is signed in as a user of it."""
Ask = Callable[..., httpx.Response]
"""From a path and what goes with it to the answer."""


def token_of(sign_in: SignIn, role: str) -> str:
    """Return the token of a user, for a browser."""
    return sign_in(role, cookie=True).cookies["_token"]


class Server(NamedTuple):
    """A running API server."""

    url: str
    engine: Engine
    """Engine on the registry that the server reads."""
    bucket: Store
    max_bytes: int = MAX_UPLOAD_BYTES
    """Limit of an upload."""

    def empty(self) -> None:
        """Delete all fields and objects."""
        with self.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))
        for info in self.bucket.list(""):
            self.bucket.delete(info.key)

"""A running API server with our app in it, and the kinds of functions that ask it."""

from collections.abc import Callable
from typing import NamedTuple

import httpx
from sqlalchemy import Engine, text

from ndvi_core.storage.object_store import Store

MAX_UPLOAD_BYTES = 20_000

SignIn = Callable[..., httpx.Client]
"""From a role (None for nobody) to a client that is signed in as a user of it."""
Ask = Callable[..., httpx.Response]
"""From a path and what goes with it to the answer."""


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
            rows = (
                "field, season, field_revision, observation, observation_index, claim, event, event_review, written_day"
            )
            connection.execute(
                text(f"TRUNCATE {rows}, recorded_day, stale_day, extent, index_set, stale_season_part, season_setting")
            )
        for info in self.bucket.list(""):
            self.bucket.delete(info.key)

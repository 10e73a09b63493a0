"""Requests to JSON APIs: bounded retries, timeouts, and errors in our words."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ndvi_core.errors import BadInput, TryAgain

if TYPE_CHECKING:
    from pystac_client.stac_api_io import StacApiIO

CONNECT_SECONDS = 10
READ_SECONDS = 60
RETRIES = 4
BACKOFF_SECONDS = 0.5
"""Waits are 0, 2, 4 and 8 times this, unless the server says how long (`Retry-After`)."""
LONGEST_WAIT_SECONDS = 30
LONGEST_RETRY_AFTER_SECONDS = 120
"""What a server asks for beyond this is left to the next try of the task."""
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""HTTP status codes that a later try may not meet."""
FORBIDDEN = 403
"""Lasting, unless it is an API gateway's answer to too many requests (`_is_throttled`), so it is repeated as well."""
NOT_ALLOWED = (405, 501)
"""HTTP status codes that say that the server does not take the request's method."""


class MethodNotAllowed(BadInput):
    """The server does not take requests of this method."""


def open_api() -> "StacApiIO":
    """Return a client that repeats what failed for now: GET, and POST too, which only searches."""
    from pystac_client.stac_api_io import StacApiIO
    from urllib3 import Retry

    retry = Retry(
        total=RETRIES,
        backoff_factor=BACKOFF_SECONDS,
        backoff_max=LONGEST_WAIT_SECONDS,
        retry_after_max=LONGEST_RETRY_AFTER_SECONDS,
        status_forcelist=(*PASSING, FORBIDDEN),
        allowed_methods=None,
        raise_on_status=False,  # the last answer tells more than that there were too many
    )
    return StacApiIO(timeout=(CONNECT_SECONDS, READ_SECONDS), max_retries=retry)


@contextmanager
def api_errors(url: str, advice: str) -> Iterator[None]:
    """Translate the errors of requests to `url` made inside.

    Raises:
        TryAgain: no connection, an answer cut short, or the server is busy or broken.
        MethodNotAllowed: the server does not take this method.
        BadInput: the server refuses the request or its answer is not JSON; the message ends with `advice`.
    """
    from pystac_client.exceptions import APIError

    try:
        yield
    except APIError as error:
        status = getattr(error, "status_code", None)
        said = " ".join(str(error).split()).rpartition("(Caused by ")[2][:300]
        if status is None:
            raise TryAgain(f"cannot reach {url}: {said}") from error
        if status in NOT_ALLOWED:
            raise MethodNotAllowed(f"{url} answers {status} ({said}): {advice}") from error
        if status in PASSING or status >= 500 or _is_throttled(status, str(error)):
            raise TryAgain(f"{url} answers {status}: {said}") from error
        raise BadInput(f"{url} answers {status} ({said}): {advice}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{url} does not answer in JSON: {advice}") from error


def _is_throttled(status: int, body: str) -> bool:
    """Return whether this is what an AWS API gateway answers beyond its quota, in the words of a refusal.

    Element84/earth-search issue 19: `{"message": "Forbidden"}` and nothing else, with a 403.
    """
    if status != FORBIDDEN:
        return False
    try:
        return bool(json.loads(body) == {"message": "Forbidden"})
    except ValueError:
        return False

"""Requests to JSON APIs: bounded retries, timeouts, and errors in our words."""

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
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""HTTP status codes that a later try may not meet."""


def open_api() -> "StacApiIO":
    """Return a client that repeats what failed for now: GET, and POST too, which only searches."""
    from pystac_client.stac_api_io import StacApiIO
    from urllib3 import Retry

    retry = Retry(
        total=RETRIES,
        backoff_factor=BACKOFF_SECONDS,
        backoff_max=LONGEST_WAIT_SECONDS,
        retry_after_max=LONGEST_WAIT_SECONDS,
        status_forcelist=PASSING,
        allowed_methods=None,
        raise_on_status=False,  # the last answer tells more than that there were too many
    )
    return StacApiIO(timeout=(CONNECT_SECONDS, READ_SECONDS), max_retries=retry)


@contextmanager
def api_errors(url: str, advice: str) -> Iterator[None]:
    """Translate the errors of requests to `url` made inside.

    Raises:
        TryAgain: no connection, an answer cut short, or the server is busy or broken.
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
        if status in PASSING or status >= 500:
            raise TryAgain(f"{url} answers {status}: {said}") from error
        raise BadInput(f"{url} answers {status} ({said}): {advice}") from error
    except ValueError as error:
        raise BadInput(f"{url} does not answer in JSON: {advice}") from error

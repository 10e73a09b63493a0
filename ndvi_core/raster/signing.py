"""Signed hrefs of the Planetary Computer: public, but only with a token that everybody is given for under an hour.

The token is added right before reading. A signed href is never stored: it would be a secret in the
ledger, it would expire, and it would give the same scene another fingerprint each time.
"""

from datetime import UTC, datetime, timedelta
from threading import Lock
from urllib.parse import urlsplit

from ndvi_core.errors import BadInput, SceneUnreadable
from ndvi_core.support.json_api import api_errors, open_api

TOKEN_API = "https://planetarycomputer.microsoft.com/api/sas/v1/token"  # noqa: S105  an address, not a token
STORAGE = ".blob.core.windows.net"
RENEWED_BEFORE_EXPIRY = timedelta(minutes=5)
"""A token is not used for longer, so that a read which begins with it can end with it."""


class Signer:
    """Adds tokens to hrefs and keeps each container's token as long as it is good. Threads may share one."""

    def __init__(self, token_api: str = TOKEN_API) -> None:
        self._token_api = token_api
        self._tokens: dict[str, tuple[str, datetime]] = {}
        """By `account/container`: the token and when it expires."""
        self._lock = Lock()

    def sign(self, href: str) -> str:
        """Return `href` with a token; one that is signed already, or is not in Azure's storage, as it is.

        Raises:
            TryAgain: the token API cannot be reached or gave up for now.
            SceneUnreadable: the token API refuses a token for the href's container.
        """
        parts = urlsplit(href)
        host = parts.hostname or ""
        if not host.endswith(STORAGE) or parts.query:
            return href
        container = f"{host.removesuffix(STORAGE)}/{parts.path.split('/')[1]}"
        with self._lock:  # one thread asks, the others wait for its answer
            token, expiry = self._tokens.get(container, ("", datetime.min.replace(tzinfo=UTC)))
            if datetime.now(UTC) + RENEWED_BEFORE_EXPIRY >= expiry:
                token, expiry = self._tokens[container] = self._fetch(container)
        return f"{href}?{token}"

    def _fetch(self, container: str) -> tuple[str, datetime]:
        url = f"{self._token_api}/{container}"
        try:
            with api_errors(url, f"no token for the container {container}"):
                answer = open_api().read_json(url)
                return answer["token"], datetime.fromisoformat(answer["msft:expiry"])
        except (BadInput, KeyError) as error:
            raise SceneUnreadable(f"cannot sign hrefs in {container}: {error}") from error


_signer = Signer()


def sign(href: str) -> str:
    """Sign `href` with the token that this process shares; see `Signer.sign`."""
    return _signer.sign(href)

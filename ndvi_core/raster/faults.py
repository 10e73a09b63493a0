"""Why a raster on a server could not be read: is it the raster's fault, for good, or the network's, for now?

GDAL reports both in prose. So the server is asked once more, and what happens then decides: the status of its answer,
or the error of the connection.
"""

import re
import socket
import ssl
from http.client import HTTPException, InvalidURL
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

SECONDS = 10

_PASSING_STATUSES = frozenset({408, 425, 429})
_UNKNOWN_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""The name system has answered that there is no such host, unlike `EAI_AGAIN`, when it did not answer."""

_OF_THE_NETWORK = re.compile(
    r"HTTP response code: (0|408|425|429|5\d\d)\b"
    r"|CURL error"  # connection refused or reset, timeout
    r"|SlowDown|InternalError|ServiceUnavailable|RequestTimeout"  # S3's words for it
)
_CUT_SHORT = re.compile(r"Read error|IO error during reading of|got \d+ bytes, expected|Cannot read \d+ bytes")
"""How GDAL words it when the bytes of a TIFF's block did not come: the network failed, or the file ends too soon.

Of JPEG 2000 it says in both cases that it cannot decode; that counts as broken, since GDAL has tried the network again.
"""


def is_passing(url: str, said: str, needed: int = 0) -> bool:
    """Return whether a failure to read may pass.

    Args:
        url: `https://...`, signed if it has to be, or `s3://...`, which only GDAL can ask: its words decide.
        said: What GDAL said.
        needed: Bytes that the file has to have.
    """
    if not url.startswith(("http://", "https://")):
        return bool(_OF_THE_NETWORK.search(said) or _CUT_SHORT.search(said))
    try:
        size = _ask(url)
    except HTTPError as error:
        return error.code in _PASSING_STATUSES or error.code >= 500
    except URLError as error:
        return _is_passing_error(error.reason)
    except (InvalidURL, ValueError):
        return False
    except (OSError, HTTPException):  # it hung up
        return True
    if size is not None and size < needed:
        return False
    return bool(_OF_THE_NETWORK.search(said) or _CUT_SHORT.search(said))


def _ask(url: str) -> int | None:
    """Ask for the first byte, and return how many there are; None if the server does not say."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]  # as GDAL is refused with what stands before it, so is this
    plain = parts._replace(netloc=host, fragment="").geturl()
    request = Request(plain, headers={"Range": "bytes=0-0"})  # noqa: S310  only of http and https
    with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        total = answer.headers.get("Content-Range", "").rpartition("/")[2]
        whole = answer.headers.get("Content-Length", "") if answer.status == 200 else ""
    sizes = [int(text) for text in (total, whole) if text.isdecimal()]
    return sizes[0] if sizes else None


def _is_passing_error(reason: object) -> bool:
    if isinstance(reason, socket.gaierror):
        return reason.errno not in _UNKNOWN_NAME
    return isinstance(reason, OSError) and not isinstance(reason, ssl.SSLCertVerificationError)

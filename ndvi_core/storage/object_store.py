"""Objects on S3 (or below a folder): whole objects in and out, listings, and the library's errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from ndvi_core.errors import BadInput, NotFound, TryAgain
from ndvi_core.storage.object_info import ObjectInfo
from ndvi_core.storage.verbatim import VerbatimBucket

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore, S3Config


_PASSING = {
    "RequestTimeTooSkewed": "the server's clock and that of this machine differ by more than it accepts: set the clock",
    "QuotaExceeded": "the quota of the bucket or its owner is used up: make room or raise it",
}
"""What servers refuse with "forbidden" besides rights, by their code."""


class Store:
    """A bucket or a prefix of one, named by a URL: `s3://bucket/prefix` or `file:///folder`.

    Credentials, region and endpoint come from `variables`, else from the environment, both in the words of the usual
    `AWS_*` variables. Every method raises `TryAgain` when the store cannot be reached, `NotFound` for a missing object
    and `BadInput` for refused credentials and for keys with a defect (see `key_defect`). On S3 such keys are listed,
    and `head`, `copy` and `delete` take them, so that what others have put there can be moved out of the way.
    """

    def __init__(self, url: str, variables: Mapping[str, str] | None = None) -> None:
        self.url = url.rstrip("/")
        self._objects = _open(self.url, variables or {})
        self._verbatim = VerbatimBucket(self.url, variables or {}) if self.url.startswith("s3://") else None

    def uri(self, key: str) -> str:
        """Return the full URI of `key`."""
        return f"{self.url}/{key}"

    def key(self, uri: str) -> str:
        """Return the key of a full URI of this store; the inverse of `uri`."""
        if not uri.startswith(f"{self.url}/"):
            raise BadInput(f"{uri} is not in {self.url}")
        return uri.removeprefix(f"{self.url}/")

    def read(self, key: str) -> bytes:
        """Return the whole object."""
        return self.get(key)[1]

    def get(self, key: str) -> tuple[ObjectInfo, bytes]:
        """Return the whole object, with size and ETag of the very version that was read."""
        with self._errors("read", key):
            answer = self._objects.get(key)
            return _info(answer.meta), bytes(answer.bytes())

    def write(
        self,
        key: str,
        data: bytes,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write the whole object at once, over what was there; return the SHA-256 of `data` in hex.

        Args:
            key: where to.
            data: the object.
            content_type: kept on S3 alone, as are `metadata`: a folder has no place for them.
            metadata: what `described` returns.
        """
        attributes = {"Content-Type": content_type, **(metadata or {})} if self.url.startswith("s3:") else None
        with self._errors("write", key):
            self._objects.put(key, data, attributes=attributes)
        return sha256(data).hexdigest()

    def described(self, key: str) -> tuple[bytes, dict[str, str]]:
        """Return the whole object, and the metadata that were given to `write` with it; none in a folder."""
        with self._errors("read", key):
            answer = self._objects.get(key)
            metadata = {name: str(value) for name, value in answer.attributes.items() if name != "Content-Type"}
            return bytes(answer.bytes()), metadata

    def copy(self, source: str, target: str) -> None:
        """Copy an object within the store, over what was there; its bytes do not pass through this process."""
        with self._errors("copy", source):
            if self._verbatim and key_defect(source):
                self._verbatim.copy(source, target)
            else:
                self._objects.copy(source, target)

    def head(self, key: str) -> ObjectInfo:
        """Return size and ETag of an object."""
        with self._errors("look up", key):
            if self._verbatim and key_defect(key):
                return self._verbatim.head(key)
            return _info(self._head(key))

    def last_modified(self, key: str) -> datetime:
        """Return when an object was written, by the store's clock."""
        with self._errors("look up", key):
            return self._head(key)["last_modified"]

    def exists(self, key: str) -> bool:
        """Return whether there is an object of this key."""
        try:
            self.head(key)
        except NotFound:
            return False
        return True

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield every object below `prefix` (a folder), however many pages that takes, in the order of their keys.

        On S3 these are all that the server has, those that make a folder visible included.
        """
        with self._errors("list", prefix):
            if self._verbatim:
                # One key with a defect would end a listing of obstore's, and with it every other object's way.
                found = self._verbatim.list(prefix)
            else:
                found = [_info(entry) for page in self._objects.list(prefix) for entry in page]
        yield from sorted(found, key=lambda entry: entry.key)

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no error."""
        with self._errors("delete", key):
            try:
                if self._verbatim and key_defect(key):
                    self._verbatim.delete(key)
                else:
                    self._objects.delete(key)
            except FileNotFoundError:
                return

    def _head(self, key: str) -> "ObjectMeta":
        from obstore.exceptions import PermissionDeniedError

        try:
            return self._objects.head(key)
        except PermissionDeniedError:
            self._objects.get_range(key, start=0, length=1)  # says why it is refused: answers to HEAD have no body
            raise

    @contextmanager
    def _errors(self, verb: str, key: str) -> Iterator[None]:
        from obstore.exceptions import BaseError, InvalidPathError, PermissionDeniedError, UnauthenticatedError

        try:
            yield
        except FileNotFoundError as error:
            raise NotFound(f"{shown_key(self.uri(key))} does not exist") from error
        except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
            if passing := [why for code, why in _PASSING.items() if code in str(error)]:
                raise TryAgain(f"cannot {verb} {shown_key(self.uri(key))}: {passing[0]}") from error
            raise BadInput(
                f"no right to {verb} {shown_key(self.uri(key))}: check the credentials and the bucket's policy"
            ) from error
        except (InvalidPathError, ValueError) as error:
            remedy = ": rename or remove that object with the tool that made it" if key_defect(key) else ""
            raise BadInput(f"cannot {verb} {shown_key(self.uri(key))}: {_one_line(error)}{remedy}") from error
        except (BaseError, OSError) as error:
            raise TryAgain(f"cannot {verb} {shown_key(self.uri(key))}: {_one_line(error)}") from error


def key_defect(key: str) -> str | None:
    """Return what keeps an object of this key from being read and written; None if nothing does.

    Such keys are no paths: obstore refuses them, and so do many tools.
    """
    if any(character < " " or character == "\x7f" for character in key):
        return "a control character"
    segments = key.split("/")
    if "." in segments or ".." in segments:
        return "a folder named `.` or `..`"
    return "a folder or a name that is empty" if "" in segments else None


def shown_key(key: str) -> str:
    """Return a key for a line of text: as it is if it can be printed, else quoted with escapes."""
    return key if key.isprintable() else repr(key)


def split_uri(uri: str) -> tuple[str, str]:
    """Split a URI into the URL of its bucket (or folder) and the key: `s3://b/a/c.json` -> `s3://b`, `a/c.json`."""
    scheme, _, rest = uri.partition("://")
    if scheme == "s3":
        bucket, _, key = rest.partition("/")
        return f"s3://{bucket}", key
    if scheme == "file":
        folder, _, name = rest.rpartition("/")
        return f"file://{folder}", name
    raise BadInput(f"{uri!r} is not an s3:// or file:// URI")


def _open(url: str, variables: Mapping[str, str]) -> "ObjectStore":
    from datetime import timedelta

    from obstore.store import from_url

    if url.startswith("s3://"):
        return from_url(
            url,
            config=cast("S3Config", dict(variables)),
            client_options={"allow_http": True, "timeout": timedelta(seconds=60)},
            retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=60)},
        )
    if url.startswith("file://"):
        try:
            return from_url(url, mkdir=True)
        except OSError as error:
            raise BadInput(f"cannot make the folder {url}: {_one_line(error)}") from error
    raise BadInput(f"{url!r} is not an s3:// or file:// URL")


def _info(entry: "ObjectMeta") -> ObjectInfo:
    return ObjectInfo(key=entry["path"], size=entry["size"], etag=(entry["e_tag"] or "").strip('"'))


def _one_line(error: BaseException) -> str:
    """Return the message without the part that obstore adds for its own developers."""
    return " ".join(str(error).partition("Debug source:")[0].split())

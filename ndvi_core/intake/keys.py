"""The keys of uploaded files: in pending/, and where they are moved to."""

from hashlib import sha256
from pathlib import PurePosixPath

from ndvi_core.settings import Settings
from ndvi_core.storage.object_info import ObjectInfo

MAX_NAME_BYTES = 160
"""Bytes of a file's own name in the name that it moves to; with digest and suffixes that has to stay below 255."""
MAX_FOLDERS_BYTES = 400
"""Bytes of the folders below pending/ in that name; it is moved out of longer ones. S3 takes 1024 for the whole key."""
MAX_SUFFIX_BYTES = 20
"""A longer text after the last dot of a name is no suffix but belongs to the name."""
ERRORS_SUFFIX = ".errors.json"
"""Of what is written beside a moved file about its problems."""
DIGEST_DIGITS = 16
"""Hexadecimal digits of a SHA-256 in the names of moved files."""


def is_folder_marker(info: ObjectInfo) -> bool:
    """Return whether an object only makes its folder visible, as S3 browsers write them."""
    return info.size == 0 and info.key.endswith("/")


def pending_key(settings: Settings, name: str, data: bytes) -> str:
    """Return the key below pending/ for an upload: of a path its last part, as printable and as short as need be.

    The digest keeps two files of one name, and that of a colleague, apart.
    """
    key = f"{settings.pending_prefix}{plain_name(name)}"
    return moved_key(settings, settings.pending_prefix, key, sha256(data).hexdigest())


def moved_key(settings: Settings, target: str, key: str, digest: str) -> str:
    """Return the key to move to: the same folders and name below `target`, with a digest before the suffix."""
    path = PurePosixPath(key.removeprefix(settings.pending_prefix))
    name, suffix = path.stem, path.suffix
    if len(suffix.encode()) > MAX_SUFFIX_BYTES:
        name, suffix = path.name, ""
    name = name.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    folders = path.parent if len(bytes(path.parent)) <= MAX_FOLDERS_BYTES else PurePosixPath()
    return f"{target}{folders / f'{name}-{digest[:DIGEST_DIGITS]}{suffix}'}"


def plain_name(path: str) -> str:
    """Return the last part of a path, as far as it can be printed, or a name for it."""
    last = path.replace("\\", "/").rpartition("/")[2]
    printable = "".join(character for character in last if character.isprintable()).strip(". ")
    return printable or "fields.geojson"

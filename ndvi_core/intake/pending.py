"""Intake: the files below pending/ become fields of the registry and move to processed/ or rejected/.

A file is read, its fields are registered in one transaction, the bytes that were read are written to their new place,
its problems are written beside them, and at last the pending object is deleted. Each step may be done again without
effect, and until the last one the file is pending: after a crash between any two the next round goes on. Two intakes
at once do the same things twice, which is once.

One gap is left, as S3 has no deletion on a condition that all servers know: an upload of the same name within the
milliseconds between the last look at the pending object and its deletion is deleted unread.
"""

from collections import defaultdict
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from ndvi_core.errors import BadInput, NotFound, TryAgain
from ndvi_core.intake.features import ParsedFields, Problem, parse_fields
from ndvi_core.models.frozen import Frozen
from ndvi_core.registry.fields import Upserted, upsert_fields
from ndvi_core.settings import Settings
from ndvi_core.storage.object_info import ObjectInfo
from ndvi_core.storage.object_store import Store, key_defect, shown_key

MAX_NAME_BYTES = 160
"""Bytes of a file's own name in the name that it moves to; with digest and suffixes that has to stay below 255."""
MAX_FOLDERS_BYTES = 400
"""Bytes of the folders below pending/ in that name; it is moved out of longer ones. S3 takes 1024 for the whole key."""
MAX_SUFFIX_BYTES = 20
"""A longer text after the last dot of a name is no suffix but belongs to the name."""
DIGEST_DIGITS = 16
"""Hexadecimal digits of a SHA-256 in the names of moved files."""
SHOWN_PROBLEMS = 5
"""Problems of a file in the report, at most; the errors file has all."""

Outcome = Literal["registered", "partly_registered", "rejected", "unreadable"]


class ErrorsFile(Frozen):
    """The content of `<name>.errors.json`."""

    file: str
    """Key that it was uploaded to."""
    moved_to: str | None
    """None: the server refuses to move it, so it still lies in pending/."""
    registered: int
    """Number of its fields that are in the registry now."""
    problems: tuple[Problem, ...]


class FileReport(Frozen):
    """The outcome of one file."""

    key: str
    """Below the pending prefix."""
    outcome: Outcome
    destination: str | None
    """Key that it was moved to; None if it could not be read or moved and still lies in pending/."""
    added: tuple[str, ...] = ()
    """Ids that the registry did not know."""
    changed: tuple[str, ...] = ()
    """Ids that the registry knew with other values."""
    unchanged: tuple[str, ...] = ()
    problems: int = 0
    """Number of problems, those of features that are registered all the same included."""
    first_problems: tuple[Problem, ...] = ()
    """At most `SHOWN_PROBLEMS`; all are in `<destination>.errors.json`."""

    @property
    def field_ids(self) -> tuple[str, ...]:
        """Ids that the file registered, changed or not."""
        return self.added + self.changed + self.unchanged


class IntakeReport(Frozen):
    """The outcome of one round of intake."""

    files: tuple[FileReport, ...]
    """In the order in which they were taken in, that of their keys."""

    def repeated_ids(self) -> dict[str, tuple[str, ...]]:
        """Return the ids that several files registered, each with their keys, of which the last one counts."""
        keys: dict[str, list[str]] = defaultdict(list)
        for file in self.files:
            for field_id in file.field_ids:
                keys[field_id].append(file.key)
        return {field_id: tuple(found) for field_id, found in keys.items() if len(found) > 1}

    def summary(self) -> list[str]:
        """Return lines for people."""
        lines = [line for file in self.files for line in _lines(file)]
        for field_id, keys in self.repeated_ids().items():
            lines.append(f"{field_id} is in {len(keys)} files, of which the last counts: {', '.join(keys)}")
        return lines or ["no file is pending"]


def process_pending(store: Store, settings: Settings, engine: Engine) -> IntakeReport:
    """Take in every file below the pending prefix, in the order of their keys.

    Folder markers (empty objects whose key ends in a slash) are passed over; so are files that vanish or are replaced
    while they are taken in: another intake has them, or the next round will. Where files share an id the last one
    counts. An object whose key is no path (see `key_defect`) is rejected unread, under a name that is one.

    Raises:
        TryAgain: the store or the registry cannot be reached; what is not done is still pending.
        BadInput: the credentials do not allow what has to be done.
    """
    prefix = settings.pending_prefix
    pending = [info for info in store.list(prefix) if info.size > 0 or not info.key.endswith("/")]
    reports = (_take_in(store, settings, engine, info) for info in pending)
    return IntakeReport(files=tuple(report for report in reports if report is not None))


class Submitted(NamedTuple):
    """A file that was checked and, if a field of it is good, put into pending/."""

    parsed: ParsedFields
    key: str | None
    """None if no field could be registered: nothing was written."""


def submit(store: Store, settings: Settings, name: str, data: bytes) -> Submitted:
    """Check a file by the rules of the intake, and put it into pending/ if a field of it is good.

    Args:
        store: the bucket.
        settings: the prefixes.
        name: of the file, with or without a path.
        data: its content.
    """
    parsed = parse_fields(data)
    if not parsed.fields:
        return Submitted(parsed, None)
    key = pending_key(settings, name, data)
    store.write(key, data, "application/geo+json")
    return Submitted(parsed, key)


def pending_key(settings: Settings, name: str, data: bytes) -> str:
    """Return the key below pending/ for an upload: of a path its last part, as printable and as short as need be.

    The digest keeps two files of one name, and that of a colleague, apart.
    """
    key = f"{settings.pending_prefix}{_plain_name(name)}"
    return _destination(settings, settings.pending_prefix, key, sha256(data).hexdigest())


class _Move(NamedTuple):
    """A file's way out of pending/."""

    read: ObjectInfo
    """The object to move, as it was read."""
    destination: str
    data: bytes | None
    """The content that was read; None: it was not, and is copied within the store."""


def _take_in(store: Store, settings: Settings, engine: Engine, info: ObjectInfo) -> FileReport | None:
    """Take in one file; None if it is not there any more as it was when it was looked at."""
    defect = key_defect(info.key)
    if defect:
        return _set_aside(store, settings, info, defect)
    if info.size > settings.max_geojson_bytes:
        digest = sha256(f"{info.etag} {info.size}".encode())  # its content is not read
        move = _Move(info, _destination(settings, settings.rejected_prefix, info.key, digest.hexdigest()), None)
        return _finish(store, move, _only(_too_large(info, settings)), Upserted((), (), ()))
    try:
        read, data = store.get(info.key)
    except NotFound:
        return None
    except BadInput as error:
        return _left(info, error)
    parsed = parse_fields(data)
    target = settings.processed_prefix if parsed.fields else settings.rejected_prefix
    move = _Move(read, _destination(settings, target, info.key, sha256(data).hexdigest()), data)
    registered = _register(store, engine, parsed, move)
    return None if registered is None else _finish(store, move, parsed, registered)


def _set_aside(store: Store, settings: Settings, info: ObjectInfo, defect: str) -> FileReport | None:
    """Move an object whose key is no path to rejected/, unread, under a name that is one.

    A server may list keys that it refuses to copy or to delete; then the object stays, which must not stop the others.
    """
    name = _plain_name(info.key)
    digest = sha256(f"{info.etag} {info.key}".encode()).hexdigest()
    destination = _destination(settings, settings.rejected_prefix, f"{settings.pending_prefix}{name}", digest)
    refusal = None
    try:
        store.copy(info.key, destination)
    except (BadInput, TryAgain) as error:  # if the store is out of order, the next step says so
        if info.key not in {entry.key for entry in store.list(settings.pending_prefix)}:
            return None
        refusal = error
    problem = _bad_key(defect, settings, name, moved=refusal is None)
    errors = ErrorsFile(file=info.key, moved_to=None if refusal else destination, registered=0, problems=(problem,))
    _write_if_changed(store, f"{destination}.errors.json", errors)
    try:
        if refusal is None and _is_still(store, info):
            store.delete(info.key)
    except (BadInput, TryAgain) as error:
        refusal = error
    if refusal:
        return _left(info, refusal)
    return FileReport(key=info.key, outcome="rejected", destination=destination, problems=1, first_problems=(problem,))


def _register(store: Store, engine: Engine, parsed: ParsedFields, move: _Move) -> Upserted | None:
    """Register a file's fields, all or none; none, and None, if the pending object is not the one that was read.

    `upsert_fields` makes registrations wait for each other until they are committed. A look at the pending object
    within that turn keeps an intake that was overtaken from putting older values over what another one registered.
    """
    if not parsed.fields:
        return Upserted((), (), ())
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            registered = upsert_fields(connection, parsed.fields, source=store.uri(move.destination))
            if not _is_still(store, move.read):
                transaction.rollback()
                return None
    except OperationalError as error:
        raise TryAgain(f"cannot register the fields of {store.uri(move.read.key)}: {error.orig}") from error
    return registered


def _finish(store: Store, move: _Move, parsed: ParsedFields, registered: Upserted) -> FileReport | None:
    key, destination = move.read.key, move.destination
    if move.data is not None:
        store.write(destination, move.data, "application/geo+json")
    else:
        try:
            store.copy(key, destination)
        except NotFound:
            return None
    if parsed.problems:
        errors = ErrorsFile(file=key, moved_to=destination, registered=len(parsed.fields), problems=parsed.problems)
        store.write(f"{destination}.errors.json", _encoded(errors), "application/json")
    if _is_still(store, move.read):
        store.delete(key)
    return FileReport(
        key=key,
        outcome=_outcome(parsed),
        destination=destination,
        added=registered.added,
        changed=registered.changed,
        unchanged=registered.unchanged,
        problems=len(parsed.problems),
        first_problems=parsed.problems[:SHOWN_PROBLEMS],
    )


def _encoded(errors: ErrorsFile) -> bytes:
    return errors.model_dump_json(indent=2).encode()


def _write_if_changed(store: Store, key: str, errors: ErrorsFile) -> None:
    data = _encoded(errors)
    if not store.exists(key) or store.read(key) != data:
        store.write(key, data, "application/json")


def _is_still(store: Store, read: ObjectInfo) -> bool:
    try:
        return store.head(read.key).etag == read.etag
    except NotFound:
        return False


def _destination(settings: Settings, target: str, key: str, digest: str) -> str:
    """Return the key to move to: the same folders and name below `target`, with a digest before the suffix."""
    path = PurePosixPath(key.removeprefix(settings.pending_prefix))
    name, suffix = path.stem, path.suffix
    if len(suffix.encode()) > MAX_SUFFIX_BYTES:
        name, suffix = path.name, ""
    name = name.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    folders = path.parent if len(bytes(path.parent)) <= MAX_FOLDERS_BYTES else PurePosixPath()
    return f"{target}{folders / f'{name}-{digest[:DIGEST_DIGITS]}{suffix}'}"


def _plain_name(path: str) -> str:
    """Return the last part of a path, as far as it can be printed, or a name for it."""
    last = path.replace("\\", "/").rpartition("/")[2]
    printable = "".join(character for character in last if character.isprintable()).strip(". ")
    return printable or "fields.geojson"


def _outcome(parsed: ParsedFields) -> Outcome:
    if not parsed.fields:
        return "rejected"
    return "registered" if all(problem.registered for problem in parsed.problems) else "partly_registered"


def _only(problem: Problem) -> ParsedFields:
    return ParsedFields(fields=(), problems=(problem,))


def _too_large(info: ObjectInfo, settings: Settings) -> Problem:
    message = (
        f"the file has {info.size} bytes, more than the {settings.max_geojson_bytes} that are read: "
        "split it, or raise NDVI_MAX_GEOJSON_BYTES"
    )
    return Problem(feature=None, id=None, where="", reason="too_large", message=message)


def _bad_key(defect: str, settings: Settings, name: str, *, moved: bool) -> Problem:
    state = "" if moved else " The server refuses to move it: remove it with the tool that made it."
    message = (
        f"the key has {defect}, so the object was not read: "
        f"upload the file again as {settings.pending_prefix}{name}.{state}"
    )
    return Problem(feature=None, id=None, where="", reason="bad_key", message=message)


def _left(info: ObjectInfo, error: BadInput | TryAgain) -> FileReport:
    problem = Problem(feature=None, id=None, where="", reason="unreadable", message=str(error))
    return FileReport(key=info.key, outcome="unreadable", destination=None, problems=1, first_problems=(problem,))


def _lines(file: FileReport) -> list[str]:
    counts = f"{len(file.added)} added, {len(file.changed)} changed, {len(file.unchanged)} unchanged"
    place = f"moved to {file.destination}" if file.destination else "left where it is"
    lines = [f"{shown_key(file.key)}: {file.outcome.replace('_', ' ')} ({counts}), {file.problems} problems, {place}"]
    for problem in file.first_problems:
        name = " ".join(filter(None, [problem.id, problem.where])) or "the file"
        lines.append(f"  {name}: {problem.message} [{problem.reason}]")
    if file.problems > len(file.first_problems):
        lines.append(f"  and {file.problems - len(file.first_problems)} more in {file.destination}.errors.json")
    return lines

"""Intake: the files below pending/ become fields of the registry and move to processed/ or rejected/.

A file is read, its fields are registered in one transaction, the bytes that were read are written to their new place,
its problems are written beside them, and at last the pending object is deleted. Each step may be done again without
effect, and until the last one the file is pending: after a crash between any two the next round goes on. Two intakes
at once do the same things twice, which is once.

One gap is left, as S3 has no deletion on a condition that all servers know: an upload of the same name within the
milliseconds between the last look at the pending object and its deletion is deleted unread.
"""

from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from ndvi_core.errors import BadInput, NotFound, TryAgain
from ndvi_core.intake.check import too_large
from ndvi_core.intake.features import Problem
from ndvi_core.intake.keys import ERRORS_SUFFIX, is_folder_marker, moved_key, plain_name
from ndvi_core.intake.report import SHOWN, ErrorsFile, FileReport, IntakeReport, Outcome
from ndvi_core.intake.review import Reviewed
from ndvi_core.intake.submit import check_file, written
from ndvi_core.registry.fields import Upserted, upsert_fields
from ndvi_core.settings import Settings
from ndvi_core.storage.object_info import ObjectInfo
from ndvi_core.storage.object_store import Store, key_defect


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
    pending = [info for info in store.list(prefix) if not is_folder_marker(info)]
    reports = (_take_in(store, settings, engine, info) for info in pending)
    return IntakeReport(files=tuple(report for report in reports if report is not None))


class _Move(NamedTuple):
    """A file's way out of pending/."""

    read: ObjectInfo
    """The object to move, as it was read."""
    destination: str
    data: bytes | None
    """The content that was read; None: it was not, and is copied within the store."""
    waiting: str | None = None
    """Where the fields are written that wait for a confirmation; None: none does."""


def _take_in(store: Store, settings: Settings, engine: Engine, info: ObjectInfo) -> FileReport | None:
    """Take in one file; None if it is not there any more as it was when it was looked at."""
    defect = key_defect(info.key)
    if defect:
        return _set_aside(store, settings, info, defect)
    problem = too_large(info.size, settings)
    if problem:
        digest = sha256(f"{info.etag} {info.size}".encode()).hexdigest()  # its content is not read
        move = _Move(info, moved_key(settings, settings.rejected_prefix, info.key, digest), None)
        return _finish(store, move, Reviewed((), (), (), (problem,)), Upserted((), (), ()))
    try:
        read, data = store.get(info.key)
    except NotFound:
        return None
    except BadInput as error:
        return _left(info, error)
    reviewed = _check(store, settings, engine, info, data)
    digest = sha256(data).hexdigest()
    target = settings.processed_prefix if reviewed.ready or reviewed.waiting else settings.rejected_prefix
    waiting = moved_key(settings, settings.waiting_prefix, info.key, digest) if reviewed.waiting else None
    move = _Move(read, moved_key(settings, target, info.key, digest), data, waiting)
    registered = _register(store, engine, reviewed, move)
    return None if registered is None else _finish(store, move, reviewed, registered)


def _check(store: Store, settings: Settings, engine: Engine, info: ObjectInfo, data: bytes) -> Reviewed:
    try:
        return check_file(data, engine.connect, store, settings)
    except OperationalError as error:
        raise TryAgain(f"cannot register the fields of {store.uri(info.key)}: {error.orig}") from error


def _set_aside(store: Store, settings: Settings, info: ObjectInfo, defect: str) -> FileReport | None:
    """Move an object whose key is no path to rejected/, unread, under a name that is one.

    A server may list keys that it refuses to copy or to delete; then the object stays, which must not stop the others.
    """
    name = plain_name(info.key)
    digest = sha256(f"{info.etag} {info.key}".encode()).hexdigest()
    destination = moved_key(settings, settings.rejected_prefix, f"{settings.pending_prefix}{name}", digest)
    refusal = None
    try:
        store.copy(info.key, destination)
    except (BadInput, TryAgain) as error:  # if the store is out of order, the next step says so
        if info.key not in {entry.key for entry in store.list(settings.pending_prefix)}:
            return None
        refusal = error
    problem = _bad_key(defect, settings, name, moved=refusal is None)
    errors = ErrorsFile(file=info.key, moved_to=None if refusal else destination, registered=0, problems=(problem,))
    _write_if_changed(store, f"{destination}{ERRORS_SUFFIX}", errors)
    try:
        if refusal is None and _is_still(store, info):
            store.delete(info.key)
    except (BadInput, TryAgain) as error:
        refusal = error
    if refusal:
        return _left(info, refusal)
    return FileReport(key=info.key, outcome="rejected", destination=destination, problems=1, first_problems=(problem,))


def _register(store: Store, engine: Engine, reviewed: Reviewed, move: _Move) -> Upserted | None:
    """Register a file's fields, all or none; none, and None, if the pending object is not the one that was read.

    `upsert_fields` makes registrations wait for each other until they are committed. A look at the pending object
    within that turn keeps an intake that was overtaken from putting older values over what another one registered.
    """
    if not reviewed.ready:
        return Upserted((), (), ())
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            registered = upsert_fields(connection, reviewed.ready, source=store.uri(move.destination))
            if not _is_still(store, move.read):
                transaction.rollback()
                return None
            if registered.added or registered.changed or not store.exists(_errors_key(move)):
                _state(store, move, reviewed)
    except OperationalError as error:
        raise TryAgain(f"cannot register the fields of {store.uri(move.read.key)}: {error.orig}") from error
    return registered


def _finish(store: Store, move: _Move, reviewed: Reviewed, registered: Upserted) -> FileReport | None:
    key, destination, problems = move.read.key, move.destination, reviewed.problems
    if move.data is not None:
        store.write(destination, move.data, "application/geo+json")
    else:
        try:
            store.copy(key, destination)
        except NotFound:
            return None
    if not reviewed.ready:
        _state(store, move, reviewed)
    if _is_still(store, move.read):
        store.delete(key)
    return FileReport(
        key=key,
        outcome=_outcome(reviewed),
        destination=destination,
        added=registered.added,
        changed=registered.changed,
        unchanged=registered.unchanged,
        waiting=move.waiting,
        days_due=reviewed.days_due if reviewed.changes else "",
        first_changes=tuple(one for one in reviewed.changes if one.changes)[:SHOWN],
        problems=len(problems),
        first_problems=problems[:SHOWN],
    )


def _state(store: Store, move: _Move, reviewed: Reviewed) -> None:
    """Write what waits, and what is to be said of a file.

    That is of the registry as it was before: an intake that goes on after a crash finds all fields unchanged.
    """
    if move.waiting:
        store.write(move.waiting, written(reviewed.waiting, confirm=True), "application/geo+json")
    if reviewed.problems:
        errors = ErrorsFile(
            file=move.read.key,
            moved_to=move.destination,
            waiting=move.waiting,
            registered=len(reviewed.ready),
            problems=reviewed.problems,
        )
        store.write(_errors_key(move), _encoded(errors), "application/json")


def _errors_key(move: _Move) -> str:
    return f"{move.destination}{ERRORS_SUFFIX}"


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


def _outcome(reviewed: Reviewed) -> Outcome:
    if not reviewed.ready:
        return "waiting" if reviewed.waiting else "rejected"
    return "registered" if all(problem.registered for problem in reviewed.problems) else "partly_registered"


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

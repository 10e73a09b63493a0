"""The end of a field, its new name, and its removal; days and seasons whose files change by it are noted as stale."""

import re
from datetime import date

from sqlalchemy import Connection, delete, func, select, update

from ndvi_core.errors import BadInput
from ndvi_core.models.field import FIELD_ID_PATTERN, RegisteredField
from ndvi_core.registry import stale_days, stale_seasons
from ndvi_core.registry.database import lock_registration
from ndvi_core.registry.field_rows import write_end
from ndvi_core.registry.fields import load_fields
from ndvi_core.registry.season_rules import end_season
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import field_revision, observation


def retire(connection: Connection, field_id: str, on: date) -> None:
    """End the season in which a day lies, or the last that has begun by then: `on` is the last day that is processed.

    Rows of the season's later days are not published any more; seasons after it stay as they are. A day later than the
    season's end so far is one until which it is to be processed: it is owed the days between.

    Args:
        connection: in a transaction.
        field_id: of a registered field.
        on: the last day.

    Raises:
        BadInput: the field is not registered, or planted later.
    """
    field = _locked(connection, field_id)
    begun = [season for season in field.seasons if season.plant_date <= on]
    if not begun:
        is_only = len(field.seasons) == 1
        remedy = "`purge` removes a field altogether" if is_only else "choose a day of the season that is to end"
        raise BadInput(f"{field_id} is planted on {field.seasons[0].plant_date}, after {on}: {remedy}")
    ending = begun[-1]
    is_longer = ending.end_date is not None and on > ending.end_date
    more = {"caught_up": False, "announced": False} if is_longer else {}
    write_end(connection, field, ending.number, end_season(field.seasons, ending, on), **more)


def rename(connection: Connection, old: str, new: str) -> None:
    """Give a field another id; its rows, revisions and place in the registry stay with it.

    Args:
        connection: in a transaction.
        old: of a registered field.
        new: of none.

    Raises:
        BadInput: `old` is not registered, `new` is, or `new` cannot be an id.
    """
    field = _locked(connection, old)
    if not re.fullmatch(FIELD_ID_PATTERN, new):
        raise BadInput(f"{new!r} cannot be an id: 1 to 63 ASCII letters, digits, - and _")
    if load_fields(connection, [new]):
        raise BadInput(f"there is a field {new} already: purge one of the two first, or choose another id")
    _note_all(connection, field.sequence)
    connection.execute(
        update(field_table)
        .where(field_table.c.sequence == field.sequence)
        .values(field_id=new, changed_at=func.clock_timestamp())
    )


def remove(connection: Connection, field_id: str) -> None:
    """Remove a field with its rows and revisions.

    Args:
        connection: in a transaction.
        field_id: of a registered field.

    Raises:
        BadInput: the field is not registered.
    """
    sequence = _locked(connection, field_id).sequence
    _note_all(connection, sequence)
    for table in (observation, field_revision, field_table):
        connection.execute(delete(table).where(table.c.sequence == sequence))


def count_rows(connection: Connection, field_id: str) -> int:
    """Return how many rows the ledger has of a field, those that are not due included."""
    query = (
        select(func.count())
        .select_from(observation)
        .join(field_table, field_table.c.sequence == observation.c.sequence)
        .where(field_table.c.field_id == field_id)
    )
    return connection.execute(query).scalar_one()


def _locked(connection: Connection, field_id: str) -> RegisteredField:
    """Return a field that nobody else changes until the transaction ends."""
    lock_registration(connection)
    found = load_fields(connection, [field_id])
    if not found:
        raise BadInput(f"no such field in the registry: {field_id}")
    return found[0]


def _note_all(connection: Connection, sequence: int) -> None:
    days = select(observation.c.date).where(observation.c.sequence == sequence)
    connection.execute(stale_days.note(days))
    stale_seasons.note_fields(connection, [sequence])

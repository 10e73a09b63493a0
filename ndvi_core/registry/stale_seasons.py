"""Which parts of the seasons' files do not say what is so: notes, made in the transaction that changes something.

Each note is a row of its own, so that nobody who changes rows waits for another. Who computes a part takes away the
notes that were there when its rows were read; one that is made meanwhile stays, and the part is computed again.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Integer,
    Select,
    and_,
    cast,
    delete,
    extract,
    func,
    insert,
    literal,
    select,
)

from ndvi_core.models.season_part import PART_BITS, SeasonPart
from ndvi_core.registry.database import lock_season_settings
from ndvi_core.registry.tables import event, season, season_setting, stale_season_part


def year() -> ColumnElement[int]:
    """Return the year that a row of `season` is counted to."""
    return cast(extract("year", season.c.plant_date), Integer)


def note_cells(connection: Connection, cells: FromClause) -> None:
    """Note the seasons that rows of the ledger are in, and the later ones of their fields, which compare with them.

    Args:
        connection: in the transaction that writes the rows.
        cells: with the columns `sequence` and `date`.
    """
    last = func.coalesce(season.c.end_date, cells.c.date)
    _note(connection, _parts().join(cells, and_(cells.c.sequence == season.c.sequence, last >= cells.c.date)))


def note_fields(connection: Connection, sequences: Iterable[int]) -> None:
    """Note all seasons that fields have: before they are changed or removed, and again when they have others.

    The parts of their events are noted too. A season may have left one of these while events were not judged.

    Args:
        connection: in the transaction that changes the fields.
        sequences: of the fields.
    """
    fields = func.any(list(sequences))
    events = select(event.c.year, _part(event.c.sequence)).where(event.c.sequence == fields)
    _note(connection, _parts().where(season.c.sequence == fields).union(events))


def note_part(connection: Connection, noted: SeasonPart) -> None:
    """Note one part, whether or not it has seasons (any more).

    Args:
        connection: in the transaction that changes what its files say.
        noted: the part.
    """
    connection.execute(insert(stale_season_part).values(noted._asdict()))


def note_new_settings(connection: Connection, settings: str) -> None:
    """Note all seasons if they are computed by other settings than before, and note the settings.

    Args:
        connection: in a transaction.
        settings: all that decides the numbers of a season besides the ledger, as text.
    """
    lock_season_settings(connection)
    newest = select(season_setting.c.settings).order_by(season_setting.c.number.desc()).limit(1)
    if connection.scalar(newest) == settings:
        return
    connection.execute(insert(season_setting).values(settings=settings))
    _note(connection, _parts())


def stale_parts(connection: Connection) -> dict[SeasonPart, list[int]]:
    """Return the parts that are to be computed anew, in order, each with its notes."""
    notes = stale_season_part.c
    found: dict[SeasonPart, list[int]] = {}
    for year, part, note in connection.execute(
        select(notes.year, notes.part, notes.note).order_by(notes.year, notes.part, notes.note)
    ):
        found.setdefault(SeasonPart(year, part), []).append(note)
    return found


def all_parts(connection: Connection) -> list[SeasonPart]:
    """Return the parts that have seasons, in order."""
    return sorted(SeasonPart(year, part) for year, part in connection.execute(_parts()))


def are_noted(connection: Connection, notes: Sequence[int]) -> bool:
    """Return whether some of these notes are there still."""
    wanted = stale_season_part.c.note == func.any(list(notes))
    return connection.execute(select(stale_season_part.c.note).where(wanted)).first() is not None


def mark_done(connection: Connection, notes: Sequence[int]) -> None:
    """Take notes away, since what they were about is in the files."""
    connection.execute(delete(stale_season_part).where(stale_season_part.c.note == func.any(list(notes))))


def _parts() -> Select[int, int]:
    return select(year(), _part(season.c.sequence)).select_from(season).distinct()


def _part(sequence: ColumnElement[int]) -> ColumnElement[int]:
    """Return the part that the seasons of a field are in."""
    return cast(sequence.op(">>")(literal(PART_BITS, Integer)), Integer)


def _note(connection: Connection, parts: Select[int, int] | CompoundSelect[int, int]) -> None:
    connection.execute(insert(stale_season_part).from_select(["year", "part"], parts))

"""Bringing what becomes of fields into the tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from sqlalchemy import Connection, Table, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from ndvi_core.models.field import RegisteredField
from ndvi_core.models.season import RegisteredSeason
from ndvi_core.registry import stale_days, stale_seasons
from ndvi_core.registry.field_changes import Boundaries, Boundary, FieldChange
from ndvi_core.registry.rows import as_rows
from ndvi_core.registry.tables import BOUNDS, field_revision
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import season as season_table


def write_changes(connection: Connection, changes: Sequence[FieldChange], boundaries: Boundaries, source: str) -> None:
    """Write what becomes of fields, each once, and note the days and seasons whose files change by it.

    Args:
        connection: in a transaction that holds `lock_registration`.
        changes: of fields as they are in the database.
        boundaries: those of all their seasons.
        source: URI of the file that states the changes.
    """
    known = [(change.before, change.placed) for change in changes if change.before is not None]
    stale_days.note_changed_seasons(
        connection, [(before.sequence, before.seasons, placed.seasons) for before, placed in known]
    )
    stale_seasons.note_fields(connection, [before.sequence for before, _ in known])
    given = _revisions_given(connection, [before.sequence for before, _ in known])
    revisions = [_revision(change, boundaries, given) for change in changes]
    sequences = _write_fields(connection, changes, revisions, boundaries, source)
    _write_revisions(connection, changes, revisions, sequences, given, source)
    _write_seasons(connection, changes, revisions, sequences, source)
    stale_seasons.note_fields(connection, sequences)


def _revisions_given(connection: Connection, sequences: Sequence[int]) -> dict[int, int]:
    """Return the number of each field's newest boundary, by its sequence."""
    columns = field_revision.c
    query = select(columns.sequence, func.max(columns.revision).label("newest"))
    query = query.where(columns.sequence == func.any(list(sequences)))
    return {row.sequence: row.newest for row in connection.execute(query.group_by(columns.sequence))}


def _revision(change: FieldChange, boundaries: Boundaries, given: Mapping[int, int]) -> int:
    """Return the revision of the stated boundary: that of a season, if one has the same, or the next one."""
    if change.before is None:
        return 1
    sequence = change.before.sequence
    old = change.placed.corrected
    for season in (*([] if old is None else [old]), *reversed(change.before.seasons)):
        if boundaries[sequence, season.revision][1] == change.stated.geometry_hash:
            return season.revision
    return given[sequence] + 1


def _write_fields(
    connection: Connection,
    changes: Sequence[FieldChange],
    revisions: Sequence[int],
    boundaries: Boundaries,
    source: str,
) -> list[int]:
    """Insert fields, or change those that are known; what has changed is neither announced nor caught up.

    Returns:
        The sequence of each field.
    """
    last = [_last_boundary(*change, boundaries) for change in zip(changes, revisions, strict=True)]
    geometries = [geometry for _, (geometry, _) in last]
    columns: dict[str, Sequence[object]] = {
        "field_id": [change.stated.field_id for change in changes],
        "geometry": list(shapely.to_wkb(geometries)),
        "geometry_hash": [geometry_hash for _, (_, geometry_hash) in last],
        **dict(zip(BOUNDS, shapely.bounds(geometries).T.tolist(), strict=True)),
        "revision": [revision for revision, _ in last],
        "seasons_given": [
            max(change.placed.season.number, change.before.seasons_given if change.before else 0) for change in changes
        ],
    }
    new = _insertion(field_table, columns, source)
    statement = new.on_conflict_do_update(
        index_elements=["field_id"],
        set_={
            **{name: new.excluded[name] for name in (*columns, "source") if name != "field_id"},
            "announced": False,
            "caught_up": False,
            "changed_at": func.clock_timestamp(),
        },
    )
    written = connection.execute(statement.returning(field_table.c.field_id, field_table.c.sequence))
    sequences = {row.field_id: row.sequence for row in written}
    return [sequences[change.stated.field_id] for change in changes]


def _last_boundary(change: FieldChange, revision: int, boundaries: Boundaries) -> tuple[int, Boundary]:
    """Return the boundary of a field's last season, which is on the map, and its revision."""
    last = change.placed.seasons[-1]
    if change.before is not None and last.number != change.placed.season.number:
        return last.revision, boundaries[change.before.sequence, last.revision]
    return revision, (change.stated.geometry, change.stated.geometry_hash)


def _write_revisions(
    connection: Connection,
    changes: Sequence[FieldChange],
    revisions: Sequence[int],
    sequences: Sequence[int],
    given: Mapping[int, int],
    source: str,
) -> None:
    """Insert the boundaries that fields did not have until now."""
    new = [place for place, sequence in enumerate(sequences) if revisions[place] > given.get(sequence, 0)]
    boundaries = [changes[place].stated for place in new]
    columns: dict[str, Sequence[object]] = {
        "sequence": [sequences[place] for place in new],
        "revision": [revisions[place] for place in new],
        "geometry": list(shapely.to_wkb([stated.geometry for stated in boundaries])),
        "geometry_hash": [stated.geometry_hash for stated in boundaries],
    }
    connection.execute(_insertion(field_revision, columns, source))


def _write_seasons(
    connection: Connection,
    changes: Sequence[FieldChange],
    revisions: Sequence[int],
    sequences: Sequence[int],
    source: str,
) -> None:
    """Write the stated seasons, end those beside them, and remove those that are none any more."""
    ended, gone = [], []
    for change, sequence in zip(changes, sequences, strict=True):
        if change.before is None:
            continue
        ends_before = {one.number: one.end_date for one in change.before.seasons}
        ended += [
            {"its_sequence": sequence, "its_number": one.number, "its_end": one.end_date}
            for one in change.placed.seasons
            if one.number != change.placed.season.number and one.end_date != ends_before[one.number]
        ]
        gone += [{"its_sequence": sequence, "its_number": one.number} for one in change.placed.gone]
    columns = season_table.c
    is_it = (columns.sequence == bindparam("its_sequence"), columns.number == bindparam("its_number"))
    if gone:
        connection.execute(delete(season_table).where(*is_it), gone)
    if ended:
        connection.execute(update(season_table).where(*is_it).values(end_date=bindparam("its_end")), ended)
    stated = [change.placed.season for change in changes]
    values: dict[str, Sequence[object]] = {
        **{name: [getattr(season, name) for season in stated] for name in RegisteredSeason.model_fields},
        "sequence": sequences,
        "revision": revisions,
        "geometry_hash": [change.stated.geometry_hash for change in changes],
    }
    new = _insertion(season_table, values, source)
    kept = ("sequence", "number", "registered_at")
    corrected = {name: new.excluded[name] for name in (*values, "source") if name not in kept}
    connection.execute(new.on_conflict_do_update(index_elements=["sequence", "number"], set_=corrected))


def _insertion(table: Table, columns: Mapping[str, Sequence[object]], source: str) -> Insert:
    """Return the statement that inserts rows in their order, given as columns of the table: one, however many they are.

    The column `source` is the same in all.
    """
    rows = as_rows({name: (table.c[name].type, values) for name, values in columns.items()})
    values = select(*(rows.c[name] for name in columns), literal(source)).order_by(rows.c.place)
    return insert(table).from_select([*columns, "source"], values)


def write_end(
    connection: Connection, field: RegisteredField, number: int, seasons: Sequence[RegisteredSeason], **more: Any
) -> None:
    """Write another end of one of a field's seasons.

    Args:
        connection: in a transaction that holds `lock_registration`.
        field: as it is in the database.
        number: of that season.
        seasons: all, as they become.
        more: other columns of the field.
    """
    stale_days.note_changed_seasons(connection, [(field.sequence, field.seasons, seasons)])
    stale_seasons.note_fields(connection, [field.sequence])
    (ended,) = (season for season in seasons if season.number == number)
    connection.execute(
        update(season_table)
        .where(season_table.c.sequence == field.sequence, season_table.c.number == number)
        .values(end_date=ended.end_date, stated_end=ended.stated_end)
    )
    connection.execute(
        update(field_table)
        .where(field_table.c.sequence == field.sequence)
        .values(changed_at=func.clock_timestamp(), **more)
    )

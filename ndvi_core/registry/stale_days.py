"""The days whose published files do not say what is so, since a field's crop or dates were corrected.

A row that is not due any more stays in the ledger. It is not published, and when the dates are corrected back it is
published again without being computed.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Date, Insert, Select, Text, and_, cast, delete, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from ndvi_core.models.field import Field
from ndvi_core.registry.due_days import is_due
from ndvi_core.registry.tables import field as field_table
from ndvi_core.registry.tables import observation as observation_table
from ndvi_core.registry.tables import stale_day


def note_changed_fields(connection: Connection, fields: Sequence[Field]) -> None:
    """Note the days whose files change when fields get another crop or other dates.

    Another plant type or plant date stands in all rows of the field; another end date lets rows come to be due, or
    cease to be.

    Args:
        connection: in a transaction, before the fields are changed.
        fields: as they will be; those that are not registered are passed over.
    """
    new = (
        func.unnest(
            cast([field.field_id for field in fields], ARRAY(Text)),
            cast([field.plant_type for field in fields], ARRAY(Text)),
            cast([field.plant_date for field in fields], ARRAY(Date)),
            cast([field.end_date for field in fields], ARRAY(Date)),
        )
        .table_valued("field_id", "plant_type", "plant_date", "end_date")
        .render_derived(name="new")
    )
    day = observation_table.c.date
    will_be_due = and_(day >= cast(new.c.plant_date, Date), day <= func.coalesce(cast(new.c.end_date, Date), day))
    days = (
        select(day)
        .select_from(field_table)
        .join(new, new.c.field_id == field_table.c.field_id)
        .join(observation_table, observation_table.c.sequence == field_table.c.sequence)
        .where(
            or_(
                is_due(day) != will_be_due,
                field_table.c.plant_type != cast(new.c.plant_type, Text),
                field_table.c.plant_date != cast(new.c.plant_date, Date),
            )
        )
    )
    connection.execute(note(days))


def note(days: Select[Any]) -> Insert:
    """Return the statement that notes days, of a query for them.

    A day that is noted already is written again: who is about to publish it waits until this transaction ends, and has
    its changes in the file. Else the note would go with a file that does not have them.
    """
    new = insert(stale_day).from_select(["date"], days.distinct())
    return new.on_conflict_do_update(index_elements=["date"], set_={"date": new.excluded.date})


def stale_days(connection: Connection) -> list[date]:
    """Return the days whose files are to be published anew, in order."""
    return list(connection.scalars(select(stale_day.c.date).order_by(stale_day.c.date)))


def mark_published(connection: Connection, day: date) -> None:
    """Note that a day's file says what is so, in the transaction that read its rows."""
    connection.execute(delete(stale_day).where(stale_day.c.date == day))

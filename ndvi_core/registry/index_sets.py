"""The sets of indices that there have been: which columns the days' files have.

The last one is that of today. It is noted when a run records, so that commands and the API, whatever their environment
says, publish and show the same set; the files of all days then have one schema.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select

from ndvi_core.models.indices import INDICES, names_in_order
from ndvi_core.registry import stale_days
from ndvi_core.registry.database import lock_index_sets
from ndvi_core.registry.tables import index_set, observation


def register_indices(connection: Connection, names: Iterable[str]) -> bool:
    """Note the indices as those of today, unless they are already; return whether the set is a new one.

    With a new set the files of all days have other columns, and are noted to be published anew.

    Args:
        connection: in a transaction.
        names: of the indices that the deployment computes.

    Raises:
        BadInput: see `ndvi_core.models.indices.get_indices`.
    """
    wanted = names_in_order(names)
    if _newest(connection) == wanted:
        return False
    lock_index_sets(connection)
    if _newest(connection) == wanted:
        return False
    connection.execute(insert(index_set).values(names=list(wanted)))
    connection.execute(stale_days.note(select(observation.c.date)))
    return True


def current_indices(connection: Connection) -> tuple[str, ...]:
    """Return the names of the indices of today, in their order, as far as this version knows them."""
    return names_in_order(name for name in _newest(connection) if name in INDICES)


def _newest(connection: Connection) -> tuple[str, ...]:
    names = connection.scalar(select(index_set.c.names).order_by(index_set.c.number.desc()).limit(1))
    return ("ndvi",) if names is None else tuple(names)

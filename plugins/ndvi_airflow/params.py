"""What a run may be asked for: the params of its DAG, and nothing besides."""

from collections.abc import Collection, Iterable

from ndvi_airflow.defaults import RECOMPUTE
from ndvi_core.errors import BadInput


def refuse_unknown(asked: Iterable[str], known: Collection[str]) -> None:
    """Refuse keys that are no params of the DAG, which Airflow would take and nobody would read.

    Args:
        asked: the keys of a run's conf.
        known: the names of the DAG's params.

    Raises:
        BadInput: naming the unknown keys and the known ones.
    """
    if unknown := sorted(set(asked) - set(known)):
        others = f"There are {', '.join(known)}" if known else f"This DAG takes none; {RECOMPUTE} does"
        raise BadInput(f"unknown params: {', '.join(unknown)}. {others}")
